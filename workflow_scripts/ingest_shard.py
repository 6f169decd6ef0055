"""A survey's dump, or its parts as `read_dump` has sorted them -> one filtered shard, and what was rejected."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    parts: dict[str, list[Path]] | None,
    source: Path | None,
    outputs: dict[str, Path],
    *,
    survey: dict,
    name: str,
    seed: int,
    shard: int,
) -> None:
    from astromer.data.ingest import gather_shard, ingest_shard, read_shard

    if parts:
        raw = gather_shard(parts["observations"], parts["objects"], shard)
    else:
        raw = read_shard(survey, name=name, source=source, seed=seed, shard=shard)
    ingest_shard(raw, survey, name=name, shard=shard).write(**outputs)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        inputs, tables = snakemake.input, ("observations", "objects")
        main(
            {table: [Path(path) for path in inputs[table]] for table in tables} if inputs.get("objects") else None,
            Path(inputs.dump) if inputs.get("dump") else None,
            {name: Path(path) for name, path in snakemake.output.items()},
            survey=json.loads(snakemake.params.survey),
            name=snakemake.wildcards.survey,
            seed=snakemake.params.seed,
            shard=int(snakemake.wildcards.shard),
        )
