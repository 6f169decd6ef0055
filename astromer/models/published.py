"""Read and write weights: our own folders, the published Astromer 1 archive, and checkpoints of the released code.

TensorFlow is imported only to read its checkpoints, and only when one is read.
"""

import hashlib
import io
import json
import logging
import re
import tempfile
import tomllib
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import keras
import numpy as np

from astromer.errors import InputError
from astromer.files import atomic_path, write_json
from astromer.models.config import EncoderConfig
from astromer.models.encoders import build_encoder, build_reconstructor

logger = logging.getLogger(__name__)

MODEL_FILE = "model.keras"
CONFIG_FILE = "config.json"
CHECKPOINT_FILES = ("weights.index", "weights.data-00000-of-00001")
OPTIONS_FILES = ("config.toml", "conf.json")
MAX_ARCHIVE_MEMBER_BYTES = 1 << 30

_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
# What the released code calls the attention of either architecture as we build it (see `AttentionBias`).
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


class Pretrained(NamedTuple):
    """A reconstructor with trained weights, and the config of its encoder."""

    model: keras.Model
    config: EncoderConfig


def save_pretrained(model: keras.Model, config: EncoderConfig, folder: Path) -> None:
    """Write `model.keras` and `config.json` to `folder`, each complete or not at all.

    Args:
        model: reconstructor whose encoder was built from `config`.
        config: config of its encoder.
        folder: made if it does not exist.
    """
    with atomic_path(Path(folder) / MODEL_FILE) as temporary:
        model.save(temporary, include_optimizer=False)
    write_json(Path(folder) / CONFIG_FILE, config.to_dict())


def load_pretrained(path: Path, *, variant: str | None = None, sha256: str | None = None) -> Pretrained:
    """Load a reconstructor from whichever of the known formats `path` holds.

    Args:
        path: folder of `save_pretrained`; folder with a TensorFlow checkpoint of the released code (`weights.index`,
            ..., and `config.toml` or `conf.json`); or zip archive of one, as its authors publish their weights.
        variant: variant to build for weights of the released code, `released` by default. With `paper` the mask token
            of v2, which those weights lack, starts at 0. Our own folders state their variant.
        sha256: expected checksum of a zip archive, hexadecimal.

    Raises:
        InputError: the path, its format, its checksum or any of its weights is not as expected.
    """
    path = Path(path)
    if path.is_file():
        return _load_archive(path, variant or "released", sha256)
    if sha256 is not None:
        raise InputError(f"{path}: a sha256 is given, but this is no file; expected a zip archive")
    if (path / MODEL_FILE).is_file():
        return _load_own(path, variant)
    if (path / CHECKPOINT_FILES[0]).is_file():
        return _load_checkpoint(path, variant or "released", origin=path)
    expected = f"a zip archive, or a folder with {MODEL_FILE} and {CONFIG_FILE} or with {CHECKPOINT_FILES[0]}"
    raise InputError(f"{path}: no weights found; expected {expected}")


class Checkpoint(NamedTuple):
    """Weights in a folder, as `list_checkpoints` finds them."""

    folder: Path
    format: str  # `ours`, or `released` for a TensorFlow checkpoint of the released code
    modified: datetime
    num_bytes: int  # of the weights
    files: list[Path]  # that hold them


def list_checkpoints(folder: Path) -> list[Checkpoint]:
    """Find the weights of all reconstructors in `folder` and below it, the last modified first.

    Raises:
        InputError: there is no such folder.
    """
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder; expected one with checkpoints in it or below it")
    ours = [("ours", [path]) for path in Path(folder).rglob(MODEL_FILE) if path.with_name(CONFIG_FILE).is_file()]
    indices = Path(folder).rglob(CHECKPOINT_FILES[0])
    released = [("released", [path, *sorted(path.parent.glob("weights.data-*"))]) for path in indices]
    found = []
    for kind, files in ours + released:
        modified = datetime.fromtimestamp(files[0].stat().st_mtime, UTC)
        found.append(Checkpoint(files[0].parent, kind, modified, sum(file.stat().st_size for file in files), files))
    return sorted(found, key=lambda checkpoint: (checkpoint.modified, checkpoint.folder), reverse=True)


def clean_checkpoints(folder: Path, *, keep: int) -> list[Checkpoint]:
    """Delete the weights of the released code's checkpoints in `folder` and below it, except the last `keep`.

    The released code writes a checkpoint every so many epochs and for each best epoch. Our own folders, which hold the
    best epoch only, are left alone, and so are options and logs.

    Returns:
        The checkpoints that were deleted.

    Raises:
        InputError: there is no such folder, or `keep` is negative.
    """
    if keep < 0:
        raise InputError(f"clean: keep is {keep}; expected at least 0")
    old = [checkpoint for checkpoint in list_checkpoints(folder) if checkpoint.format == "released"][keep:]
    for file in (file for checkpoint in old for file in checkpoint.files):
        file.unlink()
    return old


