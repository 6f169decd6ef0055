"""A survey's dump, or its parts as `read_dump` has sorted them -> one filtered shard, and what was rejected."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(inputs: dict[str, list[Path]], outputs: dict[str, Path], *, survey: dict, name: str, seed: int, shard: int):
    from astromer.data.ingest import gather_shard, ingest_shard, read_shard

    if "objects" in inputs:
        raw = gather_shard(inputs["observations"], inputs["objects"], shard)
    else:
        source = inputs["dump"][0] if inputs.get("dump") else None
        raw = read_shard(survey, name=name, source=source, seed=seed, shard=shard)
    ingest_shard(raw, survey, name=name, shard=shard).write(**outputs)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            {name: [Path(path) for path in paths] for name, paths in snakemake.input.items()},
            {name: Path(path) for name, path in snakemake.output.items()},
            survey=json.loads(snakemake.params.survey),
            name=snakemake.wildcards.survey,
            seed=snakemake.params.seed,
            shard=int(snakemake.wildcards.shard),
        )
