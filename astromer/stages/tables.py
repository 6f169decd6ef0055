"""Stage 9: the tables of a run, measured beside published: comparison, ablation, controls, confusion, finetuning."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from astromer.errors import InputError
from astromer.evaluation.intervals import Decisions, count_confusion, decide, f1_interval
from astromer.evaluation.published import COMPARED, COUNTERPARTS, NAMES, published
from astromer.evaluation.scores import LEVELS, read_metrics, summarise
from astromer.files import atomic_path

GENERATIONS = {"v1": "A1", "v2": "A2"}
CLASSIFIER = ["dataset", "spc", "encoder", "state", "model"]
SCORES = ["dataset", "data", "spc", "kind", "encoder", "state", "model", "level", "mean", "sd", "folds", "low", "high"]
SCORES += ["objects", "published_mean", "published_sd", "note", "source"]
CONFUSION = [*CLASSIFIER, "data", "level", "true", "predicted", "mean", "sd", "folds", "count"]
CONFUSION += ["published_mean", "published_sd", "note", "source"]
FINETUNING = ["dataset", "data", "spc", "encoder", "quantity", "mean", "sd", "folds"]
FINETUNING += ["published_mean", "published_sd", "note", "source"]
PREDICTORS = {"before": "pretrained", "after": "model", "window_mean": "window_mean"}
VISIBLE = "published: RMSE of fully visible windows, not of hidden points"

Decided = dict[tuple[Any, ...], dict[int, list[Decisions]]]


def write_tables(
    metrics: Path,
    predictions: Sequence[Path],
    folder: Path,
    *,
    sources: Sequence[Mapping[str, Any]],
    encoders: Mapping[str, Mapping[str, Any]],
    datasets: Mapping[str, Mapping[str, Any]],
    modules: Mapping[str, str],
    seed: int,
    scores: Sequence[Path] = (),
    timings: Sequence[Path] = (),
    finetunings: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write `main.csv`, `ablation.csv`, `controls.csv`, `confusion.csv` and `finetuning.csv`.

    Scores are macro F1 of the test objects: `mean` and `sd` (sample standard deviation, null for one fold) over
    `folds`, and `low` and `high`, the 95 % interval over `objects` (see `astromer.evaluation.intervals`). Published
    scores are per window of finetuned encoders, so they stand in rows of the level `window`; `note` says how their
    data and encoders differ from those of the row.

    Args:
        metrics: the run's table of scores.
        predictions: files of predictions of all classifiers of the run.
        folder: written.
        sources: for each file of predictions `encoder`, `state` (None without an encoder) and `dataset`.
        encoders: by name, `architecture` and `untrained`.
        datasets: by name `classes`, number of `folds`, `role`, `survey`, and `data` (`real` or `simulated`).
        modules: module of each head and baseline, by the name of the classifier.
        seed: seed of the resamples.
        scores, timings: `scores.csv` and `timing.csv` of each finetuning.
        finetunings: for each of them `encoder`, `dataset`, `fold` and `spc`.

    Raises:
        InputError: a fold of a classifier is missing, or predictions or scores are incomplete.
    """
    is_macro_f1 = (pl.col("metric") == "f1") & pl.col("class").is_null()
    folds = {name: range(section["folds"]) for name, section in datasets.items()}
    summary = summarise(read_metrics(metrics).filter(is_macro_f1), folds).rename({"std": "sd"})
    identity = _identities(summary, encoders, datasets, modules)
    decided = {level: _decide_all(predictions, sources, datasets, level) for level in LEVELS}
    measured = summary.join(
        _intervals(decided, datasets, seed), on=[*CLASSIFIER, "level"], how="left", nulls_equal=True
    )
    if measured["low"].has_nulls():
        row = measured.filter(pl.col("low").is_null()).row(0, named=True)
        raise InputError(f"tables: {metrics} has scores of {row['model']} on {row['dataset']}, but no predictions")
    measured = measured.join(identity, on=CLASSIFIER, nulls_equal=True)
    in_ablation = pl.col("kind").is_in(["head", "baseline"]) & ~pl.col("untrained")
    in_main = pl.concat_list("generation", "head").is_in([list(pair) for pair in COMPARED])
    tables = {
        "main": beside_published(measured.filter(in_ablation & in_main), "scores"),
        "ablation": beside_published(measured.filter(in_ablation), "ablation"),
        "controls": beside_published(measured.filter(~in_ablation), "ablation"),
        "confusion": beside_published(
            _confusions(decided, datasets).join(identity, on=CLASSIFIER, nulls_equal=True), "confusion"
        ),
    }
    columns = {"confusion": CONFUSION}
    for name, table in tables.items():
        _write(table.select(columns.get(name, SCORES)), folder / f"{name}.csv")
    changes = read_finetunings(scores, timings, finetunings)
    _write(finetuning_table(changes, encoders, datasets), folder / "finetuning.csv")


