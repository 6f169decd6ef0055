"""Readers of survey dumps, one module per format, named after its file.

A reader module defines `Options`, a subclass of `astromer.config.surveys.Options` with the format's own keys, and
`read(options, *, name, source, seed, part, parts)`. The latter yields one part of a dump as `RawBatch`es; the parts
`0 .. parts - 1` together hold each observation and each catalogue row once. `source` is the file or folder of the dump,
`name` the survey's name for messages, and `seed` the seed of a simulated survey. All further steps of ingest
(`astromer.surveys.parts`, `astromer.surveys.ingest`) are the same for all formats.
"""

from importlib import import_module
from types import ModuleType

from astromer.config.registry import FORMATS, check_name


def reader_module(name: str) -> ModuleType:
    """Import the reader of a format.

    Raises:
        InputError: there is no such format.
    """
    return import_module(f"{__name__}.{check_name('format', name, FORMATS)}")
