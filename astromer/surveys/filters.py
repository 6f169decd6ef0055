"""The filters of a survey: which rule rejects an observation or an object, if any."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from astromer.config.surveys import Filters

RULES = pl.Enum(
    [
        "unreadable line",
        "missing value",
        "not a finite number",
        "time out of range",
        "magnitude out of range",
        "error out of range",
        "second file of the object",
        "time repeated",
        "magnitude beyond percentiles",
        "too few observations in the band",
        "band not variable enough",
    ]
)


def light_curve_key(columns: Iterable[str]) -> list[str]:
    """Return the columns that identify the light curve of an observation."""
    return ["id", "band"] if "band" in columns else ["id"]


def judge_observations(
    rows: pl.DataFrame, filters: Filters, files: pl.DataFrame | None, *, repeats: bool
) -> pl.DataFrame:
    """Add the column `rule`: the first rule that rejects the row, or null.

    Where each band is a light curve, the filters of objects apply to each band.

    Args:
        rows: columns of `raw_schema`, sorted by id, band (if there is one) and time.
        filters: the survey's `filters`.
        files: the files of each object, if only the first of them counts; None if all do.
        repeats: whether an object may have observations with equal times.
    """
    surplus = [] if files is None else files.filter(~pl.col("id").is_first_distinct())["file"]
    key = light_curve_key(rows.columns)
    judged = rows.with_columns(rule=_observation_rule(filters, surplus).cast(RULES))
    further = []
    if repeats:
        further.append((_time_repeated(key), "time repeated"))
    if filters.clip_percentiles:
        further.append((_beyond_percentiles(key, *filters.clip_percentiles), "magnitude beyond percentiles"))
    if "band" in key:
        accepted = pl.when(pl.col("rule").is_null()).then(pl.col("mag"))
        moments = [_moment(name, accepted).over(key) > bound for name, bound in _least(filters).items()]
        further.append((accepted.count().over(key) < filters.min_observations, "too few observations in the band"))
        further.append((~pl.all_horizontal(moments or [pl.lit(True)]), "band not variable enough"))
    for condition, rule in further:
        judged = judged.with_columns(rule=pl.coalesce("rule", _rejected(condition, rule)))
    return judged


def _rejected(condition: pl.Expr, rule: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(rule, RULES))


def _observation_rule(filters: Filters, surplus_files: Iterable[str]) -> pl.Expr:
    """Return an expression for the first rule that rejects a row by its own values, or null."""
    numbers = ["mjd", "mag", "err_mag"]
    err = pl.col("err_mag")
    rule = (
        pl.when(pl.any_horizontal(pl.col(numbers).is_null()))
        .then(pl.lit("unreadable line"))
        .when(pl.any_horizontal(pl.col(numbers).is_nan()))
        .then(pl.lit("missing value"))
        .when(~pl.all_horizontal(pl.col(numbers).is_between(-np.inf, np.inf, closed="none")))
        .then(pl.lit("not a finite number"))
        .when(~pl.col("mjd").is_between(filters.mjd_range[0], filters.mjd_range[1]))
        .then(pl.lit("time out of range"))
        .when(~pl.col("mag").is_between(filters.mag_range[0], filters.mag_range[1]))
        .then(pl.lit("magnitude out of range"))
        .when((err <= 0) | (err >= filters.max_err_mag))
        .then(pl.lit("error out of range"))
    )
    surplus = list(surplus_files)
    return rule.when(pl.col("file").is_in(surplus)).then(pl.lit("second file of the object")) if surplus else rule


def _time_repeated(key: list[str]) -> pl.Expr:
    """Select a light curve's accepted rows whose time equals that of an earlier accepted row (rows are sorted)."""
    accepted = pl.col("rule").is_null()
    same = [pl.col(name) == pl.when(accepted).then(pl.col(name)).forward_fill().shift() for name in (*key, "mjd")]
    return accepted & pl.all_horizontal(same)


def _beyond_percentiles(key: list[str], low: float, high: float) -> pl.Expr:
    """Select the accepted rows outside these percentiles of their light curve's accepted magnitudes."""
    accepted = pl.col("rule").is_null()
    mag = pl.when(accepted).then(pl.col("mag"))
    lower, upper = (mag.quantile(percentile / 100, "linear").over(key) for percentile in (low, high))
    return accepted & ~pl.col("mag").is_between(lower, upper)


def _least(filters: Filters) -> dict[str, float]:
    """Return the lower bounds of the moments of magnitudes."""
    bounds = filters.variability.plain() if filters.variability else {}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _moment(name: str, mag: pl.Expr) -> pl.Expr:
    """Return an expression for a moment of magnitudes; an undefined one, such as a skewness, exceeds no bound."""
    return getattr(mag, name)().fill_nan(None).fill_null(float("-inf"))


def measure_objects(kept: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """Count the accepted observations of each object, and compute the moments of its magnitudes that have a bound.

    Returns:
        id, `num_obs`, and `mag_<moment>` for each moment that has a bound; objects without observations are absent.
        Where each band is a light curve, it has been judged by itself, and the moments are absent.
    """
    least = {} if "band" in kept.columns else _least(filters)
    moments = [_moment(name, pl.col("mag")).alias(f"mag_{name}") for name in least]
    counts = kept.lazy().group_by("id").agg(pl.len().alias("num_obs"), *moments).cast({"id": pl.String})
    # The streaming engine takes less memory, but adds in any order: sums of magnitudes would differ in their last bits.
    return counts.collect(engine="in-memory" if moments else "streaming")


def judge_objects(
    catalog: pl.DataFrame, files: pl.DataFrame, measured: pl.DataFrame, filters: Filters, *, each_band: bool
) -> pl.DataFrame:
    """List the objects of the catalogue and of the light curves with the first rule that rejects each, or null.

    Args:
        catalog: one row per object; `contradicts` marks objects whose class is unknown because their rows disagree.
        files: the files of each object that has observations, in order.
        measured: see `measure_objects`.
        filters: the survey's `filters`.
        each_band: whether each band is a light curve, which has been judged by itself.

    Returns:
        The catalogue's columns, `file`, the columns of `measured`, and `rule`, sorted by id.
    """
    bounds = {name: bound for name, bound in _least(filters).items() if not each_band}
    objects = (
        catalog.with_columns(listed=True)
        .join(files.unique("id", keep="first"), on="id", how="full", coalesce=True)
        .join(measured, on="id", how="left")
        .with_columns(pl.col("num_obs").fill_null(0).cast(pl.UInt32))
        .sort("id")
    )
    return objects.with_columns(
        rule=pl.when(pl.col("listed").is_null())
        .then(pl.lit("not in the catalogue"))
        .when(pl.col("file").is_null())
        .then(pl.lit("no light curve"))
        .when(pl.col("contradicts"))
        .then(pl.lit("rows of several classes"))
        .when(pl.col("num_obs") < filters.min_observations)
        .then(pl.lit("no band is left" if each_band else "too few observations"))
        .when(~pl.all_horizontal([pl.col(f"mag_{name}") > bound for name, bound in bounds.items()] or [pl.lit(True)]))
        .then(pl.lit("not variable enough"))
    )
