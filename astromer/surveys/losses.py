"""Counts and examples of the content of a dump that its reader rejects."""

from collections.abc import Callable

import polars as pl

# `level` is file, object or observation; `count` is how many of them the rule rejects, of which the row is an example.
LOSS_SCHEMA = {
    "level": pl.String,
    "rule": pl.String,
    "id": pl.String,
    "file": pl.String,
    "line": pl.UInt32,
    "text": pl.String,
    "count": pl.UInt32,
}
MAX_EXAMPLES = 5  # per rule and part of a dump

Report = Callable[..., None]  # `Losses.add`


class Losses:
    """Collect the losses of one part of a dump.

    `add` takes the level, the rule, how many there are (`count`), and as keywords where one of them stands: `id`,
    `file`, `line` and `text`. Of each rule only the first few places are kept.
    """

    def __init__(self) -> None:
        self._rows: list[dict] = []
        self._last: dict[tuple[str, str], list[dict]] = {}

    def add(self, level: str, rule: str, count: int = 1, **origin: object) -> None:
        """Count `count` rejected items; `origin` locates one of them."""
        rows = self._last.setdefault((level, rule), [])
        if count and len(rows) < MAX_EXAMPLES:
            rows.append({"level": level, "rule": rule, **origin, "count": count})
            self._rows.append(rows[-1])
        elif count:
            rows[-1]["count"] += count

    def table(self) -> pl.DataFrame:
        """Return the losses, columns of `LOSS_SCHEMA`."""
        return pl.DataFrame(self._rows, schema=LOSS_SCHEMA, infer_schema_length=None)


def ignore(level: str, rule: str, count: int = 1, **origin: object) -> None:
    """Discard a report."""
