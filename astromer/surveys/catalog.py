"""Catalogues: tables of objects inside a dump or beside it."""

from pathlib import Path

import polars as pl
from pydantic import Field

from astromer.config.section import Section
from astromer.config.surveys import Options
from astromer.errors import InputError
from astromer.surveys.reading import OBJECT_SCHEMA, check_positions, conform, relabel
from astromer.surveys.sources import read_member


class CatalogColumns(Section):
    """Names of the catalogue's columns."""

    id: str = Field("ID", description="Identifier of the object.")
    class_: str | None = Field("Class", alias="class", description="Class label.")
    ra: str | None = Field(None, description="Right ascension [deg, J2000].")
    dec: str | None = Field(None, description="Declination [deg, J2000].")


class CatalogOptions(Options):
    """Options of the formats that may have a catalogue."""

    catalog: str | None = Field(
        None,
        description="A table of objects (CSV with a header, or Parquet) inside the source, or beside it as "
        "`../<name>`.",
    )
    catalog_columns: CatalogColumns = Field(CatalogColumns(), description="Names of the catalogue's columns.")
    position_from_id: bool = Field(
        False,
        description="Take the position from an id such as `174259-3517.7` (hhmmss, then ddmm.m) instead of columns.",
    )
    labels: dict[str, str] = Field(
        {}, description="Our names for the dump's class names; a class without an entry keeps its name."
    )


def read_catalog(source: Path, options: CatalogOptions) -> pl.DataFrame:
    """Read a dump's catalogue (CSV with a header, or Parquet) into the columns of `OBJECT_SCHEMA`, labels renamed.

    Columns that are not configured are null. `options.catalog` must be given.
    """
    if options.catalog is None:
        raise ValueError("the options name no catalogue")
    where = f"{source}, {options.catalog}"
    raw = _read_table(read_member(source, options.catalog), where)
    columns = options.catalog_columns.plain()
    columns = {ours: theirs for ours, theirs in columns.items() if theirs is not None}
    for ours, theirs in columns.items():
        if theirs not in raw.columns:
            raise InputError(
                f"{where}: no column {theirs!r} (configured as catalog_columns.{ours}); it has {', '.join(raw.columns)}"
            )
    catalog = raw.select(
        pl.col(theirs).cast(pl.String).str.strip_chars().alias(ours) for ours, theirs in columns.items()
    )
    without_id = catalog["id"].is_null().to_numpy()
    if without_id.any():
        raise InputError(f"{where}: row {without_id.argmax() + 1} has no {columns['id']}")
    if options.position_from_id:
        catalog = catalog.with_columns(position_from_id("id", where))
    absent = OBJECT_SCHEMA.keys() - {"file", *catalog.columns}
    catalog = catalog.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in absent), file=pl.lit(options.catalog)
    )
    check_positions(catalog, where)
    return conform(catalog.with_columns(relabel(options.labels)), OBJECT_SCHEMA)


def _read_table(content: bytes, where: str) -> pl.DataFrame:
    try:
        if content.startswith(b"PAR1"):
            return pl.read_parquet(content)
        return pl.read_csv(content, infer_schema=False, encoding="utf8-lossy")
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{where}: not a CSV table with a header, nor Parquet ({error})") from error


def position_from_id(column: str, where: str) -> list[pl.Expr]:
    """Return expressions for `ra` and `dec` [deg, J2000] from ids such as `174259-3517.7` (hhmmss, then ddmm.m)."""
    fields = pl.col(column).str.extract_groups(r"^(\d{2})(\d{2})(\d{2})([+-])(\d{2})(\d{2}\.\d)")
    hours, minutes, seconds, sign, degrees, arcmin = (fields.struct.field(str(i)) for i in range(1, 7))
    ra = 15 * (hours.cast(pl.Float64) + minutes.cast(pl.Float64) / 60 + seconds.cast(pl.Float64) / 3600)
    dec = degrees.cast(pl.Float64) + arcmin.cast(pl.Float64) / 60
    return [ra.alias("ra"), pl.when(sign == "-").then(-dec).otherwise(dec).alias("dec")]
