"""Encoders, heads, baselines and trained weights. An import registers all layers with Keras, so that models load."""

from importlib import import_module

from astromer.config.registry import BASELINES, HEADS

for _name in ("layers", "embedding", "attention", "pooling", "recurrence", "standardise"):
    import_module(f"{__name__}.{_name}")
for _kind, _names in (("heads", HEADS), ("baselines", BASELINES)):
    for _name in _names:
        import_module(f"{__name__}.{_kind}.{_name}")
