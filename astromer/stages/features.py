"""Stage 3: features of the light curves of a survey, computed once for the summary objective and for all controls."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from astromer.config.statistics import STATISTICS
from astromer.data.targets import summary_targets
from astromer.evaluation.features import features_of
from astromer.files import atomic_path


def extract_features(observations: Path, features: Path, *, period_factor: float = 1.0) -> None:
    """Describe each object of one shard of a survey.

    Args:
        observations: table of the shard.
        features: written, see `astromer.evaluation.features.features_of`.
        period_factor: multiplies the periods with which light curves are folded; not 1 in a control.
    """
    with atomic_path(features) as temporary:
        features_of(pl.scan_parquet(observations), period_factor=period_factor).write_parquet(temporary)


def write_summary_targets(features: Sequence[Path], split: Path, targets: Path) -> None:
    """Rank the statistics of all objects among those of the training objects of pretraining.

    Args:
        features: tables of all shards of all surveys of the run.
        split: sets of pretraining of all surveys.
        targets: written, see `astromer.data.targets.summary_targets`.
    """
    # Records name objects by id alone; surveys that share an id observed the same star.
    statistics = pl.concat(pl.read_parquet(path, columns=["id", *STATISTICS]) for path in features)
    statistics = statistics.unique("id", keep="first", maintain_order=True)
    training = pl.read_parquet(split).filter(pl.col("subset") == "train")["id"]
    with atomic_path(targets) as temporary:
        summary_targets(statistics, training.to_list()).write_parquet(temporary)
