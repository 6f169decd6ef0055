"""Weights of the released code: the published Astromer 1 archive and TensorFlow checkpoints."""

import hashlib
import io
import logging
import re
import tempfile
import tomllib
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import keras
import numpy as np
import tensorflow as tf

from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.files import read_json
from astromer.models.encoders import build_reconstructor

logger = logging.getLogger(__name__)

CHECKPOINT_FILES = ("weights.index", "weights.data-00000-of-00001")
OPTIONS_FILES = ("config.toml", "conf.json")
MAX_ARCHIVE_MEMBER_BYTES = 1 << 30

_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
# Options of the released code for the attention that we build for each architecture (see `AttentionBias`).
_ATTENTION_OPTIONS = {
    "v1": {"mask_format": "QK", "m_alpha": 1.0, "temperature": 0.0},
    "v2": {"mask_format": "K", "m_alpha": -1e9, "temperature": 0.0},
}
_BOOKKEEPING = re.compile(r"\.OPTIMIZER_SLOT|^optimizer/|^keras_api/|^save_counter|^_CHECKPOINTABLE_OBJECT_GRAPH")
_BLOCK_PARTS = {
    "mha/dense": "attention/merge",
    "layernorm1": "attention_norm",
    "ffn/0": "feedforward_in",
    "ffn/1": "feedforward_out",
    "layernorm2": "feedforward_norm",
    "reshape_leak_1": "attention_residual",
    "reshape_leak_2": "feedforward_residual",
}


def load_archive(path: Path, variant: str, sha256: str | None) -> tuple[keras.Model, EncoderConfig]:
    """Build a reconstructor with the weights of a zip archive as published by the authors.

    Raises:
        InputError: the archive, its checksum or any of its weights is not as expected.
    """
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if sha256 not in (None, found):
        raise InputError(f"{path}: sha256 is {found}; expected {sha256}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                _extract_checkpoint(archive, Path(folder), path)
        except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:
            raise InputError(f"{path}: not a complete, unencrypted zip archive: {error}") from error
        return load_checkpoint(Path(folder), variant, origin=path)


def _extract_checkpoint(archive: zipfile.ZipFile, folder: Path, origin: Path) -> None:
    """Copy the files of a checkpoint into `folder`; the paths in the archive are ignored, for safety."""
    for names in (*((name,) for name in CHECKPOINT_FILES), OPTIONS_FILES):
        members = [info for info in archive.infolist() if PurePosixPath(info.filename).name in names]
        wanted = " or ".join(names)
        if len(members) != 1:
            raise InputError(f"{origin}: {len(members)} members are named {wanted}; expected one")
        if members[0].file_size > MAX_ARCHIVE_MEMBER_BYTES:
            raise InputError(f"{origin}: {wanted} has {members[0].file_size} bytes; expected at most 1 GiB")
        (folder / PurePosixPath(members[0].filename).name).write_bytes(archive.read(members[0]))


def load_checkpoint(folder: Path, variant: str, *, origin: Path) -> tuple[keras.Model, EncoderConfig]:
    """Build a reconstructor with the weights of a TensorFlow checkpoint of the released code.

    Args:
        folder: folder with `CHECKPOINT_FILES` and one of `OPTIONS_FILES`.
        variant: variant of the model that gets the weights.
        origin: path that errors name.

    Raises:
        InputError: the checkpoint, its options or any of its weights is not as expected.
    """
    config = _read_released_config(folder, variant, origin)
    model = build_reconstructor(config)
    assign_released(model, read_checkpoint(folder / "weights", origin=origin), origin=origin)
    return model, config


def _read_released_config(folder: Path, variant: str, origin: Path) -> EncoderConfig:
    """Translate the options of the released code: `config.toml` of v2, `conf.json` of the published v1."""
    try:
        if (folder / "config.toml").is_file():
            options = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
            architecture = {"base": "v2", "zero": "v1"}.get(options["arch"], options["arch"])
            names = {"window_size": "window", "num_layers": "num_blocks", "mixer": "feedforward_dim"}
            names |= {"pe_dim": "embedding_dim", "use_leak": "residual"}
            names |= {key: key for key in ("num_heads", "head_dim", "dropout")}
            content = {ours: options[theirs] for theirs, ours in names.items()}
            _check_attention(options, architecture, origin)
        else:
            options = read_json(folder / "conf.json")
            architecture = "v1"
            names = {"max_obs": "window", "layers": "num_blocks", "heads": "num_heads", "dff": "feedforward_dim"}
            names |= {"use_leak": "residual", "dropout": "dropout"}
            content = {ours: options[theirs] for theirs, ours in names.items()}
            # In this file, head_dim is the width of all heads together.
            content["head_dim"] = options["head_dim"] // options["heads"]
    except KeyError as error:
        raise InputError(f"{origin}: the options of the checkpoint lack the key {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{origin}: config.toml is not TOML: {error}") from error
    return EncoderConfig.read({"architecture": architecture, "variant": variant, **content}, f"{origin}: options")


def _check_attention(options: Mapping[str, object], architecture: str, origin: Path) -> None:
    """Raise InputError if the weights were trained with a kind of attention that we do not build."""
    for key, value in _ATTENTION_OPTIONS.get(architecture, {}).items():
        if options.get(key, value) != value:
            raise InputError(f"{origin}: option {key} is {options[key]!r}; expected {value!r} for {architecture}")


def read_checkpoint(prefix: Path, *, origin: Path) -> dict[str, np.ndarray]:
    """Read all weights of a TensorFlow checkpoint of the released code, without the state of its training.

    Returns:
        Arrays by the released code's names: `encoder/inp_transform/kernel`, `encoder/enc_layers/0/mha/wq/kernel`, ...,
        `regression/reg_layer/bias`.

    Raises:
        InputError: the checkpoint is truncated or damaged; the message names `origin`.
    """
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        keys = [key for key in reader.get_variable_to_shape_map() if not _BOOKKEEPING.search(key)]
        arrays = {key.removesuffix(_VALUE_SUFFIX): reader.get_tensor(key) for key in sorted(keys)}
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError) as error:
        raise InputError(f"{origin}: not a complete TensorFlow checkpoint: {error}") from error
    return {_released_name(key, arrays): array for key, array in arrays.items()}


