"""Resume, early stopping and failures of the training loop."""

import os
import signal
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny_training
import warm_python
from tiny_training import OBJECTIVE, OPTIONS, dataset, signalled_at, small_model

from astromer.errors import InputError
from astromer.training.loop import DivergenceError, train
from astromer.training.objectives import ReconstructionObjective
from astromer.training.pretraining import pretrain
from astromer.training.signals import InterruptedTraining
from astromer.training.state import StateFile
from astromer.training.steps import evaluate

ROOT = Path(__file__).resolve().parents[3]


class Constant(keras.layers.Layer):
    """Predict one trainable number."""

    def build(self, input_shape):
        self.number = self.add_weight(shape=(), initializer="zeros", name="number")

    def call(self, inputs):
        return 0.0 * inputs + self.number


def constant_model() -> keras.Model:
    inputs = keras.Input((None, 1), name="magnitudes")
    return keras.Model({"magnitudes": inputs}, Constant()(inputs))


def constant_batch(target: float) -> list[dict[str, np.ndarray]]:
    ones = np.ones((1, 2, 1), "float32")
    return [{"magnitudes": ones, "target": target * ones, "probed": ones, "hidden": ones, "weight": ones}]


def train_constant(model=None, *, learning_rate=1.0, epochs=20, patience=3, state=None, training=None, **more):
    """Descend towards 10 with steps of `learning_rate` while the validation asks for 4."""
    return train(
        model or constant_model(),
        keras.optimizers.SGD(learning_rate),
        ReconstructionObjective(weighted=False),
        training or (lambda epoch: constant_batch(10)),
        constant_batch(4),
        epochs=epochs,
        patience=patience,
        state=state,
        **more,
    )