def _load_own(folder: Path, variant: str | None) -> Pretrained:
    config = EncoderConfig.from_dict(_read_json(folder / CONFIG_FILE))
    if variant not in (None, config.variant):
        raise InputError(f"{folder / CONFIG_FILE}: variant is {config.variant!r}; expected {variant!r}")
    model = build_reconstructor(build_encoder(config))
    try:
        saved = keras.models.load_model(folder / MODEL_FILE, compile=False)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder / MODEL_FILE}: not a complete Keras model: {error}") from error
    values = {variable.path: variable.numpy() for variable in saved.weights}
    for variable in model.weights:
        _check_weight(variable.path, values, tuple(variable.shape), folder / MODEL_FILE)
    if unused := set(values) - {variable.path for variable in model.weights}:
        raise InputError(f"{folder / MODEL_FILE}: unknown weight {min(unused)}; {CONFIG_FILE} has no place for it")
    for variable in model.weights:
        variable.assign(values[variable.path])
    return Pretrained(model, config)


def _load_archive(path: Path, variant: str, sha256: str | None) -> Pretrained:
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
        return _load_checkpoint(Path(folder), variant, origin=path)


def _extract_checkpoint(archive: zipfile.ZipFile, folder: Path, origin: Path) -> None:
    """Copy the members that make a checkpoint into `folder`, under our names: a member's path is never followed."""
    for names in (*((name,) for name in CHECKPOINT_FILES), OPTIONS_FILES):
        members = [info for info in archive.infolist() if PurePosixPath(info.filename).name in names]
        wanted = " or ".join(names)
        if len(members) != 1:
            raise InputError(f"{origin}: {len(members)} members are named {wanted}; expected one")
        if members[0].file_size > MAX_ARCHIVE_MEMBER_BYTES:
            raise InputError(f"{origin}: {wanted} has {members[0].file_size} bytes; expected at most 1 GiB")
        (folder / PurePosixPath(members[0].filename).name).write_bytes(archive.read(members[0]))


def _load_checkpoint(folder: Path, variant: str, *, origin: Path) -> Pretrained:
    config = _read_released_config(folder, variant, origin)
    model = build_reconstructor(build_encoder(config))
    assign_released(model, read_checkpoint(folder / "weights", origin=origin), origin=origin)
    return Pretrained(model, config)


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
            options = _read_json(folder / "conf.json")
            architecture = "v1"
            names = {"max_obs": "window", "layers": "num_blocks", "heads": "num_heads", "dff": "feedforward_dim"}
            names |= {"use_leak": "residual", "dropout": "dropout"}
            content = {ours: options[theirs] for theirs, ours in names.items()}
            # This file calls head_dim what is the width of all heads together.
            content["head_dim"] = options["head_dim"] // options["heads"]
    except KeyError as error:
        raise InputError(f"{origin}: the options of the checkpoint lack the key {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{origin}: config.toml is not TOML: {error}") from error
    return EncoderConfig.from_dict({"architecture": architecture, "variant": variant, **content})


def _check_attention(options: Mapping[str, object], architecture: str, origin: Path) -> None:
    """Raise InputError where the weights were trained with a kind of attention that we do not build."""
    for key, value in _ATTENTION_OPTIONS.get(architecture, {}).items():
        if options.get(key, value) != value:
            raise InputError(f"{origin}: option {key} is {options[key]!r}; expected {value!r} for {architecture}")


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}; expected a JSON object")
    return content


def read_checkpoint(prefix: Path, *, origin: Path) -> dict[str, np.ndarray]:
    """Read all weights of a TensorFlow checkpoint of the released code; training state is left out.

    Returns:
        Arrays by the released code's names: `encoder/inp_transform/kernel`, `encoder/enc_layers/0/mha/wq/kernel`, ...,
        `regression/reg_layer/bias`.

    Raises:
        InputError: the checkpoint is truncated or damaged; the message names `origin`.
    """
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(prefix))
        keys = [key for key in reader.get_variable_to_shape_map() if not _BOOKKEEPING.search(key)]
        arrays = {key.removesuffix(_VALUE_SUFFIX): reader.get_tensor(key) for key in sorted(keys)}
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError) as error:
        raise InputError(f"{origin}: not a complete TensorFlow checkpoint: {error}") from error
    return {_released_name(key, arrays): array for key, array in arrays.items()}


def _released_name(key: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Name a weight by its part of the model; the number of its layer depends on how the model was declared."""
    layer, _, rest = key.partition("/")
    if f"{layer}/inp_transform/kernel" in arrays:
        layer = "encoder"
    elif f"{layer}/reg_layer/kernel" in arrays:
        layer = "regression"
    return f"{layer}/{rest}".replace("/ffn/layer_with_weights-", "/ffn/")


def released_names(path: str) -> list[str]:
    """Names in the released code of the weight that our reconstructor calls `path`: three for queries, keys, values.

    Empty for the mask token, which the released code does not have.
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
        arrays: every weight by its name in the released code, as `read_checkpoint` gives them.
        origin: named in errors.

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
            _check_weight(name, arrays, (*variable.shape[:-1], variable.shape[-1] // len(names)), origin)
        unused -= set(names)
        values.append((variable, np.concatenate([arrays[name] for name in names], axis=-1)))
    if unused:
        raise InputError(f"{origin}: unknown weight {min(unused)}; the model has no place for it")
    for variable, value in values:
        variable.assign(value)


def _check_weight(name: str, arrays: Mapping[str, np.ndarray], shape: tuple[int, ...], origin: Path | str) -> None:
    if name not in arrays:
        raise InputError(f"{origin}: weight {name} is missing")
    if arrays[name].shape != shape:
        raise InputError(f"{origin}: weight {name} has shape {arrays[name].shape}; expected {shape}")
    if not np.isfinite(arrays[name]).all():
        raise InputError(f"{origin}: weight {name} holds NaN or infinity")
