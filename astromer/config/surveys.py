"""Surveys: sources of light curves, and filters of their observations and objects."""

import re
from collections.abc import Mapping
from functools import cache, reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, GetCoreSchemaHandler, Tag, create_model, model_validator
from pydantic_core import CoreSchema

from astromer.config.registry import FORMATS, check_name
from astromer.config.section import UNION_TAG, Inside, Name, Positive, Section, Sha256, Url, inside


def _is_regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is {pattern!r}; expected a regular expression ({error})") from None
    return pattern


class Download(Section):
    """A file on the network."""

    url: Url = Field(description="Address of the file.")
    file: Inside = Field(description="Name under which it is kept, in `results/downloads` or in the mirror.")
    sha256: Sha256 | None = Field(
        None, description="Checksum of the file, hexadecimal; null if the host publishes none."
    )
    bytes: Positive | None = Field(None, description="Size of the file.")
    content_digests: list[Sha256] = Field(
        [],
        description="Accepted digests of an archive whose packed bytes are not stable: the sha256 of the lines "
        "`<sha256 of the member>  <path below the top folder>`, sorted by the bytes of the paths.",
    )
    digested_members: Annotated[str, AfterValidator(_is_regular_expression)] = Field(
        "", description="Regular expression of the member paths that the content digest covers."
    )
    licence: str = Field("", description="Terms of use.")


class Variability(Section):
    """Lower bounds of an object's moments; null applies none."""

    skew: float | None = Field(None, description="Fisher-Pearson coefficient of skewness.")
    kurtosis: float | None = Field(None, description="Excess kurtosis.")
    std: float | None = Field(None, description="Sample standard deviation [mag].")


def _in_order(bounds: list[float]) -> list[float]:
    if bounds[0] >= bounds[1]:
        raise ValueError(f"is {bounds}; expected the lower bound first")
    return bounds


def _are_percentiles(bounds: list[float]) -> list[float]:
    if _in_order(bounds)[1] <= 1:
        raise ValueError(f"is {bounds}; expected percentiles from 0 to 100, not fractions")
    return bounds


Bounds = Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(_in_order)]
Percentiles = Annotated[
    list[Annotated[float, Field(ge=0, le=100)]],
    Field(min_length=2, max_length=2),
    AfterValidator(_are_percentiles),
]


class Filters(Section):
    """Which observations and objects are kept."""

    max_err_mag: float = Field(1.0, gt=0, description="Keep observations with 0 < error < this [mag].")
    mjd_range: Bounds = Field(
        [-100_000.0, 300_000.0],
        description="Keep observations with times in this range [MJD]. The default spans the years 1585 to 2680: a "
        "survey outside of it has another `time_origin_jd` than its section says.",
    )
    mag_range: Bounds = Field(
        [-50.0, 50.0],
        description="Keep observations with magnitudes in this range [mag]; marks of missing values, such as "
        "-99.99, are outside of it.",
    )
    min_observations: Positive = Field(5, description="Keep objects with at least this many observations.")
    clip_percentiles: Percentiles | None = Field(
        None,
        description="Keep observations between these percentiles of their object's magnitudes (1 and 99 for the "
        "original's MACHO fields); null keeps all.",
    )
    variability: Variability | None = Field(
        None,
        description="Keep objects whose magnitudes exceed all of these moments (the original's `clean_pipeline`: skew "
        "1, kurtosis 10, std 0.1); null keeps all.",
    )


class Options(Section):
    """Options of a format of survey dumps; every reader module defines a subclass with its own keys.

    Attributes:
        one_file_per_object: whether a second file of the same object, or a second row on it, is an error of the dump.
            Otherwise any number of files and rows may describe an object, provided they agree.
        scattered: whether any part of the dump may contain rows of any object, so that rows have to be sorted into
            shards after all parts are read. Otherwise each part contains all rows of its objects, and is a shard.
        simulated: whether the reader simulates stars, so that there is no dump.
    """

    one_file_per_object: ClassVar[bool] = False
    scattered: ClassVar[bool] = False
    simulated: ClassVar[bool] = False

    @property
    def one_band(self) -> bool:
        """Whether all objects have to be of one band."""
        return False

    @property
    def each_band(self) -> bool:
        """Whether each band is a light curve of its object; otherwise an object is one light curve."""
        return False


