"""The images and environments of profiles/README.md, as far as they can be built here; the rest says why not."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow_run import ROOT, TINY

BASE = "docker.io/library/debian:bookworm-slim"
IMAGE = "localhost/astromer-test"
TARGET = "results/tiny/pretrain/v2_tiny/history.csv"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

pytestmark = pytest.mark.skipif(
    "ASTROMER_TEST_IMAGES" not in os.environ,
    reason="only `make test-images` builds images, in some minutes and gigabytes",
)


def run(*command: object) -> str:
    """Run a command to its end; return what it printed."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout.strip()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image that the recipe builds on: pulled, or where that fails made of the packages of Debian."""
    if not shutil.which("buildah"):
        pytest.skip("buildah is not installed (Debian: apt-get install buildah debootstrap)")
    if subprocess.run(["buildah", "pull", BASE], capture_output=True, check=False).returncode == 0:
        return BASE
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        pytest.skip(f"{BASE} cannot be pulled here, and without root and debootstrap it cannot be made")
    root = tmp_path_factory.mktemp("debian") / "root"
    run("debootstrap", "--variant=minbase", "bookworm", root)
    shutil.copy(CERTIFICATES, root / "host.crt")  # of a network that only the host knows
    (root / "etc/pip.conf").write_text("[global]\ncert = /host.crt\n")
    container = run("buildah", "from", "scratch")
    run("buildah", "add", "--quiet", container, root, "/")
    run("buildah", "commit", "--quiet", "--rm", container, BASE)
    return BASE


@pytest.fixture(scope="module")
def container(base: str) -> Iterator[str]:
    """A container of the image that the recipe makes."""
    options = ["--isolation", "chroot", "--network", "host", "--pull-never", "--tag", IMAGE]
    run("buildah", "build", *options, ROOT / "envs")
    name = run("buildah", "from", "--pull-never", IMAGE)
    yield name
    run("buildah", "rm", name)
    run("buildah", "rmi", IMAGE)


def test_the_image_runs_the_workflow(container, tmp_path):
    mounts = ["--volume", f"{ROOT}:/source:ro", "--volume", f"{tmp_path}:/out", "--workingdir", "/out"]
    options = ["--snakefile", "/source/Snakefile", "--configfile", f"/source/{TINY.relative_to(ROOT)}", "--cores", "2"]
    within = ["python", "-m", "snakemake", *options, TARGET]
    run("buildah", "run", "--isolation", "chroot", *mounts, container, "--", *within)
    assert (tmp_path / TARGET).read_text().startswith("epoch")


def test_apptainer_builds_its_image(tmp_path):
    if not shutil.which("apptainer"):
        pytest.skip("apptainer is not installed, and Debian 12 has no package of it")
    run("apptainer", "build", tmp_path / "astromer.sif", ROOT / "envs/astromer.def")


def test_conda_solves_its_environment():
    conda = next(filter(shutil.which, ("mamba", "conda")), None)
    if conda is None:
        pytest.skip("conda is not installed, and no package registry of this machine has it")
    run(conda, "env", "create", "--dry-run", "--file", ROOT / "envs/astromer.yaml")
