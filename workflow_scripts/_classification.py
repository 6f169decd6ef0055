"""What the scripts of heads and baselines share."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def train_and_score(
    model: Any,
    training_batches: Callable,
    validation: Any,
    test: Any,
    test_windows: Any,
    folder: Path,
    *,
    classes: list[str],
    training: dict,
    state: Any,
    tags: dict[str, Any],
) -> None:
    """Train a classifier; write it, its learning curve, its predictions for the test windows and their scores."""
    from astromer.evaluation.scores import predictions_table, score_predictions, tag_scores
    from astromer.files import atomic_path
    from astromer.training.classification import ClassificationOptions, predict, train_classifier

    options = ClassificationOptions(**{name: value for name, value in training.items() if name != "batch_size"})
    history = train_classifier(model, training_batches, validation, options, state=state)
    columns = (test_windows[name] for name in ("id", "window", "label"))
    predictions = predictions_table(*columns, predict(model, test), classes)
    with atomic_path(folder / "model.keras") as temporary:
        model.save(temporary)
    history.write(folder)
    with atomic_path(folder / "predictions.parquet") as temporary:
        predictions.write_parquet(temporary)
    with atomic_path(folder / "metrics.csv") as temporary:
        tag_scores(score_predictions(predictions, classes), **tags).write_csv(temporary)
    shutil.rmtree(state.folder, ignore_errors=True)
