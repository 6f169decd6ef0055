"""F1 beside the published one, finetuning, claims, and the objects of a dataset: figures and notebooks."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from figure_layout import assert_publishable, caption_of, drawn_texts, empty_note
from notebook_run import assert_written, files_of, run_cells

from astromer.errors import InputError
from astromer.evaluation.published import published
from astromer.evaluation.scores import METRICS_SCHEMA
from astromer.plots.claims import VERDICTS, claims_figure
from astromer.plots.comparison import f1_figure, measured_scores
from astromer.plots.finetuning import finetuning_figure, read_finetunings
from astromer.plots.objects import count_objects, objects_figure
from astromer.plots.style import class_colours

NOTE = "Real data. Run: asas, seed 42."
RUN = {"run": "test", "seed": 3}
GENERATIONS = {"A1": {"encoder": "macho-v1", "state": "frozen"}, "A2": {"encoder": "v2", "state": "finetuned"}}
CLASSES = ["EC", "LPV", "RRab"]
HEADS = {"avg": "avg", "skip": "skip"}


def metrics_of(sizes=(20, 100), folds=3) -> pd.DataFrame:
    """Scores that rise by 0.1 per fold; the frozen Astromer 2 is not the one that is compared."""
    models = [("macho-v1", "frozen", "avg", 0.3), ("macho-v1", "frozen", "skip", 0.4), ("v2", "finetuned", "skip", 0.5)]
    models += [("v2", "frozen", "skip", 0.9), (None, None, "raw_gru", 0.1)]
    rows = [
        {"encoder": encoder, "state": state, "model": model, "spc": spc, "fold": fold, "value": value + 0.1 * fold}
        for encoder, state, model, value in models
        for spc in sizes
        for fold in range(folds)
    ]
    constant = {"dataset": "sim", "level": "window", "metric": "f1", "class": None, "run": "test", "data": "simulated"}
    return pd.DataFrame(rows).assign(**constant)


@pytest.mark.parametrize("sizes", [(20,), (20, 50), (20, 100, 500)])
def test_measured_and_published_f1_are_pairs_of_bars(sizes):
    measured = measured_scores(metrics_of(sizes), GENERATIONS, HEADS)
    figure = f1_figure(measured, published("scores", "out-of-domain").to_pandas(), sizes, 3, NOTE)
    assert_publishable(figure)
    assert [bar.get_height() for bar in figure.axes[0].patches][:3] == pytest.approx([0.4, 0.5, 0.6])
    assert figure.axes[0].patches[3].get_height() == pytest.approx(0.5538)
    assert len(figure.axes) == len(set(sizes) - {50}), "nothing was published to compare with"
    assert ("published: 50 samples" in caption_of(figure)) == (50 in sizes)
    assert figure.axes[0].get_ylim()[0] == 0


def test_seeds_of_a_fold_are_averaged():
    seeds = [metrics_of().assign(seed=seed) for seed in (0, 1)]
    seeds[1]["value"] += 0.2
    found = measured_scores(pd.concat(seeds), GENERATIONS, HEADS)
    expected = measured_scores(metrics_of(), GENERATIONS, HEADS)
    pd.testing.assert_frame_equal(found, expected.assign(mean=expected["mean"] + 0.1))


def test_a_head_of_the_paper_is_found_under_its_name_in_the_run():
    renamed = metrics_of().replace({"model": {"skip": "skip-wide", "avg": "skip"}})
    found = measured_scores(renamed, GENERATIONS, {"skip": "skip-wide", "avg": "skip"})
    pd.testing.assert_frame_equal(found, measured_scores(metrics_of(), GENERATIONS, HEADS))
    assert measured_scores(metrics_of(), GENERATIONS, {"avg": "avg"})["head"].unique() == ["avg"]


def test_an_encoder_that_is_not_in_the_run_is_named_and_a_missing_fold_is_an_error():
    measured = measured_scores(metrics_of(), {"A2": GENERATIONS["A2"]}, HEADS)
    figure = f1_figure(measured, published("scores", "in-domain").to_pandas(), [20, 100], 3, NOTE)
    assert len(assert_publishable(figure)["not in this run"]) == 4
    assert "Not in this run: A1." in caption_of(figure)
    nothing = measured_scores(metrics_of(), {}, HEADS)
    assert_publishable(f1_figure(nothing, published("scores", "in-domain").to_pandas(), [20], 3, NOTE))
    with pytest.raises(InputError, match=r"A2 \+ skip, 20 samples per class: expected 4 folds, found 3"):
        f1_figure(measured, published("scores", "in-domain").to_pandas(), [20, 100], 4, NOTE)


def write_finetunings(folder, *, minutes=1.5) -> dict:
    """Write scores and times; finetuning halves the RMSE, which is 0.1 larger in each further fold."""
    files: dict = {}
    for dataset, sizes in {"a": (20, 100), "b": (20,)}.items():
        for fold in range(2):
            for spc in sizes:
                place = folder / f"{dataset}{fold}{spc}"
                place.mkdir(parents=True)
                rmse = 0.2 + 0.1 * fold
                rows = {"model": rmse / 2, "window_mean": 0.5, "interpolation": 0.4, "pretrained": rmse}
                scores = pd.DataFrame(
                    {"predictor": list(rows), "windows": 70 + fold, "rmse_hidden": list(rows.values())}
                )
                scores.to_csv(place / "scores.csv", index=False)
                pl.DataFrame({"minutes": [minutes]}).write_csv(place / "timing.csv")  # as the stage writes it
                paths = {name: str(place / f"{name}.csv") for name in ("scores", "timing")}
                files.setdefault(dataset, {}).setdefault(str(fold), {})[str(spc)] = paths
    return files


def test_finetuning_shows_both_errors_and_the_minutes(tmp_path):
    table = read_finetunings(write_finetunings(tmp_path))
    assert table.query("dataset == 'a' and fold == 1 and spc == 100")["after"].item() == pytest.approx(0.15)
    figure = finetuning_figure(table, {"a": 2, "b": 2}, NOTE)
    assert_publishable(figure)
    before, after = (container.lines[0].get_ydata() for container in figure.axes[0].containers)
    np.testing.assert_allclose([*before, *after], [0.25, 0.25, 0.125, 0.125])
    np.testing.assert_allclose(figure.axes[2].containers[0].lines[0].get_ydata(), [1.5, 1.5])
    assert figure.axes[2].get_ylim()[1] > 1.5 * 1.05, "the marker stands inside the panel"
    assert "Test windows per fold: a 70 to 71, b 70 to 71." in caption_of(figure)
    with pytest.raises(InputError, match=r"dataset a, spc 20: .* none of fold \[2\]"):
        finetuning_figure(table, {"a": 3, "b": 2}, NOTE)


def test_times_of_resumed_jobs_are_not_known(tmp_path):
    files = write_finetunings(tmp_path, minutes=None)
    figure = finetuning_figure(read_finetunings(files), {"a": 2, "b": 2}, NOTE)
    assert "not known: resumed jobs" in assert_publishable(figure)
    assert "Without the 6 jobs that were killed and resumed." in caption_of(figure)
    scores = files["b"]["1"]["20"]["scores"]
    pd.read_csv(scores).query("predictor != 'pretrained'").to_csv(scores, index=False)
    with pytest.raises(InputError, match=r"scores\.csv: expected rows of pretrained"):
        read_finetunings(files)


def claims_of(dataset: str, sizes=(20, 100)) -> pd.DataFrame:
    pairs = [("encoder above raw input", "v2 (frozen) + skip", "raw_gru"), ("finetuning helps", "v2 (finetuned)", "v2")]
    rows = [
        {"claim": claim, "first": first, "second": second, "first_spc": spc, "second_spc": spc}
        for claim, first, second in pairs
        for spc in sizes
    ]
    difference = np.linspace(-0.2, 0.2, len(rows))
    verdict = np.where(difference > 0.1, "holds", np.where(difference < -0.1, "does not hold", "undecided"))
    values = {"difference": difference, "low": difference - 0.1, "high": difference + 0.1, "verdict": verdict}
    return pd.DataFrame(rows).assign(dataset=dataset, **values, folds=3, objects=300)


@pytest.mark.parametrize("datasets", [["a"], ["a", "b", "c", "d"]])
def test_each_claim_has_its_interval_in_the_colour_of_its_verdict(datasets):
    figure = claims_figure(pd.concat([claims_of(name) for name in datasets]), datasets, NOTE)
    boxes = assert_publishable(figure)
    assert [axis.get_title() for axis in figure.axes] == datasets
    assert {"finetuning helps", "v2 + skip  >  raw_gru", "v2 (finetuned)  >  v2"} <= boxes.keys()
    intervals = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2 and line.get_marker() == "None"]
    assert {line.get_color() for line in intervals if line.get_xdata()[0] != 0} == set(VERDICTS.values())
    np.testing.assert_allclose(intervals[0].get_xdata(), [-0.3, -0.1])
    assert "a: 300 test objects in 3 folds; 1 holds, 2 are undecided, 1 does not hold." in caption_of(figure)


def test_long_names_leave_room_for_the_axes():
    """The names of three datasets' axes side by side do not overlap."""
    claims = claims_of("a").replace("raw_gru", "astromer-mini (wrong_period) + logistic")
    assert_publishable(claims_figure(pd.concat([claims.assign(dataset=name) for name in "abc"]), list("abc"), NOTE))


