"""Memory and time of ingest and records for simulated surveys of two sizes.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_scale.py --sizes 20000 200000

Every job runs in a separate process, as in the workflow, two at a time: shards are simulated and ingested directly,
then ingested again from sorted parts as for a scattered dump, and written as records. The script prints the largest
peak memory of any job, the time, and the ratios between the sizes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OBJECTS_PER_SHARD = 5000
PRELUDE = """
import json, sys
from pathlib import Path
import polars as pl
from astromer.config.surveys import read_survey
from astromer.data.records import write_records
from astromer.surveys.ingest import ingest_shard
from astromer.surveys.parts import gather_shard, read_part, read_shard
folder, shard, size, shards = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
filters = {"max_err_mag": 1.0, "min_observations": 5, "clip_percentiles": None, "variability": None}
simulated = {"style": "macho", "objects": size, "classes": ["EC", "RRab", "LPV"], "mean_observations": None}
columns = {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err_mag"}
columns |= dict.fromkeys(["class", "band", "ra", "dec"])
table = {
    "tables": "observations*.parquet", "columns": columns, "names": None, "band": "R", "bands": {},
    "time_origin_jd": 2400000.5, "missing_values": [], "catalog": None, "position_from_id": False, "labels": {},
}
tables = ("observations", "objects", "quality")
last_first = f"{shards - shard:04}"  # so that the parts have to be sorted
outputs = {name: folder / f"{name}{last_first}.parquet" for name in tables}
"""
JOBS = {
    "ingest at once": """
survey = read_survey({"format": "simulated", "shards": shards, "filters": filters, "simulated": simulated})
raw = read_shard(survey, name="sim", source=None, seed=1, shard=shard)
ingest_shard(raw, survey, name="sim", shard=shard).write(**outputs)
""",
    "read a part": """
survey = read_survey({"format": "table", "source": ".", "shards": shards, "filters": filters, "table": table})
read_part(survey, folder / f"raw{shard}", folder / f"listed{shard}", name="sim", source=folder, part=shard)
""",
    "ingest sorted parts": """
survey = read_survey({"format": "table", "source": ".", "shards": shards, "filters": filters, "table": table})
parts = [[folder / f"{kind}{part}" for part in range(shards)] for kind in ("raw", "listed")]
result = ingest_shard(gather_shard(*parts, shard), survey, name="sim", shard=shard)
result.write(**{name: path.with_name(f"again_{path.name}") for name, path in outputs.items()})
""",
    "write records": """
observations, objects = pl.scan_parquet(outputs["observations"]), pl.read_parquet(outputs["objects"])
write_records(observations, objects, folder / f"{shard}.tfrecord")
""",
}


def run_job(job: str, *arguments: str) -> float:
    """Run one job; return its peak memory in MB."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", PRELUDE + JOBS[job], *arguments], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{job} failed with status {status}")
    return usage.ru_maxrss / 1024


def measure(size: int, workers: int) -> tuple[float, float]:
    """Run all jobs for a survey of `size` stars; return the largest peak in MB and the wall time in seconds."""
    shards = max(1, round(size / OBJECTS_PER_SHARD))
    peaks, started = {}, time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        for job in JOBS:
            begun = time.monotonic()
            runs = [pool.submit(run_job, job, folder, str(shard), str(size), str(shards)) for shard in range(shards)]
            peaks[job] = max(run.result() for run in runs)
            print(
                f"  {job:20} {shards:3} jobs  {time.monotonic() - begun:7.1f} s  peak {peaks[job]:5.0f} MB", flush=True
            )
    return max(peaks.values()), time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs=2, default=[20_000, 200_000])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    results = []
    for size in options.sizes:
        print(f"{size:,} light curves:")
        results.append(measure(size, options.workers))
        peak, seconds = results[-1]
        print(f"  in all               {seconds:7.1f} s  {size / seconds:,.0f} light curves/s  peak {peak:.0f} MB")
    (small_peak, small_s), (large_peak, large_s) = results
    growth = options.sizes[1] / options.sizes[0]
    print(f"ratio of the peaks: {large_peak / small_peak:.2f} (1.00 is constant memory)")
    print(f"ratio of the times per light curve: {large_s / small_s / growth:.2f} (1.00 is linear)")


if __name__ == "__main__":
    main()
