"""Quality report of a survey: how much was read, kept and rejected by each rule, with examples."""

import polars as pl

from astromer.surveys.reading import conform, shortened

EXAMPLES_PER_RULE = 5
LEVELS = ["object", "light curve", "observation", "file"]  # light curves only where each band of an object is one


def quality_of(
    name: str, judged: pl.DataFrame, objects: pl.DataFrame, losses: pl.DataFrame, observations: pl.DataFrame
) -> pl.DataFrame:
    """Count what was read, kept and rejected.

    Args:
        name: name of the survey.
        judged: the observations with the rule that rejects each, or null.
        objects: the same of objects.
        losses: what the reader did not pass on, columns of `LOSS_SCHEMA`.
        observations: those that are kept.
    """
    lost = losses.group_by("level", "rule", maintain_order=True).agg(pl.col("count").cast(pl.Int64).sum())
    of_rejected_objects = judged.filter(pl.col("rule").is_null()).height - observations.height
    tables = []
    for level, table, num_more in (("object", objects, 0), ("observation", judged, of_rejected_objects)):
        rejected = table.filter(pl.col("rule").is_not_null())["rule"].value_counts(sort=True).sort("rule")
        counts = {str(rule): count for rule, count in rejected.iter_rows()}
        if num_more:
            counts["of a rejected object"] = num_more
        kept = table.height - sum(counts.values())
        for rule, count in lost.filter(pl.col("level") == level).select("rule", "count").iter_rows():
            counts[rule] = counts.get(rule, 0) + count
        outcomes = {"read": kept + sum(counts.values()), "kept": kept}
        outcomes |= {f"rejected: {rule}": count for rule, count in counts.items()}
        tables.append(_table(level, outcomes))
    outvoted = objects.filter(pl.col("rule").is_null() & (pl.col("outvoted") > 0)).height
    if outvoted:
        tables.insert(1, _table("object", {"kept, although some rows state another class": outvoted}))
    if "band" in observations.columns:
        light_curves = observations.select("id", "band").unique()["band"].value_counts(sort=True).sort("band")
        tables.append(_table("light curve", {f"kept: {band}": count for band, count in light_curves.iter_rows()}))
    of_files = lost.filter(pl.col("level") == "file").select("rule", "count")
    tables.append(_table("file", {f"rejected: {rule}": count for rule, count in of_files.iter_rows()}))
    return pl.concat(tables).select(pl.lit(name).alias("survey"), "level", "outcome", "count")


def _table(level: str, outcomes: dict[str, int]) -> pl.DataFrame:
    columns = {"outcome": list(outcomes), "count": list(outcomes.values())}
    table = pl.DataFrame(columns, schema={"outcome": pl.String, "count": pl.Int64})
    return table.select(pl.lit(level).alias("level"), "outcome", "count")


def examples_of(name: str, judged: pl.DataFrame, objects: pl.DataFrame, losses: pl.DataFrame) -> pl.DataFrame:
    """Show a few rejected objects, observations and files per rule, with the file and line where they stand."""
    columns = {"rule": pl.String, "id": pl.String, "file": pl.String, "line": pl.UInt32, "text": pl.String}
    unreadable = pl.coalesce("text", pl.format("{} {} {}", "mjd", "mag", "err_mag"))
    shown = [
        ("object", objects.with_columns(line=pl.lit(None), text=pl.lit(None))),
        ("observation", judged.filter(pl.col("rule").is_not_null()).with_columns(text=unreadable)),
        *((level, losses.filter(pl.col("level") == level)) for level in LEVELS),
    ]
    tables = [
        conform(table.filter(pl.col("rule").is_not_null()), columns)
        .group_by("rule", maintain_order=True)
        .head(EXAMPLES_PER_RULE)
        .select(pl.lit(name).alias("survey"), pl.lit(level).alias("level"), *columns)
        for level, table in shown
    ]
    return pl.concat(tables).with_columns(shortened("text")).sort("level", "rule", maintain_order=True)


def nothing_kept(quality: pl.DataFrame, examples: pl.DataFrame) -> str:
    """Describe a survey of which nothing is kept: all counts, and one example of each rule."""
    name = quality["survey"][0]
    lines = [f"survey {name}: nothing is kept of its dump. What was found:"]
    lines += [f"  {count:>12,} {level}s {outcome}" for _, level, outcome, count in quality.iter_rows()]
    lines.append("One example of each rejection:")
    first = examples.unique(["level", "rule"], keep="first", maintain_order=True).drop("survey")
    lines += [f"  {', '.join(f'{k}: {v}' for k, v in row.items() if v)}" for row in first.iter_rows(named=True)]
    return "\n".join(lines)
