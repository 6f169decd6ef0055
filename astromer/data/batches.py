"""From record files to batches: the input of pretraining, finetuning, embedding and classification.

Nothing is cached: each epoch reads the records again, cuts windows and draws masks, so that memory does not grow with
the size of the survey.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import tensorflow as tf

from astromer.config.section import VARIANTS, Variant
from astromer.config.training import Masking
from astromer.data.masking import mask_windows, shift_times, show_windows, window_keys
from astromer.data.parsing import detect_layout, parse_records
from astromer.data.phases import mistake_periods, object_periods, visible_periods, window_periods
from astromer.data.summary import TargetTable
from astromer.data.windows import cut_windows, random_windows, regular_windows
from astromer.errors import InputError

# For each constant: what a larger value improves; its cost.
OBJECTS_PER_CHUNK = 256  # records parsed at once: less overhead per record; memory for the light curves
SHUFFLED_OBJECTS = 8192  # buffer of serialized records from which the next one is drawn: a better shuffle; memory
FILES_AT_ONCE = 16  # files whose records are interleaved: a better mix of classes and fields; open files and buffers
RECORDS_PER_TURN = 16  # consecutive records from one file: fewer switches between files; a coarser mix
BATCHES_PER_BLOCK = 16  # batches whose windows are sorted by length: less padding; memory, and less random batches

POINT_COLUMNS = ("times", "magnitudes", "err_mag")

PAD_MULTIPLE = 25
"""Recommended `pad_multiple`: few shapes, and at most 24 points of padding in the longest window of a batch."""


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
    sampling: bool = False,
    pad_multiple: int | None = None,
    time_shift: float = 0.0,
    num_periods: int = 0,
    wrong_periods: float = 0.0,
    summary: Path | None = None,
) -> tf.data.Dataset:
    """Return one epoch of masked windows.

    Args:
        files: records written by `astromer.data.records` or by the released code.
        window: maximum number of observations per window.
        batch_size: windows per batch; the last batch may be smaller.
        seed: seed of order, windows (`sampling`) and masks, together with `epoch`; TensorFlow's own seed has no effect.
        masking: fractions of probed, shown and replaced points.
        variant: see `astromer.data.masking.mask_windows`.
        training: if True, shuffle, and draw windows and masks for each epoch. If False (validation and test), keep the
            order of the files, and mask each window in the same way for any epoch, batch size and packing of the files.
        epoch: number of the epoch. A resumed run gets the same batches for an epoch as an uninterrupted one.
        sampling: use one random window per object instead of all of its windows.
        pad_multiple: batch windows of similar length together and pad them to the longest in the batch, rounded up to a
            multiple of this number; None pads all windows to `window`.
        time_shift: in training, add one random number of days between -`time_shift` and `time_shift` to the times of
            each window.
        num_periods: number of `periods` to add, of each window's points that are not probed, see
            `astromer.data.phases`.
        wrong_periods: in training, share of the windows whose periods are wrong.
        summary: add the targets of `astromer.data.summary` from this file.

    Returns:
        A dataset of dicts as returned by `mask_windows`, with at most `window` columns.

    Raises:
        InputError: there is no file, a file does not contain records, or the variant is unknown. During iteration,
            damaged records and values that are not finite raise `tf.errors.OpError`; the latter error names the
            objects.
    """
    if variant not in VARIANTS:
        raise InputError(f"variant is {variant!r}; expected one of {VARIANTS}")
    reading = _Reading(tuple(files), _layout(files), window, batch_size, seed, training, sampling, pad_multiple)
    time_shift, wrong_periods = (time_shift, wrong_periods) if training else (0.0, 0.0)
    masked = _Masked(masking, variant, time_shift, num_periods, wrong_periods, summary)
    return _epoch_function(reading, masked)(tf.constant(epoch if training else 0, tf.int64))


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
    num_periods: int = 0,
    period_error: str = "none",
) -> tf.data.Dataset:
    """Return one epoch of windows with all points visible, for embedding, classification and baselines.

    The arguments and errors are those of `pretraining_batches`. Windows are in the order of the files unless `shuffle`
    or `pad_multiple` is given. The elements are dicts as returned by `astromer.data.masking.show_windows`; with
    `num_periods`, `periods` are those of all observations of each window's object, with an error of
    `astromer.data.phases.PERIOD_ERRORS`.
    """
    options = (window, batch_size, seed, shuffle, sampling, pad_multiple, num_periods, period_error)
    reading = _Reading(tuple(files), _layout(files), *options)
    return _epoch_function(reading, None)(tf.constant(epoch, tf.int64))


@dataclass(frozen=True)
class _Reading:
    """Parameters of the steps from files to batches of windows, before masking."""

    files: tuple[Path, ...]
    layout: str
    window: int
    batch_size: int
    seed: int
    shuffle: bool
    sampling: bool
    pad_multiple: int | None
    num_periods: int = 0
    period_error: str = "none"

    def windows(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """Return batches of windows as `cut_windows` makes them, in graph."""

        def cut(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            records = parse_records(serialized, self.layout)
            if self.sampling:
                bits = window_keys(records["id"], tf.zeros_like(records["length"]), self.seed, epoch)
                cuts = random_windows(records["length"], self.window, bits)
            else:
                cuts = regular_windows(records["length"], self.window)
            windows = cut_windows(records, cuts, self.window)
            if self.num_periods:
                periods = object_periods(records, self.num_periods, self.period_error)
                windows["periods"] = window_periods(periods, cuts.series, windows["mean_mjd"])
            return windows

        def mix(block: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            # Shuffled objects are still followed by all their windows. Another seed makes the keys independent of the
            # keys of the masks.
            return _take(block, tf.argsort(window_keys(block["id"], block["start"], self.seed + 1, epoch)))

        serialized = _shuffled(self.files, self.seed, epoch) if self.shuffle else _in_order(self.files)
        chunks = serialized.batch(OBJECTS_PER_CHUNK).map(cut, tf.data.AUTOTUNE)
        if not self.shuffle and self.pad_multiple is None:
            return chunks.rebatch(self.batch_size)
        blocks = chunks.rebatch(BATCHES_PER_BLOCK * self.batch_size)
        blocks = blocks.map(mix) if self.shuffle else blocks
        if self.pad_multiple is None:
            return blocks.rebatch(self.batch_size)
        return blocks.flat_map(lambda block: self.by_length(block, epoch))

    def by_length(self, block: dict[str, tf.Tensor], epoch: tf.Tensor) -> tf.data.Dataset:
        """Split a block into batches of windows of similar length, and remove the padding that all of a batch share.

        The batches are in random order if `shuffle`, otherwise from short to long.
        """
        columns = tf.minimum(-(-block["length"] // self.pad_multiple) * self.pad_multiple, self.window)
        rows_by_length = tf.argsort(columns, stable=True)
        firsts = tf.range(0, tf.size(columns), self.batch_size)
        if self.shuffle:
            firsts = tf.random.experimental.stateless_shuffle(firsts, (self.seed, epoch))

        def batch(first: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = rows_by_length[first : first + self.batch_size]
            longest = tf.reduce_max(tf.gather(columns, rows))
            taken = _take(block, rows)
            return {key: value[:, :longest] if key in POINT_COLUMNS else value for key, value in taken.items()}

        return tf.data.Dataset.from_tensor_slices(firsts).map(batch)


@dataclass(frozen=True)
class _Masked:
    """Parameters of the step from windows to masked batches; `summary` is the file of the targets that are added."""

    masking: Masking
    variant: Variant
    time_shift: float
    num_periods: int
    wrong_periods: float
    summary: Path | None

    def batch(self, windows: dict[str, tf.Tensor], keys: tf.Tensor) -> dict[str, tf.Tensor]:
        """Mask windows, in graph; `keys` are those of `window_keys`."""
        if self.time_shift:
            windows = shift_times(windows, keys, self.time_shift)
        batch = mask_windows(windows, keys, self.masking, self.variant)
        if self.num_periods:
            batch = visible_periods(windows, batch, self.num_periods)
            if self.wrong_periods:
                batch["periods"] = mistake_periods(batch["periods"], keys, self.wrong_periods)
        return batch


@lru_cache(maxsize=32)
def _epoch_function(reading: _Reading, masked: _Masked | None) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Return the function from an epoch to its batches; it is traced once for all epochs."""
    targets = TargetTable(masked.summary) if masked and masked.summary else None

    @tf.function(input_signature=[tf.TensorSpec((), tf.int64)])
    def batches(epoch: tf.Tensor) -> tf.data.Dataset:
        def finish(windows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            if masked is None:
                return show_windows(windows)
            batch = masked.batch(windows, window_keys(windows["id"], windows["start"], reading.seed, epoch))
            return batch if targets is None else targets.add_to(batch)

        return reading.windows(epoch).map(finish, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    return batches


def _layout(files: Sequence[Path]) -> str:
    """Return the layout of the first file that contains a record."""
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
    # Many files at once, because a file may contain a single class (legacy layout) or field of the sky.
    records = tf.data.Dataset.from_tensor_slices(paths).interleave(
        tf.data.TFRecordDataset, cycle_length=FILES_AT_ONCE, block_length=RECORDS_PER_TURN
    )
    # `shuffle` combines its seed with that of the graph; it is fixed here, so that the caller's seed has no effect.
    tf.compat.v1.set_random_seed(1)
    shuffle_seed = tf.random.stateless_uniform((), (seed, epoch), minval=None, maxval=None, dtype=tf.int64)
    return records.shuffle(SHUFFLED_OBJECTS, shuffle_seed, reshuffle_each_iteration=False)


def _take(windows: dict[str, tf.Tensor], rows: tf.Tensor) -> dict[str, tf.Tensor]:
    return {key: tf.gather(value, rows) for key, value in windows.items()}
