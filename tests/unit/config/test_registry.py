"""Names of modules that are found by their files."""

import pytest

from astromer.config.registry import BASELINES, FORMATS, HEADS, check_name, modules_in
from astromer.errors import InputError


def test_modules_are_found_by_their_files():
    assert HEADS == ("att_avg", "att_cls", "avg", "linear", "max", "msx", "skip")
    assert BASELINES == ("base_avgpool", "base_gru", "raw_gru")
    assert FORMATS == ("files", "macho", "records", "simulated", "table", "votimeseries")
    assert modules_in("models/heads") == HEADS


def test_an_unknown_name_is_an_error_that_suggests_a_known_one():
    assert check_name("head", "skip", HEADS) == "skip"
    with pytest.raises(
        InputError,
        match=r"^head is 'skp'; expected one of att_avg, att_cls, avg, linear, max, msx, skip; did you mean skip\?$",
    ):
        check_name("head", "skp", HEADS)
    with pytest.raises(
        InputError, match=r"^head is 'lstm'; expected one of att_avg, att_cls, avg, linear, max, msx, skip$"
    ):
        check_name("head", "lstm", HEADS)
