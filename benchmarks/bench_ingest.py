"""Ingest of a dump of text files to Parquet: speed relative to reading each file with pandas, and memory.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_ingest.py [--dump asas.tar.xz] [--shards 2] [--repeats 3]

Without a dump (the plain ASAS dump, with `asas/catalog.csv` and `asas/lightcurves/<ID>.dat`) one of simulated stars is
written.
"""

import argparse
import os
import resource
import shutil
import statistics
import tarfile
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

RUNS_BESIDE_PANDAS = 3  # they are that much shorter that a single one would show the machine's noise
THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def survey_section(shards: int) -> dict:
    """Configuration of the plain ASAS dump."""
    layout = {
        "catalog": "asas/catalog.csv",
        "catalog_columns": {"id": "ID", "class": "Class", "band": "Band", "ra": None, "dec": None},
        "position_from_id": False,
        "light_curves": "asas/lightcurves/{id}.dat",
        "separator": "whitespace",
        "header": False,
        "columns": ["time", "mag", "err_mag"],
        "time_origin_jd": 0.0,
        "missing_values": [],
        "labels": {},
    }
    filters = {"max_err_mag": 1.0, "min_observations": 1, "clip_percentiles": None, "variability": None}
    return {"format": "files", "source": "asas", "shards": shards, "filters": filters, "files": layout}


def write_simulated_dump(folder: Path, objects: int = 4000) -> None:
    """Write text files of simulated stars and a catalogue in the layout of the plain ASAS dump."""
    from astromer.surveys.readers import simulated

    options = simulated.Options(style="macho", objects=objects, classes=["EC", "RRab"], mean_observations=450)
    light_curves = folder / "asas/lightcurves"
    light_curves.mkdir(parents=True)
    rows = ["ID,Class,Band"]
    for batch in simulated.read(options, name="sky", source=None, seed=0, part=0, parts=1):
        rows += [f"{star},{label},{band}" for star, label, band in batch.objects.select("id", "class", "band").rows()]
        for (star,), rows_of_star in batch.observations.group_by("id"):
            values = rows_of_star.select(2400000.5 + rows_of_star["mjd"], "mag", "err_mag").rows()
            text = "".join(f"{time:.5f} {mag:.3f} {err:.3f}\n" for time, mag, err in values)
            (light_curves / f"{star}.dat").write_text(text)
    (folder / "asas/catalog.csv").write_text("\n".join(rows) + "\n")


def read_with_pandas(dump: Path) -> None:
    import pandas as pd

    for path in sorted((dump / "asas/lightcurves").iterdir()):
        pd.read_csv(path, sep=r"\s+", header=None, names=["mjd", "mag", "err_mag"])


def warm_up() -> None:
    """Import the modules of a job, so that the time for it is not measured."""
    import pyarrow as pa

    import astromer.surveys.ingest
    import astromer.surveys.parts  # noqa: F401
    from astromer.config.surveys import read_survey

    pa.set_cpu_count(1)
    read_survey(survey_section(1))


def shard_job(section: dict, dump: Path, out: Path, shard: int) -> None:
    from astromer.config.surveys import read_survey
    from astromer.surveys.ingest import ingest_shard
    from astromer.surveys.parts import read_shard

    survey = read_survey(section)
    paths = {table: out / f"{shard}.{table}.parquet" for table in ("observations", "objects", "quality")}
    raw = read_shard(survey, name="asas", source=dump, seed=0, shard=shard)
    ingest_shard(raw, survey, name="asas", shard=shard).write(**paths)


def measured(function, *arguments) -> tuple[float, float]:
    """Run a job; return its processor time [s] and the peak of its process' memory [MiB]."""
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ingest_all(pool: ProcessPoolExecutor, section: dict, dump: Path, out: Path) -> list[tuple[float, float]]:
    """Ingest the whole survey, with one job of one thread per worker at a time; return the jobs' measurements."""
    jobs = [pool.submit(measured, shard_job, section, dump, out, shard) for shard in range(section["shards"])]
    return [job.result() for job in jobs]


def workers(number: int) -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=warm_up)
    for job in [pool.submit(time.sleep, 0.5) for _ in range(number)]:
        job.result()
    return pool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dump", type=Path, help="archive of the plain ASAS dump; simulated stars if left out")
    parser.add_argument("--shards", type=int, default=2, help="jobs; each of them lists all files of the dump")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    section = survey_section(arguments.shards)
    with tempfile.TemporaryDirectory() as temporary:
        dump, out = Path(temporary, "dump"), Path(temporary, "out")
        if arguments.dump:
            with tarfile.open(arguments.dump) as archive:
                archive.extractall(dump, filter="data")
        else:
            write_simulated_dump(dump)
        num_bytes = sum(path.stat().st_size for path in (dump / "asas/lightcurves").iterdir())
        results = {"pandas": [], "ours, 1 core": [], "ours, 2 cores": []}
        with workers(1) as one, workers(2) as two:
            for _ in range(arguments.repeats):
                start = time.perf_counter()
                jobs = [measured(read_with_pandas, dump)]
                results["pandas"].append((time.perf_counter() - start, jobs))
                for label, pool in (("ours, 1 core", one), ("ours, 2 cores", two)):
                    for _ in range(RUNS_BESIDE_PANDAS):
                        out.mkdir()
                        start = time.perf_counter()
                        jobs = ingest_all(pool, section, dump, out)
                        results[label].append((time.perf_counter() - start, jobs))
                        shutil.rmtree(out)
    runs = f"medians of {arguments.repeats} runs of pandas, {arguments.repeats * RUNS_BESIDE_PANDAS} of ours"
    print(f"{num_bytes / 1e6:.0f} MB of text, {arguments.shards} shards, {runs}")
    report(results)


def report(results: dict[str, list]) -> None:
    """Print time, processor time, speed relative to pandas and memory of a job for each way of reading."""
    wall = {label: statistics.median(seconds for seconds, _ in runs) for label, runs in results.items()}
    for label, runs in results.items():
        cpu = statistics.median(sum(seconds for seconds, _ in jobs) for _, jobs in runs)
        peak = max(memory for _, jobs in runs for _, memory in jobs)
        ratio = wall["pandas"] / wall[label]
        print(f"{label:14s} {wall[label]:7.2f} s, processors {cpu:6.2f} s, {ratio:5.2f} x pandas, peak {peak:5.0f} MiB")


if __name__ == "__main__":
    main()
