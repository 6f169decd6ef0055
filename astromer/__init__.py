"""ASTROMER: representations of light curves learned without labels, and classifiers of variable stars on top."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astromer.api import build, encode, load_pretrained

__all__ = ["__version__", "build", "encode", "load_pretrained"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import the Python interface, and TensorFlow with it, when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from astromer import api

    return getattr(api, name)
