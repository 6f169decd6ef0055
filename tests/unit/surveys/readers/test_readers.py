"""Every module of the package is a reader, and says how its dumps are laid out."""

import inspect

import pytest

from astromer.config.registry import FORMATS
from astromer.config.surveys import Options
from astromer.errors import InputError
from astromer.surveys.readers import reader_module

ONE_FILE_PER_OBJECT = {"files", "votimeseries"}
SCATTERED = {"macho", "table", "votimeseries"}
SIMULATED = {"simulated"}


def test_formats_are_the_modules_and_their_layouts_are_declared():
    readers = {name: reader_module(name) for name in FORMATS}
    assert set(readers) == {"files", "macho", "records", "simulated", "table", "votimeseries"}
    for flag, expected in (
        ("one_file_per_object", ONE_FILE_PER_OBJECT),
        ("scattered", SCATTERED),
        ("simulated", SIMULATED),
    ):
        assert {name for name, reader in readers.items() if getattr(reader.Options, flag)} == expected, flag


@pytest.mark.parametrize("name", FORMATS)
def test_a_reader_has_options_and_a_read_function(name):
    reader = reader_module(name)
    assert issubclass(reader.Options, Options)
    assert list(inspect.signature(reader.read).parameters) == ["options", "name", "source", "seed", "part", "parts"]


def test_an_unknown_format_is_named_with_the_one_that_it_resembles():
    with pytest.raises(InputError, match=r"format is 'tabel'; expected one of files, .*; did you mean table\?"):
        reader_module("tabel")
