"""A drawn dataset of two classes with embeddings and features; also the job that the resume test kills."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl

from astromer.config.statistics import STATISTICS
from astromer.stages.classify import train_heads

CLASSES = ["EC", "RRab"]
SPC = [10, 20]
STARS = 60
TAGS = {"run": "test", "dataset": "sky", "data": "simulated"}
OF_ENCODER = {**TAGS, "encoder": "v2", "state": "frozen"}
HEAD = {"variant": "paper", "standardise": None, "hidden_units": [4]}


def labels() -> np.ndarray:
    """The class of each star."""
    return np.arange(STARS) % 2


def ids() -> list[str]:
    """The names of the stars, sorted."""
    return [f"star {number:02d}" for number in range(STARS)]


def write_split(path: Path) -> Path:
    """Draw two folds: 20 test stars, and of the others 20 and 40 to learn from, a fifth of them for validation."""
    rows = []
    for fold, order in ((0, list(range(STARS))), (1, list(reversed(range(STARS))))):
        rows += [(fold, None, "test", order[place]) for place in range(20)]
        for spc in SPC:
            learned = order[20 : 20 + 2 * spc]
            cut = round(0.8 * len(learned))
            rows += [(fold, spc, "train", star) for star in learned[:cut]]
            rows += [(fold, spc, "validation", star) for star in learned[cut:]]
    table = pl.DataFrame(
        {
            "fold": pl.Series([row[0] for row in rows], dtype=pl.Int32),
            "spc": pl.Series([row[1] for row in rows], dtype=pl.Int32),
            "subset": [row[2] for row in rows],
            "id": [ids()[row[3]] for row in rows],
            "label": pl.Series([row[3] % 2 for row in rows], dtype=pl.Int32),
        }
    )
    table.write_parquet(path)
    return path


def embeddings(signal_to_noise: float = 5.0, seed: int = 0) -> pl.DataFrame:
    """Two windows per star; the vectors of the classes lie apart."""
    rng = np.random.default_rng(seed)
    label = np.repeat(labels(), 2)
    rows = len(label)
    last = rng.normal(0, 1, (rows, 4)) + signal_to_noise * np.eye(4)[label]
    arrays = {
        "mean": np.stack([rng.normal(0, 1, (rows, 4)), last], axis=1),
        "std": rng.random((rows, 4)),
        "max": last + 1,
        "log_scale": rng.normal(0, 1, (rows, 1)),
    }
    return pl.DataFrame(
        {
            "id": np.repeat(ids(), 2),
            "window": pl.Series(np.tile([0, 50], STARS), dtype=pl.UInt32),
            "label": pl.Series(label, dtype=pl.Int32),
            "length": pl.Series(np.tile([50, 10], STARS), dtype=pl.UInt32),
        }
    ).with_columns(
        pl.Series(name, array.astype("f4"), dtype=pl.Array(pl.Float32, array.shape[1:]))
        for name, array in arrays.items()
    )


def write_embeddings(path: Path, **options: Any) -> Path:
    """Write `embeddings`."""
    embeddings(**options).write_parquet(path)
    return path


def features(signal_to_noise: float = 5.0, seed: int = 0) -> pl.DataFrame:
    """All statistics are noise, except for `eta_folded`, which tells the classes apart; one feature is undefined."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(0, 1, STARS) for name in STATISTICS}
    columns["eta_folded"] += signal_to_noise * labels()
    undefined = [None, *rng.normal(0, 1, STARS - 1)]
    return pl.DataFrame({"id": ids(), **columns, "lc_eta": undefined})


def write_features(folder: Path, **options: Any) -> list[Path]:
    """Write `features` as two shards."""
    folder.mkdir(parents=True, exist_ok=True)
    table = features(**options)
    paths = [folder / f"{shard}.parquet" for shard in range(2)]
    for shard, path in enumerate(paths):
        table[30 * shard : 30 * (shard + 1)].write_parquet(path)
    return paths


def train(folder: Path, **changes: Any) -> None:
    """Train two heads for each SPC on `embeddings.parquet` of a folder, into its folder `heads`."""
    arguments: dict[str, Any] = {
        "heads": {"skip": {"head": "skip", **HEAD}, "msx": {"head": "msx", **HEAD}},
        "folds": [0],
        "spc": SPC,
        "seeds": [3],
        "classes": CLASSES,
        "weighting": "objects",
        "training": {"learning_rate": 0.05, "batch_size": 16, "epochs": 20, "patience": 20},
        "state": str(folder / "state"),
        "tags": OF_ENCODER,
    }
    train_heads(folder / "embeddings.parquet", folder / "split.parquet", folder / "heads", **(arguments | changes))


def kill_before_saving(model: int) -> None:
    """Let this process be killed when it is about to save the model of this number, counted from 1."""
    saved = keras.Model.save
    calls = []

    def save(self: keras.Model, *arguments: Any, **options: Any) -> None:
        calls.append(self)
        if len(calls) == model:
            os.kill(os.getpid(), signal.SIGKILL)
        saved(self, *arguments, **options)

    keras.Model.save = save


if __name__ == "__main__":
    kill_before_saving(3)
    train(Path(sys.argv[1]))
