"""Stage 9, for Figs. 7 and 8: the attention weights of a finetuned encoder."""

from collections.abc import Sequence
from pathlib import Path

from astromer.evaluation.attention import attention_points
from astromer.files import atomic_path
from astromer.models.weights import load_pretrained


def analyse_attention(
    model: Path, records: Path, points: Path, *, classes: Sequence[str], per_class: int, window: int, seed: int
) -> None:
    """Run the finetuned encoder on example objects; write the attention that each point receives in the last block.

    Args:
        model: file `model.weights.h5` of the finetuned reconstructor, with its `config.json` beside it.
        records: records of labelled objects.
        points: written, see `astromer.evaluation.attention.attention_points`.
        classes, per_class: classes, and number of examples per class.
        window: observations per window.
        seed: seed of the choice of examples and windows.
    """
    encoder = load_pretrained(model.parent).model.get_layer("encoder")
    table = attention_points(encoder, records, classes=classes, per_class=per_class, window=window, seed=seed)
    with atomic_path(points) as temporary:
        table.write_parquet(temporary)
