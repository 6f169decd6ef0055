"""ASTROMER: representations of light curves learned without labels, and classifiers of variable stars on top."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import wrapt

if TYPE_CHECKING:
    from astromer.api import (
        AstromerEncoder,
        Classifier,
        build,
        encode,
        fit_classifier,
        load_pretrained,
        read_folder,
    )

__all__ = [
    "AstromerEncoder",
    "Classifier",
    "__version__",
    "build",
    "encode",
    "fit_classifier",
    "load_pretrained",
    "read_folder",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import the Python interface, and with it TensorFlow, on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".api", __name__), name)


@wrapt.when_imported("keras")
def _register_layers(keras: ModuleType) -> None:
    """Register our layers as soon as Keras is imported, so that it can load models; this package does not import it."""
    import_module(".models", __name__)
