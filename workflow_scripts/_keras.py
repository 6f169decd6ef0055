"""Keras without its extras, in jobs: it imports plotting and scikit-learn for functions that no stage calls."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

EXTRAS = ("IPython", "PIL", "matplotlib", "pandas", "scipy", "sklearn")
"""What Keras imports if it is there: two fifths of the CPU time of `import keras`, see benchmarks/bench_start.py."""


class _WithoutExtras(Loader):
    """Load a package while the extras cannot be found; they can be imported as usual afterwards."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        hidden = [name for name in EXTRAS if name not in sys.modules]
        sys.modules.update(dict.fromkeys(hidden))  # None: its import is an ImportError, which Keras expects
        try:
            self.loader.exec_module(module)
        finally:
            for name in hidden:
                del sys.modules[name]


class LightKeras(MetaPathFinder):
    """Finds Keras, and lets it be loaded without the extras."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the specification of Keras; None for all other modules."""
        spec = PathFinder.find_spec(name, path, target) if name == "keras" else None
        if spec is not None and spec.loader is not None:
            spec.loader = _WithoutExtras(spec.loader)
        return spec
