"""Input and output of all classifiers: stored embeddings; predictions and scores, one file per job."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from astromer.evaluation.predictions import of_classifier
from astromer.evaluation.scores import score_classifier, tag_scores
from astromer.files import atomic_path

NO_CALIBRATION = {"temperature": False, "coverage": None}
HELD_OUT = "held_out"  # subset of the training objects, each predicted by a model that was fitted without it


@dataclass
class Results:
    """Predictions and scores of the classifiers of one dataset.

    Attributes:
        classes: the dataset's ordered class list.
        tags: columns that all classifiers share, see `astromer.evaluation.scores.tag_scores`.
        temperature, coverage: what to score of calibration, see `astromer.evaluation.scores.score_calibration`.
        tables: further tables by file name, such as `history.csv`; one per classifier.
    """

    classes: Sequence[str]
    tags: Mapping[str, Any]
    temperature: bool = False
    coverage: float | None = None
    predictions: list[pl.DataFrame] = field(default_factory=list)
    scores: list[pl.DataFrame] = field(default_factory=list)
    tables: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def add(
        self,
        model: str,
        kind: str,
        predictions: Mapping[str, pl.DataFrame],
        *,
        fold: int,
        spc: int,
        seed: int,
        **tables: pl.DataFrame,
    ) -> None:
        """Score the predictions of one classifier.

        Args:
            model, kind: name and kind of the classifier.
            predictions: tables of `astromer.evaluation.predictions` by subset: `test`, and what else there is.
            fold, spc, seed: fold, samples per class, and number of the initialisation.
            **tables: further tables, by the stem of the file in which they are collected.
        """
        for subset, table in predictions.items():
            named = of_classifier(table, model=model, fold=fold, spc=spc, seed=seed, subset=subset)
            self.predictions.append(named)
        calibration = {"temperature": self.temperature, "coverage": self.coverage}
        scores = score_classifier(predictions, self.classes, **calibration)
        tagged = tag_scores(scores, **self.tags, fold=fold, spc=spc, seed=seed, model=model, kind=kind)
        self.scores.append(tagged)
        for name, table in tables.items():
            keys = {"model": model, "fold": fold, "spc": spc, "seed": seed}
            columns = [pl.lit(value).alias(key) for key, value in keys.items()]
            self.tables.setdefault(name, []).append(table.select(*columns, pl.all()))

    def write(self, folder: Path) -> None:
        """Write `predictions.parquet`, `metrics.csv` and the further tables to `folder`."""
        with atomic_path(folder / "predictions.parquet") as temporary:
            pl.concat(self.predictions).write_parquet(temporary)
        for name, tables in {"metrics": self.scores, **self.tables}.items():
            with atomic_path(folder / f"{name}.csv") as temporary:
                pl.concat(tables, how="diagonal").write_csv(temporary)


def read_embeddings(path: Path, folds: Sequence[int], spc: Sequence[int]) -> Iterator[tuple[int, int, pl.DataFrame]]:
    """Yield fold, SPC and the vectors for it, one after the other.

    Vectors of finetuned encoders have the columns `fold` and `spc`, because each of these has an encoder of its own.
    """
    table = pl.scan_parquet(path, glob=False)
    shared = None if "spc" in table.collect_schema() else table.collect()
    for fold in folds:
        for size in spc:
            own = shared if shared is not None else table.filter(fold=fold, spc=size).drop("fold", "spc").collect()
            yield fold, size, own
