"""The files that say how to cite this software agree, with each other and with the package."""

import json
import tomllib
from pathlib import Path

import yaml

from astromer import __version__

ROOT = Path(__file__).resolve().parents[2]


def test_citation_files_agree():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    codemeta = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    article = cff["references"][0]
    assert cff["version"] == codemeta["version"] == zenodo["version"] == __version__
    assert cff["title"] == codemeta["name"] == zenodo["title"]
    assert cff["abstract"] == codemeta["description"] == zenodo["description"]
    assert str(cff["date-released"]) == codemeta["datePublished"] == zenodo["publication_date"]
    assert cff["license"] == codemeta["license"].rpartition("/")[2] == zenodo["license"] == project["license"]
    assert cff["keywords"] == codemeta["keywords"] == zenodo["keywords"]
    assert set(cff["keywords"]) <= set(project["keywords"])
    authors = [
        [author["name"] for author in group] for group in (cff["authors"], codemeta["author"], zenodo["creators"])
    ]
    assert authors[0] == authors[1] == authors[2] == [author["name"] for author in project["authors"]]
    assert codemeta["referencePublication"]["name"] == article["title"]
    assert codemeta["referencePublication"]["@id"].endswith(article["doi"])
    assert zenodo["related_identifiers"][0]["identifier"] == article["doi"]
    assert project["urls"]["Paper"].endswith(article["doi"])
