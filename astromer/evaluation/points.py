"""What figures compute from tables of the points of example windows, with pandas; nothing here loads TensorFlow."""

import numpy as np
import pandas as pd

DESCRIBED = ["class", "example", "id", "period_days"]


def relative_attention(points: pd.DataFrame) -> pd.DataFrame:
    """Divide weights by those of uniform attention, which are 1 / n for n points.

    Returns:
        `points` (one or several windows) with one column per head, `head_1`, `head_2`, ..., and `mean`: weight times n,
        so that 1 is uniform attention.
    """
    size = points.groupby(["id", "start"])["id"].transform("size")
    heads = np.stack(points["attention"].to_numpy()).T
    named = {f"head_{head}": weights * size for head, weights in enumerate(heads, start=1)}
    return points.assign(**named, mean=points["mean_attention"] * size).drop(columns=["attention", "mean_attention"])


def attention_summary(points: pd.DataFrame) -> pd.DataFrame:
    """Summarise the relative attention of each object and head.

    Returns:
        `class`, `example`, `id`, `period_days`, `head`, `observations`, and the `min`, `median` and `max` of the
        relative attention; in the order of `points`.
    """
    relative = relative_attention(points)
    heads = [*relative.filter(like="head_").columns, "mean"]
    weights = relative.melt(DESCRIBED, heads, var_name="head", value_name="weight")
    of_heads = weights.groupby([*DESCRIBED, "head"], sort=False)["weight"]
    return of_heads.agg(observations="size", min="min", median="median", max="max").reset_index()


def reconstruction_errors(points: pd.DataFrame) -> pd.DataFrame:
    """Score the reconstruction of each window at its hidden points.

    Returns:
        `class`, `example`, `id`, `period_days`, `visible` and `hidden` (numbers of points), `median_err_mag` (of the
        hidden points), and the RMSE in mag of each predictor: `rmse_model`, `rmse_interpolation`, `rmse_window_mean`;
        in the order of `points`.
    """
    names = {"rmse_model": "predicted", "rmse_interpolation": "interpolated", "rmse_window_mean": "window_mean"}
    hidden = points[points["hidden"]]
    squares = {rmse: (hidden[name].astype(float) - hidden["mag"]) ** 2 for rmse, name in names.items()}
    of_windows = hidden.assign(**squares).groupby(DESCRIBED, sort=False)
    errors = of_windows[list(names)].mean().pow(0.5).reset_index()
    errors["visible"] = errors["id"].map((~points["hidden"]).groupby(points["id"]).sum())
    errors["hidden"] = of_windows.size().to_numpy()
    errors["median_err_mag"] = of_windows["err_mag"].median().to_numpy()
    return errors[[*DESCRIBED, "visible", "hidden", "median_err_mag", *names]]
