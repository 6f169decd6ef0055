"""Time and memory of planning a run whose scattered dump is read in many shards.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_plan.py --shards 512 4096

The run is the one of config/paper.yaml with that many shards of MACHO; nothing of it exists, so that every job is
planned. The ratio compares the time per shard, less that of a run with one shard, at both sizes: 1 is linear.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def plan(shards: int) -> tuple[float, float, float]:
    """Plan the run; return the wall time and the CPU time in seconds, and the peak memory in MB."""
    config = yaml.safe_load((ROOT / "config/paper.yaml").read_text(encoding="utf-8"))
    macho = yaml.safe_load((ROOT / "config/surveys.yaml").read_text(encoding="utf-8"))["surveys"]["macho"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "surveys", str(macho["source"])).mkdir(parents=True)
        config |= {"surveys_dir": f"{folder}/surveys", "surveys": {"macho": macho | {"shards": shards}}}
        Path(folder, "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--dry-run"]
        started = time.monotonic()
        process = subprocess.Popen(
            [*command, "--configfile", "run.yaml"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"the plan with {shards} shards failed")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, nargs=2, default=[512, 4096])
    sizes = parser.parse_args().shards
    found = {}
    for shards in (1, *sizes):
        found[shards] = plan(shards)
        wall, cpu, peak = found[shards]
        print(f"{shards:5} shards: {wall:6.1f} s, {cpu:5.1f} s of CPU, peak {peak:4.0f} MB", flush=True)
    small, large = ((found[shards][1] - found[1][1]) / shards for shards in sizes)
    print(f"ratio of the CPU times per shard: {large / small:.2f} (1.00 is linear)")


if __name__ == "__main__":
    main()
