"""A classifier of light curves: a pretrained encoder and a head that was fitted to labelled stars."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, cast

import keras
import numpy as np
import polars as pl
import tensorflow as tf
from scipy.special import softmax

from astromer.api.encoding import (
    Progress,
    curve_batches,
    encoder_and_window,
    mean_of_windows,
    parts_of,
    windows_in_order,
)
from astromer.api.finetuning import finetune as finetune_encoder
from astromer.api.labels import UNLABELLED, read_labels
from astromer.api.light_curves import Curves, is_sequence, like, read_curves
from astromer.api.pretrained import DEFAULT_MODEL, resolve
from astromer.api.seeding import seeded
from astromer.config.datasets import PROBE_ARRAYS, Classification, Head, HeadTraining
from astromer.config.registry import HEADS, check_name, head_arrays
from astromer.data.curves import cut_light_curves
from astromer.errors import InputError
from astromer.evaluation.classical import logistic, object_vectors
from astromer.evaluation.embeddings import embed_windows, head_inputs
from astromer.files import read_json, write_json
from astromer.models.heads import input_shapes
from astromer.models.pooling import pool
from astromer.models.probe import logistic_model
from astromer.models.weights import Pretrained, load_model, save_model, save_pretrained
from astromer.models.weights import load_pretrained as load_encoder
from astromer.splits.draw import validation_stars
from astromer.training.arrays import array_batches
from astromer.training.classification import prepare_head, train_classifier
from astromer.training.steps import input_specs

LOGISTIC = "logistic"
FORMAT = "astromer-classifier-1"
CARD_FILE, HEAD_FILE, ENCODER_FOLDER = "classifier.json", "head.keras", "encoder"
BATCH_SIZE = 256  # windows; it does not change the result


@dataclass(frozen=True)
class Classifier:
    """A pretrained encoder and a fitted head.

    Attributes:
        pretrained: the encoder, with its configuration.
        head: Keras model from the arrays of `astromer.models.pooling.pool` to logits `(windows, classes)`.
        head_name: `logistic`, or a module of `astromer.models.heads`.
        classes: names of the classes, in the order of the logits.
    """

    pretrained: Pretrained
    head: keras.Model
    head_name: str
    classes: tuple[str, ...]

    def predict_proba(
        self, light_curves: Any, *, columns: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Any:
        """Return the probability of each class for each star.

        The arguments, the kind of table and the errors are those of `astromer.encode`.

        Returns:
            One row per star in the order of the light curves: `id`, and float32 `p_<class>` for each class.
        """
        ids, probabilities = self._probabilities(light_curves, columns, progress)
        by_class = {f"p_{name}": probabilities[:, place] for place, name in enumerate(self.classes)}
        return like(pl.DataFrame({"id": ids, **by_class}), light_curves)

    def predict(
        self, light_curves: Any, *, columns: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Any:
        """Return the most probable class of each star: `id`, `class` and its `probability`; see `predict_proba`."""
        ids, probabilities = self._probabilities(light_curves, columns, progress)
        best = pl.Series(self.classes).gather(probabilities.argmax(axis=1))
        table = pl.DataFrame({"id": ids, "class": best, "probability": probabilities.max(axis=1)})
        return like(table, light_curves)

    def _probabilities(
        self, light_curves: Any, columns: Mapping[str, str] | None, progress: Progress | None
    ) -> tuple[pl.Series, np.ndarray]:
        """Return the ids, and float32 probabilities `(stars, classes)`."""
        curves = read_curves(light_curves, columns)
        encoder, window = encoder_and_window(self.pretrained)
        parts, logits = [], _window_logits(encoder, self.head)
        for part in parts_of(curves, progress):
            cuts, lengths, values = windows_in_order(encoder, part, logits, window, BATCH_SIZE)
            stars = part.stars[cuts.series]
            if self.head_name == LOGISTIC:  # it is linear: this is what it gives for the mean vector of the star
                parts.append(softmax(mean_of_windows(values, stars, lengths), axis=-1))
            else:
                parts.append(mean_of_windows(softmax(values, axis=-1), stars, np.ones_like(lengths)))
        return curves.ids, np.concatenate(parts)

    def save(self, folder: Path | str) -> None:
        """Write the classifier to a folder: `encoder/`, `head.keras`, and last `classifier.json`; no pickle."""
        folder = Path(folder)
        Path(folder, CARD_FILE).unlink(missing_ok=True)  # of a classifier that is replaced
        save_pretrained(*self.pretrained, folder / ENCODER_FOLDER)
        save_model(self.head, folder / HEAD_FILE)
        write_json(folder / CARD_FILE, {"format": FORMAT, "head": self.head_name, "classes": list(self.classes)})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a classifier that `save` wrote.

        Raises:
            InputError: a file is missing or damaged, or head and encoder do not fit together.
        """
        folder = Path(folder)
        card = read_json(folder / CARD_FILE)
        if card.get("format") != FORMAT or not {"head", "classes"} <= card.keys():
            raise InputError(f"{folder / CARD_FILE}: expected the format {FORMAT!r} with the keys head and classes")
        pretrained = load_encoder(folder / ENCODER_FOLDER)
        head = load_model(folder / HEAD_FILE)
        expected = input_shapes(*_levels_and_dim(pretrained))
        for array in head.inputs:
            if array.shape[1:] != expected.get(array.name):
                raise InputError(
                    f"{folder}: the head reads {array.name} of the shape {array.shape[1:]}, its encoder has "
                    f"{expected.get(array.name)}"
                )
        if head.output_shape[-1] != len(card["classes"]):
            raise InputError(f"{folder}: the head has {head.output_shape[-1]} classes, its card {len(card['classes'])}")
        return cls(pretrained, head, card["head"], tuple(card["classes"]))


