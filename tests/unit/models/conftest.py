"""Golden vectors of the original code, and a comparison that reports the worst difference of each group at the end."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

WORST = pytest.StashKey[dict[str, tuple[float, float]]]()


@pytest.fixture(scope="session")
def golden(shared: Path) -> Callable[[str], dict[str, np.ndarray]]:
    """Read one file of golden vectors by its name without suffix."""

    def read(name: str) -> dict[str, np.ndarray]:
        with np.load(shared / "golden" / f"{name}.npz", allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}

    return read


@pytest.fixture
def close(request: pytest.FixtureRequest) -> Callable[[str, object, np.ndarray, float], None]:
    """Assert `max |ours - reference| <= tolerance` and remember the worst difference of the group."""
    worst = request.config.stash.setdefault(WORST, {})

    def check(group: str, ours: object, reference: np.ndarray, tolerance: float) -> None:
        ours = np.asarray(ours)
        assert ours.shape == reference.shape
        difference = float(np.abs(ours - reference).max())
        worst[group] = max(worst.get(group, (0.0, tolerance)), (difference, tolerance))
        assert difference <= tolerance, f"{group}: off by {difference:.3g}"

    return check


def pytest_terminal_summary(terminalreporter, config):
    for group, (difference, tolerance) in sorted(config.stash.get(WORST, {}).items()):
        terminalreporter.write_line(f"worst difference {group}: {difference:.2g} (tolerance {tolerance:g})")


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(11)


@pytest.fixture
def windows() -> dict[str, np.ndarray]:
    """Four windows of 24 points: full, a third hidden, 9 points and padding, 1 point and padding."""
    random = np.random.default_rng(7)
    valid = np.ones((4, 24, 1), "float32")
    valid[1, random.permutation(24)[:8]] = 0
    valid[2, 9:] = 0
    valid[3, 1:] = 0
    real = np.ones_like(valid)
    real[2, 9:] = 0
    real[3, 1:] = 0
    times = np.sort(random.uniform(-900, 900, valid.shape), axis=1) * real
    magnitudes = random.normal(size=valid.shape) * valid
    return {"magnitudes": magnitudes.astype("float32"), "times": times.astype("float32"), "valid": valid}
