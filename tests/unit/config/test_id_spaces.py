"""The surveys that share ids say so."""

from pathlib import Path

import pytest
import yaml

from astromer.config.surveys import read_survey
from astromer.errors import InputError

SURVEYS = Path(__file__).resolve().parents[3] / "config/surveys.yaml"


def test_alcock_holds_stars_of_macho_under_their_ids():
    surveys = yaml.safe_load(SURVEYS.read_text(encoding="utf-8"))["surveys"]
    spaces = {name: read_survey(content, name).id_space for name, content in surveys.items()}
    assert spaces["alcock"] == spaces["macho"] == "macho"
    assert {name for name, space in spaces.items() if space} == {"alcock", "macho"}


def test_an_id_space_is_a_plain_name():
    with pytest.raises(InputError, match="id_space"):
        read_survey({"format": "simulated", "id_space": "two words"})
