"""Trained models: write and read our own folders and files, and load published weights.

Equal weights give equal files: nothing in them is a date, or a name that depends on what was built before.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import h5py
import keras

from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.files import atomic_path, read_json, sha256_of, write_json
from astromer.models.encoders import build_reconstructor
from astromer.models.lora import merged_weights
from astromer.models.released import CHECKPOINT_FILES, check_weight, load_archive, load_checkpoint

WEIGHTS_FILE = "model.weights.h5"
CONFIG_FILE = "config.json"


class Pretrained(NamedTuple):
    """A reconstructor with trained weights and the configuration of its encoder."""

    model: keras.Model
    config: EncoderConfig


def save_pretrained(model: keras.Model, config: EncoderConfig, folder: Path, *, half: bool = False) -> None:
    """Write `config.json` and `model.weights.h5` to `folder`, each of them atomically.

    The configuration rebuilds the model; the other file has one array per weight, named by its path in the model, such
    as `block_0/attention/qkv/kernel`.

    Args:
        model: reconstructor whose encoder was built from `config`.
        config: configuration of its encoder.
        folder: created if it does not exist.
        half: round the weights to float16, for files that are shipped. Loaded models compute in float32.
    """
    model = _rounded(model, config) if half else model
    with atomic_path(Path(folder) / WEIGHTS_FILE) as temporary, h5py.File(temporary, "w") as file:
        for path, values in merged_weights(model).items():
            file[path] = values
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
        path: folder written by `save_pretrained`, or its `model.weights.h5`; folder with a TensorFlow checkpoint of the
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
    if path.name == WEIGHTS_FILE and path.is_file():
        if sha256 is not None and sha256_of(path) != sha256:
            raise InputError(f"{path}: its sha256 is not {sha256}; the file was changed or is damaged")
        return _load_own(path.parent, variant)
    if path.is_file():
        return Pretrained(*load_archive(path, variant or "released", sha256))
    if sha256 is not None:
        raise InputError(f"{path}: a sha256 is given, but this is no file; expected a zip archive")
    if (path / WEIGHTS_FILE).is_file():
        return _load_own(path, variant)
    if (path / CHECKPOINT_FILES[0]).is_file():
        return Pretrained(*load_checkpoint(path, variant or "released", origin=path))
    expected = f"a zip archive, or a folder with {WEIGHTS_FILE} and {CONFIG_FILE} or with {CHECKPOINT_FILES[0]}"
    raise InputError(f"{path}: no weights found; expected {expected}")


def _load_own(folder: Path, variant: str | None) -> Pretrained:
    config = EncoderConfig.read(read_json(folder / CONFIG_FILE), str(folder / CONFIG_FILE))
    if variant not in (None, config.variant):
        raise InputError(f"{folder / CONFIG_FILE}: variant is {config.variant!r}; expected {variant!r}")
    model = build_reconstructor(config)
    values = {}
    try:
        with h5py.File(folder / WEIGHTS_FILE) as file:
            file.visititems(
                lambda name, item: values.update({name: item[()]} if isinstance(item, h5py.Dataset) else {})
            )
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(f"{folder / WEIGHTS_FILE}: not a complete HDF5 file: {error}") from error
    for variable in model.weights:
        check_weight(variable.path, values, tuple(variable.shape), folder / WEIGHTS_FILE)
    if unused := set(values) - {variable.path for variable in model.weights}:
        raise InputError(f"{folder / WEIGHTS_FILE}: unknown weight {min(unused)}; {CONFIG_FILE} has no place for it")
    for variable in model.weights:
        variable.assign(values[variable.path])
    return Pretrained(model, config)


def save_model(model: keras.Model, path: Path) -> None:
    """Write a model with its architecture as a `.keras` file, atomically."""
    with atomic_path(path) as temporary:
        model.save(temporary, include_optimizer=False)
        with zipfile.ZipFile(temporary) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members["metadata.json"] = json.dumps({"keras_version": keras.__version__}).encode()
        members["config.json"] = _renumbered(members["config.json"].decode()).encode()
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content)  # whose date is that of the format, 1980


def _renumbered(config: str) -> str:
    """Number the objects that parts of a model share, which Keras numbers by their addresses in memory."""
    numbers: dict[str, int] = {}
    return re.sub(r'(?<="shared_object_id": )\d+', lambda id_: str(numbers.setdefault(id_[0], len(numbers))), config)


def load_model(path: Path) -> keras.Model:
    """Load a model that `save_model` wrote.

    Raises:
        InputError: the file is damaged, or not that of a model.
    """
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a complete Keras model: {error}") from error
