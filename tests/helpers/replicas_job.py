"""Train on two logical CPU devices, or as one of two nodes, and write curves and weights to the folder in argv."""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tiny_training import OBJECTIVE, OPTIONS, dataset, small_model

from astromer.training.devices import is_chief, prepare_devices
from astromer.training.pretraining import pretrain
from astromer.training.state import StateFile

if sys.argv[2] == "devices":
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
else:
    strategy = prepare_devices()
assert strategy.num_replicas_in_sync == 2

with strategy.scope():
    model = small_model(dropout=0.0)
folder = Path(sys.argv[1])
history = pretrain(
    model, dataset, dataset(100), OPTIONS, OBJECTIVE, state=StateFile(folder, "replicas", every_seconds=0)
)
if is_chief(strategy):
    history.write(folder)
    np.savez(folder / "weights.npz", *[np.asarray(weight) for weight in model.weights])
