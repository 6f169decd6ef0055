"""What all classifiers read and write: embeddings; predictions and scores, in one file for all of a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from astromer.evaluation.predictions import of_classifier
from astromer.evaluation.scores import score_predictions, tag_scores
from astromer.files import atomic_path


@dataclass
class Results:
    """Predictions and scores of the classifiers of one dataset and fold.

    Attributes:
        classes: the dataset's ordered class list.
        tags: columns that all classifiers share, see `astromer.evaluation.scores.tag_scores`.
        tables: further tables by file name, such as `history.csv`; one per classifier.
    """

    classes: Sequence[str]
    tags: Mapping[str, Any]
    predictions: list[pl.DataFrame] = field(default_factory=list)
    scores: list[pl.DataFrame] = field(default_factory=list)
    tables: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def add(
        self, model: str, kind: str, spc: int, predictions: Mapping[str, pl.DataFrame], **tables: pl.DataFrame
    ) -> None:
        """Score the predictions of one classifier.

        Args:
            model, kind, spc: name and kind of the classifier, and samples per class.
            predictions: tables of `astromer.evaluation.predictions` by subset, `test` and perhaps `validation`.
            **tables: further tables, by the stem of the file in which they are collected.
        """
        for subset, table in predictions.items():
            self.predictions.append(of_classifier(table, model=model, spc=spc, subset=subset))
        scores = score_predictions(predictions["test"], self.classes)
        self.scores.append(tag_scores(scores, **self.tags, spc=spc, model=model, kind=kind))
        for name, table in tables.items():
            keys = [pl.lit(model).alias("model"), pl.lit(spc).alias("spc")]
            self.tables.setdefault(name, []).append(table.select(*keys, pl.all()))

    def write(self, folder: Path) -> None:
        """Write `predictions.parquet`, `metrics.csv` and the further tables to `folder`."""
        with atomic_path(folder / "predictions.parquet") as temporary:
            pl.concat(self.predictions).write_parquet(temporary)
        for name, tables in {"metrics": self.scores, **self.tables}.items():
            with atomic_path(folder / f"{name}.csv") as temporary:
                pl.concat(tables, how="diagonal").write_csv(temporary)


def read_embeddings(path: Path, spc: Sequence[int]) -> dict[int, pl.DataFrame]:
    """Read embeddings by SPC; those of a finetuned encoder have the column `spc`, because each SPC has its own."""
    table = pl.read_parquet(path)
    if "spc" not in table.columns:
        return dict.fromkeys(spc, table)
    return {size: table.filter(pl.col("spc") == size).drop("spc") for size in spc}
