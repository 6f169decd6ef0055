"""Stage 3: features of the light curves of a survey, computed once for the summary objective and for all controls."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from astromer.config.statistics import STATISTICS
from astromer.data.targets import summary_targets
from astromer.errors import InputError
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


def write_summary_targets(
    features: Sequence[Path], split: Path, targets: Path, *, surveys: Sequence[str], id_spaces: Mapping[str, str]
) -> None:
    """Rank the statistics of all objects among those of the training objects of pretraining.

    Args:
        features: tables of all shards of the surveys whose stars get targets.
        split: sets of pretraining of all surveys.
        targets: written, see `astromer.data.targets.summary_targets`.
        surveys: the survey of each of the tables.
        id_spaces: id space of each survey that has one; any other survey has its own.

    Raises:
        InputError: two id spaces have an object of the same id, and records name objects by their ids alone.
    """
    tables = [
        pl.read_parquet(path, columns=["id", *STATISTICS]).with_columns(
            survey=pl.lit(survey), space=pl.lit(id_spaces.get(survey, f"survey {survey}"))
        )
        for path, survey in zip(features, surveys, strict=True)
    ]
    statistics = pl.concat(tables).unique(["id", "space"], keep="first", maintain_order=True)
    if twice := statistics.filter(pl.col("id").is_duplicated()).sort("id").head(2).rows(named=True):
        raise InputError(
            f"the surveys {twice[0]['survey']} and {twice[1]['survey']} both have an object {twice[0]['id']}; expected "
            "one `id_space` in both sections if they are one star, or else encoders with `summary_weight: 0`"
        )
    training = pl.read_parquet(split).filter(pl.col("subset") == "train")["id"]
    with atomic_path(targets) as temporary:
        summary_targets(statistics.drop("survey", "space"), training.to_list()).write_parquet(temporary)
