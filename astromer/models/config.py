"""What defines an encoder: one frozen record, written beside every set of weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from astromer.errors import InputError

VARIANTS = ("paper", "released")

# v1: Astromer 1. v2: Donoso-Oliva et al. 2026, A&A 707, A170.
ARCHITECTURE_DEFAULTS = {
    "v1": {"num_blocks": 2, "feedforward_dim": 128, "residual": False},
    "v2": {"num_blocks": 6, "feedforward_dim": 512, "residual": True},
}


@dataclass(frozen=True)
class EncoderConfig:
    """Architecture of an encoder. What is left at `None` takes the default of `architecture`.

    Args:
        architecture: `v1` (Astromer 1) or `v2` (Astromer 2).
        variant: `paper` (nothing hidden reaches the encoder) or `released` (as the authors' code does it).
        window: observations per window in training; the model itself accepts any length.
        num_blocks: attention blocks (v1: 2, v2: 6).
        num_heads: attention heads of each block.
        head_dim: width of a head; the blocks are `num_heads * head_dim` wide.
        feedforward_dim: hidden width of the feed-forward part (v1: 128, v2: 512).
        embedding_dim: width of the input embedding, even; by default that of the blocks.
        residual: learned dense layers around attention and feed-forward (v1: no, v2: yes).
        dropout: rate after embedding, attention and feed-forward, in [0, 1).

    Raises:
        InputError: a value is of the wrong kind or out of its range; the message names the key.
    """

    architecture: str
    variant: str = "paper"
    window: int = 200
    num_blocks: int | None = None
    num_heads: int = 4
    head_dim: int = 64
    feedforward_dim: int | None = None
    embedding_dim: int | None = None
    residual: bool | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _expect("architecture", self.architecture, self.architecture in ARCHITECTURE_DEFAULTS, "v1 or v2")
        _expect("variant", self.variant, self.variant in VARIANTS, "paper or released")
        for key, default in ARCHITECTURE_DEFAULTS[self.architecture].items():
            if getattr(self, key) is None:
                object.__setattr__(self, key, default)
        for key in ("window", "num_blocks", "num_heads", "head_dim", "feedforward_dim"):
            _expect(key, getattr(self, key), _is_positive_int(getattr(self, key)), "a whole number of at least 1")
        if self.embedding_dim is None:
            object.__setattr__(self, "embedding_dim", self.dim)
        even = _is_positive_int(self.embedding_dim) and self.embedding_dim % 2 == 0
        _expect("embedding_dim", self.embedding_dim, even, "an even number of at least 2 (sines and cosines)")
        _expect("residual", self.residual, isinstance(self.residual, bool), "true or false")
        is_rate = isinstance(self.dropout, int | float) and not isinstance(self.dropout, bool) and 0 <= self.dropout < 1
        _expect("dropout", self.dropout, is_rate, "a number in [0, 1)")

    @property
    def dim(self) -> int:
        """Width of the blocks' outputs."""
        return self.num_heads * self.head_dim

    @property
    def ignores_padding(self) -> bool:
        """Whether outputs at real points do not depend on padding; the released Astromer 1 attends to it."""
        return (self.architecture, self.variant) != ("v1", "released")

    @classmethod
    def from_dict(cls, content: Mapping[str, object]) -> "EncoderConfig":
        """Read a config; an unknown or missing key is an `InputError` that names it."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(content) - known):
            raise InputError(f"encoder config: unknown key {unknown[0]!r}; expected some of {sorted(known)}")
        if "architecture" not in content:
            raise InputError("encoder config: key 'architecture' is missing; expected v1 or v2")
        return cls(**content)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; `from_dict` gives the same config back."""
        return asdict(self)


def _is_positive_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _expect(key: str, value: object, fulfilled: bool, expected: str) -> None:
    if not fulfilled:
        raise InputError(f"encoder config: {key} is {value!r}; expected {expected}")
