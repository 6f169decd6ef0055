"""What the executor of SLURM finds in the environment: guarded commands, and the site's partitions."""

import os
from pathlib import Path

VARIABLE = "SNAKEMAKE_SLURM_PARTITIONS"  # read by the executor where no option names a file


def prepare_environment(root: Path) -> None:
    """Prepend the folder of guarded SLURM commands to PATH, and set the partitions file unless the user has set it."""
    guard = str(root / "profiles/slurm/bin")
    places = os.environ["PATH"].split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([guard, *(place for place in places if place != guard)])
    os.environ.setdefault(VARIABLE, str(root / "profiles/slurm/partitions.yaml"))


def partitions_file(option: Path | None) -> Path:
    """Return the file of partitions: that of the executor's option, or of the environment."""
    return Path(option or os.environ[VARIABLE])
