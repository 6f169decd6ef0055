"""Readers of survey dumps, one module per format.

To add a format, write a module with a `read` function as `Reader` describes it and register it in `READERS`.
"""

from astromer.data.readers import files, simulated
from astromer.data.readers.base import Reader

READERS = {
    "files": Reader(files.read, one_file_per_object=True),
    "simulated": Reader(simulated.read, one_file_per_object=False),
}
