"""Encoders and a classifier of a run, applied to whole surveys."""

import re

import numpy as np
import polars as pl
import pytest
import yaml
from workflow_run import ROOT, Workflow


def example(page):
    """The first run of a page of the documentation."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])


@pytest.fixture
def unlabelled(tmp_path):
    """A folder of light curves that nobody has classified, and the encoder of the package."""
    run = Workflow(tmp_path / "a folder", example("own_survey.md") | {"surveys_dir": "dumps"})
    run.config["surveys"]["mine"]["shards"] = 2
    folder = run.folder / "dumps/stars"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for star in range(5):
        times = np.sort(rng.uniform(50_000, 50_500, 40 + 100 * star))
        lines = [f"{t:.5f} {rng.normal(15, 0.1):.3f} 0.02" for t in times]
        (folder / f"star_{star}.dat").write_text("\n".join(lines))
    return run


def test_a_folder_of_light_curves_is_embedded(unlabelled):
    dry = unlabelled.run("-n", "embeddings")
    assert set(unlabelled.jobs(dry)) == {
        *("verify_dump", "ingest_shard", "import_weights", "embed_survey", "embeddings"),
    }
    assert "There is nothing to predict with" in unlabelled.run("-n", "predictions", ok=False)
    unlabelled.run("--cores", "2", "embeddings")
    table = pl.read_parquet(unlabelled.results / "embeddings/mini/mine/*.parquet").sort("id")
    assert table.select("id", "length").rows() == [(f"star_{star}", 40 + 100 * star) for star in range(5)]
    assert np.isfinite(table["vector"].to_numpy()).all()


def test_a_survey_of_one_table_is_classified(tmp_path):
    """The example of docs/your_stars.md, whose stars are here observed in two bands."""
    run = Workflow(tmp_path / "a folder", example("your_stars.md"))
    table = run.config["surveys"]["mine"]["table"]
    table |= {"columns": table["columns"] | {"band": "filter"}, "bands": "each"}
    rng = np.random.default_rng(0)
    stars = []
    for number in range(40):
        mjd = np.sort(rng.uniform(50_000, 50_400, 90))
        signal = 0.4 * np.sin(2 * np.pi * mjd / (60.0 if number % 2 else 0.6))
        columns = {"mjd": mjd, "mag": 15 + signal + rng.normal(0, 0.02, 90), "filter": ["g", "r"] * 45}
        stars.append(pl.DataFrame(columns).with_columns(oid=pl.lit(f"star {number:02}"), err=0.02))
        stars[-1] = stars[-1].with_columns(type=pl.lit("long" if number % 2 else "short"))
        stars[-1] = stars[-1].with_columns(mag=pl.col("mag") + 2.0 * (pl.col("filter") == "r"))
    pl.concat(stars).write_csv(run.folder / "observations.csv")
    run.run("--cores", "2", "predictions")
    found = pl.read_parquet(run.results / "predictions/mine/*.parquet").sort("id")
    assert found["id"].to_list() == [f"star {number:02}" for number in range(40)]
    tested = found.filter("in_test", ~pl.col("in_training"))
    assert tested["class"].to_list() == ["long" if int(name[-2:]) % 2 else "short" for name in tested["id"]]
    objects = pl.read_parquet(run.results / "parquet/mine/metadata.parquet")
    assert set(objects.select("band", "num_obs").rows()) == {("g r", 90)}


def test_predictions_make_what_they_need(workflow):
    """A head needs no features; the fused classifier needs those of the survey that it is applied to."""
    simulated = {"style": "atlas", **workflow.config["surveys"]["sim_atlas"]["simulated"]}
    workflow.config["surveys"]["other"] = {"format": "simulated", "shards": 3, "simulated": simulated}
    workflow.config["apply"] = {"surveys": ["other"], "dataset": "sim_atlas", "spc": 10}
    jobs = workflow.jobs(workflow.run("-n", "predictions"))
    assert (jobs["predict_by_head"], jobs["train_heads"], jobs["embed_frozen"]) == (2 + 1 + 3, 1, 1)
    assert not {"finetune_encoder", "extract_features", "fit_probes"} & set(jobs)
    workflow.config["classification"] |= {"fused": True, "features": ["features"]}
    workflow.config["apply"] |= {"classifier": "fused", "state": "finetuned"}
    jobs = workflow.jobs(workflow.run("-n", "predictions"))
    assert (jobs["predict_by_probe"], jobs["extract_features"], jobs["finetune_encoder"]) == (6, 6, 2)
    assert not {"predict_by_head", "train_heads", "fit_probes"} & set(jobs)


def test_a_finished_run_predicts_its_surveys(finished, copy_of):
    """The test objects of the dataset's only fold get the probabilities that were scored."""
    run = copy_of(finished)
    run.config["apply"] = {"dataset": "sim_macho", "spc": 10}
    output = run.run("--cores", "2", "predictions")
    assert set(run.jobs(output)) == {"predict_by_head", "predictions"}
    found = pl.read_parquet(run.results / "predictions/sim_macho/*.parquet")
    objects = pl.read_parquet(run.results / "parquet/sim_macho/metadata.parquet")
    assert sorted(found["id"]) == sorted(objects["id"])
    assert found.filter("in_test").height == 2 * 10
    assert pl.read_parquet(run.results / "predictions/sim_atlas/*.parquet").select("in_test").sum().item() == 0
    scored = pl.read_parquet(run.results / "classify/v2_tiny/frozen/sim_macho/heads/predictions.parquet")
    scored = scored.filter(pl.col("subset") == "test", pl.col("spc") == 10).group_by("id").agg(pl.col("p_EC").mean())
    both = scored.join(found, on="id", suffix="_found")
    np.testing.assert_allclose(both["p_EC_found"], both["p_EC"], atol=1e-4)
