"""Records of one fold and SPC -> a baseline trained from scratch, its predictions and their scores."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _classification import train_and_score
from _entry import logged, write_provenance
from _training import fingerprint

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    records: dict[str, Path],
    folder: Path,
    *,
    baseline: str,
    classes: list[str],
    window: int,
    hidden_units: list[int],
    gru_units: int,
    training: dict,
    seed: int,
    state: Path,
    tags: dict[str, Any],
) -> None:
    import keras

    from astromer.data.batches import PAD_MULTIPLE, plain_batches
    from astromer.evaluation.embeddings import window_table
    from astromer.models.baselines import build_baseline
    from astromer.training.state import StateFile

    keras.utils.set_random_seed(seed)
    batch_size = training["batch_size"]

    def batches(subset: str, **more: Any) -> Any:
        return plain_batches([records[subset]], window=window, batch_size=batch_size, pad_multiple=PAD_MULTIPLE, **more)

    files = [records["train"], records["validation"]]
    identity = {"seed": seed, "batch_size": batch_size, "window": window}
    identity |= {"baseline": baseline, "units": gru_units, "hidden": hidden_units}
    train_and_score(
        build_baseline(baseline, num_classes=len(classes), units=gru_units, hidden=hidden_units),
        lambda epoch: batches("train", shuffle=True, seed=seed, epoch=epoch),
        batches("validation"),
        batches("test"),
        window_table(batches("test")),
        folder,
        classes=classes,
        training=training,
        state=StateFile(state, fingerprint(files, **identity)),
        tags=tags,
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        wildcards, params = snakemake.wildcards, snakemake.params
        main(
            {subset: Path(path) for subset, path in snakemake.input.items()},
            Path(snakemake.output.model).parent,
            baseline=wildcards.baseline,
            classes=params.classes,
            window=params.window,
            hidden_units=params.hidden_units,
            gru_units=params.gru_units,
            training=json.loads(params.training),
            seed=params.seed,
            state=Path(params.state),
            tags={
                "run": params.run,
                "ckpt": None,
                "dataset": wildcards.dataset,
                "fold": int(wildcards.fold),
                "spc": int(wildcards.spc),
                "model": wildcards.baseline,
                "kind": "baseline",
                "data": params.data,
            },
        )
        write_provenance(snakemake)