MAX_SCATTERED_PARTS = 64  # of a scattered dump: every shard reads the output of every part


class Survey(Section):
    """A source of light curves; each format has a subclass with its own section of options (see `survey_type`)."""

    format: str
    description: str = Field("", description="Description for readers of reports.")
    citation: str = Field("", description="Publication to cite.")
    source: str | Download | None = Field(
        None,
        description="The dump: a folder, an archive (.tar, .tar.gz, .tar.xz, .tar.bz2, .zip) or a file. Either a path "
        "relative to `surveys_dir`, or where to download it from.",
    )
    shards: int = Field(
        1,
        ge=1,
        le=4096,
        description="Parts in which the survey is read and written; raise it for surveys larger than memory.",
    )
    filters: Filters = Field(Filters(), description="Which observations and objects are kept.")
    id_space: Name | None = Field(
        None,
        description="Surveys with the same id space have the same id for the same star, as MACHO and the catalogue of "
        "its variable stars by Alcock: there, equal ids are one star. null: the ids are the survey's own.",
    )

    @property
    def parts(self) -> int:
        """Number of parts in which the dump is read: shards, or of a scattered dump parts independent of the shards."""
        return min(self.shards, MAX_SCATTERED_PARTS) if self.options.scattered else self.shards

    @property
    def options(self) -> Any:
        """Options of the survey's format: the section with the name of the format."""
        return getattr(self, self.format)

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.options.simulated != (self.source is None):
            what = "must not have" if self.options.simulated else "needs"
            raise ValueError(f"a survey of format {self.format} {what} the key `source`")
        return self

    @model_validator(mode="after")
    def _has_its_catalog_near(self) -> Self:
        catalog = getattr(self.options, "catalog", None)
        if catalog is not None:
            try:
                inside(catalog.removeprefix("../"))  # beside the dump is as far as it may lie
            except ValueError as error:
                raise ValueError(f"{self.format}.catalog: {error}") from None
        return self


@cache
def survey_model(name: str) -> type[Survey]:
    """Return the model of the surveys of one format, whose reader it imports."""
    options = import_module(f"astromer.surveys.readers.{name}").Options
    needed = any(field.is_required() for field in options.model_fields.values())
    section = Field(**({} if needed else {"default": options()}), description=options.__doc__)
    layout = Field(description="The layout of the dump; `simulated` makes stars instead of reading them.")
    # pyrefly: ignore[not-a-type]  # a literal type made at run time, for pydantic only
    keys: Any = {"format": (Literal[name], layout), name: (options, section)}
    return create_model(f"{name.capitalize()}Survey", __base__=Survey, __doc__=f"A survey of format {name}.", **keys)


@cache
def survey_type() -> Any:
    """Return the union of the surveys of all formats, discriminated by `format`; imports every reader."""
    # pyrefly: ignore[invalid-annotation]  # types made at run time, for pydantic only
    members: Any = (Annotated[survey_model(name), Tag(f"{UNION_TAG}{name}")] for name in FORMATS)
    wrong = f"the key `format` must be one of {', '.join(FORMATS)}"
    discriminator = Discriminator(_format_of, custom_error_type="format", custom_error_message=wrong)
    union: Any = reduce(or_, members)
    return Annotated[union, discriminator]


def _format_of(survey: Any) -> str:
    found = survey.get("format") if isinstance(survey, Mapping) else getattr(survey, "format", None)
    return f"{UNION_TAG}{found}"


class _OfAnyFormat:
    """Validator of surveys; the readers are imported when it is first used, because they import this module."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(survey_type())


AnySurvey = Annotated[Survey, _OfAnyFormat]


def read_survey(content: Mapping[str, Any], where: str = "survey") -> Survey:
    """Check one survey's section and fill in its defaults.

    Raises:
        InputError: as for `Section.read`.
    """
    return survey_model(check_name(f"{where}: format", str(content.get("format")), FORMATS)).read(content, where)
