"""What it takes to start a job that uses Keras: CPU time of its import, as it is and as jobs import it.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_start.py [rounds]

Prints the least CPU time of some rounds [s], taken in turns, and the ratio of the two.
"""

import os
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "workflow_scripts"
IMPORT = "import time, keras; print(time.process_time())"
AS_JOBS = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); from _keras import LightKeras; "
AS_JOBS += "sys.meta_path.insert(0, LightKeras()); "


def main(rounds: str = "5") -> None:
    """Print the two times and their ratio."""
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
    seconds: dict[str, list[float]] = {"as it is": [], "in jobs": []}
    for _ in range(int(rounds)):
        for name, before in (("as it is", ""), ("in jobs", AS_JOBS)):
            command = [sys.executable, "-c", before + IMPORT]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            seconds[name].append(float(done.stdout))
    for name, values in seconds.items():
        print(f"import keras {name}: {min(values):.2f} s")
    print(f"in jobs / as it is: {min(seconds['in jobs']) / min(seconds['as it is']):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
