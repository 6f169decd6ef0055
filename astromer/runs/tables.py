"""Tables of the report: selection, captions, and cells as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import filter as matching
from pathlib import Path
from typing import Any

import polars as pl

from astromer.evaluation.scores import read_metrics, summarise


@dataclass(frozen=True)
class Table:
    """A table of the report; a click on the head of a column sorts it.

    Attributes:
        title, caption: what it holds, and how to read it.
        columns, rows: heads and cells, as text.
        file: the file that it shows, relative to the results; empty if there is none.
    """

    title: str
    caption: str
    columns: list[str]
    rows: list[list[str]]
    file: str = ""

    @classmethod
    def of(cls, frame: pl.DataFrame, title: str, caption: str, file: str = "") -> "Table":
        """Make a table of a data frame."""
        return cls(title, caption, frame.columns, [[_cell(value) for value in row] for row in frame.iter_rows()], file)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


SMALLEST_OF_THREE_DECIMALS = 0.001
PUBLISHED = (
    " Published numbers stand in columns of their own, in rows of the level `window`; the note says how their stars "
    "and encoders differ from ours."
)

# Section, title and caption of each table that is stored as it is shown, by the pattern of its files.
STORED = {
    "splits/counts.csv": (
        "Data",
        "Objects of each set",
        "Objects of each class in each set. A number below `asked` means that the class has too few objects "
        "(`short_classes: cap`, or a test set of all that are left).",
    ),
    "parquet/*/quality.csv": (
        "Data",
        "Read, kept and rejected",
        "What ingest read from the survey's dump, what it kept, and how many objects and observations each rule "
        "rejected.",
    ),
    "parquet/*/examples.csv": (
        "Data",
        "Examples of rejections",
        "Up to five rejected objects and observations for each rule, with the file and line where they stand. "
        "An empty table means that nothing was rejected.",
    ),
    "splits/audit.csv": (
        "Data",
        "Leakage audit",
        "Every boundary between learning and testing, compared star by star: by id, within a survey and among surveys "
        "of one id space, and by distance on the sky. The workflow stops where a leak is found. Status `allowed`: "
        "pairs of a star that one fold tests on and another learns from, which are only counted. Status `unmatched`: "
        "two surveys with objects that can be matched neither by id nor by position, so that it is not known whether "
        "they are the same stars (`learned` and `tested` are then the numbers of objects without a position), or an "
        "imported encoder of which it is not known what it learned from. Status `seen`: pairs of a test star of the "
        "run and a star that an imported encoder has learned from.",
    ),
    "pretrain/*/scores.csv": (
        "Pretraining",
        "Reconstruction of held-out stars",
        "Reconstruction of held-out windows beside two predictors that learned nothing, at hidden points alone and at "
        "all probed points (RMSE in mag).",
    ),
    "tables/finetuning.csv": (
        "Encoder",
        "Before and after finetuning",
        "RMSE [mag] and R² at hidden points of the test objects before and after finetuning, RMSE of the mean of the "
        "visible points, and minutes of training; mean and sample standard deviation over folds." + PUBLISHED,
    ),
    "tables/main.csv": (
        "Classification",
        "Astromer 1 and 2",
        "Macro F1 of the paper's main comparison: mean and sample standard deviation over folds, and a 95 % bootstrap "
        "interval over objects." + PUBLISHED,
    ),
    "tables/ablation.csv": (
        "Classification",
        "Heads and baselines",
        "Macro F1 of every head on every encoder, and of every network without one." + PUBLISHED,
    ),
    "tables/controls.csv": (
        "Classification",
        "Controls",
        "Macro F1 of classical models on vectors and on features, and of untrained encoders.",
    ),
}


def stored_tables(folder: Path, files: Sequence[str], section: str) -> Iterator[Table]:
    """Yield the tables of a section, among these files, that the workflow stored as they are shown."""
    for pattern, (place, title, caption) in STORED.items():
        for file in sorted(matching(files, pattern)) if place == section else []:
            named = f"{title}: {Path(file).parent.name}" if "*" in pattern else title
            yield Table.of(pl.read_csv(folder / file), named, caption, file)


def claims_table(folder: Path) -> Table:
    """Return the claims, with the interval in one column."""
    value = pl.col("difference", "low", "high")
    # Three decimals would round the sign of a smaller number away, and so contradict the verdict.
    digits = pl.when(value.abs() < SMALLEST_OF_THREE_DECIMALS).then(value.round_sig_figs(2)).otherwise(value.round(3))
    frame = pl.read_csv(folder / "tables/claims.csv").with_columns(digits)
    interval = pl.format("{} to {}", "low", "high").alias("95 % interval")
    spc = pl.when(pl.col("first_spc") == pl.col("second_spc")).then(pl.col("first_spc").cast(pl.String))
    spc = spc.otherwise(pl.format("{} and {}", "first_spc", "second_spc")).alias("samples per class")
    columns = ["dataset", "claim", "first", "second", spc, "difference", interval, "verdict", "folds", "objects"]
    return Table.of(
        frame.select(columns),
        "Claims",
        "Each row is the claim that the first classifier has a higher macro F1 per object than the second: the "
        "difference, its 95 % interval from a paired bootstrap over test objects and folds, and the verdict. A claim "
        "`holds` if the whole interval is above 0, `does not hold` if all of it is below, and is `undecided` "
        "otherwise.",
        "tables/claims.csv",
    )


def scores_table(folder: Path, datasets: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return macro F1 of every classifier, per object and per window, as mean and standard deviation over folds."""
    folds = {name: range(section["folds"]) for name, section in datasets.items()}
    metrics = read_metrics(folder / "tables/metrics.csv").filter(pl.col("metric") == "f1", pl.col("class").is_null())
    summary = summarise(metrics, folds)
    keys = ["dataset", "spc", "kind", "model", "encoder", "state", "folds"]
    levels = [
        summary.filter(level=level).select(*keys, pl.col("mean", "std").name.suffix(f" per {level}"))
        for level in ("object", "window")
    ]
    wide = levels[0].join(levels[1], on=keys, nulls_equal=True, maintain_order="left")
    return Table.of(
        wide.sort("dataset", "spc", "mean per object", descending=[False, False, True]),
        "Macro F1 of every classifier",
        "Mean and sample standard deviation over folds. Folds are independent draws whose test sets overlap, so the "
        "standard deviation is a spread and not an error of the mean. All scores, of every fold, metric and class, "
        "are in the file.",
        "tables/metrics.csv",
    )
