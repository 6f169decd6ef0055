"""What the scripts of pretraining and finetuning share."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def fingerprint(files: Sequence[Path], **values: Any) -> str:
    """Name everything that a training run depends on, so that a state of another run is never resumed."""
    from astromer.files import sha256_of

    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in files:
        digest.update(bytes.fromhex(sha256_of(path)))
    return digest.hexdigest()


def is_for_several_nodes(resources: Any) -> bool:
    """Whether the job has more nodes than the step of SLURM that this process is in; then `run_on_all_nodes`."""
    return resources.get("nodes", 1) > int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))


def run_on_all_nodes(nodes: int, threads: int) -> None:
    """Start this script once on each node of the job, and wait; `prepare_devices` makes one strategy of them.

    All is said to `srun`, because Snakemake's executor takes away the variables that would tell it of the allocation.
    """
    layout = [f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={threads}"]
    subprocess.run(["srun", *layout, sys.executable, *sys.argv], check=True)


def learn_to_reconstruct(
    pretrained: Any,
    records: dict[str, list[Path]],
    folder: Path,
    *,
    training: dict,
    masking: dict,
    xla: bool,
    window: int,
    seed: int,
    state: Path,
    initial: Sequence[Path] = (),
) -> None:
    """Train a reconstructor and write model, configuration, learning curves and scores to `folder`.

    `state` is the folder of the state that a killed job resumes from; `initial` are the files of the first weights.
    """
    import polars as pl

    from astromer.data.batches import PAD_MULTIPLE, pretraining_batches
    from astromer.data.masking import Masking
    from astromer.files import atomic_path
    from astromer.models.published import save_pretrained
    from astromer.training.devices import is_chief
    from astromer.training.pretraining import PretrainingOptions, evaluate_reconstruction, pretrain
    from astromer.training.state import StateFile

    options = dict(training)
    batch_size, time_shift = options.pop("batch_size"), options.pop("time_shift")
    weighted = pretrained.config.architecture == "v2"
    identity = {"encoder": pretrained.config.to_dict(), "masking": masking, "window": window, "seed": seed}
    identity |= {"batch_size": batch_size, "time_shift": time_shift}
    files = [*initial, *records["train"], *records["validation"]]

    def batches(subset: str, **more: Any) -> Any:
        return pretraining_batches(
            records[subset],
            window=window,
            batch_size=batch_size,
            seed=seed,
            masking=Masking(**masking),
            variant=pretrained.config.variant,
            pad_multiple=None if xla or not pretrained.config.ignores_padding else PAD_MULTIPLE,
            **more,
        )

    history = pretrain(
        pretrained.model,
        lambda epoch: batches("train", epoch=epoch, time_shift=time_shift),
        batches("validation", training=False),
        PretrainingOptions(weighted=weighted, jit=xla, **options),
        state=StateFile(state, fingerprint(files, **identity)),
    )
    scores = evaluate_reconstruction(pretrained.model, batches("test", training=False))
    if not is_chief(pretrained.model.distribute_strategy):
        return
    save_pretrained(pretrained.model, pretrained.config, folder)
    history.write(folder)
    history.write_tensorboard(folder / "tensorboard")
    with atomic_path(folder / "scores.csv") as temporary:
        pl.DataFrame([{"predictor": name} | row for name, row in scores.items()]).write_csv(temporary)
    shutil.rmtree(state, ignore_errors=True)
