"""The Python interface: build a model, load published weights, compute embeddings. See docs/python.md."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
import polars as pl
import tensorflow as tf
import yaml

from astromer.config.encoders import DEFAULT_WINDOW, EncoderConfig, Weights
from astromer.data.batches import PAD_MULTIPLE
from astromer.data.masking import show_windows
from astromer.data.phases import object_periods, window_periods
from astromer.data.windows import Cuts, cut_windows, regular_windows
from astromer.errors import InputError
from astromer.models import weights
from astromer.models.encoders import build_reconstructor, model_inputs, reads_periods
from astromer.models.pooling import masked_mean
from astromer.models.weights import Pretrained
from astromer.surveys.download import download

COLUMNS = ("id", "mjd", "mag")
DEFAULT_MODEL = "astromer-mini"


def build(config: EncoderConfig | Mapping[str, Any]) -> keras.Model:
    """Build an untrained reconstructor; `get_layer("encoder")` returns its encoder.

    Args:
        config: an `EncoderConfig` or its values; only `architecture` (`v1`, `v2`, `v3`) has no default.

    Raises:
        InputError: a key is unknown or missing, or its value out of range.
    """
    if not isinstance(config, EncoderConfig):
        config = EncoderConfig.read(config, "encoder config")
    return build_reconstructor(config)


def named_weights() -> dict[str, dict[str, Any]]:
    """Return the entries of config/weights.yaml by name: `url`, `file`, `sha256`, `licence`, ..."""
    path = Path(__file__).resolve().parents[1] / "config/weights.yaml"
    if not path.is_file():  # the package is installed, not run from a checkout
        installed = metadata.distribution("astromer").files or []
        path = next(Path(file.locate()) for file in installed if file.name == path.name)
    return yaml.safe_load(path.read_text(encoding="utf-8"))["weights"]


def load_pretrained(
    path_or_name: Path | str,
    *,
    variant: str | None = None,
    mirror: Path | str | None = None,
    cache: Path | str | None = None,
) -> Pretrained:
    """Load a trained reconstructor and the configuration of its encoder.

    Args:
        path_or_name: path to a folder of ours (`model.keras`, `config.json`), to a zip archive of published weights, or
            to a folder with a checkpoint of the released code; if no such path exists, a name of `named_weights`, such
            as `astromer-mini`, which comes with the package.
        variant: `paper` or `released`, for weights of the released code; see docs/variants.md. `released` by default.
        mirror: folder that is searched first for the file of named weights.
        cache: folder for the file of named weights; the file is downloaded if it is missing.

    Raises:
        InputError: there is no such path or name, or the file is not as expected.
        requests.RequestException: all attempts to download the file failed.
    """
    if Path(path_or_name).exists():
        return weights.load_pretrained(Path(path_or_name), variant=variant)
    name, known = str(path_or_name), named_weights()
    if name not in known:
        names = ", ".join(sorted(known))
        raise InputError(f"{name}: no such file or folder; nor is it one of the named weights: {names}")
    entry = Weights.read(known[name], f"weights.{name}")
    if entry.packaged:
        return weights.load_pretrained(entry.packaged, sha256=entry.sha256)
    path = _fetch(name, known[name], mirror, cache)
    return weights.load_pretrained(path, variant=variant, sha256=known[name]["sha256"])


def _fetch(name: str, entry: Mapping[str, Any], mirror: Path | str | None, cache: Path | str | None) -> Path:
    """Return the path to the file of named weights; download the file if necessary."""
    places = [Path(folder, entry["file"]) for folder in (mirror, cache) if folder is not None]
    for path in places:
        if path.is_file():
            return path
    if cache is None:
        searched = f"there is no {places[0]}" if places else f"{entry['file']} is not part of the package"
        raise InputError(f"weights {name}: {searched}; expected a folder `cache` to download it to")
    download(entry["url"], places[-1], sha256=entry["sha256"])
    return places[-1]


def encode(
    light_curves: pl.DataFrame | Sequence[np.ndarray],
    model: Pretrained | keras.Model | str = DEFAULT_MODEL,
    *,
    per: Literal["window", "object"] = "object",
    layer: int | Literal["all"] = -1,
    window: int | None = None,
    batch_size: int = 256,
) -> pl.DataFrame:
    """Compute embeddings of light curves, with every observation visible to the encoder.

    Light curves longer than `window` are cut as in training: the last window is shifted back to end at the last
    observation. The embedding of a window is the mean over its observations; that of an object is the mean over its
    windows, weighted by their numbers of observations. The result does not depend on batches or padding. The `released`
    v1 attends to padding; its windows are therefore always padded to `window`, as in its training.

    Args:
        light_curves: a table with the columns `id`, `mjd` [days] and `mag`, in any order; or a list of arrays `(n, 2)`
            or `(n, 3)` of time [days], magnitude and error (not used), whose ids are their positions in the list.
        model: result of `load_pretrained` or `build`, or a name for the former. By default the encoder that comes with
            the package, for which nothing is downloaded.
        per: `window` for one row per window, `object` for one row per object.
        layer: index of the level: 0 is the input embedding, 1 the first block, -1 the last; `all` for all levels.
        window: maximum number of observations in a window; by default that of the model's configuration, otherwise 200.
        batch_size: windows computed at once; it does not change the result.

    Returns:
        Rows in the order of the light curves: `id`; `start`, the index of the window's first observation in time (only
        for `window`); `length`, the number of observations; `embedding`, a float32 array `(dim,)`, or `(levels, dim)`
        for all levels. `table["embedding"].to_numpy()` is the matrix of features.

    Raises:
        InputError: no light curve, an empty one, a value that is not finite, or an argument out of range.
    """
    if per not in ("window", "object"):
        raise InputError(f"encode: per is {per!r}; expected 'window' or 'object'")
    encoder, window = _encoder_and_window(_loaded(model) if isinstance(model, str) else model, window)
    for name, value in (("window", window), ("batch_size", batch_size)):
        if value < 1:
            raise InputError(f"encode: {name} is {value}; expected at least 1")
    levels = _chosen_levels(encoder, layer)
    curves = _read_frame(light_curves) if isinstance(light_curves, pl.DataFrame) else _read_arrays(light_curves)
    cuts = Cuts(*(tensor.numpy() for tensor in regular_windows(tf.constant(curves.lengths), window)))
    lengths = np.minimum(curves.lengths[cuts.series], window)
    vectors = np.concatenate(list(_embed(encoder, levels, curves, cuts, lengths, window, batch_size)))
    vectors = vectors[np.argsort(_by_length(lengths))]
    if per == "window":
        columns = {"id": curves.ids.gather(cuts.series), "start": cuts.starts, "length": lengths}
    else:
        vectors = _mean_of_windows(vectors, cuts.series, lengths)
        columns = {"id": curves.ids, "length": curves.lengths}
    vectors = vectors if layer == "all" else vectors[:, 0]
    return pl.DataFrame({**columns, "embedding": pl.Series(vectors, dtype=pl.Array(pl.Float32, vectors.shape[1:]))})


_loaded = cache(load_pretrained)  # a name is loaded once, for any number of calls of `encode`


class _Curves(NamedTuple):
    """Concatenated light curves, each sorted by time."""

    ids: pl.Series
    lengths: np.ndarray  # int32 (objects,)
    mjd: np.ndarray  # float64 (observations,)
    mag: np.ndarray  # float32 (observations,)


def _read_frame(frame: pl.DataFrame) -> _Curves:
    for name in COLUMNS:
        if name not in frame.columns:
            raise InputError(f"light curves: there is no column {name!r}; expected {list(COLUMNS)}")
        if name != "id" and not frame[name].dtype.is_numeric():
            raise InputError(f"light curves: column {name!r} holds {frame[name].dtype}; expected numbers")
    if frame.is_empty():
        raise InputError("light curves: there are none; expected at least one observation")
    sorted_by_time = pl.col("mjd", "mag").sort_by("mjd", maintain_order=True)
    objects = frame.group_by("id", maintain_order=True).agg(pl.len().alias("length"), sorted_by_time)
    mjd = objects["mjd"].explode().cast(pl.Float64).to_numpy()
    mag = objects["mag"].explode().cast(pl.Float32).to_numpy()
    curves = _Curves(objects["id"], objects["length"].to_numpy().astype(np.int32), mjd, mag)
    wrong = ~(np.isfinite(mjd) & np.isfinite(mag))
    if wrong.any():
        first = np.repeat(np.arange(len(objects)), curves.lengths)[wrong.argmax()]
        raise InputError(
            f"light curve {curves.ids[int(first)]!r}: a time or magnitude is not finite, as are {wrong.sum()} in all; "
            "expected observations without NaN, infinity and null"
        )
    return curves


def _read_arrays(arrays: Sequence[np.ndarray]) -> _Curves:
    frames = []
    for position, array in enumerate(arrays):
        try:
            values = np.asarray(array, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"light curve {position}: holds what is no number: {error}") from error
        if values.ndim != 2 or values.shape[1] not in (2, 3) or not len(values):
            expected = "(n, 2) or (n, 3) with n >= 1: time, magnitude and its error"
            raise InputError(f"light curve {position}: its shape is {values.shape}; expected {expected}")
        frames.append(pl.DataFrame({"mjd": values[:, 0], "mag": values[:, 1]}).with_columns(id=pl.lit(position)))
    if not frames:
        raise InputError("light curves: there are none; expected at least one")
    return _read_frame(pl.concat(frames))


def _encoder_and_window(model: Pretrained | keras.Model, window: int | None) -> tuple[keras.Model, int]:
    trained, config = model if isinstance(model, Pretrained) else (model, None)
    if window is None:
        window = config.window if config else DEFAULT_WINDOW
    return trained if trained.name == "encoder" else trained.get_layer("encoder"), window


def _chosen_levels(encoder: keras.Model, layer: int | str) -> list[int]:
    count = len(encoder.outputs)
    if layer == "all":
        widths = {level.shape[-1] for level in encoder.outputs}
        if len(widths) > 1:
            raise InputError(f"encode: the levels have the widths {sorted(widths)}; expected one `layer`, not 'all'")
        return list(range(count))
    if not isinstance(layer, int) or not -count <= layer < count:
        raise InputError(f"encode: layer is {layer!r}; expected 'all' or a number from {-count} to {count - 1}")
    return [layer]


def _embed(
    encoder: keras.Model,
    levels: list[int],
    curves: _Curves,
    cuts: Cuts,
    lengths: np.ndarray,
    window: int,
    batch_size: int,
) -> Iterator[np.ndarray]:
    """Yield embeddings `(batch, levels, dim)` of batches of windows, sorted by length."""

    @tf.function(reduce_retracing=True)
    def means(inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        outputs = encoder(inputs, training=False)
        return tf.stack([masked_mean(outputs[level], inputs["valid"]) for level in levels], axis=1)

    attends_to_padding = encoder.get_layer("attention_bias").mask == "released_v1"
    number = np.arange(len(curves.lengths), dtype=np.int32)
    records = {"id": number, "label": number, "length": curves.lengths, "mjd": curves.mjd}
    records |= {"mag": curves.mag, "err_mag": np.zeros_like(curves.mag)}
    records = {name: tf.constant(values) for name, values in records.items()}
    periods = object_periods(records) if reads_periods(encoder) else None
    order = _by_length(lengths)
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        padded = -(-int(lengths[rows[-1]]) // PAD_MULTIPLE) * PAD_MULTIPLE
        columns = window if attends_to_padding else min(padded, window)
        chosen = Cuts(*(column[rows] for column in cuts))
        windows = cut_windows(records, chosen, columns)
        if periods is not None:
            windows["periods"] = window_periods(periods, chosen.series, windows["mean_mjd"])
        yield means(model_inputs(encoder, show_windows(windows))).numpy()


def _by_length(lengths: np.ndarray) -> np.ndarray:
    """Return the order in which windows are embedded."""
    return np.argsort(lengths, kind="stable")


def _mean_of_windows(vectors: np.ndarray, series: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Average `(windows, levels, dim)` over the windows of each object, weighted by their lengths."""
    firsts = np.flatnonzero(np.diff(series, prepend=-1))
    weighted = np.add.reduceat(vectors * lengths[:, None, None].astype(np.float64), firsts)
    return (weighted / np.add.reduceat(lengths, firsts)[:, None, None]).astype(np.float32)