def test_a_dataset_without_claims_says_so():
    figure = claims_figure(claims_of("a"), ["a", "b"], NOTE)
    assert_publishable(figure)
    assert empty_note(figure.axes[1]) == "no claim whose classifiers are in this run"
    figure = claims_figure(claims_of("a").head(0), ["a"], NOTE)
    assert empty_note(figure.axes[0])
    with pytest.raises(InputError, match="perhaps"):
        claims_figure(claims_of("a").assign(verdict="perhaps"), ["a"], NOTE)


def survey_of(classes=CLASSES) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Survey with 10, 20, 30, ... objects of each class; half of them are in sets."""
    names = np.repeat([*classes, "other"], 10 * np.arange(1, len(classes) + 2))
    metadata = pd.DataFrame(
        {"id": [f"s{i}" for i in range(len(names))], "class": names, "num_obs": 20 + np.arange(len(names))}
    )
    members = metadata[metadata["class"] != "other"].iloc[::2]
    tests = [members.assign(fold=fold, subset="test") for fold in range(2)]
    return metadata, pd.concat([*tests, members.assign(fold=0, subset="train")])


def test_objects_of_each_class_are_counted_and_measured():
    metadata, split = survey_of()
    counts = count_objects(metadata, split, [*CLASSES, "Mira"])
    assert counts["objects"].to_list() == [10, 20, 30, 0]
    assert counts["used"].to_list() == [5, 10, 15, 0]
    assert counts["test_max"].to_list() == [5, 10, 15, 0]
    assert counts["median"].to_list()[:2] == [24.5, 39.5]
    figure = objects_figure(metadata, counts, class_colours({"a": [*CLASSES, "Mira"]}), 200, NOTE)
    boxes = assert_publishable(figure)
    assert "30 (15)" in boxes
    assert "40 objects of the survey are of other classes. No object of: Mira." in caption_of(figure)
    with pytest.raises(InputError, match="expected objects of Mira"):
        objects_figure(metadata, counts.tail(1), class_colours({"a": ["Mira"]}), 200, NOTE)


def test_twelve_classes_fit():
    classes = [f"class {i}" for i in range(12)]
    metadata, split = survey_of(classes)
    figure = objects_figure(metadata, count_objects(metadata, split, classes), class_colours({"a": classes}), 200, NOTE)
    assert_publishable(figure)
    assert "class 11" in drawn_texts(figure)


def test_notebooks(tmp_path):
    files = {
        name: files_of(tmp_path / "out 1", name) for name in ("fig_f1", "fig_finetuning", "fig_claims", "fig_data")
    }
    stored = metrics_of().assign(seed=0, kind="head", count=9)[list(METRICS_SCHEMA)]
    stored.to_csv(tmp_path / "metrics.csv", index=False)
    given = {"metrics": str(tmp_path / "metrics.csv"), "dataset": "sim", "role": "in-domain", "spc": [20, 100]}
    given |= {"folds": [0, 1, 2], "generations": GENERATIONS, "is_simulated": True, **RUN}
    variables = run_cells("fig_f1", given | files["fig_f1"])
    assert caption_of(variables["figure"]).startswith("Simulated data, no real stars. Run: test, seed 3. Dataset: sim.")
    table = pd.read_csv(files["fig_f1"]["table"])
    assert table.query("dataset == 'sim' and model == 'A2'")["mean"].to_list() == pytest.approx([0.6, 0.6])

    given = {"finetunings": write_finetunings(tmp_path / "finetune"), "fold_counts": {"a": 2, "b": 2}}
    given |= {"encoder": "A2", "simulated_datasets": [], **RUN}
    run_cells("fig_finetuning", given | files["fig_finetuning"])
    assert len(pd.read_csv(files["fig_finetuning"]["table"])) == 6

    claims_of("a").to_csv(tmp_path / "claims.csv", index=False)
    given = {"claims": str(tmp_path / "claims.csv"), "class_lists": {"a": CLASSES}, "simulated_datasets": [], **RUN}
    run_cells("fig_claims", given | files["fig_claims"])

    metadata, split = survey_of()
    metadata.to_parquet(tmp_path / "metadata.parquet")
    split.to_parquet(tmp_path / "split.parquet")
    given = {name: str(tmp_path / f"{name}.parquet") for name in ("metadata", "split")}
    given |= {"classes": CLASSES, "class_lists": {"a": CLASSES}, "dataset": "a", "folds": [0, 1], "window": 200}
    run_cells("fig_data", given | {"is_simulated": False, **RUN} | files["fig_data"])
    assert pd.read_csv(files["fig_data"]["table"])["objects"].to_list() == [10, 20, 30]
    for written in files.values():
        assert_written(written)
