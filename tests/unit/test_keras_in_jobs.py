"""Jobs load Keras without the packages that it imports for functions that no stage calls."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
sys.path.insert(0, {scripts!r})
from _keras import EXTRAS, LightKeras
sys.meta_path.insert(0, LightKeras())
{before}
import keras
print(*(name for name in EXTRAS if name in sys.modules))
import matplotlib.pyplot, pandas, scipy.stats, sklearn.ensemble
keras.layers.Dense(2)(keras.ops.ones((1, 3)))
"""


def extras_after_keras(before=""):
    program = PROGRAM.format(scripts=str(ROOT / "workflow_scripts"), before=before)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_keras_does_not_load_the_extras_but_a_stage_can():
    assert extras_after_keras() == []


def test_extras_that_a_stage_has_loaded_before_stay():
    assert extras_after_keras("import scipy") == ["scipy"]
