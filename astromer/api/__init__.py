"""The Python interface: load an encoder, compute embeddings, fit a classifier, export. See docs/python.md."""

from astromer.api.classifier import Classifier, fit_classifier
from astromer.api.encoding import encode
from astromer.api.folders import read_folder
from astromer.api.pretrained import build, load_pretrained, named_weights
from astromer.api.transformer import AstromerEncoder

__all__ = [
    "AstromerEncoder",
    "Classifier",
    "build",
    "encode",
    "fit_classifier",
    "load_pretrained",
    "named_weights",
    "read_folder",
]
