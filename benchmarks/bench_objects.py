"""Memory of the jobs that see all objects of a survey, and of a shard in the worst order, at two sizes each.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_objects.py --objects 1000000 10000000 --rows 3000000 15000000

Every job runs in a process of its own. The baseline of `records` reads the survey for each set, that of `unpacked` the
compressed archive for each shard, as was done before.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARDS = 64
PRELUDE = """
import sys, tarfile, time
from pathlib import Path
import numpy as np
import polars as pl
folder, size = Path(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
"""
JOBS = {
    "objects": f"""
for shard in range({SHARDS}):
    ids = pl.Series("id", [f"1.{{n // 5000}}.{{n}}" for n in range(shard, size, {SHARDS})]).sort()
    count = len(ids)
    labels = np.where(rng.random(count) < .01, rng.choice(["EC", "RRab", "LPV"], count), "")
    columns = dict(ra=rng.uniform(0, 360, count), dec=rng.uniform(-75, -65, count), num_obs=rng.integers(5, 900, count))
    table = pl.DataFrame({{"id": ids, "class": labels, **columns}}).with_columns(pl.col("class").replace("", None))
    table = table.with_columns(survey=pl.lit("sky"), band=pl.lit("R"), shard=pl.lit(shard, pl.UInt16))
    table.write_parquet(folder / f"{{shard}}.parquet")
example = dict(id="1", file="f", line=1, text="")
quality = dict(survey="sky", level="object", outcome="rejected: rule", count=1, examples=[[example]])
pl.DataFrame(quality).write_parquet(folder / "quality")
""",
    "merge_survey": f"""
from astromer.surveys.ingest import merge_shards
shards = [folder / f"{{shard}}.parquet" for shard in range({SHARDS})]
merge_shards(shards, [folder / "quality"], folder / "metadata.parquet")
""",
    "split_dataset": """
from astromer.stages.split import split_dataset
dataset = {"survey": "sky", "classes": ["EC", "RRab", "LPV"], "folds": 3, "spc": [20, 100, 500], "test_per_class": 100}
stars = {"match_radius_arcsec": 2.0, "id_spaces": {}, "seed": 1}
split_dataset([folder / "metadata.parquet"], folder / "sets", folder / "counts", name="d", dataset=dataset, **stars)
""",
    "split_pretraining": """
from astromer.stages.split import split_pretraining
stars = {"match_radius_arcsec": 2.0, "id_spaces": {}, "seed": 1}
split_pretraining(
    [folder / "metadata.parquet"], folder / "learned", datasets={}, surveys=["sky"],
    validation_fraction=0.2, test_fraction=0.1, **stars,
)
""",
}
WORST = """
from astromer.config.surveys import read_survey
from astromer.surveys.ingest import ingest_shard
from astromer.surveys.reading import RAW_SCHEMA, RawBatch
objects = pl.DataFrame({"id": [str(number) for number in range(size // 300)]})

def rows(count):
    columns = {"id": rng.integers(0, size // 300, count), "file": 0, "line": rng.permutation(count)}
    columns |= {"mjd": rng.uniform(5e4, 53e3, count), "mag": rng.uniform(12, 18, count), "err_mag": 0.1, "text": None}
    table = pl.DataFrame(columns).with_columns(pl.col("id", "file").cast(pl.String))
    return table.select(pl.col(name).cast(dtype) for name, dtype in RAW_SCHEMA.items())

raw = RawBatch.of(objects=objects.with_columns(rows=1))
raw = RawBatch(raw.objects, pl.concat([rows(500_000) for _ in range(size // 500_000)], rechunk=False), raw.losses)
columns = {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err_mag"}
survey = read_survey({"format": "table", "source": ".", "table": {"columns": columns}})
shard = ingest_shard(raw, survey, name="sky", shard=0)
shard.write(*(folder / name for name in ("observations", "objects", "quality")))
"""
RECORDS = """
from astromer.stages.records import select_observations
objects = pl.DataFrame({"id": [f"{n:07}" for n in range(size)], "shard": [n * 16 // size for n in range(size)]})
objects.write_parquet(folder / "metadata")
for shard in range(16):
    ids = objects.filter(shard=shard)["id"].to_list()
    table = pl.DataFrame({"id": np.repeat(ids, 200), "mjd": np.tile(np.arange(200.0), len(ids))})
    table.with_columns(mag=pl.lit(1, pl.Float32), err_mag=pl.lit(1, pl.Float32)).write_parquet(folder / f"o{shard}")
paths = [folder / f"o{shard}" for shard in range(16)]
objects.sample(500, seed=1).select("id").write_parquet(folder / "split")
drawn = pl.read_parquet(folder / "split")["id"].implode()

def each():
    return pl.concat(pl.scan_parquet(path).filter(pl.col("id").is_in(drawn)) for path in paths).collect()

started = time.monotonic()
for _ in range(13):  # 3 folds of 3 SPC, their tests, and all objects
    before = each().sort("id", "mjd")
halfway = time.monotonic()
select_observations(paths, folder / "metadata", folder / "split", folder / "selected")
for _ in range(13):
    after = pl.read_parquet(folder / "selected").filter(pl.col("id").is_in(drawn))
assert after.equals(before)
print(f"records: 13 sets, the survey read for each {halfway - started:.2f} s, once {time.monotonic() - halfway:.2f} s, "
      f"ratio {(halfway - started) / (time.monotonic() - halfway):.1f}")
"""
UNPACKED = """
import io
from astromer.stages.ingest import unpack_dump
from astromer.surveys.reading import members_of_part
from astromer.surveys.sources import iter_members
with tarfile.open(folder / "sky.tar.xz", "w:xz") as archive:
    for number in range(size):
        values = rng.random((300, 3)) * [3000, 1, .1] + [50000, 15, 0]
        text = "".join(f"{mjd:.5f} {mag:.4f} {err:.4f}\\n" for mjd, mag, err in values)
        info = tarfile.TarInfo(f"{number}.dat")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))

def read(source):
    parts = (members_of_part(source, "{id}.dat", part, 16, members=iter_members) for part in range(16))
    return [len(list(part)) for part in parts]

started = time.monotonic()
before = read(folder / "sky.tar.xz")
halfway = time.monotonic()
unpack_dump(folder / "sky.tar.xz", folder / "unpacked")
assert read(folder / "unpacked/dump.tar") == before
print(f"unpacked: 16 shards, decompressed for each {halfway - started:.2f} s, once {time.monotonic() - halfway:.2f} s, "
      f"ratio {(halfway - started) / (time.monotonic() - halfway):.1f}")
"""


def peak_mb(job: str, folder: str, size: int) -> float:
    """Run one job; return its peak memory in MB."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    process = subprocess.Popen([sys.executable, "-c", PRELUDE + job, folder, str(size)], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"a job failed with status {status}")
    return usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, nargs=2, default=[1_000_000, 10_000_000])
    parser.add_argument("--rows", type=int, nargs=2, default=[3_000_000, 15_000_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peak_mb(RECORDS, folder, 20_000)
        peak_mb(UNPACKED, folder, 1_000)
    peaks: dict[str, list[float]] = {}
    for size in options.objects:
        with tempfile.TemporaryDirectory() as folder:
            for name, job in JOBS.items():
                peaks.setdefault(name, []).append(peak_mb(job, folder, size))
                print(f"{name:18} {size:>12,} objects  peak {peaks[name][-1]:5.0f} MB", flush=True)
    for size in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            peaks.setdefault("worst order", []).append(peak_mb(WORST, folder, size))
            print(f"{'worst order':18} {size:>12,} rows     peak {peaks['worst order'][-1]:5.0f} MB", flush=True)
    for name, (small, large) in peaks.items():
        print(f"{name:18} ratio of the peaks {large / small:.2f}")


if __name__ == "__main__":
    main()
