"""Jobs on one machine do not meet on a card, and see no other card than theirs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from astromer.imports import used_files

ROOT = Path(__file__).resolve().parents[2]
TAKE = "import sys; sys.path.insert(0, {path!r}); from _gpus import take_gpus; take_gpus({quarters})\n"
SHOW = "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES'), flush=True)\n"


@pytest.fixture
def job(tmp_path):
    """Start a process that takes GPUs of a machine with two cards, says which, and waits for a line."""
    started = []

    def start(quarters, visible="0,1", then="input()"):
        program = TAKE.format(path=str(ROOT / "workflow_scripts"), quarters=quarters) + SHOW + then
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": visible, "TMPDIR": str(tmp_path)}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        started.append(subprocess.Popen([sys.executable, "-c", program], env=environment, text=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def seen(process):
    return process.stdout.readline().strip()


def test_jobs_share_cards_by_quarters(job):
    whole, halves = job(4), [job(2), job(2)]
    cards = [seen(process) for process in [whole, *halves]]
    assert sorted(cards) in (["0", "1", "1"], ["0", "0", "1"])
    assert cards.count(cards[0]) == 1, "a job on a whole card shares it"


def test_a_job_waits_for_its_share_and_gets_it_when_another_is_killed(job):
    first = job(8)
    assert seen(first) == "0,1"
    second = job(1)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=1.5)
    first.kill()
    assert seen(second) == "0"


def test_a_job_on_a_whole_card_does_not_lock_itself_out(job):
    """It finds some quarters of the only card first, and the last one later."""
    first = job(1, visible="0")
    assert seen(first) == "0"
    second = job(4, visible="0")
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=1.5)
    first.kill()
    assert seen(second) == "0"


@pytest.mark.parametrize(("quarters", "shown"), [(None, "-1"), (0, "3,5"), (4, "3"), (8, "3,5")])
def test_a_job_sees_only_what_it_was_given(job, quarters, shown):
    assert seen(job(quarters, visible="3,5")) == shown


def test_more_cards_than_there_are_is_an_error(job):
    assert "needs 3 GPUs, but 2 are visible" in job(12).communicate()[1]


def scripts_with_tensorflow():
    """Scripts whose stage loads TensorFlow, found from the sources."""
    for script in sorted((ROOT / "workflow_scripts").glob("[a-z]*.py")):
        sources = (path.read_text(encoding="utf-8") for path in used_files(script, ROOT))
        if any("\nimport tensorflow" in source or "\nimport keras" in source for source in sources):
            yield script.stem


PREPARED = """
import sys, types
from pathlib import Path
sys.path[:0] = [{scripts!r}, {here!r}]
import _entry
job = dict.fromkeys(("input", "output", "params", "resources"), {{}}) | {{"rule": "r", "log": {{"text": "log"}}}}
_entry.run(types.SimpleNamespace(**job), "stage", "run")
"""
STAGE = """
import tensorflow as tf
from pathlib import Path
from tensorflow.python.util import _pywrap_determinism as determinism

def run({argument}):
    tf.ones(3) + 1
    found = [determinism.is_enabled(), os.environ["TF_FORCE_GPU_ALLOW_GROWTH"], os.environ["CUDA_VISIBLE_DEVICES"]]
    Path("found").write_text(repr(found))
"""


@pytest.mark.parametrize(("argument", "is_deterministic"), [("", True), ("devices=None", False)])
def test_a_stage_finds_its_devices_prepared(argument, is_deterministic, tmp_path):
    (tmp_path / "stage.py").write_text("import os" + STAGE.format(argument=argument))
    program = PREPARED.format(scripts=str(ROOT / "workflow_scripts"), here=str(tmp_path))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment)
    assert (tmp_path / "found").read_text() == repr([is_deterministic, "true", "-1"])


def test_every_rule_that_loads_tensorflow_asks_for_a_share():
    asking = set()
    for rules in (ROOT / "rules").glob("*.smk"):
        for rule in re.split(r"\n *rule ", rules.read_text(encoding="utf-8"))[1:]:
            if "gpu_share=gpu_share(" in rule.split("script:")[0]:
                asking.add(rule.split("workflow_scripts/")[1].split(".py")[0])
    assert asking == set(scripts_with_tensorflow())
