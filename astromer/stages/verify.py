"""Check a finished run without training: its files, and that its tables follow from its predictions."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from polars.testing import assert_frame_equal

from astromer.errors import InputError
from astromer.evaluation.predictions import KEYS, read_predictions
from astromer.evaluation.scores import METRICS_SCHEMA, read_metrics, score_classifier
from astromer.files import read_json, sha256_of
from astromer.runs.crate import METADATA
from astromer.runs.jobs import Job, read_jobs
from astromer.stages.claims import write_claims

CLAIMS, METRICS, CONFIG = "tables/claims.csv", "tables/metrics.csv", "config.json"
TOLERANCE = 1e-9  # of a number in a table: sums may be rounded differently on another machine


class Verification(NamedTuple):
    """What was checked, and every fault that was found, one sentence each."""

    files: int
    scores: int
    claims: int
    faults: list[str]


def verify_run(folder: Path) -> Verification:
    """Check a finished run.

    Every file of the run's crate must have the checksum that the crate states; every score of `tables/metrics.csv` must
    be the score of the stored predictions, and every row of `tables/claims.csv` their comparison.

    Args:
        folder: results of a run, `results/<run>`.

    Raises:
        InputError: `folder` is not that of a finished run.
    """
    checksums = _checksums(folder)
    faults = list(_faulty_files(folder, checksums))
    (job,) = [job for job in read_jobs(folder, [CLAIMS]) if CLAIMS in job.outputs]
    scores, metrics = _score_again(folder, job), read_metrics(folder / METRICS)
    claims, stored = _claim_again(folder, job), pl.read_csv(folder / CLAIMS)
    faults += _differences(METRICS, metrics, scores)
    faults += _differences(CLAIMS, stored, claims)
    return Verification(len(checksums), len(scores), len(claims), faults)


def _checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of every file of the crate."""
    if not (folder / METADATA).exists():
        raise InputError(f"{folder / METADATA}: not found; expected the folder of a finished run, results/<run>")
    entities = read_json(folder / METADATA)["@graph"]
    return {entity["@id"]: entity["sha256"] for entity in entities if entity["@type"] == "File" and "sha256" in entity}


def _faulty_files(folder: Path, checksums: Mapping[str, str]) -> Iterator[str]:
    for file, checksum in checksums.items():
        path = folder / file
        if not path.is_file():
            yield f"{path}: is missing"
        elif sha256_of(path) != checksum:
            yield f"{path}: has another checksum than in {METADATA}"


def _score_again(folder: Path, job: Job) -> pl.DataFrame:
    """Score the predictions of all classifiers: the columns of the metrics table except `run`, `data` and `kind`."""
    calibration = read_json(folder / CONFIG)["classification"]["calibration"]
    tables = []
    for file, source in _predictions(job):
        classes = job.params["datasets"][source["dataset"]]["classes"]
        found = pl.scan_parquet(folder / file).select(KEYS.keys()).unique().collect()
        for model, fold, spc, seed in found.filter(subset="test").drop("subset").iter_rows():
            about = {"model": model, "fold": fold, "spc": spc, "seed": seed}
            subsets = {
                subset: read_predictions(folder / file, classes, **about, subset=subset)
                for subset in found.filter(**about)["subset"]
            }
            keys = [pl.lit(value).alias(name) for name, value in {**source, **about}.items()]
            tables.append(score_classifier(subsets, classes, **calibration).with_columns(keys))
    columns = [name for name in METRICS_SCHEMA if name not in ("run", "data", "kind")]
    return pl.concat(tables, how="vertical_relaxed").select(columns)


def _predictions(job: Job) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each file of predictions, with the encoder, state and dataset of its classifiers."""
    yield from zip(job.inputs, job.params["sources"], strict=True)


def _claim_again(folder: Path, job: Job) -> pl.DataFrame:
    params = {name: job.params[name] for name in ("sources", "encoders", "datasets", "head", "seed")}
    with tempfile.TemporaryDirectory() as temporary:
        claims = Path(temporary, "claims.csv")
        write_claims([folder / file for file in job.inputs], claims, **params)
        return pl.read_csv(claims)


def _differences(name: str, stored: pl.DataFrame, expected: pl.DataFrame) -> Sequence[str]:
    """Return a sentence if a table does not have the rows that follow from the predictions."""
    keys = [column for column, kind in expected.schema.items() if kind != pl.Float64]
    try:
        assert_frame_equal(
            *(table.select(expected.columns).cast(expected.schema).sort(keys) for table in (stored, expected)),
            abs_tol=TOLERANCE,
            rel_tol=0,
        )
    except AssertionError as error:
        return [f"{name}: does not follow from the predictions: {str(error).splitlines()[0]}"]
    return []
