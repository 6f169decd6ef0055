"""What figures compute from tables of the points of example windows; nothing here loads TensorFlow."""

from typing import cast

import polars as pl


def relative_attention(points: pl.DataFrame) -> pl.DataFrame:
    """Divide weights by those of uniform attention, which are 1 / n for n points.

    Returns:
        `points` (one or several windows) with one column per head, `head_1`, `head_2`, ..., and `mean`: weight times n,
        so that 1 is uniform attention.
    """
    heads = cast(pl.Array, points["attention"].dtype).shape[0]
    size = pl.len().over("id", "start")
    named = {f"head_{head + 1}": pl.col("attention").arr.get(head) * size for head in range(heads)}
    return points.with_columns(**named, mean=pl.col("mean_attention") * size).drop("attention", "mean_attention")


def attention_summary(points: pl.DataFrame) -> pl.DataFrame:
    """Summarise the relative attention of each object and head.

    Returns:
        `class`, `example`, `id`, `period_days`, `observations`, `head`, and the `min`, `median` and `max` of the
        relative attention; in the order of `points`.
    """
    relative = relative_attention(points)
    heads = [name for name in relative.columns if name.startswith("head_")] + ["mean"]
    described = ["class", "example", "id", "period_days"]
    return (
        relative.unpivot(heads, index=described, variable_name="head", value_name="weight")
        .group_by(*described, "head", maintain_order=True)
        .agg(
            observations=pl.len(),
            min=pl.col("weight").min(),
            median=pl.col("weight").median(),
            max=pl.col("weight").max(),
        )
    )


def reconstruction_errors(points: pl.DataFrame) -> pl.DataFrame:
    """Score the reconstruction of each window at its hidden points.

    Returns:
        `class`, `example`, `id`, `period_days`, `visible` and `hidden` (numbers of points), `median_err_mag` (of the
        hidden points), and the RMSE in mag of each predictor: `rmse_model`, `rmse_interpolation`, `rmse_window_mean`;
        in the order of `points`.
    """
    hidden = points.filter("hidden")
    names = {"rmse_model": "predicted", "rmse_interpolation": "interpolated", "rmse_window_mean": "window_mean"}
    described = ("class", "example", "id", "period_days")
    shown = points.group_by("id").agg(visible=(~pl.col("hidden")).sum())
    return (
        hidden.group_by(*described, maintain_order=True)
        .agg(
            hidden=pl.len(),
            median_err_mag=pl.col("err_mag").median(),
            **{rmse: ((pl.col(name) - pl.col("mag")) ** 2).mean().sqrt() for rmse, name in names.items()},
        )
        .join(shown, on="id", maintain_order="left")
        .select(*described, "visible", "hidden", "median_err_mag", *names)
    )
