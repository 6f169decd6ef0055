"""Published weights -> a folder like that of a pretrained encoder, ready to finetune; a rule's script and a command.

python workflow_scripts/convert_checkpoint.py list FOLDER
python workflow_scripts/convert_checkpoint.py clean FOLDER --keep 1
python workflow_scripts/convert_checkpoint.py export macho-v1 FOLDER --cache weights
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    weights: Path,
    test: list[Path],
    folder: Path,
    *,
    sha256: str,
    variant: str,
    masking: dict,
    devices: dict,
    batch_size: int,
    window: int,
    seed: int,
) -> None:
    import polars as pl

    from astromer.data.batches import pretraining_batches
    from astromer.data.masking import Masking
    from astromer.files import atomic_path
    from astromer.models.published import load_pretrained, save_pretrained
    from astromer.training.devices import prepare_devices
    from astromer.training.pretraining import evaluate_reconstruction

    prepare_devices(mixed_precision=devices["mixed_precision"], deterministic=devices["deterministic"])
    model, config = load_pretrained(weights, variant=variant, sha256=sha256)
    # Padded to the whole window: the released Astromer 1 attends to padding.
    batches = pretraining_batches(
        test,
        window=window,
        batch_size=batch_size,
        seed=seed,
        masking=Masking(**masking),
        variant=config.variant,
        training=False,
    )
    scores = evaluate_reconstruction(model, batches)
    save_pretrained(model, config, folder)
    with atomic_path(folder / "scores.csv") as temporary:
        pl.DataFrame([{"predictor": name} | row for name, row in scores.items()]).write_csv(temporary)


def command(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="List, clean and convert checkpoints.")
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", help="list the weights in a folder and below it, the last modified first")
    listing.add_argument("folder", type=Path)
    listing.set_defaults(run=list_found)
    cleaning = commands.add_parser("clean", help="delete the released code's checkpoints except the last ones")
    cleaning.add_argument("folder", type=Path)
    cleaning.add_argument("--keep", type=int, required=True, help="how many of the last ones stay")
    cleaning.set_defaults(run=clean)
    exporting = commands.add_parser("export", help="write weights of any known format as model.keras and config.json")
    exporting.add_argument("weights", help="a path, or a name of config/weights.yaml")
    exporting.add_argument("folder", type=Path)
    exporting.add_argument("--variant", choices=["paper", "released"])
    exporting.add_argument("--mirror", type=Path, help="folder that is looked into before anything is downloaded")
    exporting.add_argument("--cache", type=Path, help="folder to download to")
    exporting.set_defaults(run=export)
    options = vars(parser.parse_args(arguments))
    options.pop("run")(**options)


def list_found(folder: Path) -> None:
    from astromer.models.published import list_checkpoints

    show(list_checkpoints(folder))


def clean(folder: Path, keep: int) -> None:
    from astromer.models.published import clean_checkpoints

    show(clean_checkpoints(folder, keep=keep), "deleted ")


def show(checkpoints: list, what: str = "") -> None:
    for found in checkpoints:
        size = f"{found.num_bytes / 1e6:.1f} MB"
        sys.stdout.write(f"{what}{found.modified:%Y-%m-%d %H:%M}  {found.format:8}  {size:>9}  {found.folder}\n")


def export(weights: str, folder: Path, variant: str | None, mirror: Path | None, cache: Path | None) -> None:
    from astromer.api import load_pretrained
    from astromer.models.published import save_pretrained

    save_pretrained(*load_pretrained(weights, variant=variant, mirror=mirror, cache=cache), folder)


if __name__ == "__main__":
    if "snakemake" not in globals():
        command(sys.argv[1:])
    else:
        params = snakemake.params
        with logged(snakemake.log[0]):
            main(
                Path(snakemake.input.weights),
                [Path(path) for path in snakemake.input.test],
                Path(snakemake.output.model).parent,
                sha256=params.sha256,
                variant=params.variant,
                masking=json.loads(params.masking),
                devices=json.loads(params.devices),
                batch_size=params.batch_size,
                window=params.window,
                seed=params.seed,
            )
            write_provenance(snakemake)
