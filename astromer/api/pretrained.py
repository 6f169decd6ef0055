"""Build an untrained model, and load trained weights by path or by name."""

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import yaml

from astromer.config.encoders import EncoderConfig, Weights
from astromer.errors import InputError
from astromer.models import weights
from astromer.models.encoders import build_reconstructor
from astromer.models.weights import Pretrained
from astromer.surveys.download import download

DEFAULT_MODEL = "astromer-mini"


def build(config: EncoderConfig | Mapping[str, Any]) -> keras.Model:
    """Build an untrained reconstructor; `get_layer("encoder")` returns its encoder.

    Args:
        config: an `EncoderConfig` or its values; only `architecture` (`v1`, `v2`, `v3`) has no default.

    Raises:
        InputError: a key is unknown or missing, or its value out of range.
    """
    if not isinstance(config, EncoderConfig):
        config = EncoderConfig.read(config, "encoder config")
    return build_reconstructor(config)


def named_weights() -> dict[str, dict[str, Any]]:
    """Return the entries of config/weights.yaml by name: `url`, `file`, `sha256`, `licence`, ..."""
    path = Path(__file__).resolve().parents[2] / "config/weights.yaml"
    if not path.is_file():  # the package is installed, not run from a checkout
        installed = metadata.distribution("astromer").files or []
        path = next(Path(file.locate()) for file in installed if file.name == path.name)
    return yaml.safe_load(path.read_text(encoding="utf-8"))["weights"]


def load_pretrained(
    path_or_name: Path | str,
    *,
    variant: str | None = None,
    mirror: Path | str | None = None,
    cache: Path | str | None = None,
) -> Pretrained:
    """Load a trained reconstructor and the configuration of its encoder.

    Args:
        path_or_name: path to a folder of ours (`model.weights.h5`, `config.json`), to a zip archive of published
            weights, or to a folder with a checkpoint of the released code; if no such path exists, a name of
            `named_weights`, such as `astromer-mini`, which comes with the package.
        variant: `paper` or `released`, for weights of the released code; see docs/variants.md. `released` by default.
        mirror: folder that is searched first for the file of named weights.
        cache: folder for the file of named weights; the file is downloaded if it is missing.

    Raises:
        InputError: there is no such path or name, or the file is not as expected.
        requests.RequestException: all attempts to download the file failed.
    """
    if Path(path_or_name).exists():
        return weights.load_pretrained(Path(path_or_name), variant=variant)
    path = fetch_weights(str(path_or_name), mirror=mirror, cache=cache)
    return weights.load_pretrained(path, variant=variant, sha256=named_entry(path_or_name)["sha256"])


def named_entry(name: Path | str) -> dict[str, Any]:
    """Return the entry of named weights.

    Raises:
        InputError: there is no such name.
    """
    known = named_weights()
    if str(name) not in known:
        names = ", ".join(sorted(known))
        raise InputError(f"{name}: no such file or folder; nor is it one of the named weights: {names}")
    return known[str(name)]


def fetch_weights(name: str, *, mirror: Path | str | None = None, cache: Path | str | None = None) -> Path:
    """Return the path to the file of named weights; download it to `cache` if it is neither there nor in the package.

    Raises:
        InputError: there is no such name, or the file is in neither folder and `cache` is not given.
        requests.RequestException: all attempts to download the file failed.
    """
    entry = named_entry(name)
    if packaged := Weights.read(entry, f"weights.{name}").packaged:
        return packaged
    places = [Path(folder, entry["file"]) for folder in (mirror, cache) if folder is not None]
    for path in places:
        if path.is_file():
            return path
    if cache is None:
        searched = f"there is no {places[0]}" if places else f"{entry['file']} is not part of the package"
        raise InputError(f"weights {name}: {searched}; expected a folder `cache` to download it to")
    download(entry["url"], places[-1], sha256=entry["sha256"])
    return places[-1]


loaded_by_name = cache(load_pretrained)  # once per process; the files of a path may change


def resolve(model: Pretrained | keras.Model | Path | str) -> Pretrained | keras.Model:
    """Return a model that may be given by its name or path."""
    if not isinstance(model, str | Path):
        return model
    return load_pretrained(model) if Path(model).exists() else loaded_by_name(str(model))
