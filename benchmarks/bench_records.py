"""Parquet to TFRecord: light curves per second, against a plain protobuf writer and against the original release.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_records.py [--light-curves 8000] [--jobs 2]

Light curves are simulated, 350 to 650 observations each, at irregular times. Each job writes one shard, as the workflow
does. The machine's matrix product is timed in the same run, because its speed drifts.
"""

import argparse
import resource
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

ORIGINAL_LIGHT_CURVES_PER_S = 2812
ORIGINAL_GEMM_GFLOPS = 428
CLASSES = ["EC", "RRab"]


def simulate(number: int, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return observations and objects of `number` stars."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(350, 650, number)
    total = lengths.sum()
    ids = np.array([f"{seed:03d}.{star:07d}" for star in range(number)])
    observations = pl.DataFrame(
        {
            "id": np.repeat(ids, lengths),
            "mjd": np.concatenate([np.sort(rng.uniform(48823, 51500, length)) for length in lengths]),
            "mag": rng.normal(15, 1, total).astype(np.float32),
            "err_mag": rng.uniform(0.01, 0.1, total).astype(np.float32),
        }
    )
    return observations, pl.DataFrame({"id": ids, "class": rng.choice(CLASSES, number), "band": "R", "shard": seed})


def gemm_gflops(seconds: float = 0.5) -> float:
    """Return TensorFlow's present rate of float32 matrix products of 2048 x 2048."""
    import tensorflow as tf

    matrix = tf.random.stateless_normal((2048, 2048), (0, 1))
    tf.linalg.matmul(matrix, matrix).numpy()
    start, products = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        tf.linalg.matmul(matrix, matrix).numpy()
        products += 1
    return products * 2 * 2048**3 / (time.perf_counter() - start) / 1e9


def write_shard(folder: Path) -> int:
    """Write one shard from its two Parquet files; return the process's peak memory in MB."""
    from astromer.data.records import write_records

    observations = pl.scan_parquet(folder / "observations.parquet")
    write_records(observations, pl.read_parquet(folder / "objects.parquet"), folder / "a.tfrecord", classes=CLASSES)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def write_plainly(folder: Path, number: int) -> None:
    """Write the first `number` light curves by filling protobuf messages in Python."""
    import tensorflow as tf

    def floats(series: pl.Series) -> tf.train.FeatureList:
        values = tf.train.FloatList(value=series.to_numpy())
        return tf.train.FeatureList(feature=[tf.train.Feature(float_list=values)])

    ids = pl.read_parquet(folder / "objects.parquet")["id"][:number]
    observations = pl.read_parquet(folder / "observations.parquet").filter(pl.col("id").is_in(ids.to_list()))
    with tf.io.TFRecordWriter(str(folder / "plain.tfrecord")) as writer:
        for (name,), star in observations.group_by("id", maintain_order=True):
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[name.encode()]))
            lists = {key: floats(star[key]) for key in ("mjd", "mag", "err_mag")}
            example = tf.train.SequenceExample(
                context=tf.train.Features(feature={"ID": feature}),
                feature_lists=tf.train.FeatureLists(feature_list=lists),
            )
            writer.write(example.SerializeToString())


def timed(function, *arguments) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def main() -> None:
    """Time the writer, three times, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--light-curves", type=int, default=8000, help="in each shard")
    parser.add_argument("--jobs", type=int, default=2, help="shards written at once, one process each")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, get_context("spawn").Pool(arguments.jobs) as pool:
        folders = [Path(scratch, str(shard)) for shard in range(arguments.jobs)]
        for shard, folder in enumerate(folders):
            folder.mkdir()
            for name, table in zip(("observations", "objects"), simulate(arguments.light_curves, shard), strict=True):
                table.write_parquet(folder / f"{name}.parquet")
        peaks = pool.map(write_shard, folders, chunksize=1)
        rates, ratios = [], []
        for _ in range(3):
            gemm = gemm_gflops()
            rate = arguments.light_curves * arguments.jobs / timed(pool.map, write_shard, folders, 1)
            gemm = (gemm + gemm_gflops()) / 2
            rates.append(rate)
            ratios.append(rate / ORIGINAL_LIGHT_CURVES_PER_S / (gemm / ORIGINAL_GEMM_GFLOPS))
        plain = 500 / timed(write_plainly, folders[0], 500)
    print(f"matrix product, last                {gemm:10.0f} GFLOP/s")
    print(f"protobuf messages filled in Python  {plain:10.0f} light curves/s, one process")
    print(f"write_records                       {np.median(rates):10.0f} light curves/s, {arguments.jobs} processes")
    print(f"  to the plain writer               {np.median(rates) / plain:10.1f} times")
    print(f"  to the original, per GEMM rate    {np.median(ratios):10.1f} times (target 8)")
    print(f"  peak memory of a job              {max(peaks):10.0f} MB")


if __name__ == "__main__":
    main()
