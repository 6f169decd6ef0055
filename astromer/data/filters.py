"""The filters of a survey: which rule rejects an observation or an object, if any."""

from collections.abc import Iterable

import numpy as np
import polars as pl

RULES = pl.Enum(
    [
        "unreadable line",
        "missing value",
        "not a finite number",
        "error out of range",
        "second file of the object",
        "time repeated",
        "magnitude beyond percentiles",
    ]
)


def judge_observations(rows: pl.DataFrame, filters: dict, files: pl.DataFrame | None, *, repeats: bool) -> pl.DataFrame:
    """Add the column `rule`: the first rule that rejects the row, null where none does.

    Args:
        rows: columns of `RAW_SCHEMA`, sorted by id and time.
        filters: the survey's `filters`.
        files: the files of each object, of which only the first counts; None if they all do.
        repeats: whether an object may have a time twice.
    """
    surplus = [] if files is None else files.filter(~pl.col("id").is_first_distinct())["file"]
    rule = _observation_rule(filters, surplus).cast(RULES)
    judged = rows.with_columns(rule=rule)
    if repeats:
        judged = judged.with_columns(rule=pl.coalesce("rule", _rejected(_time_repeated(), "time repeated")))
    if filters["clip_percentiles"]:
        clipped = _beyond_percentiles(*filters["clip_percentiles"])
        judged = judged.with_columns(rule=pl.coalesce("rule", _rejected(clipped, "magnitude beyond percentiles")))
    return judged


def _rejected(condition: pl.Expr, rule: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(rule, RULES))


def _observation_rule(filters: dict, surplus_files: Iterable[str]) -> pl.Expr:
    """Name the first rule that rejects a row by itself, null where none does."""
    numbers = ["mjd", "mag", "err_mag"]
    err = pl.col("err_mag")
    rule = (
        pl.when(pl.any_horizontal(pl.col(numbers).is_null()))
        .then(pl.lit("unreadable line"))
        .when(pl.any_horizontal(pl.col(numbers).is_nan()))
        .then(pl.lit("missing value"))
        .when(~pl.all_horizontal(pl.col(numbers).is_between(-np.inf, np.inf, closed="none")))
        .then(pl.lit("not a finite number"))
        .when((err <= 0) | (err >= filters["max_err_mag"]))
        .then(pl.lit("error out of range"))
    )
    surplus = list(surplus_files)
    return rule.when(pl.col("file").is_in(surplus)).then(pl.lit("second file of the object")) if surplus else rule


def _time_repeated() -> pl.Expr:
    """Hold for every row but the first among an object's not yet rejected rows of the same time (rows are sorted)."""
    accepted = pl.col("rule").is_null()
    same = [pl.col(name) == pl.when(accepted).then(pl.col(name)).forward_fill().shift() for name in ("id", "mjd")]
    return accepted & pl.all_horizontal(same)


def _beyond_percentiles(low: float, high: float) -> pl.Expr:
    """Hold for the not yet rejected rows outside these percentiles of their object's magnitudes."""
    accepted = pl.col("rule").is_null()
    mag = pl.when(accepted).then(pl.col("mag"))
    bounds = [mag.quantile(percentile / 100, "linear").over("id") for percentile in (low, high)]
    return accepted & ~pl.col("mag").is_between(*bounds)


def judge_objects(catalog: pl.DataFrame, files: pl.DataFrame, kept: pl.DataFrame, filters: dict) -> pl.DataFrame:
    """List the objects of the catalogue or the light curves, and the rule that rejects each, null where none does.

    Args:
        catalog: one row for each object.
        files: the files of each object that has observations, the first one first.
        kept: the observations that no rule has rejected.
        filters: the survey's `filters`.

    Returns:
        The catalogue's columns, `file`, `num_obs` (of `kept`) and `rule`, sorted by id.
    """
    least = filters["variability"] or {}
    moments = [  # undefined ones, as the skewness of equal magnitudes, exceed nothing
        getattr(pl.col("mag"), name)().fill_nan(None).fill_null(float("-inf")).alias(f"mag_{name}") for name in least
    ]
    counts = kept.lazy().group_by("id").agg(pl.len().alias("num_obs"), *moments).cast({"id": pl.String})
    # Streams take less memory, but meet in any order: sums of magnitudes would differ in their last bits.
    counts = counts.collect(engine="in-memory" if moments else "streaming")
    objects = (
        catalog.with_columns(listed=True)
        .join(files.unique("id", keep="first"), on="id", how="full", coalesce=True)
        .join(counts, on="id", how="left")
        .with_columns(pl.col("num_obs").fill_null(0).cast(pl.UInt32))
        .sort("id")
    )
    return objects.with_columns(
        rule=pl.when(pl.col("listed").is_null())
        .then(pl.lit("not in the catalogue"))
        .when(pl.col("file").is_null())
        .then(pl.lit("no light curve"))
        .when(pl.col("num_obs") < filters["min_observations"])
        .then(pl.lit("too few observations"))
        .when(~pl.all_horizontal([pl.col(f"mag_{name}") > bound for name, bound in least.items()] or [pl.lit(True)]))
        .then(pl.lit("not variable enough"))
    )
