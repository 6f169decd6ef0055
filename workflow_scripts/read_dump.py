"""One part of a survey's dump -> its rows in Parquet, sorted into shards by object."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(observations: Path, objects: Path, *, survey: dict, name: str, source: Path, part: int) -> None:
    from astromer.data.ingest import read_part

    read_part(survey, observations, objects, name=name, source=source, part=part)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            Path(snakemake.output.observations),
            Path(snakemake.output.objects),
            survey=json.loads(snakemake.params.survey),
            name=snakemake.wildcards.survey,
            source=Path(snakemake.input.dump),
            part=int(snakemake.wildcards.shard),
        )