def fit_classifier(
    light_curves: Any,
    labels: Any,
    pretrained: Pretrained | Path | str = DEFAULT_MODEL,
    *,
    head: str = LOGISTIC,
    columns: Mapping[str, str] | None = None,
    finetune: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Classifier:
    """Fit a classifier of stars on top of a frozen encoder.

    Args:
        light_curves: as for `astromer.encode`; stars without a label are not used.
        labels: the class of each star: a mapping from id to class, a pandas Series with the ids as index, a table with
            the columns `id` and `class`, or a sequence with one class per light curve, in their order. The ids of a
            list of light curves are their positions.
        pretrained: result of `load_pretrained`, or a name or path for it.
        head: `logistic`, the logistic regression of the workflow on the mean vector of each star, fitted to all of
            them; or a head of the workflow (`linear`, `skip`, `msx`, ...), trained on windows, with a fifth of each
            class's stars for early stopping.
        columns: names of the table's columns, see `astromer.encode`.
        finetune: None, or options of a finetuning of the encoder on the labelled light curves, without their labels: a
            section `pretraining.training` of the configuration, such as `{"epochs": 10}`. The given encoder does not
            change.
        training: options of the training of a head: a section `classification.training` of the configuration.
        seed: seed of the choice of validation stars, initial weights and order.

    Raises:
        InputError: see `astromer.encode`; a labelled star has no light curve, a class fewer than 3 stars, or an option
            is unknown.
    """
    model = resolve(pretrained)
    if not isinstance(model, Pretrained):
        raise InputError("fit_classifier: expected the result of load_pretrained, or a name or path for it")
    check_name("head", head, (LOGISTIC, *HEADS))
    if head == LOGISTIC and training is not None:
        raise InputError("training: the head `logistic` has no options; expected None, or another head")
    curves = read_curves(light_curves, columns)
    codes, classes = read_labels(labels, curves.ids, are_positions=is_sequence(light_curves))
    curves, codes = curves.only(codes != UNLABELLED), codes[codes != UNLABELLED]
    names = pl.Series(classes).gather(codes)
    validation = validation_stars(curves.ids, names, seed=seed).to_numpy()
    if finetune is not None:
        model = finetune_encoder(model, curves, validation, finetune, seed=seed)
    if head == LOGISTIC:
        return Classifier(model, _fit_logistic(model, curves, codes, seed), head, classes)
    options = HeadTraining.read(training or {}, "training")
    return Classifier(model, _fit_head(model, head, curves, codes, validation, options, seed), head, classes)


def _fit_logistic(model: Pretrained, curves: Curves, codes: np.ndarray, seed: int) -> keras.Model:
    vectors = object_vectors(_embedded(model, curves, codes, PROBE_ARRAYS))
    scaler, regression = logistic(seed).fit(vectors["vector"].to_numpy(), vectors["label"].to_numpy())
    coefficients, intercepts = regression.coef_, regression.intercept_
    if len(coefficients) == 1:  # of two classes, scikit-learn keeps the second one's only
        coefficients, intercepts = (np.concatenate([-part, part]) / 2 for part in (coefficients, intercepts))
    num_levels, dim = _levels_and_dim(model)
    return logistic_model(
        num_levels=num_levels,
        dim=dim,
        mean=scaler.mean_,
        scale=scaler.scale_,
        coefficients=coefficients,
        intercepts=intercepts,
    )


def _fit_head(
    model: Pretrained,
    name: str,
    curves: Curves,
    codes: np.ndarray,
    validation: np.ndarray,
    options: HeadTraining,
    seed: int,
) -> keras.Model:
    inputs = head_arrays(name)
    sets = [_embedded(model, curves.only(chosen), codes[chosen], inputs) for chosen in (~validation, validation)]
    learned, held_out = (head_inputs(windows, inputs) for windows in sets)
    section = {**Head(head=name).plain(), "hidden_units": Classification().hidden_units}
    num_levels, dim = _levels_and_dim(model)
    batches = array_batches(learned, options.batch_size, seed=seed)
    with seeded(seed):
        head = prepare_head(section, learned, num_levels=num_levels, dim=dim, num_classes=int(codes.max()) + 1)
        train_classifier(head, batches, array_batches(held_out, options.batch_size)(0), options)
    return head


def _levels_and_dim(model: Pretrained) -> tuple[int, int]:
    levels = model.model.get_layer("encoder").outputs
    return len(levels), levels[-1].shape[-1]


def _embedded(model: Pretrained, curves: Curves, codes: np.ndarray, names: tuple[str, ...]) -> pl.DataFrame:
    """Return the windows of labelled stars as the workflow stores them; an id is the position of the star."""
    encoder, window = encoder_and_window(model)
    cuts, lengths = cut_light_curves(curves.lengths, window)
    batches = curve_batches(encoder, curves, cuts, lengths, window=window, batch_size=BATCH_SIZE)
    labelled = (
        batch | {"id": tf.strings.as_string(batch["id"]), "label": tf.gather(codes, batch["label"])}
        for _, batch in batches
    )
    return embed_windows(encoder, labelled, names, window=window)


@lru_cache(maxsize=16)
def _window_logits(encoder: keras.Model, head: keras.Model) -> Callable[[Mapping[str, Any]], tf.Tensor]:
    """Compile the logits of windows `(windows, classes)`."""
    names = [tensor.name for tensor in head.inputs]

    @tf.function(input_signature=[input_specs(encoder)])
    def logits(inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return head(pool(encoder(inputs, training=False), inputs, names), training=False)

    return cast(Callable[[Mapping[str, Any]], tf.Tensor], logits)