def test_killed_and_warned_run_ends_like_an_unbroken_one(tmp_path):
    unbroken = small_model()
    expected = pretrain(unbroken, dataset, dataset(100), OPTIONS, OBJECTIVE)

    command = [warm_python.executable(), tiny_training.__file__, str(tmp_path / "state")]
    killed = subprocess.run(command, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert killed.returncode == -signal.SIGKILL
    state = StateFile(tmp_path / "state", "test", every_seconds=1000)
    with pytest.raises(InterruptedTraining, match=r"SIGUSR1 came.*epoch 2, after 7 steps"):
        pretrain(small_model(), signalled_at(2, signal.SIGUSR1), dataset(100), OPTIONS, OBJECTIVE, state=state)
    resumed = small_model()
    history = pretrain(resumed, dataset, dataset(100), OPTIONS, OBJECTIVE, state=state)

    assert (expected.resumed, history.resumed) == (False, True)
    for name, run in (("expected", expected), ("found", history)):
        run.write(tmp_path / name)
    for file in ("history.csv", "steps.csv"):
        assert Path(tmp_path, "expected", file).read_bytes() == Path(tmp_path, "found", file).read_bytes()
    for weight, other in zip(unbroken.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_work_after_the_last_save_is_done_again(tmp_path):
    """A kill in the middle of an epoch whose last save lies in the epoch before."""

    def broken(epoch):
        yield from dataset(epoch).take(2 if epoch == 2 else -1)
        if epoch == 2:
            raise KeyboardInterrupt

    expected = pretrain(small_model(), dataset, dataset(100), OPTIONS, OBJECTIVE)
    state = StateFile(tmp_path, "test", every_seconds=0)
    with pytest.raises(InterruptedTraining):
        pretrain(small_model(), signalled_at(1, signal.SIGTERM), dataset(100), OPTIONS, OBJECTIVE, state=state)
    seldom = StateFile(tmp_path, "test", every_seconds=1000)
    with pytest.raises(KeyboardInterrupt):
        pretrain(small_model(), broken, dataset(100), OPTIONS, OBJECTIVE, state=seldom)
    assert pretrain(small_model(), dataset, dataset(100), OPTIONS, OBJECTIVE, state=seldom).epochs == expected.epochs


def test_finished_run_is_not_repeated(tmp_path):
    state, model = StateFile(tmp_path, "test"), small_model()
    first = pretrain(model, dataset, dataset(100), OPTIONS, OBJECTIVE, state=state)
    again = small_model()

    def never(epoch):
        raise AssertionError("a finished run asked for data")

    assert pretrain(again, never, dataset(100), OPTIONS, OBJECTIVE, state=state).epochs == first.epochs
    for weight, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_state_of_other_data_or_options_is_not_resumed(tmp_path, caplog):
    train_constant(state=StateFile(tmp_path, "these data"))
    for fingerprint, rate in (("other data", 1.0), ("these data", 0.5)):
        caplog.clear()
        history = train_constant(learning_rate=rate, state=StateFile(tmp_path, fingerprint))
        assert "starting again" in caplog.text
        assert history.epochs[0]["learning_rate"] == rate


@pytest.mark.parametrize("both", [False, True])
def test_a_damaged_state_is_set_aside_for_the_one_before_or_a_new_start(tmp_path, caplog, both):
    state = StateFile(tmp_path, "test", every_seconds=0)
    expected = train_constant(state=state)
    for path in [state.path, state.previous][: 1 + both]:
        path.write_bytes(path.read_bytes()[:-100])
    assert str(train_constant(state=state).epochs) == str(expected.epochs)
    assert "damaged-state.npz" in caplog.text
    assert ("damaged-previous.npz" in caplog.text) == both
    assert (tmp_path / "damaged-state.npz").exists()


def test_early_stopping_keeps_the_best_weights():
    model = constant_model()
    history = train_constant(model)
    assert history.best_epoch == 4
    assert len(history.epochs) == 7
    assert float(model.weights[0]) == pytest.approx(4, abs=1e-5)
    assert history.epochs[3]["val_loss"] == min(row["val_loss"] for row in history.epochs)
    assert evaluate(model, ReconstructionObjective(weighted=False), constant_batch(4))["loss"] == pytest.approx(
        history.epochs[3]["val_loss"]
    )


def test_initial_weights_come_back_if_training_makes_them_worse():
    """The validation asks for 4, the first step ends at 10."""
    model = constant_model()
    history = train_constant(model, learning_rate=10.0, keep_better_start=True)
    assert float(model.weights[0]) == 0
    assert history.best_epoch == 0
    assert [row["epoch"] for row in history.epochs] == [0, 1, 2, 3]
    assert history.epochs[0]["val_loss"] == pytest.approx(4)
    again = constant_model()
    assert train_constant(again, learning_rate=10.0).best_epoch == 1
    assert float(again.weights[0]) == pytest.approx(10)


def test_initial_weights_that_are_worse_change_nothing():
    one, other = constant_model(), constant_model()
    with_start, without = train_constant(one, keep_better_start=True), train_constant(other)
    assert str(with_start.epochs[1:]) == str(without.epochs)
    assert (with_start.best_epoch, float(one.weights[0])) == (without.best_epoch, float(other.weights[0]))


def test_no_epochs_keep_the_initial_weights_and_write_their_curves(tmp_path):
    model = constant_model()
    state = StateFile(tmp_path / "state", "test")
    for _ in range(2):  # the second time, from the saved state
        history = train_constant(model, epochs=0, keep_better_start=True, state=state)
        assert float(model.weights[0]) == 0
        assert history.best_epoch == 0
    history.write(tmp_path)
    history.write_tensorboard(tmp_path / "tensorboard")
    header, row = (tmp_path / "history.csv").read_text().splitlines()
    values = dict(zip(header.split(","), row.split(","), strict=True))
    assert (values["epoch"], values["step"], float(values["val_loss"])) == ("0", "0", pytest.approx(4))
    assert len((tmp_path / "steps.csv").read_text().splitlines()) == 1


def test_initial_weights_have_no_figures_of_training(tmp_path):
    train_constant(epochs=1, keep_better_start=True).write(tmp_path)
    table = np.genfromtxt(tmp_path / "history.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(table["epoch"], [0, 1])
    np.testing.assert_array_equal(np.isnan(table["loss"]), [True, False])
    np.testing.assert_allclose(table["val_loss"], [4, 3])


def test_curves_have_a_row_for_each_step_and_epoch(tmp_path):
    history = train_constant(epochs=2, training=lambda epoch: constant_batch(10) * 3)
    history.write(tmp_path)
    steps = np.genfromtxt(tmp_path / "steps.csv", delimiter=",", names=True)
    epochs = np.genfromtxt(tmp_path / "history.csv", delimiter=",", names=True)
    np.testing.assert_allclose(steps["loss"], [10, 9, 8, 7, 6, 5], rtol=1e-6)
    np.testing.assert_array_equal(epochs["step"], [3, 6])
    np.testing.assert_allclose(epochs["loss"], np.sqrt([(100 + 81 + 64) / 3, (49 + 36 + 25) / 3]), rtol=1e-6)
    np.testing.assert_allclose(epochs["val_loss"], [1, 2], rtol=1e-5)


def test_tensorboard_events_hold_the_curves(tmp_path):
    import tensorflow as tf

    history = train_constant(epochs=2)
    history.write_tensorboard(tmp_path)
    for part, expected in (("train", [10, 9]), ("validation", [3, 2])):
        (file,) = (tmp_path / part).iterdir()
        events = [tf.compat.v1.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(file))]
        found = [value.simple_value for event in events for value in event.summary.value if value.tag == "loss"]
        assert found == pytest.approx(expected)
        assert [event.step for event in events[1:]] == [1, 2]


def test_divergence_names_step_rate_and_checkpoint(tmp_path):
    state = StateFile(tmp_path, "test", every_seconds=0)
    good = constant_batch(10)
    huge = constant_batch(3e38)
    with pytest.raises(DivergenceError, match=r"loss is inf at step 4 \(epoch 1\).*rate 0\.125.*after 3 steps"):
        train_constant(learning_rate=0.125, state=state, training=lambda epoch: good * 3 + huge)
    with pytest.raises(DivergenceError, match="none was saved"):
        train_constant(learning_rate=1e38, training=lambda epoch: good * 3)


def test_nan_in_a_batch_is_told_apart_from_divergence():
    batch = constant_batch(10)
    batch[0]["magnitudes"] = np.array([[[1], [np.nan]]], "float32")
    with pytest.raises(InputError, match="step 2: the batch has 1 NaN"):
        train_constant(training=lambda epoch: constant_batch(10) + batch)
    with pytest.raises(InputError, match="1 NaN or infinite"):
        evaluate(constant_model(), ReconstructionObjective(weighted=False), batch)


def test_empty_sets_are_errors():
    with pytest.raises(InputError, match="training set"):
        train_constant(training=lambda epoch: [])
    with pytest.raises(InputError, match="to evaluate"):
        evaluate(constant_model(), ReconstructionObjective(weighted=False), [])
