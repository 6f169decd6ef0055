"""The GPUs of a job: of its cards, those that no other job uses.

Snakemake counts shares of GPUs but does not say which card a share is of. A job therefore locks quarters of cards, in
files that all jobs of a user on this machine have in common; the locks end with its process, however that ends.
"""

import fcntl
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import IO

QUARTERS = 4  # of a card: the smallest share of a job is one

logger = logging.getLogger(__name__)
_held: list[IO[str]] = []


def cards() -> list[str]:
    """Return the cards that this process may use: those of `CUDA_VISIBLE_DEVICES` or, without it, of this machine."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return [str(index) for index, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]
    return [card for card in visible.split(",") if card not in ("", "-1")]


def take_gpus(quarters: int | None) -> None:
    """Show TensorFlow, which is not imported yet, the cards of this job only; wait for them if necessary.

    Args:
        quarters: the job's resource `gpu_share`: quarters of one card, or from 4 on, cards. None, for a job without
            that resource, gives none. 0 leaves the cards of the process as they are: it has none, or a cluster chose
            them.
    """
    if quarters == 0:
        return
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(_locked(quarters)) if quarters else "-1"


def _locked(quarters: int) -> list[str]:
    available, number = cards(), max(1, quarters // QUARTERS)
    if number > len(available):
        raise SystemExit(f"gpu_share={quarters} needs {number} GPUs, but {len(available)} are visible")
    while True:
        locks: list[IO[str]]
        found: dict[str, list[IO[str]]] = {}
        for card in available:
            locks = _free_quarters(card)[:QUARTERS]
            if len(found) < number and len(locks) >= min(quarters, QUARTERS):
                found[card] = locks[: min(quarters, QUARTERS)]
        if len(found) == number:
            _held.extend(lock for locks in found.values() for lock in locks)
            return list(found)
        del found, locks  # closes their files: a lock that this process holds is not free for itself either
        logger.info("waiting for a GPU")
        time.sleep(1)


def _free_quarters(card: str) -> list[IO[str]]:
    """Lock every free quarter of a card; a lock ends when its file is closed, as by the garbage collector."""
    folder = Path(tempfile.gettempdir(), f"astromer-gpus-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    locks = []
    for quarter in range(QUARTERS):
        file = (folder / f"{card.replace('/', '_')}.{quarter}").open("w", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            locks.append(file)
    return locks
