"""Stage 9, for Appendix B: a pretrained model reconstructs hidden magnitudes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from astromer.config.encoders import Masking
from astromer.evaluation.reconstruction import reconstructed_points
from astromer.files import atomic_path
from astromer.models.weights import load_pretrained


def reconstruct_windows(
    model: Path,
    records: Path,
    points: Path,
    *,
    classes: Sequence[str],
    per_class: int,
    window: int,
    masking: Mapping[str, Any],
    seed: int,
) -> None:
    """Hide points of example objects and predict them with the pretrained model.

    Args:
        points: written, see `astromer.evaluation.reconstruction.reconstructed_points`.
        masking: section of the configuration.
        model, records, classes, per_class, window, seed: as for `astromer.stages.attention.analyse_attention`.
    """
    table = reconstructed_points(
        load_pretrained(model.parent).model,
        records,
        classes=classes,
        per_class=per_class,
        window=window,
        masking=Masking.read(masking, "masking"),
        seed=seed,
    )
    with atomic_path(points) as temporary:
        table.write_parquet(temporary)
