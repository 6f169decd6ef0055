"""Stages 7 and 8, at their end: the scores of all classifiers in one table."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from astromer.evaluation.scores import read_metrics
from astromer.files import atomic_path


def collect_metrics(scores: Sequence[Path], metrics: Path) -> None:
    """Join the scores of single runs into one tidy table."""
    with atomic_path(metrics) as temporary:
        pl.concat(read_metrics(path) for path in scores).write_csv(temporary)
