"""The workflow and the package agree on the formats."""

import ast
import re
from pathlib import Path

from astromer.data.readers import READERS

ROOT = Path(__file__).resolve().parents[4]


def test_rules_know_which_formats_are_scattered():
    rules = (ROOT / "rules/common.smk").read_text()
    listed = re.search(r"^SCATTERED_FORMATS = (\[.*?\])", rules, re.MULTILINE | re.DOTALL)
    assert ast.literal_eval(listed[1]) == [name for name, reader in READERS.items() if reader.scattered]
