"""What a finished run leaves behind: the report in a browser, provenance without paths, and `astromer verify`."""

import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from workflow_run import Workflow, environment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# What a reader does: open every table, look at every figure, and sort the claims by the difference.
PROBE = """
<script>
addEventListener("load", () => {
  for (const closed of document.querySelectorAll("details")) closed.open = true;
  const whole = (box) => box.width > 50 && box.height > 20 && box.left >= 0 && box.right <= innerWidth;
  const figures = [...document.images].map((image) => {
    const box = image.getBoundingClientRect();
    const stretch = (box.width / box.height) * (image.naturalHeight / image.naturalWidth);
    return [image.alt, image.naturalWidth > 0 && whole(box) && Math.abs(stretch - 1) < 0.02];
  });
  const tables = [...document.querySelectorAll("table")].map((table) => [
    table.tHead.textContent, whole(table.parentNode.getBoundingClientRect())]);
  const claims = document.querySelector("#claims ~ .scroll table");
  const column = [...claims.tHead.rows[0].cells].findIndex((head) => head.textContent === "difference");
  claims.tHead.rows[0].cells[column].click();
  const sorted = [...claims.tBodies[0].rows].map((row) => Number(row.cells[column].textContent));
  const found = document.createElement("pre");
  found.id = "found";
  found.textContent = JSON.stringify({ figures, tables, sorted, overflow: document.body.scrollWidth - innerWidth });
  document.body.append(found);
});
</script>
"""


def test_report_in_a_browser(finished, tmp_path):
    """It loads without an error, no figure is missing or cut, every table opens, and a column sorts."""
    if not CHROMIUM:
        pytest.skip("needs Chromium, which is not installed")
    text = (finished.results / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"(?!data:)", text), "the page needs other files"
    page = tmp_path / "report.html"
    page.write_text(text.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    options += ["--window-size=1280,900", "--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom"]
    done = subprocess.run([CHROMIUM, *options, page.as_uri()], capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr, done.stderr
    found = json.loads(re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)[1])
    drawn = list(finished.results.glob("figures/**/*.png"))
    assert len(found["figures"]) == len(drawn)
    assert [name for name, is_whole in found["figures"] if not is_whole] == []
    assert [head for head, is_whole in found["tables"] if not is_whole] == []
    assert len(found["tables"]) > 2 * len(drawn)
    assert found["sorted"] == sorted(found["sorted"])
    assert len(found["sorted"]) > 1
    assert found["overflow"] <= 0


def test_report_states_what_stands_behind_it(finished):
    text = (finished.results / "report.html").read_text(encoding="utf-8")
    assert len(text) < 25 * 2**20
    assert "Simulated light curves" in text
    assert "fig12.ipynb" in text
    provenance = json.loads((finished.results / "figures/fig02.provenance.json").read_text())
    assert all(checksum in text for checksum in provenance["inputs"].values())
    with zipfile.ZipFile(finished.results / "report.zip") as archive:
        names = set(archive.namelist())
    linked = re.findall(r'href="(?!#|http|data:)([^"]+)"', text)
    assert linked
    assert {f"tiny/{file}" for file in linked} <= names


def test_every_job_states_its_provenance(finished):
    """Nothing in it depends on where the run or the checkout lies."""
    rules = set()
    for path in finished.results.rglob("*provenance.json"):
        text = path.read_text()
        assert str(finished.folder) not in text, path
        assert str(finished.root) not in text, path
        content = json.loads(text)
        assert content["data"] == "simulated"
        assert content["outputs"]
        assert all(content["outputs"].values())
        rules.add(content["rule"])
    assert rules == {path.stem for path in (finished.results / "logs").iterdir()} - {"write_crate"}


def test_the_run_is_verified(finished):
    """In a process of its own, as on the command line."""
    command = [sys.executable, "-m", "astromer", "verify", str(finished.results)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=finished.root, env=environment(), timeout=60
    )
    assert "files have the checksums" in done.stdout, done.stderr


def test_a_moved_checkout_redraws_nothing(finished, tmp_path):
    """The run and its checkout, both somewhere else."""
    for name in (finished.folder.name, finished.root.name):
        subprocess.run(["cp", "-a", str(finished.folder.parent / name), str(tmp_path)], check=True)
    moved = Workflow(tmp_path / finished.folder.name, finished.config, tmp_path / finished.root.name)
    assert "Nothing to be done" in moved.run("-n")
