"""All parts of a survey's dump -> one filtered, sorted shard and what was rejected."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    parts: list[Path], catalogs: list[Path], outputs: dict[str, Path], *, survey: dict, name: str, shard: int
) -> None:
    from astromer.data.ingest import ingest_shard
    from astromer.files import atomic_path

    result = ingest_shard(survey, parts, catalogs, name=name, shard=shard)
    for table in ("observations", "objects"):
        with atomic_path(outputs[table]) as temporary:
            getattr(result, table).write_parquet(temporary)
    for table in ("quality", "examples"):
        with atomic_path(outputs[table]) as temporary:
            getattr(result, table).write_csv(temporary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            [Path(path) for path in snakemake.input.observations],
            [Path(path) for path in snakemake.input.objects],
            {name: Path(path) for name, path in snakemake.output.items()},
            survey=json.loads(snakemake.params.survey),
            name=snakemake.wildcards.survey,
            shard=int(snakemake.wildcards.shard),
        )
