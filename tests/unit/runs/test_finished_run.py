"""Report, crate and verification of a finished run that was made by hand."""

import json
import re
import zipfile
from importlib import resources
from pathlib import Path

import polars as pl
import pytest
import requests
from finished_run import provenance, write, write_finished_run

from astromer.errors import InputError
from astromer.files import sha256_of
from astromer.runs.crate import METADATA
from astromer.runs.tables import claims_table
from astromer.stages.crate import write_crate
from astromer.stages.report import markup, write_report
from astromer.stages.verify import verify_run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def finished(tmp_path):
    """Folder of a run with its report and its crate."""
    folder = tmp_path / "results/hand"
    results = write_finished_run(folder)
    page, config = folder / "report.html", folder / "config.json"
    write_report(results, config, ROOT / "astromer/runs/report.html.jinja", page, folder / "report.zip")
    write(tmp_path / "Snakefile", "rule all: pass")
    provenance(folder, "write_report", ["config.json"], ["report.html", "report.zip"])
    write_crate(results, config, page, tmp_path / "Snakefile", folder / METADATA, folder / "workflow/Snakefile")
    return folder


def test_page_states_what_was_run(finished):
    text = (finished / "report.html").read_text()
    assert "Simulated light curves" in text
    assert "Real light curves" not in text
    in_order = [">Claims</a>: 1 ", "Figure 12: scores", "encoder above raw input", "Leakage audit"]
    places = [text.index(part) for part in in_order]
    assert places == sorted(places)
    assert "<li>sim | other</li><li>imported | other</li>" in text, "what cannot be matched is named"
    assert "<li>imported | stars: 7</li>" in text, "what an imported encoder has learned from is named"
    assert "<code>F1</code> &amp; not &lt; 0" in text
    assert all(re.search(rf"<td>{rule}</td>", text) for rule in ("draw_fig12", "train_skip", "write_config"))


def test_page_shows_no_table_that_is_left_of_another_configuration(tmp_path):
    folder = tmp_path / "results/hand"
    results = write_finished_run(folder)
    write(folder / "pretrain/v1/scores.csv", "predictor,windows,rmse_hidden\nmodel,18,0.4\n")
    template, page = ROOT / "astromer/runs/report.html.jinja", folder / "report.html"
    write_report(results, folder / "config.json", template, page, folder / "report.zip")
    assert "pretrain/v2/scores.csv" in page.read_text()
    assert "pretrain/v1" not in page.read_text()


def test_rounding_does_not_contradict_the_verdict_of_a_claim(finished):
    path = finished / "tables/claims.csv"
    numbers = {"difference": 0.0223456, "low": 0.0001234, "high": 0.0449876, "verdict": "holds"}
    pl.read_csv(path).with_columns(**{name: pl.lit(value) for name, value in numbers.items()}).write_csv(path)
    claims = claims_table(finished)
    shown = dict(zip(claims.columns, claims.rows[0], strict=True))
    assert (shown["difference"], shown["95 % interval"]) == ("0.022", "0.00012 to 0.045")


def test_archive_has_every_file_that_the_page_links_to(finished):
    with zipfile.ZipFile(finished / "report.zip") as archive:
        names = set(archive.namelist())
    linked = re.findall(r'href="(?!#|http|data:)([^"{]+)"', (finished / "report.html").read_text())
    assert "figures/fig12.png" in linked
    assert {f"hand/{file}" for file in linked if not file.endswith(".pdf")} <= names


def test_markup_escapes_what_it_does_not_know():
    assert markup("a **b** `c_*d*` <e>\n\nf*g*h") == "<p>a <b>b</b> <code>c_*d*</code> &lt;e&gt;</p><p>f*g*h</p>"


def test_crate_is_accepted_by_its_validator(finished, monkeypatch):
    """Without the network: the library's own copy of the JSON-LD context takes the place of the published one."""
    from rocrate_validator import models, services
    from rocrate_validator.utils.http import HttpRequester

    context = json.loads(resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_text())  # of version 1.3
    context["@context"]["ComputationalWorkflow"] = "https://bioschemas.org/ComputationalWorkflow"  # as in version 1.1
    answer = requests.Response()
    answer.status_code, answer._content = 200, json.dumps(context).encode()
    answer.headers["Content-Type"] = "application/ld+json"
    monkeypatch.setattr(HttpRequester, "get", lambda self, url, **_: answer, raising=False)
    settings = services.ValidationSettings(
        rocrate_uri=str(finished),
        profile_identifier="provenance-run-crate",
        requirement_severity=models.Severity.REQUIRED,
        offline=True,
    )
    result = services.validate(settings)
    assert [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()] == []
    graph = json.loads((finished / METADATA).read_text())["@graph"]
    assert sum(entity["@type"] == "ControlAction" for entity in graph) == 12


def test_an_untouched_run_is_verified(finished):
    done = verify_run(finished)
    assert done.faults == []
    assert (done.scores, done.claims) == (2 * 2 * 11, 1)
    assert done.files == 15


@pytest.mark.parametrize("file", ["tables/metrics.csv", "tables/claims.csv"])
def test_a_changed_number_is_found_even_if_the_crate_is_changed_with_it(finished, file):
    path, crate = finished / file, finished / METADATA
    before, text = sha256_of(path), path.read_text()
    first = re.search(r"\d\.\d+", text)
    path.write_text(f"{text[: first.start()]}0.123{text[first.end() :]}")
    assert f"{path}: has another checksum" in verify_run(finished).faults[0]
    crate.write_text(crate.read_text().replace(before, sha256_of(path)))
    (fault,) = verify_run(finished).faults
    assert fault.startswith(f"{file}: does not follow from the predictions")


def test_a_missing_file_is_found(finished):
    (finished / "tables/fig12.csv").unlink()
    assert verify_run(finished).faults == [f"{finished / 'tables/fig12.csv'}: is missing"]


def test_an_unfinished_run_is_named(finished):
    (finished / METADATA).unlink()
    with pytest.raises(InputError, match="expected the folder of a finished run"):
        verify_run(finished)
