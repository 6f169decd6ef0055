"""Stored embeddings of one fold and SPC -> a trained head, its predictions and their scores."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _classification import train_and_score
from _entry import logged, write_provenance
from _training import fingerprint

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    embeddings: Path,
    folder: Path,
    *,
    head: str,
    classes: list[str],
    hidden_units: list[int],
    training: dict,
    seed: int,
    state: Path,
    tags: dict[str, Any],
) -> None:
    import keras
    import polars as pl

    from astromer.evaluation.embeddings import head_inputs
    from astromer.models.heads import build_head
    from astromer.training.classification import array_batches
    from astromer.training.state import StateFile

    keras.utils.set_random_seed(seed)
    table = pl.read_parquet(embeddings)
    tables = {name: table.filter(pl.col("subset") == name) for name in ("train", "validation", "test")}
    num_levels, dim = table["mean"].dtype.shape
    batch_size = training["batch_size"]
    identity = {"seed": seed, "batch_size": batch_size, "head": head, "hidden": hidden_units}
    train_and_score(
        build_head(head, num_levels=num_levels, dim=dim, num_classes=len(classes), hidden=hidden_units),
        array_batches(head_inputs(tables["train"]), batch_size, seed=seed),
        array_batches(head_inputs(tables["validation"]), batch_size)(0),
        array_batches(head_inputs(tables["test"]), batch_size)(0),
        tables["test"],
        folder,
        classes=classes,
        training=training,
        state=StateFile(state, fingerprint([embeddings], **identity)),
        tags=tags,
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        wildcards, params = snakemake.wildcards, snakemake.params
        main(
            Path(snakemake.input.embeddings),
            Path(snakemake.output.model).parent,
            head=wildcards.head,
            classes=params.classes,
            hidden_units=params.hidden_units,
            training=json.loads(params.training),
            seed=params.seed,
            state=Path(params.state),
            tags={
                "run": params.run,
                "ckpt": wildcards.ckpt,
                "dataset": wildcards.dataset,
                "fold": int(wildcards.fold),
                "spc": int(wildcards.spc),
                "model": wildcards.head,
                "kind": "head",
                "data": params.data,
            },
        )
        write_provenance(snakemake)
