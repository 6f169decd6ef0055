"""Readers of survey dumps, one module per format.

To add a format, write a module with a `read` function as `Reader` describes it and register it in `READERS`.
"""

from astromer.data.readers import files, macho, simulated, table, votimeseries
from astromer.data.readers.base import Reader

READERS = {
    "files": Reader(files.read, one_file_per_object=True, scattered=False),
    "macho": Reader(macho.read, one_file_per_object=False, scattered=True),
    "simulated": Reader(simulated.read, one_file_per_object=False, scattered=False),
    "table": Reader(table.read, one_file_per_object=False, scattered=True),
    "votimeseries": Reader(votimeseries.read, one_file_per_object=True, scattered=True),
}
