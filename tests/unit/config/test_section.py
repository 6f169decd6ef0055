"""Sections are strict and immutable, and an error has one line for each wrong key."""

import json
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from astromer.config.section import Distinct, Section, Url
from astromer.errors import InputError


class Place(Section):
    url: Url
    folder: str = "here"


class Inner(Section):
    depth: int = Field(3, ge=1)
    fraction: float = Field(0.5, ge=0, le=1)
    class_: str | None = Field(None, alias="class")
    place: str | Place | None = None
    values: Annotated[list[int], Distinct] = Field([1, 2])


class Outer(Section):
    name: str
    flag: bool = False
    inner: Inner = Inner()
    parts: dict[str, Inner] = Field({})


def problems(content, where="run.yaml", section=Outer):
    with pytest.raises(InputError) as error:
        section.read(content, where)
    return str(error.value).split("\n")


def test_defaults_are_filled_in():
    assert Outer.read({"name": "a", "inner": {"depth": 7}}) == Outer(name="a", inner=Inner(depth=7))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("depth", "3"),
        ("depth", 3.0),
        ("depth", True),
        ("depth", None),
        ("fraction", "0.5"),
        ("fraction", True),
        ("fraction", float("nan")),
        ("fraction", float("inf")),
        ("class", 3),
        ("values", "12"),
        ("values", (1, 2)),
        ("place", 3),
    ],
)
def test_no_value_is_converted_to_another_type(key, value):
    (line,) = problems({"name": "a", "inner": {key: value}})
    assert line.startswith(f"run.yaml: inner.{key}: is {value!r}; expected ")


def test_a_whole_number_is_a_float():
    assert Inner.read({"fraction": 1}).fraction == 1.0


def test_a_section_is_immutable():
    inner = Inner()
    with pytest.raises(ValidationError, match="frozen"):
        inner.depth = 4


def test_direct_construction_raises_an_error_of_value():
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Inner(depth=0)


def test_each_wrong_key_has_one_line():
    content = {"flag": 1, "inner": {"depth": 0, "fracton": 1, "values": ["x", 1]}, "parts": {"a": {"zzz": 1}, "b": 3}}
    assert problems(content) == [
        "run.yaml: name: missing; this key has no default",
        "run.yaml: flag: is 1; expected a valid boolean",
        "run.yaml: inner.depth: is 0; expected greater than or equal to 1",
        "run.yaml: inner.values.0: is 'x'; expected a valid integer",
        "run.yaml: inner.fracton: unknown key; did you mean fraction?",
        "run.yaml: parts.a.zzz: unknown key; known: depth, fraction, class, place, values",
        "run.yaml: parts.b: is 3; expected a valid dictionary or instance of Inner",
    ]


def test_an_alias_is_what_the_file_says():
    assert Inner.read({"class": "EC"}).class_ == "EC"
    assert problems({"clas": "EC"}, section=Inner) == ["run.yaml: clas: unknown key; did you mean class?"]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (3, "place: is 3; expected a valid string or a valid dictionary or instance of Place"),
        ({"url": "ftp://x"}, "place.url: String should match pattern '^https?://'"),
        ({"url": "http://x", "foldr": "a"}, "place.foldr: unknown key; did you mean folder?"),
        ({}, "place.url: missing; this key has no default"),
    ],
)
def test_a_union_has_one_line_for_what_comes_closest(place, line):
    assert problems({"place": place}, section=Inner) == [f"run.yaml: {line}"]


def test_a_duplicated_value_is_shown():
    assert problems({"values": [1, 2, 1]}, section=Inner) == ["run.yaml: values: holds a value twice: [1, 2, 1]"]


def test_braces_in_a_value_are_not_placeholders():
    assert problems({"inner": {"{depth}": 1}, "name": "a"})[0].startswith("run.yaml: inner.{depth}: unknown key; ")
    assert problems({"inner": {"depth": "{x}"}, "name": "a"}) == [
        "run.yaml: inner.depth: is '{x}'; expected a valid integer"
    ]


def test_the_origin_may_depend_on_the_key():
    lines = problems({"flag": 1, "inner": {"depth": 0}}, lambda key: f"{key[0]}.yaml")
    assert [line.partition(": ")[0] for line in lines] == ["name.yaml", "flag.yaml", "inner.yaml"]
    assert problems({}, "", Outer) == ["name: missing; this key has no default"]


def test_plain_gives_values_of_json_in_the_order_of_the_keys_and_the_section_back():
    outer = Outer(name="a", parts={"b": Inner(class_="EC", place=Place(url="http://x")), "a": Inner(values=[3, 1])})
    plain = outer.plain()
    assert Outer.read(json.loads(json.dumps(plain))) == outer
    assert list(plain) == ["flag", "inner", "name", "parts"]
    assert list(plain["parts"]) == ["a", "b"]
    assert plain["parts"]["b"]["class"] == "EC"
    assert plain["parts"]["b"]["place"] == {"folder": "here", "url": "http://x"}
    assert plain["parts"]["a"]["values"] == [3, 1]
