"""Fixtures shared by all tests."""

from pathlib import Path

import hypothesis
import pytest

# The same examples on every run, however busy the machine is.
hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the golden vectors and real surveys; it exists for developers and CI, never for users."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the developers' data folder {SHARED.name}/ beside the repository")
    return SHARED
