"""Dropout on several replicas."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np

from astromer.models.layers import Dropout

ROOT = Path(__file__).resolve().parents[3]
TWO_REPLICAS = """
import numpy as np, keras, tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
from astromer.models.layers import Dropout
keras.utils.set_random_seed(1)
with strategy.scope():
    layer = Dropout(0.5)
step = tf.function(lambda: strategy.run(lambda: layer(tf.ones((64,)), training=True)))
seen = [[part.numpy() for part in strategy.experimental_local_results(step())] for _ in range(2)]
masks = {mask.tobytes() for step in seen for mask in step}
assert len(masks) == 4, "two steps of two replicas have four masks"
"""


def test_replicas_drop_different_points():
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    subprocess.run([sys.executable, "-c", TWO_REPLICAS], check=True, env=environment)


def test_on_one_replica_it_is_that_of_keras():
    inputs, found = np.ones((20, 5), "float32"), []
    for kind in (Dropout, keras.layers.Dropout):
        keras.utils.set_random_seed(1)
        layer = kind(0.3)
        found.append([np.asarray(layer(inputs, training=True)) for _ in range(2)])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(*found[0])
    np.testing.assert_array_equal(Dropout(0.3)(inputs, training=False), inputs)
    np.testing.assert_array_equal(Dropout(0.0)(inputs, training=True), inputs)