def _released_name(key: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Replace the number of the layer, which depends on how the model was declared, by the part of the model."""
    layer, _, rest = key.partition("/")
    if f"{layer}/inp_transform/kernel" in arrays:
        layer = "encoder"
    elif f"{layer}/reg_layer/kernel" in arrays:
        layer = "regression"
    return f"{layer}/{rest}".replace("/ffn/layer_with_weights-", "/ffn/")


def released_names(path: str) -> list[str]:
    """Return the names in the released code of the weight with this path in our reconstructor.

    There are three names for the joint projection to queries, keys and values, and none for the mask token, which the
    released code does not have.
    """
    part, _, kind = path.rpartition("/")
    if path.startswith("reconstruction/"):
        name = {"norm": "bn_0", "regressor": "reg_layer"}[part.removeprefix("reconstruction/")]
        return [f"regression/{name}/{kind}"]
    if part == "input_embedding":
        return []
    if part == "input_embedding/projection":
        return [f"encoder/inp_transform/{kind}"]
    block, _, part = part.partition("/")
    stem = f"encoder/enc_layers/{block.removeprefix('block_')}"
    if part == "attention/qkv":
        return [f"{stem}/mha/{name}/{kind}" for name in ("wq", "wk", "wv")]
    theirs = {ours: name for name, ours in _BLOCK_PARTS.items()}[part]
    return [f"{stem}/{theirs}/{kind}"]


def assign_released(model: keras.Model, arrays: Mapping[str, np.ndarray], *, origin: Path | str) -> None:
    """Copy weights of the released code into our reconstructor, each exactly once.

    Args:
        model: reconstructor of the same architecture.
        arrays: all weights by their names in the released code, as returned by `read_checkpoint`.
        origin: path that errors name.

    Raises:
        InputError: a weight is missing, left over or of another shape; the message names it. The model is unchanged.
    """
    values, unused = [], set(arrays)
    for variable in model.weights:
        names = released_names(variable.path)
        if not names:
            logger.info("%s has no %s: it keeps its initial value", origin, variable.path)
            continue
        for name in names:
            check_weight(name, arrays, (*variable.shape[:-1], variable.shape[-1] // len(names)), origin)
        unused -= set(names)
        values.append((variable, np.concatenate([arrays[name] for name in names], axis=-1)))
    if unused:
        raise InputError(f"{origin}: unknown weight {min(unused)}; the model has no place for it")
    for variable, value in values:
        variable.assign(value)


def check_weight(name: str, arrays: Mapping[str, np.ndarray], shape: tuple[int, ...], origin: Path | str) -> None:
    """Raise InputError unless `arrays` contains finite values of this shape under this name."""
    if name not in arrays:
        raise InputError(f"{origin}: weight {name} is missing")
    if arrays[name].shape != shape:
        raise InputError(f"{origin}: weight {name} has shape {arrays[name].shape}; expected {shape}")
    if not np.isfinite(arrays[name]).all():
        raise InputError(f"{origin}: weight {name} holds NaN or infinity")
