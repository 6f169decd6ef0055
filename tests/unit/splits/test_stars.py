"""Entries of the same star are found by id and by position."""

import numpy as np
import polars as pl
import pytest

from astromer.errors import InputError
from astromer.splits import stars
from astromer.splits.stars import star_numbers


def entries(*rows):
    return pl.DataFrame(rows, schema=["survey", "id", "ra", "dec"], orient="row")


def same(numbers, one, other):
    return numbers[one] == numbers[other]


def test_close_entries_of_two_surveys_are_one_star():
    arcsec = 1 / 3600
    table = entries(("a", "1", 10.0, 60.0), ("b", "1", 10.0 + 1.5 * arcsec, 60.0), ("b", "2", 10.0, 60.0 + 3 * arcsec))
    numbers = star_numbers(table, 2.0)
    assert same(numbers, 0, 1), "1.5 arcsec of right ascension at dec 60 are 0.75 arcsec on the sky"
    assert not same(numbers, 0, 2)


def test_across_zero_right_ascension_and_at_the_pole():
    equator = [("a", "1", 359.9999, 0.0), ("b", "x", 0.0001, 0.0)]
    pole = [("a", "2", 10.0, 89.99999), ("b", "y", 190.0, 89.99999)]
    table = entries(*equator, *pole)
    numbers = star_numbers(table, 2.0)
    assert same(numbers, 0, 1)
    assert same(numbers, 2, 3)
    assert not same(numbers, 0, 2)


def test_without_positions_entries_match_by_survey_and_id():
    table = entries(("a", "1", None, None), ("a", "1", None, None), ("b", "1", None, None), ("a", "2", 5.0, 5.0))
    numbers = star_numbers(table, 2.0)
    assert same(numbers, 0, 1)
    assert len(set(numbers)) == 3


def test_radius_zero_ignores_positions():
    table = entries(("a", "1", 10.0, 10.0), ("b", "1", 10.0, 10.0))
    assert len(set(star_numbers(table, 0.0))) == 2


def test_agrees_with_the_great_circle_distance_of_all_pairs():
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 0.02, 60), rng.uniform(-0.01, 0.01, 60)
    table = pl.DataFrame({"survey": "a", "id": [str(i) for i in range(60)], "ra": ra, "dec": dec})
    numbers = star_numbers(table, 5.0)
    one, other = np.triu_indices(60, 1)
    a, b = np.radians(dec[one]), np.radians(dec[other])
    delta = np.radians(ra[one] - ra[other])
    cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(delta)
    close = np.degrees(np.arccos(np.clip(cosine, -1, 1))) * 3600 < 5.0
    assert close.any()
    assert all(same(numbers, i, j) for i, j in zip(one[close], other[close], strict=True))


def test_a_placeholder_of_unknown_positions_is_refused():
    """Its entries would be one star, whose pairs grow with the square of their number."""
    table = entries(*(("a", str(i), 0.0, 0.0) for i in range(5000)), *(("b", str(i), i, 1.0) for i in range(50)))
    with pytest.raises(InputError, match=r"survey a: 5000 objects have the position ra 0, dec 0 deg"):
        star_numbers(table, 2.0)
    assert len(set(star_numbers(table, 0.0))) == 5050, "ids alone are compared"
    few = table.group_by("survey", maintain_order=True).head(20)
    assert len(set(star_numbers(few, 2.0))) == 21


def test_ids_of_one_id_space_are_matched_across_surveys():
    table = entries(("macho", "1.2.3", None, None), ("alcock", "1.2.3", None, None), ("atlas", "1.2.3", None, None))
    numbers = star_numbers(table, 2.0, {"macho": "m", "alcock": "m"})
    assert same(numbers, 0, 1)
    assert not same(numbers, 0, 2)
    assert len(set(star_numbers(table, 2.0, {"macho": "atlas"}))) == 3, "an id space is not the survey of that name"


def test_a_chain_of_id_and_position_is_one_star():
    table = entries(("macho", "1", None, None), ("alcock", "1", 10.0, 10.0), ("atlas", "x", 10.0, 10.0))
    assert len(set(star_numbers(table, 2.0, {"macho": "m", "alcock": "m"}))) == 1


def test_numbers_do_not_depend_on_how_many_entries_are_compared_at_once(monkeypatch):
    """Stripes of the sky and blocks of ids: chains of stars cross their borders."""
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 0.03, 300), rng.uniform(-0.01, 0.01, 300)
    ids = [str(i) for i in rng.integers(0, 200, 300)]
    table = pl.DataFrame({"survey": rng.choice(["a", "b", "c"], 300), "id": ids, "ra": ra, "dec": dec})
    table = table.with_columns(dec=pl.when(pl.col("id") == "7").then(None).otherwise("dec"))
    spaces = {"a": "one", "c": "one"}
    whole = star_numbers(table, 5.0, spaces)
    assert 1 < len(set(whole)) < 200
    assert list(dict.fromkeys(whole)) == list(range(len(set(whole)))), "numbers are in the order of the first entries"
    monkeypatch.setattr(stars, "AT_ONCE", 7)
    np.testing.assert_array_equal(star_numbers(table, 5.0, spaces), whole)
    as_read = table.with_columns(pl.col("survey").cast(pl.Categorical))
    np.testing.assert_array_equal(star_numbers(as_read, 5.0, spaces), whole)
