"""Records of unlabelled light curves -> an encoder that reconstructs hidden magnitudes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance
from _training import is_for_several_nodes, learn_to_reconstruct, run_on_all_nodes

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    records: dict[str, list[Path]],
    folder: Path,
    *,
    encoder: dict,
    training: dict,
    masking: dict,
    devices: dict,
    window: int,
    seed: int,
    state: Path,
) -> None:
    import keras

    from astromer.models.config import EncoderConfig
    from astromer.models.encoders import build_encoder, build_reconstructor
    from astromer.models.published import Pretrained
    from astromer.training.devices import prepare_devices

    strategy = prepare_devices(mixed_precision=devices["mixed_precision"], deterministic=devices["deterministic"])
    keras.utils.set_random_seed(seed)
    config = EncoderConfig.from_dict(encoder | {"window": window})
    with strategy.scope():
        model = build_reconstructor(build_encoder(config))
    learn_to_reconstruct(
        Pretrained(model, config),
        records,
        folder,
        training=training,
        masking=masking,
        xla=devices["xla"],
        window=window,
        seed=seed,
        state=state,
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        if is_for_several_nodes(snakemake.resources):
            run_on_all_nodes(snakemake.resources.nodes, snakemake.threads)
        else:
            main(
                {subset: [Path(path) for path in paths] for subset, paths in snakemake.input.items()},
                Path(snakemake.output.model).parent,
                encoder=json.loads(snakemake.params.encoder),
                training=json.loads(snakemake.params.training),
                masking=json.loads(snakemake.params.masking),
                devices=json.loads(snakemake.params.devices),
                window=snakemake.params.window,
                seed=snakemake.params.seed,
                state=Path(snakemake.params.state),
            )
            write_provenance(snakemake)
