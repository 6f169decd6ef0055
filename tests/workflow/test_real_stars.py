"""The whole road on a handful of real stars of ASAS and Hipparcos, cut out of the developers' copy of the dumps."""

import csv
import io
import json
import tarfile
from collections import Counter

import pytest
import yaml
from workflow_run import ROOT, Workflow

CLASSES = {"asas": ["EC", "MIRA", "RRAB"], "hipparcos": ["DCEP", "MIRA", "RRAB"]}
STARS_PER_CLASS = 25
FIGURES = ("fig02", "fig12_asas", "fig14_hipparcos")
PLAIN_DUMPS = {
    "asas_plain": {
        "format": "files",
        "shards": 2,
        "source": "asas.tar.xz",
        "filters": {"min_observations": 1},
        "files": {
            "catalog": "asas/catalog.csv",
            "light_curves": "asas/lightcurves/{id}.dat",
            "position_from_id": True,
            "time_origin_jd": 0.0,
        },
    },
    "hipparcos_plain": {
        "format": "files",
        "source": "hipparcos.tar.xz",
        "filters": {"min_observations": 1},
        "files": {
            "catalog": "hipparcos/catalog.csv",
            "catalog_columns": {"ra": "RA", "dec": "Dec"},
            "light_curves": "hipparcos/lightcurves/{id}.dat",
            "time_origin_jd": 2440000.0,
        },
    },
}


def cut_out(dump, small, survey):
    """Copy the catalogue rows and light curves of the first stars of each class; return how many stars these are."""
    with tarfile.open(dump) as source, tarfile.open(small, "w:xz") as target:
        rows = list(csv.DictReader(io.TextIOWrapper(source.extractfile(f"{survey}/catalog.csv"))))
        taken, chosen = Counter(), []
        for row in rows:
            if row["Class"] in CLASSES[survey] and taken[row["Class"]] < STARS_PER_CLASS:
                taken[row["Class"]] += 1
                chosen.append(row)
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0].keys())
        writer.writeheader()
        writer.writerows(chosen)
        add(target, f"{survey}/catalog.csv", text.getvalue().encode())
        wanted = {f"{survey}/lightcurves/{row['ID']}.dat" for row in chosen}
        for member in source:
            if member.name in wanted:
                add(target, member.name, source.extractfile(member).read())
    return len(chosen), sum(int(row["N"]) for row in chosen)


def add(target, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    target.addfile(info, io.BytesIO(content))


@pytest.fixture(scope="module")
def run(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real stars")
    tiny = yaml.safe_load((ROOT / "tests/data/tiny.yaml").read_text())
    config = yaml.safe_load((ROOT / "config/asas.yaml").read_text())
    config |= {key: tiny[key] for key in ("window", "encoders", "finetuning", "classification")}
    config |= {"run": "real", "surveys_dir": str(folder / "dumps"), "surveys": PLAIN_DUMPS}
    config["pretraining"] = {"surveys": ["asas_plain"], "training": tiny["pretraining"]["training"]}
    sets = {"folds": 1, "spc": [10], "test_per_class": 10}
    config["datasets"] = {name: {"survey": f"{name}_plain", "classes": CLASSES[name]} | sets for name in CLASSES}
    (folder / "dumps").mkdir()
    sizes = {
        name: cut_out(shared / f"surveys/{name}.tar.xz", folder / f"dumps/{name}.tar.xz", name) for name in CLASSES
    }
    workflow = Workflow(folder / "run", config)
    workflow.run("--cores", "2", "--", "tables", "fig02", "fig12", "fig14")
    return workflow, sizes


def test_all_stars_and_observations_are_ingested(run):
    workflow, sizes = run
    for survey, (stars, observations) in sizes.items():
        with (workflow.results / f"parquet/{survey}_plain/quality.csv").open() as file:
            counts = {(row["level"], row["outcome"]): int(row["count"]) for row in csv.DictReader(file)}
        assert counts["object", "kept"] == stars
        assert counts["observation", "read"] == observations


def test_figures_say_that_the_stars_are_real(run):
    workflow, _ = run
    for name in FIGURES:
        assert json.loads((workflow.results / f"figures/{name}.provenance.json").read_text())["data"] == "real"
    with (workflow.results / "tables/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    models = ("skip", "logistic", "raw_gru", "statistics_forest")
    assert {(row["dataset"], row["model"]) for row in rows} == {(data, model) for data in CLASSES for model in models}
    assert {row["data"] for row in rows} == {"real"}


def test_southern_positions_come_from_the_ids(run):
    import polars as pl

    workflow, _ = run
    metadata = pl.read_parquet(workflow.results / "parquet/asas_plain/metadata.parquet")
    south = metadata.filter(pl.col("id").str.contains(r"^\d{6}-"))
    minutes = south["id"].str.slice(9, 4).cast(pl.Float64)
    expected = -(south["id"].str.slice(7, 2).cast(pl.Float64) + minutes / 60)
    assert not south.is_empty()
    assert (south["dec"] - expected).abs().max() < 1e-9
