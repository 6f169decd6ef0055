"""Published numbers: what comes with the package is what was published."""

import math
import re
import statistics

import polars as pl
import pytest

from astromer.errors import InputError
from astromer.evaluation.published import published

TO_SAMPLE = math.sqrt(3 / 2)  # from the population to the sample standard deviation of 3 folds


def blocks(text: str, pattern: str) -> list[tuple[str, ...]]:
    found = re.findall(pattern, text)
    assert found
    return found


def test_main_comparison_is_that_of_the_paper(shared):
    text = (shared / "spec/FIGURES.md").read_text()
    rows = blocks(text, r"\| (alcock|atlas) \| (\d+) \| (\.\d+) (\.\d+) \| (\.\d+) (\.\d+) \| (\.\d+) (\.\d+) \|")
    expected = {}
    for dataset, spc, *values in rows:
        for place, model in enumerate((("A1", "avg"), ("A1", "skip"), ("A2", "skip"))):
            expected[dataset, int(spc), *model] = (values[2 * place], values[2 * place + 1])
    table = {row[:4]: row[4:6] for row in published("scores").iter_rows()}
    assert table.keys() == expected.keys()
    for key, (mean, sd) in table.items():
        assert mean == float(expected[key][0])
        assert sd == pytest.approx(TO_SAMPLE * float(expected[key][1]), abs=1e-4)


def test_ablation_is_the_average_of_the_authors_predictions(shared):
    folds = pl.read_csv(shared / "published/published_metrics.csv")
    expected = folds.group_by("dataset", "spc", "head").agg(
        pl.col("macro_f1").mean().alias("expected"), pl.col("macro_f1").std(ddof=1).alias("expected_sd")
    )
    both = published("ablation").join(expected, on=["dataset", "spc", "head"], how="full")
    assert both.height == 2 * 3 * 8
    assert (both["mean"] - both["expected"]).abs().max() < 1e-4
    assert (both["sd"] - both["expected_sd"]).abs().max() < 1e-4


def test_confusion_is_that_of_the_authors_predictions(shared):
    expected = pl.read_csv(shared / "published/published_confusion.csv").rename(
        {"pred": "predicted", "mean": "expected"}
    )
    both = published("confusion").join(expected, on=["dataset", "spc", "head", "true", "predicted"], how="full")
    assert both.height == expected.height
    assert (both["mean"] - both["expected"]).abs().max() < 1e-4
    assert (both["sd"] - TO_SAMPLE * both["std"]).abs().max() < 1e-4
    sums = published("confusion").group_by("dataset", "spc", "head", "true").agg(pl.col("mean").sum())
    assert (sums["mean"] - 1).abs().max() < 1e-3


def test_finetuning_is_that_of_the_figure(shared):
    text = (shared / "spec/FIGURES.md").read_text()
    table = {tuple(row[:4]): row[4:8] for row in published("finetuning").iter_rows()}
    expected = {}
    number = r"\d*\.\d+"
    for name, line in blocks(text, r"- (Alcock|ATLAS) pretrained (.*)"):
        errors, minutes = (re.findall(rf"({number})/({number})/({number})", part) for part in line.split("Minutes:"))
        for place, spc in enumerate((20, 100, 500)):
            expected |= {
                (name.lower(), spc, "A2", "rmse_before"): errors[0],
                (name.lower(), spc, "A2", "rmse_after"): errors[1 + place],
                (name.lower(), spc, "A2", "minutes"): minutes[place],
            }
    assert table.keys() == expected.keys()
    for key, values in expected.items():
        low, mean, high = map(float, values)
        assert (table[key][0], *table[key][2:]) == (mean, low, high)
        assert table[key][1] == pytest.approx(statistics.stdev([low, 3 * mean - low - high, high]), abs=1e-4)


def test_every_number_has_a_source_and_the_role_chooses_the_dataset():
    for table in ("scores", "ablation", "confusion", "finetuning"):
        assert published(table)["source"].str.len_chars().min() > 10
        assert set(published(table, "out-of-domain")["dataset"]) == {"atlas"}
    with pytest.raises(InputError, match=r"expected a table of .*'scores'.* found 'nosuch'"):
        published("nosuch")