def _write(table: pl.DataFrame, path: Path) -> None:
    with atomic_path(path) as temporary:
        table.write_csv(temporary, float_precision=6)


def _identities(
    summary: pl.DataFrame,
    encoders: Mapping[str, Mapping[str, Any]],
    datasets: Mapping[str, Mapping[str, Any]],
    modules: Mapping[str, str],
) -> pl.DataFrame:
    """Return for each classifier its name in the paper (null: none), whether its encoder is untrained, and a caveat."""
    rows = []
    for key in summary.select(*CLASSIFIER, "data").unique(maintain_order=True).iter_rows(named=True):
        encoder = encoders.get(key["encoder"], {"architecture": None, "untrained": False})
        generation = None if encoder["untrained"] else GENERATIONS.get(encoder["architecture"])
        in_paper = key["encoder"] is None or generation is not None
        unlike = "encoder not finetuned, the published one was" if key["state"] == "frozen" else None
        row = {name: key[name] for name in CLASSIFIER} | {"untrained": encoder["untrained"], "generation": generation}
        row["head"] = modules.get(key["model"]) if in_paper else None
        rows.append(row | _counterpart(datasets[key["dataset"]], unlike))
    return pl.DataFrame(rows, infer_schema_length=None)


def _counterpart(dataset: Mapping[str, Any], *caveats: str | None) -> dict[str, str | None]:
    """Return the paper's dataset of the same role, and how published numbers differ from ours (null: they do not)."""
    paper = COUNTERPARTS[dataset["role"]]
    stars = None
    if dataset["data"] == "simulated":
        stars = f"simulated stars; published: real stars of {NAMES[paper]}"
    elif dataset["survey"] != paper:
        stars = f"stars of {dataset['survey']}; published: stars of {NAMES[paper]}"
    return {"paper_dataset": paper, "caveat": "; ".join(filter(None, (stars, *caveats))) or None}


def _decide_all(
    predictions: Sequence[Path], sources: Sequence[Mapping[str, Any]], datasets: Mapping[str, Any], level: str
) -> Decided:
    """Decisions about the test objects, by classifier (see `CLASSIFIER`) and fold; one per seed."""
    found: Decided = {}
    for path, source in zip(predictions, sources, strict=True):
        table = pl.read_parquet(path, glob=False).filter(pl.col("subset") == "test")
        keys = table.columns[: table.columns.index("id")]  # the columns before `id` identify a classifier
        parts = table.partition_by(keys, as_dict=True, include_key=False, maintain_order=True)
        for values, rows in parts.items():
            about = {**source, **dict(zip(keys, values, strict=True))}
            folds = found.setdefault(tuple(about[name] for name in CLASSIFIER), {})
            classes = datasets[about["dataset"]]["classes"]
            folds.setdefault(about["fold"], []).append(decide(rows, classes, level))
    return found


def _intervals(decided: Mapping[str, Decided], datasets: Mapping[str, Any], seed: int) -> pl.DataFrame:
    """The interval of every classifier: `CLASSIFIER`, `level`, `low`, `high`, `objects`."""
    rows = []
    for level, classifiers in decided.items():
        for key, folds in classifiers.items():
            every = [decisions for fold in sorted(folds) for decisions in folds[fold]]
            interval = f1_interval(every, len(datasets[key[0]]["classes"]), seed=seed)
            rows.append({**dict(zip(CLASSIFIER, key, strict=True)), "level": level, **interval._asdict()})
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"spc": pl.Int64})


def _confusions(decided: Mapping[str, Decided], datasets: Mapping[str, Any]) -> pl.DataFrame:
    """Confusion matrices in long form: `mean` and `sd` over folds of the fraction of the true class, and `count`."""
    rows = []
    for level, classifiers in decided.items():
        for key, folds in classifiers.items():
            section = datasets[key[0]]
            classes = section["classes"]
            counts = np.stack(
                [sum(count_confusion(one, len(classes)) for one in folds[fold]) for fold in sorted(folds)]
            )
            totals = counts.sum(axis=2, keepdims=True)
            fractions = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
            sd = fractions.std(axis=0, ddof=1) if len(folds) > 1 else np.full(counts.shape[1:], np.nan)
            about = {**dict(zip(CLASSIFIER, key, strict=True)), "data": section["data"], "level": level}
            for (true, predicted), mean in np.ndenumerate(fractions.mean(axis=0)):
                cell = {"true": classes[true], "predicted": classes[predicted], "mean": mean, "sd": sd[true, predicted]}
                rows.append({**about, **cell, "folds": len(folds), "count": int(counts[:, true, predicted].sum())})
    table = pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"spc": pl.Int64})
    return table.with_columns(pl.col("mean", "sd").fill_nan(None)).sort([*CLASSIFIER, "level"], maintain_order=True)


