"""Numbers that describe light curves without an encoder: targets of the summary objective, and controls of embeddings.

Three kinds of them are compared with embeddings: `statistics` of the magnitudes alone; `period`, that is the best
period, its signal-to-noise, its amplitude and the smoothness of the folded light curve; and `features`, all of
`astromer.data.statistics` and the features of the package light-curve (Malanchev et al. 2021, MNRAS 502, 5147).
"""

from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl

from astromer.config.statistics import MAGNITUDE_STATISTICS, STATISTICS
from astromer.data.pieces import light_curve_key, whole_objects
from astromer.data.statistics import light_curve_statistics
from astromer.errors import InputError

ROWS_AT_ONCE = 2**18

PERIOD_FEATURES = ("log_period", "log_snr", "log_amplitude", "eta_folded", "eta_folded_twice")
PREFIX = "lc_"  # of the features of the package light-curve


def features_of(observations: pl.DataFrame | pl.LazyFrame, *, period_factor: float = 1.0) -> pl.DataFrame:
    """Describe each object by its features, in memory that does not depend on the size of the survey.

    Args:
        observations: `id`, `mjd` [days], `mag`, `err_mag`, sorted by id and mjd; `polars.scan_parquet(file)` is read
            in pieces. Of an object with several bands (`band`, by which it is sorted after the id), that with the most
            observations is described: the mean of two periods is none.
        period_factor: multiplies the period before the light curve is folded with it. 1.01 is the control that shows
            whether a classifier depends on the period.

    Returns:
        One row per object, in the order of the observations: `id` and float64 columns, which are
        `astromer.config.statistics.STATISTICS`, then the features `lc_...` of light-curve; null where one is undefined.

    Raises:
        InputError: there are no observations, they are not sorted by id, or light-curve is not installed.
    """
    tables = [_describe(rows, period_factor) for rows in whole_objects(observations.lazy(), ROWS_AT_ONCE)]
    if not tables:
        raise InputError("features: there are no observations")
    table = pl.concat(tables)
    numbers = pl.col(table.columns[1:])
    return table.with_columns(pl.when(numbers.is_finite()).then(numbers))


def columns_of(kind: str, features: pl.DataFrame) -> list[str]:
    """Return the columns of one kind, `statistics`, `period` or `features`, of a table of `features_of`.

    Raises:
        InputError: there is no such kind.
    """
    kinds = {"statistics": MAGNITUDE_STATISTICS, "period": PERIOD_FEATURES, "features": features.columns[1:]}
    if kind not in kinds:
        raise InputError(f"kind of features is {kind!r}; expected one of {', '.join(kinds)}")
    return list(kinds[kind])


def features_of_objects(features: pl.DataFrame, objects: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Return the features of one kind of objects (`id`, `label`), in their order, with `id` and `label`."""
    columns = features.select("id", *columns_of(kind, features))
    return objects.select("id", "label").join(columns, on="id", how="left", maintain_order="left")


def failures(features: pl.DataFrame) -> pl.DataFrame:
    """Count the objects for which a feature is undefined.

    Returns:
        One row per feature that fails: `feature`, `objects` (their number) and `ids` (of at most five of them).
    """
    names = features.columns[1:]
    failing = {name: features.filter(pl.col(name).is_null())["id"] for name in names}
    rows = [(name, len(ids), ids.head(5).to_list()) for name, ids in failing.items() if len(ids)]
    schema = {"feature": pl.String, "objects": pl.Int64, "ids": pl.List(pl.String)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _describe(rows: pl.DataFrame, period_factor: float) -> pl.DataFrame:
    key = light_curve_key(rows.columns)
    stars = rows.group_by(key, maintain_order=True).agg("mjd", "mag", "err_mag")
    if "band" in key:
        longest = stars.sort(pl.col("mjd").list.len(), descending=True, maintain_order=True)
        stars = longest.unique("id", keep="first", maintain_order=True).sort("id")
    columns = [[np.asarray(star, np.float64) for star in stars[name]] for name in ("mjd", "mag", "err_mag")]
    curves = list(zip(*columns, strict=True))
    ours = pl.DataFrame(light_curve_statistics(curves, period_factor), schema=list(STATISTICS))
    extractor = _extractor()
    options = {"sorted": True, "check": False, "fill_value": np.nan}
    values = [extractor(mjd - mjd[0], mag, err_mag, **options) for mjd, mag, err_mag in curves]
    theirs = pl.DataFrame(np.array(values), schema=[f"{PREFIX}{name}" for name in extractor.names])
    return pl.concat([stars.select("id"), ours, theirs], how="horizontal")


@lru_cache(maxsize=1)
def _extractor() -> Any:
    """Return the features of light-curve, without those of the mean brightness: 26 numbers."""
    try:
        lc: Any = import_module("light_curve")
    except ImportError as error:
        raise InputError("features need the package light-curve: pip install light-curve") from error
    return lc.Extractor(
        lc.Amplitude(),
        lc.AndersonDarlingNormal(),
        lc.BeyondNStd(1.0),
        lc.BeyondNStd(2.0),
        lc.Cusum(),
        lc.Eta(),
        lc.EtaE(),
        lc.InterPercentileRange(0.02),
        lc.InterPercentileRange(0.1),
        lc.InterPercentileRange(0.25),
        lc.Kurtosis(),
        lc.LinearFit(),
        lc.LinearTrend(),
        lc.MagnitudePercentageRatio(0.4, 0.05),
        lc.MagnitudePercentageRatio(0.2, 0.05),
        lc.MaximumSlope(),
        lc.MedianAbsoluteDeviation(),
        lc.PercentAmplitude(),
        lc.ReducedChi2(),
        lc.Skew(),
        lc.StandardDeviation(),
        lc.StetsonK(),
    )
