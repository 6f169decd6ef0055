"""A dump and what its source promises -> a receipt that says what was verified."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(dump: Path, receipt: Path, *, source: str | dict) -> None:
    from astromer.data.verification import verify_dump
    from astromer.files import write_json

    promised = source if isinstance(source, dict) else {}
    write_json(receipt, verify_dump(dump, promised))


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            Path(snakemake.params.dump),
            Path(snakemake.output.receipt),
            source=json.loads(snakemake.params.source),
        )