def beside_published(measured: pl.DataFrame, table: str) -> pl.DataFrame:
    """Add `published_mean`, `published_sd`, `source` and `note` to rows of the level `window`.

    Args:
        measured: rows with `spc`, `level`, `paper_dataset`, `generation`, `head` and `caveat`; for `confusion` also
            `true` and `predicted`.
        table: name of a table of `astromer.evaluation.published`.
    """
    values = published(table).rename({"mean": "published_mean", "sd": "published_sd", "model": "generation"})
    if "defect" not in values.columns:
        values = values.with_columns(pl.lit(None, pl.String).alias("defect"))
    keys = ["spc", "generation", "head", *[name for name in ("true", "predicted") if name in values.columns]]
    values = values.rename({"dataset": "paper_dataset"}).with_columns(pl.lit("window").alias("level"))
    if table == "confusion":
        measured = _without_other_classes(measured, values)
    both = measured.join(
        values, on=["paper_dataset", "level", *keys], how="left", nulls_equal=True, maintain_order="left"
    )
    defect = pl.when(pl.col("defect").is_not_null()).then(pl.format("published head: {}", "defect"))
    note = pl.concat_str("caveat", defect, separator="; ", ignore_nulls=True)
    is_published = pl.col("published_mean").is_not_null() & (note != "")
    return both.with_columns(pl.when(is_published).then(note).alias("note"))


def _without_other_classes(measured: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """Take the paper's dataset from rows with other classes, because a fraction depends on what else there is."""
    classes = {paper: set(rows["true"]) for (paper,), rows in values.group_by("paper_dataset")}
    parts = []
    for (_, paper), rows in measured.group_by("dataset", "paper_dataset", maintain_order=True):
        same = set(rows["true"]) == classes[paper]
        parts.append(rows if same else rows.with_columns(pl.lit(None, pl.String).alias("paper_dataset")))
    return pl.concat(parts)


def read_finetunings(
    scores: Sequence[Path], timings: Sequence[Path], finetunings: Sequence[Mapping[str, Any]]
) -> pl.DataFrame:
    """Return one row per finetuning and quantity: `encoder`, `dataset`, `fold`, `spc`, `quantity`, `value`.

    Quantities: RMSE [mag] and R2 at hidden points of the test objects before and after finetuning, RMSE of the mean of
    the visible points (`rmse_window_mean`), and `minutes` of training, null for a job that was killed and resumed.

    Raises:
        InputError: scores lack a predictor.
    """
    rows = []
    for path, timing, about in zip(scores, timings, finetunings, strict=True):
        found = {row["predictor"]: row for row in pl.read_csv(path, glob=False).iter_rows(named=True)}
        if missing := set(PREDICTORS.values()) - found.keys():
            raise InputError(f"{path}: expected rows of {', '.join(sorted(missing))}, found {', '.join(found)}")
        values = {f"rmse_{name}": found[predictor]["rmse_hidden"] for name, predictor in PREDICTORS.items()}
        values |= {f"r2_{name}": found[PREDICTORS[name]]["r2_hidden"] for name in ("before", "after")}
        values["minutes"] = pl.read_csv(timing, schema={"minutes": pl.Float64}, glob=False)["minutes"].item()
        rows += [{**about, "quantity": quantity, "value": value} for quantity, value in values.items()]
    columns = {"encoder": pl.String, "dataset": pl.String, "fold": pl.Int64, "spc": pl.Int64}
    return pl.DataFrame(rows, schema={**columns, "quantity": pl.String, "value": pl.Float64})


def finetuning_table(
    changes: pl.DataFrame, encoders: Mapping[str, Mapping[str, Any]], datasets: Mapping[str, Mapping[str, Any]]
) -> pl.DataFrame:
    """Average what `read_finetunings` returns over folds, beside the published values of Astromer 2."""
    measured = changes.group_by("dataset", "spc", "encoder", "quantity", maintain_order=True).agg(
        pl.col("value").mean().alias("mean"),
        pl.col("value").std(ddof=1).alias("sd"),
        pl.col("value").count().alias("folds"),
    )
    generations = {name: GENERATIONS.get(section["architecture"]) for name, section in encoders.items()}
    labels = [{"dataset": name, "data": of["data"], **_counterpart(of)} for name, of in datasets.items()]
    named = measured.join(pl.DataFrame(labels, infer_schema_length=None), on="dataset", maintain_order="left")
    named = named.with_columns(
        pl.col("encoder").replace_strict(generations, return_dtype=pl.String).alias("generation")
    )
    values = published("finetuning").drop("min", "max")
    values = values.rename(
        {"dataset": "paper_dataset", "model": "generation", "mean": "published_mean", "sd": "published_sd"}
    )
    both = named.join(values, on=["paper_dataset", "spc", "generation", "quantity"], how="left", maintain_order="left")
    how = pl.when(pl.col("quantity") != "minutes").then(pl.lit(VISIBLE)).otherwise(pl.lit("published: another machine"))
    note = pl.concat_str("caveat", how, separator="; ", ignore_nulls=True)
    return both.with_columns(pl.when(pl.col("published_mean").is_not_null()).then(note).alias("note")).select(
        FINETUNING
    )
