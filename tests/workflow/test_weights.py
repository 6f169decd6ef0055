"""Published weights take the place of a pretrained encoder."""

import csv
import json

import pytest

IMPORTED = {"weights": "macho-v1", "variant": "paper"}
FOLDER = "results/tiny/pretrain/published"


def test_published_weights_are_verified_imported_and_scored(finished, copy_of, shared, tmp_path):
    workflow = copy_of(finished)
    workflow.config["encoders"]["published"] = dict(IMPORTED)
    workflow.config["mirror"] = str(tmp_path)
    archive, folder = tmp_path / "macho_a0.zip", workflow.folder / FOLDER
    target = ("--cores", "2", "--", f"{FOLDER}/scores.csv")

    archive.write_bytes(b"PK, but not for long")
    assert "macho_a0.zip: sha256 is" in workflow.run(*target, ok=False)
    assert not list(folder.glob("*"))

    archive.write_bytes((shared / "golden/macho_a0.zip").read_bytes())
    workflow.run(*target)
    written = {"model.weights.h5", "config.json", "provenance.json", "scores.csv", "scores.provenance.json"}
    assert {path.name for path in folder.iterdir()} == written
    config = json.loads((folder / "config.json").read_text())
    assert (config["architecture"], config["variant"], config["num_blocks"]) == ("v1", "paper", 2)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["inputs"][archive.name] == provenance["params"]["sha256"]
    with (folder / "scores.csv").open() as file:
        scores = {row["predictor"]: float(row["rmse_hidden"]) for row in csv.DictReader(file)}
    assert scores.keys() == {"model", "window_mean", "interpolation"}
    assert all(0 < score < 5 for score in scores.values())


def test_an_encoder_is_either_imported_or_pretrained(workflow):
    """Without a mirror the file is downloaded; whatever comes later treats both kinds alike."""
    workflow.config["encoders"]["published"] = {"weights": "macho-v2"}
    jobs = workflow.jobs(workflow.run("-n", "embeddings"))
    assert (jobs["import_weights"], jobs["pretrain_encoder"], jobs["fetch_dump"]) == (1, 1, 1)
    assert jobs["finetune_encoder"] == 2 * 4
    assert jobs["embed_frozen"] == 2 * 2
    assert jobs["embed_finetuned"] == 2 * 2


def test_the_encoder_of_the_package_is_imported_without_a_download(finished, copy_of):
    workflow = copy_of(finished)
    workflow.config["encoders"]["mini"] = {"weights": "astromer-mini", "finetune": False}
    target = "results/tiny/pretrain/mini"
    output = workflow.run("--cores", "2", "--", f"{target}/scores.csv")
    assert "fetch_dump" not in workflow.jobs(output)
    config = json.loads((workflow.folder / target / "config.json").read_text())
    assert (config["architecture"], config["variant"]) == ("v3", "paper")


def test_figures_name_imported_encoders_too(workflow):
    workflow.config["encoders"]["published"] = {"weights": "macho-v1"}
    assert "import_weights" in workflow.jobs(workflow.run("-n"))


@pytest.mark.parametrize(
    ("encoder", "named"),
    [
        (
            {"weights": "macho-v3"},
            "encoders.published.weights: weights is 'macho-v3'; expected one of astromer-mini, macho-v1, macho-v2",
        ),
        ({"weights": "macho-v1", "num_heads": 2}, "num_heads"),
        ({"weights": "macho-v1", "variant": "new"}, "variant"),
    ],
)
def test_wrong_weights_are_named(workflow, encoder, named):
    workflow.config["encoders"]["published"] = encoder
    assert named in workflow.run("-n", ok=False)
