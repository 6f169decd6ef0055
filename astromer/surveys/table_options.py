"""Options of tables of observations."""

from typing import Literal, Self

from pydantic import Field, model_validator

from astromer.config.section import Section
from astromer.surveys.brightness import UNKNOWN_ERR_MAG, UNKNOWN_ERR_MAG_DESCRIPTION
from astromer.surveys.catalog import CatalogOptions, check_position
from astromer.surveys.reading import JD_OF_MJD_ZERO, TIME_ORIGIN, PathPattern, TimeOrigin


class TableColumns(Section):
    """Names of the columns that are read."""

    id: str | list[str] | None = Field(
        None,
        description="Identifier of the object; several columns are joined by dots. null: there is one object per file, "
        "whose path gives it (`{id}` in `tables`).",
    )
    time: str = Field(description="Time [days], see `time_origin_jd`.")
    mag: str = Field(description="Magnitude [mag]; with `zero_point`, flux.")
    err_mag: str | None = Field(
        None, description="1-sigma error of the magnitude [mag], or of the flux; null: there is none, see `err_mag`."
    )
    flag: str | None = Field(None, description="Quality flag, see `bad_flags`.")
    class_: str | None = Field(None, alias="class", description="Class label.")
    band: str | None = Field(None, description="Photometric band.")
    ra: str | None = Field(None, description="Right ascension [deg, J2000].")
    dec: str | None = Field(None, description="Declination [deg, J2000].")


class TableOptions(CatalogOptions):
    """Tables (CSV, maybe compressed, Parquet, or FITS) with one row per observation; in Parquet, also one row per
    object with lists. A column in a struct is named `column.field`.
    """

    scattered = True

    tables: PathPattern = Field(
        "*",
        description="Paths of the tables inside the source; `*` is any text without `/`, `**/` any folders, and `{id}` "
        "the identifier of the object, where no column gives it. An object may have several files.",
    )
    separator: Literal[",", ";", "|", "\t"] = Field(",", description="Separator of the fields of a text table.")
    quoted: bool = Field(True, description="Whether fields of a text table may be in double quotes.")
    names: list[str] | None = Field(
        None, description="Names of a text table's columns, if its first line does not give them."
    )
    columns: TableColumns = Field(description="Names of the columns that are read.")
    band: str | None = Field(None, description="The band of all rows, where no column gives it.")
    bands: dict[str, str] | Literal["each"] = Field(
        {},
        description="The bands kept, if a column names the band: the table's names and our names for them; an object "
        "may then have rows in one band only (after renaming). Or `each`: each band is a light curve of its object, "
        "cut into windows by itself; the object is the mean of all of them. Needed unless the table has one band only.",
    )
    zero_point: float | None = Field(
        None,
        description="Magnitude of flux 1, where `columns.mag` and `columns.err_mag` are fluxes; those that are not "
        "positive are counted and left out.",
    )
    err_mag: float = Field(UNKNOWN_ERR_MAG, gt=0, description=UNKNOWN_ERR_MAG_DESCRIPTION)
    bad_flags: int | list[str] = Field(
        [],
        description="Flags that reject an observation: values (`[true]` as text), or a number whose bits are bad; "
        "rejected ones are counted.",
    )
    time_origin_jd: TimeOrigin = Field(JD_OF_MJD_ZERO, description=TIME_ORIGIN)
    missing_values: list[float | str] = Field(
        [],
        description="Marks of a missing value, as text or as a number (of magnitudes and errors); an empty field is "
        "always missing.",
    )

    @model_validator(mode="after")
    def _flags_have_a_meaning(self) -> Self:
        if (self.columns.flag is None) != (not self.bad_flags):
            raise ValueError("expected both `columns.flag` and `bad_flags`, or neither")
        return self

    @model_validator(mode="after")
    def _ids_have_one_source(self) -> Self:
        if (self.columns.id is None) != ("{id}" in self.tables):
            raise ValueError("expected the id either in `columns.id`, or as `{id}` in `tables`")
        return self

    @model_validator(mode="after")
    def _positions_are_complete(self) -> Self:
        check_position(self.columns.ra, self.columns.dec, "columns")
        return self

    @model_validator(mode="after")
    def _bands_have_a_column(self) -> Self:
        if self.bands and self.columns.band is None:
            raise ValueError("`bands` needs `columns.band`, the column that names the band")
        return self

    @property
    def one_band(self) -> bool:
        """Whether all objects have to be of one band, because none is chosen."""
        return self.columns.band is not None and not self.bands

    @property
    def each_band(self) -> bool:
        """Whether each band is a light curve of its object."""
        return self.bands == "each"
