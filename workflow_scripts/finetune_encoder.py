"""A pretrained encoder and the records of one fold and SPC -> the encoder adapted to them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance
from _training import learn_to_reconstruct

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    model: Path,
    records: dict[str, list[Path]],
    folder: Path,
    *,
    training: dict,
    masking: dict,
    devices: dict,
    window: int,
    seed: int,
    state: Path,
) -> None:
    import keras

    from astromer.models.published import load_pretrained
    from astromer.training.devices import prepare_devices

    strategy = prepare_devices(mixed_precision=devices["mixed_precision"], deterministic=devices["deterministic"])
    keras.utils.set_random_seed(seed)
    with strategy.scope():
        pretrained = load_pretrained(model.parent)
    learn_to_reconstruct(
        pretrained,
        records,
        folder,
        training=training,
        masking=masking,
        xla=devices["xla"],
        window=window,
        seed=seed,
        state=state,
        initial=[model],
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            Path(snakemake.input.model),
            {subset: [Path(snakemake.input[subset])] for subset in ("train", "validation", "test")},
            Path(snakemake.output.model).parent,
            training=json.loads(snakemake.params.training),
            masking=json.loads(snakemake.params.masking),
            devices=json.loads(snakemake.params.devices),
            window=snakemake.params.window,
            seed=snakemake.params.seed,
            state=Path(snakemake.params.state),
        )
        write_provenance(snakemake)
