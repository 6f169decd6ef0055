"""The finished figures and tables -> Snakemake's HTML report, written by Snakemake itself."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(config: Path, report: Path, *, resolved: str, snakefile: Path) -> None:
    from astromer.files import atomic_path, write_text

    write_text(config, resolved)
    with atomic_path(report) as temporary:
        command = ["snakemake", "--snakefile", snakefile, "--configfile", config, "--nolock", "--report", temporary]
        subprocess.run([sys.executable, "-m", *map(str, command), "figures", "tables"], check=True)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            Path(snakemake.output.config),
            Path(snakemake.output.report),
            resolved=snakemake.params.config,
            snakefile=Path(snakemake.params.snakefile),
        )
