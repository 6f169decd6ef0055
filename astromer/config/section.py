"""Base class of all sections of the configuration: strict types, and errors that name file, key and expected value."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from astromer.errors import InputError

Variant = Literal["paper", "released"]
VARIANTS: tuple[str, ...] = get_args(Variant)
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Url = Annotated[str, Field(pattern="^https?://")]
Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
# Keras and scikit-learn take seeds below 2**32; half of that leaves room for the seeds of several classifiers.
Seed = Annotated[int, Field(ge=0, lt=2**31)]
WORKFLOW_WORDS = frozenset({"append", "get", "index", "items", "keys", "notebook", "sort", "text", "values"})
"""Names that Snakemake reserves: attributes of its named lists, and the logs `text` and `notebook`."""


def _free_name(name: str) -> str:
    if name in WORKFLOW_WORDS:
        raise ValueError(f"{name!r} is a word of the workflow; choose another name")
    if name.endswith("\n"):
        raise ValueError(f"{name!r} ends with a line break")
    return name


# Names become parts of paths and wildcards.
Name = Annotated[str, Field(pattern="^[A-Za-z0-9_]+$"), AfterValidator(_free_name)]
DashedName = Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$"), AfterValidator(_free_name)]


def other_than(*taken: str) -> Any:
    """Return the validator of names that are none of these, which files and folders of the workflow have."""

    def check(name: str) -> str:
        if name in taken:
            raise ValueError(f"{name!r} is the name of a file or folder of the workflow; choose another name")
        return name

    return AfterValidator(check)


def inside(path: str) -> str:
    """Return a relative path; raise `ValueError` if it leaves the folder that it is relative to."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or path in ("", "."):
        raise ValueError(f"{path!r} leaves its folder; expected a path inside it")
    return path


Inside = Annotated[str, AfterValidator(inside)]  # a path that stays in the folder that it is relative to

Key = tuple[str | int, ...]
UNION_TAG = "<"  # first character of the name of a union's member, which pydantic inserts into the path of a key


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError(f"holds a value twice: {values}")
    return values


Distinct = AfterValidator(_distinct)


class Section(BaseModel):
    """A section of the configuration: immutable, without unknown keys, and without conversion of types."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        validate_by_name=True,
    )

    @classmethod
    def read(cls, content: Mapping[str, Any], where: str | Callable[[Key], str] = "") -> Self:
        """Check a section and fill in its defaults.

        Args:
            content: the section's keys, as read from a YAML or JSON file.
            where: name of the origin for errors, or a function that returns it for a key.

        Raises:
            InputError: a key is unknown or missing, or a value is out of bounds; the message has one line per key.
        """
        try:
            return cls.model_validate(dict(content))
        except ValidationError as error:
            problems = list(_problems(error, content))
        of_key = where if callable(where) else lambda key: where
        raise InputError("\n".join(describe(of_key(key), key, what) for key, what in problems))

    def plain(self) -> dict[str, Any]:
        """Return the section as numbers, strings, lists and dictionaries with sorted keys."""
        return _sorted_keys(self.model_dump(mode="json", by_alias=True))

    @model_validator(mode="wrap")
    @classmethod
    def _suggest_known_keys(cls, content: Any, handler: Callable[[Any], Self]) -> Self:
        try:
            return handler(content)
        except ValidationError as error:
            details = [cls._with_suggestion(detail) for detail in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(error.title, details) from None

    @classmethod
    def _with_suggestion(cls, detail: Any) -> InitErrorDetails:
        """Convert an error to the arguments of a new one; suggest a similar key in place of an unknown one."""
        message = detail["msg"]
        if detail["type"] == "extra_forbidden":
            known = [field.alias or name for name, field in cls.model_fields.items()]
            similar = get_close_matches(str(detail["loc"][-1]), known, n=1)
            message = (
                f"unknown key; did you mean {similar[0]}?" if similar else f"unknown key; known: {', '.join(known)}"
            )
            kind = "unknown_key"
        else:
            kind, context = detail["type"], detail.get("ctx", {})  # a section around this one has no context any more
            if kind == "too_short" and "min_length" in context:
                message = f"has a length of {context['actual_length']}; expected at least {context['min_length']}"
        # The message is an argument, because pydantic would substitute names between braces in a template.
        error = PydanticCustomError(kind, "{message}", {"message": message})
        return InitErrorDetails(type=error, loc=detail["loc"], input=detail["input"])


def describe(where: str, key: Key, what: str) -> str:
    """Describe the problem with a key in one line."""
    return ": ".join(part for part in (where, ".".join(map(str, key)), what) if part)


def _problems(error: ValidationError, content: Any) -> Iterable[tuple[Key, str]]:
    """Yield each wrong key once, with a description; the errors for the types of a union are joined."""
    found: dict[Key, list[str]] = {}
    for detail in error.errors(include_url=False):
        is_absent = detail["type"] in ("missing", "unknown_key")
        key = _key_of(detail["loc"], content, is_absent)
        message = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
        if detail["type"] == "missing":
            message = "missing; this key has no default"
        elif not is_absent and message.startswith("expected"):
            message = f"is {detail['input']!r}; {message}"
        found.setdefault(key, []).append(message)
    for key, messages in found.items():
        if any(other[: len(key)] == key != other for other in found):
            continue  # this error is from another type of a union than that of the section
        first, *others = dict.fromkeys(messages)
        yield key, " or ".join([first, *(other.partition("expected ")[2] or other for other in others)])


def _key_of(loc: Key, content: Any, is_absent: bool) -> Key:
    """Follow pydantic's path to a key through the content, and remove the names of union members from it."""
    key: list[str | int] = []
    for place, part in enumerate(loc):
        is_last = place == len(loc) - 1
        if (isinstance(content, Mapping) and part in content) or (
            isinstance(content, list) and isinstance(part, int) and part < len(content)
        ):
            content = content[part]
        elif not (is_last and is_absent):
            continue
        if not str(part).startswith(UNION_TAG):
            key.append(part)
    return tuple(key)


def _sorted_keys(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _sorted_keys(content[key]) for key in sorted(content)}
    return [_sorted_keys(item) for item in content] if isinstance(content, list) else content
