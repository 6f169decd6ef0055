"""An address -> the file there, verified."""

from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(dump: Path, *, url: str, sha256: str | None, num_bytes: int | None) -> None:
    from astromer.data.download import download

    download(url, dump, sha256=sha256, num_bytes=num_bytes)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        params = snakemake.params
        main(Path(snakemake.output.dump), url=params.url, sha256=params.sha256, num_bytes=params.num_bytes)
