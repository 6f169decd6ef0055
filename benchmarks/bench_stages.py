"""Rate, memory and bytes of each stage of the workflow on one large simulated survey.

    python benchmarks/bench_stages.py --objects 1000000 --shards 50

The stages are jobs of the workflow: ingest, splits, records and embedding, in a folder that is deleted at the end.
Rates are light curves per second of CPU time, from the benchmark files of the jobs, so that other load on the machine
matters little; memory is the largest peak of any job. The last line is the throughput of the whole relative to that of
its slowest stage alone: 1 would be a pipeline in which only that stage costs anything. These rates are the basis of
docs/scale.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
STAGES = {
    "ingest": ("ingest_shard", "merge_survey"),
    "splits": ("split_dataset", "split_pretraining", "audit_splits"),
    "records": ("write_pretraining_records",),
    "embedding": ("embed_survey",),
}
WRITTEN = {"ingest": "parquet", "splits": "splits", "records": "records/pretraining", "embedding": "embeddings"}
ENCODER = {"architecture": "v2", "num_blocks": 2, "num_heads": 4, "head_dim": 16, "feedforward_dim": 128}


def configuration(objects: int, shards: int) -> dict:
    """Return a run on one survey of stars like those of ATLAS, with 200 observations each, and a small encoder."""
    classes = ["CB", "DB", "Mira", "Pulse"]
    simulated = {"style": "atlas", "objects": objects, "classes": classes}
    return {
        "run": "stages",
        "seed": 1,
        "surveys": {"sky": {"format": "simulated", "shards": shards, "simulated": simulated}},
        "pretraining": {"surveys": ["sky"], "training": {"epochs": 0}},
        "encoders": {"small": {**ENCODER, "finetune": False}},
        "datasets": {"sky": {"survey": "sky", "classes": classes, "spc": [20, 100, 500]}},
    }


def run_workflow(folder: Path, config: dict, cores: int) -> None:
    """Run the stages."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    shards = range(config["surveys"]["sky"]["shards"])
    targets = [f"results/stages/embeddings/small/sky/{shard}.parquet" for shard in shards]
    targets += [f"results/stages/records/pretraining/sky/{shard}/manifest.json" for shard in shards]
    options = ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--configfile", folder / "config.yaml"]
    options += ["--cores", cores, "--quiet", "all", "--", *targets]
    subprocess.run([sys.executable, "-m", "snakemake", *map(str, options)], check=True)


def measured(results: Path, rules: tuple[str, ...]) -> tuple[int, float, float]:
    """Return the number of jobs of rules, their CPU seconds, and the largest peak memory in MB."""
    files = [path for rule in rules for path in [*(results / "benchmarks").glob(f"{rule}*/**/*.jsonl")]]
    files += [path for rule in rules for path in [*(results / "benchmarks").glob(f"{rule}.jsonl")]]
    rows = [json.loads(path.read_text().splitlines()[-1]) for path in files]
    return len(rows), sum(row["cpu_time"] for row in rows), max(row["max_rss"] for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=50)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stages ") as name:
        started = time.monotonic()
        run_workflow(Path(name), configuration(options.objects, options.shards), options.cores)
        seconds, results = time.monotonic() - started, Path(name, "results/stages")
        rates = []
        print("| stage | jobs | CPU h | light curves per CPU second | peak of a job, MB | GB written |")
        print("|---|---|---|---|---|---|")
        for stage, rules in STAGES.items():
            jobs, cpu_seconds, peak = measured(results, rules)
            rates.append(options.objects / cpu_seconds)
            gigabytes = sum(path.stat().st_size for path in (results / WRITTEN[stage]).rglob("*.*")) / 1e9
            print(f"| {stage} | {jobs} | {cpu_seconds / 3600:.2f} | {rates[-1]:,.0f} | {peak:,.0f} | {gigabytes:.2f} |")
    print(f"{options.objects:,} light curves in {seconds / 60:.1f} min on {options.cores} cores")
    print(f"whole / slowest stage: {1 / sum(1 / rate for rate in rates) / min(rates):.2f}")


if __name__ == "__main__":
    main()
