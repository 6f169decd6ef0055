"""Records of unlabelled light curves -> an encoder that reconstructs hidden magnitudes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance
from _training import learn_to_reconstruct

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    records: dict[str, list[Path]],
    folder: Path,
    *,
    encoder: dict,
    training: dict,
    masking: dict,
    window: int,
    seed: int,
    state: Path,
) -> None:
    import keras

    from astromer.models.config import EncoderConfig
    from astromer.models.encoders import build_encoder, build_reconstructor
    from astromer.models.published import Pretrained

    keras.utils.set_random_seed(seed)
    config = EncoderConfig.from_dict(encoder | {"window": window})
    learn_to_reconstruct(
        Pretrained(build_reconstructor(build_encoder(config)), config),
        records,
        folder,
        training=training,
        masking=masking,
        window=window,
        seed=seed,
        state=state,
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            {subset: [Path(path) for path in paths] for subset, paths in snakemake.input.items()},
            Path(snakemake.output.model).parent,
            encoder=json.loads(snakemake.params.encoder),
            training=json.loads(snakemake.params.training),
            masking=json.loads(snakemake.params.masking),
            window=snakemake.params.window,
            seed=snakemake.params.seed,
            state=Path(snakemake.params.state),
        )
        write_provenance(snakemake)
