"""From record files to batches: the input of pretraining, finetuning, embedding and classification.

Nothing is cached: each epoch reads the records anew, cuts windows and draws masks, so that memory does not grow with
the survey.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf

from astromer.data.masking import VARIANTS, Masking, Variant, mask_windows, show_windows, window_keys
from astromer.data.records import detect_layout, parse_records
from astromer.data.windows import cut_windows, random_windows, regular_windows
from astromer.errors import InputError

OBJECTS_PER_CHUNK = 256
SHUFFLED_OBJECTS = 8192
FILES_AT_ONCE = 16
BATCHES_PER_BLOCK = 16


def pretraining_batches(
    files: Sequence[Path],
    *,
    window: int,
    batch_size: int,
    seed: int,
    masking: Masking,
    variant: Variant = "paper",
    training: bool = True,
    epoch: int = 0,
    epochs: int = 1,
    sampling: bool = False,
    pad_multiple: int | None = None,
) -> tf.data.Dataset:
    """Return masked windows of one or more epochs.

    Args:
        files: records, as `astromer.data.records` writes them, or the original's.
        window: the longest window, in observations.
        batch_size: windows of a batch; the last batch holds what is left.
        seed: with `epoch` it decides order, windows (`sampling`) and masks, whatever TensorFlow's own seed is.
        masking: fractions of probed, shown and replaced points.
        variant: see `astromer.data.masking.mask_windows`.
        training: shuffle, and draw windows and masks anew each epoch; False for validation and test: in the files'
            order, each window masked alike whatever the epoch, the batch size and the packing of the files.
        epoch: the first epoch's number. A resumed run that asks for epoch e gets the batches of the unbroken one.
        epochs: how many epochs to return, one after the other; each ends with its own last batch, so that each has
            `ceil(count_windows(files, window) / batch_size)` batches. Spares small data the start of each epoch.
        sampling: one random window of each object instead of all of its windows.
        pad_multiple: batch windows of similar length together, and pad them to the longest of their batch, rounded up
            to a multiple of this; None pads all to `window`.

    Returns:
        A dataset of the dict that `mask_windows` returns, with T <= `window` columns.

    Raises:
        InputError: no file, one that is not of records, or an unknown variant. While iterating, damaged records and
            values that are not finite raise `tf.errors.OpError`, the latter naming the objects.
    """
    if variant not in VARIANTS:
        raise InputError(f"variant is {variant!r}; expected one of {VARIANTS}")
    windows = _windows_of_epoch(files, window, batch_size, seed, training, sampling, pad_multiple)

    def masked(number: tf.Tensor) -> tf.data.Dataset:
        number = number if training else tf.zeros_like(number)

        def mask(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            return mask_windows(batch, window_keys(batch["id"], batch["start"], seed, number), masking, variant)

        return windows(number).map(mask, tf.data.AUTOTUNE)

    return tf.data.Dataset.range(epoch, epoch + epochs).flat_map(masked).prefetch(tf.data.AUTOTUNE)


def plain_batches(
    files: Sequence[Path],
    *,
    window: int,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    epoch: int = 0,
    sampling: bool = False,
    pad_multiple: int | None = None,
) -> tf.data.Dataset:
    """Return one epoch of windows with every point visible: for embedding, classification and baselines.

    The arguments, and the errors, are those of `pretraining_batches`. Windows come in the files' order unless `shuffle`
    or `pad_multiple` rearranges them. The elements are what `astromer.data.masking.show_windows` returns.
    """
    windows = _windows_of_epoch(files, window, batch_size, seed, shuffle, sampling, pad_multiple)
    return windows(tf.constant(epoch, tf.int64)).map(show_windows, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def count_windows(files: Sequence[Path], window: int) -> int:
    """Count the windows of one epoch without sampling, by reading the records once."""
    layout = _layout(files)
    serialized = _in_order(files).batch(OBJECTS_PER_CHUNK)
    lengths = serialized.map(lambda batch: parse_records(batch, layout)["length"], tf.data.AUTOTUNE)
    return sum(int((-(-batch // window)).sum()) for batch in lengths.as_numpy_iterator())


def _windows_of_epoch(
    files: Sequence[Path],
    window: int,
    batch_size: int,
    seed: int,
    shuffle: bool,
    sampling: bool,
    pad_multiple: int | None,
) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Return a function, in graph, from an epoch's number to its batches of windows as `cut_windows` makes them."""
    layout = _layout(files)

    def windows(epoch: tf.Tensor) -> tf.data.Dataset:
        def cut(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            records = parse_records(serialized, layout)
            if not sampling:
                return cut_windows(records, regular_windows(records["length"], window), window)
            bits = window_keys(records["id"], tf.zeros_like(records["length"]), seed, epoch)
            return cut_windows(records, random_windows(records["length"], window, bits), window)

        def mix(block: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            # Shuffled objects still come with all their windows at once. Keys other than the masks', of another seed.
            return _take(block, tf.argsort(window_keys(block["id"], block["start"], seed + 1, epoch)))

        serialized = _shuffled(files, seed, epoch) if shuffle else _in_order(files)
        chunks = serialized.batch(OBJECTS_PER_CHUNK).map(cut, tf.data.AUTOTUNE)
        if not shuffle and pad_multiple is None:
            return chunks.rebatch(batch_size)
        blocks = chunks.rebatch(BATCHES_PER_BLOCK * batch_size)
        blocks = blocks.map(mix) if shuffle else blocks
        if pad_multiple is None:
            return blocks.rebatch(batch_size)
        order = (seed, epoch) if shuffle else None
        return blocks.flat_map(lambda block: _batches_by_length(block, window, batch_size, pad_multiple, order))

    return windows


def _layout(files: Sequence[Path]) -> str:
    """Return the layout of the first file that holds a record."""
    layout = next(filter(None, map(detect_layout, files)), None)
    if layout is None:
        raise InputError(f"expected at least one record in the files {[str(file) for file in files]}")
    return layout


def _in_order(files: Sequence[Path]) -> tf.data.Dataset:
    """Return the records of all files as strings."""
    return tf.data.TFRecordDataset([str(file) for file in files])


def _shuffled(files: Sequence[Path], seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
    """Return the records of all files as strings, shuffled by seed and epoch, in graph."""
    paths = tf.random.experimental.stateless_shuffle([str(file) for file in files], (seed, epoch))
    # Many files at once, because a file may hold one class (legacy layout) or one field of the sky.
    records = tf.data.Dataset.from_tensor_slices(paths).interleave(
        tf.data.TFRecordDataset, cycle_length=FILES_AT_ONCE, block_length=16
    )
    shuffle_seed = tf.random.stateless_uniform((), (seed, epoch), minval=None, maxval=None, dtype=tf.int64)

    def shuffled(_: tf.Tensor) -> tf.data.Dataset:
        # `shuffle` adds the seed of the graph that it is in. In this graph it is ours, not the calling program's.
        tf.compat.v1.set_random_seed(1)
        return records.shuffle(SHUFFLED_OBJECTS, shuffle_seed, reshuffle_each_iteration=False)

    return tf.data.Dataset.from_tensors(0).flat_map(shuffled)


def _take(windows: dict[str, tf.Tensor], rows: tf.Tensor) -> dict[str, tf.Tensor]:
    return {key: tf.gather(value, rows) for key, value in windows.items()}


def _batches_by_length(
    block: dict[str, tf.Tensor], window: int, batch_size: int, pad_multiple: int, order: tuple[int, tf.Tensor] | None
) -> tf.data.Dataset:
    """Split a block of windows into batches of similar length, without the padding that a whole batch shares.

    The batches come in the random order of a seed, or from short to long.
    """
    columns = tf.minimum(-(-block["length"] // pad_multiple) * pad_multiple, window)
    by_length = tf.argsort(columns, stable=True)
    firsts = tf.range(0, tf.size(columns), batch_size)
    if order is not None:
        firsts = tf.random.experimental.stateless_shuffle(firsts, order)

    def batch(first: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = by_length[first : first + batch_size]
        longest = tf.reduce_max(tf.gather(columns, rows))
        return {
            key: value[:, :longest] if value.shape.rank == 2 else value for key, value in _take(block, rows).items()
        }

    return tf.data.Dataset.from_tensor_slices(firsts).map(batch)
