"""Quality report of a survey: how much was read, kept and rejected by each rule, with examples."""

from collections.abc import Iterable

import polars as pl

from astromer.surveys.reading import conform, shortened

EXAMPLES_PER_RULE = 5
EXAMPLE_COLUMNS = {"id": pl.String, "file": pl.String, "line": pl.UInt32, "text": pl.String}
LEVELS = ["object", "light curve", "observation", "file"]  # light curves only where each band of an object is one


def count_rules(judged: pl.DataFrame) -> pl.DataFrame:
    """Count the rows that each rule rejects, and, as null, those that none does: columns rule and count."""
    return judged.group_by("rule").agg(pl.len().cast(pl.Int64).alias("count"))


def rejected_examples(judged: pl.DataFrame) -> pl.DataFrame:
    """Select the first rejected rows of each rule."""
    rejected = judged.filter(pl.col("rule").is_not_null())
    return rejected.group_by("rule", maintain_order=True).head(EXAMPLES_PER_RULE).select(judged.columns)


def quality_of(
    name: str, rules: pl.DataFrame, objects: pl.DataFrame, losses: pl.DataFrame, observations: pl.DataFrame
) -> pl.DataFrame:
    """Count what was read, kept and rejected.

    Args:
        name: name of the survey.
        rules: observations by the rule that rejects them, see `count_rules`; a rule may have several rows.
        objects: the objects with the rule that rejects each, or null.
        losses: what the reader did not pass on, columns of `LOSS_SCHEMA`.
        observations: those that are kept.
    """
    lost = losses.group_by("level", "rule", maintain_order=True).agg(pl.col("count").cast(pl.Int64).sum())
    of_rejected_objects = int(rules.filter(pl.col("rule").is_null())["count"].sum()) - observations.height
    tables = []
    for level, table, num_more in (("object", count_rules(objects), 0), ("observation", rules, of_rejected_objects)):
        rejected = table.drop_nulls("rule").group_by("rule").agg(pl.col("count").sum()).sort("rule")
        counts = {str(rule): count for rule, count in rejected.iter_rows()}
        if num_more:
            counts["of a rejected object"] = num_more
        kept = int(table["count"].sum()) - sum(counts.values())
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


def examples_of(name: str, rejected: pl.DataFrame, objects: pl.DataFrame, losses: pl.DataFrame) -> pl.DataFrame:
    """Show a few rejected objects, observations and files per rule, with the file and line where they stand.

    Args:
        name, objects, losses: as for `quality_of`.
        rejected: rejected observations, see `rejected_examples`.
    """
    columns = {"rule": pl.String, **EXAMPLE_COLUMNS}
    unreadable = pl.coalesce("text", pl.format("{} {} {}", "mjd", "mag", "err_mag"))
    shown = [
        ("object", objects.with_columns(line=pl.lit(None), text=pl.lit(None))),
        ("observation", rejected.with_columns(text=unreadable)),
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


def with_examples(quality: pl.DataFrame, examples: pl.DataFrame) -> pl.DataFrame:
    """Add the examples of each outcome to its row, as a list of structs, so that a shard has one table."""
    lists = examples.group_by("level", "rule", maintain_order=True).agg(examples=pl.struct(*EXAMPLE_COLUMNS))
    lists = lists.with_columns(outcome=pl.format("rejected: {}", "rule")).drop("rule")
    return quality.join(lists, on=["level", "outcome"], how="left", maintain_order="left")


def sum_shards(tables: Iterable[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sum the counts of the shards, see `with_examples`; return them, and the first examples of each rule."""
    joined = pl.concat(tables)
    quality = (
        joined.group_by("survey", "level", "outcome", maintain_order=True)
        .agg(pl.col("count").sum())
        .sort(pl.col("level").cast(pl.Enum(LEVELS)), maintain_order=True)
    )
    shown = joined.select("survey", "level", pl.col("outcome").str.strip_prefix("rejected: ").alias("rule"), "examples")
    shown = shown.drop_nulls("examples").explode("examples").unnest("examples")
    shown = shown.group_by("survey", "level", "rule", maintain_order=True).head(EXAMPLES_PER_RULE)
    return quality, shown.sort("level", "rule", maintain_order=True)


def nothing_kept(quality: pl.DataFrame, examples: pl.DataFrame) -> str:
    """Describe a survey of which nothing is kept: all counts, and one example of each rule."""
    name = quality["survey"][0]
    lines = [f"survey {name}: nothing is kept of its dump. What was found:"]
    lines += [f"  {count:>12,} {level}s {outcome}" for _, level, outcome, count in quality.iter_rows()]
    lines.append("One example of each rejection:")
    first = examples.unique(["level", "rule"], keep="first", maintain_order=True).drop("survey")
    lines += [f"  {', '.join(f'{k}: {v}' for k, v in row.items() if v)}" for row in first.iter_rows(named=True)]
    return "\n".join(lines)
