"""Trained reconstructors: write and read our own folders, and load published weights."""

import zipfile
from pathlib import Path
from typing import NamedTuple

import keras

from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.files import atomic_path, read_json, sha256_of, write_json
from astromer.models.encoders import build_reconstructor
from astromer.models.released import CHECKPOINT_FILES, check_weight, load_archive, load_checkpoint

MODEL_FILE = "model.keras"
CONFIG_FILE = "config.json"


class Pretrained(NamedTuple):
    """A reconstructor with trained weights and the configuration of its encoder."""

    model: keras.Model
    config: EncoderConfig


def save_pretrained(model: keras.Model, config: EncoderConfig, folder: Path, *, half: bool = False) -> None:
    """Write `model.keras` and `config.json` to `folder`, each of them atomically.

    Args:
        model: reconstructor whose encoder was built from `config`.
        config: configuration of its encoder.
        folder: created if it does not exist.
        half: round the weights to float16, for files that are shipped. Loaded models compute in float32.
    """
    model = _rounded(model, config) if half else model
    with atomic_path(Path(folder) / MODEL_FILE) as temporary:
        model.save(temporary, include_optimizer=False)
    write_json(Path(folder) / CONFIG_FILE, config.plain())


def _rounded(model: keras.Model, config: EncoderConfig) -> keras.Model:
    """Return the reconstructor with weights in float16, except in layers that are float32 whatever the policy."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float16")
    try:
        rounded = build_reconstructor(config)
    finally:
        keras.config.set_dtype_policy(policy)
    rounded.set_weights(model.get_weights())
    return rounded


def load_pretrained(path: Path, *, variant: str | None = None, sha256: str | None = None) -> Pretrained:
    """Load a reconstructor; the format is detected.

    Args:
        path: folder written by `save_pretrained`, or its `model.keras`; folder with a TensorFlow checkpoint of the
            released code (`weights.index`, ..., and `config.toml` or `conf.json`); or zip archive of such a folder, as
            published by the authors.
        variant: variant to build for weights of the released code, `released` by default. With `paper` the mask token
            of v2, which those weights lack, is initialised to 0. For our own folders it may be omitted, because they
            record their variant.
        sha256: expected checksum of a file, hexadecimal.

    Raises:
        InputError: the path, its format, its checksum or any of its weights is not as expected.
    """
    path = Path(path)
    if path.name == MODEL_FILE and path.is_file():
        if sha256 is not None and sha256_of(path) != sha256:
            raise InputError(f"{path}: its sha256 is not {sha256}; the file was changed or is damaged")
        return _load_own(path.parent, variant)
    if path.is_file():
        return Pretrained(*load_archive(path, variant or "released", sha256))
    if sha256 is not None:
        raise InputError(f"{path}: a sha256 is given, but this is no file; expected a zip archive")
    if (path / MODEL_FILE).is_file():
        return _load_own(path, variant)
    if (path / CHECKPOINT_FILES[0]).is_file():
        return Pretrained(*load_checkpoint(path, variant or "released", origin=path))
    expected = f"a zip archive, or a folder with {MODEL_FILE} and {CONFIG_FILE} or with {CHECKPOINT_FILES[0]}"
    raise InputError(f"{path}: no weights found; expected {expected}")


def _load_own(folder: Path, variant: str | None) -> Pretrained:
    config = EncoderConfig.read(read_json(folder / CONFIG_FILE), str(folder / CONFIG_FILE))
    if variant not in (None, config.variant):
        raise InputError(f"{folder / CONFIG_FILE}: variant is {config.variant!r}; expected {variant!r}")
    model = build_reconstructor(config)
    try:
        saved = keras.models.load_model(folder / MODEL_FILE, compile=False)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder / MODEL_FILE}: not a complete Keras model: {error}") from error
    values = {variable.path: variable.numpy() for variable in saved.weights}
    for variable in model.weights:
        check_weight(variable.path, values, tuple(variable.shape), folder / MODEL_FILE)
    if unused := set(values) - {variable.path for variable in model.weights}:
        raise InputError(f"{folder / MODEL_FILE}: unknown weight {min(unused)}; {CONFIG_FILE} has no place for it")
    for variable in model.weights:
        variable.assign(values[variable.path])
    return Pretrained(model, config)
