"""Gamma of the head `skip`, t-SNE maps and silhouettes: figures and notebooks."""

import numpy as np
import pandas as pd
import pytest
from figure_layout import assert_publishable, caption_of, empty_note
from notebook_run import assert_written, files_of, run_cells

from astromer.errors import InputError
from astromer.evaluation.published import published
from astromer.plots.gammas import gamma_figure
from astromer.plots.levels import map_figure, silhouette_figure
from astromer.plots.style import class_colours

NOTE = "Simulated data, no real stars. Run: demo, seed 42."
CLASSES = ["EC", "LPV", "RRab"]
ROLES = {"sim_macho": "in-domain", "sim_atlas": "out-of-domain"}
FOLDS = {"sim_macho": 2, "sim_atlas": 3}
RUN = {"run": "test", "seed": 3}


def gammas_of(levels: int, sizes=(20, 100)) -> pd.DataFrame:
    """Weights that rise with the level and differ between folds."""
    rows = []
    for dataset, folds in FOLDS.items():
        for fold in range(folds):
            for spc in sizes:
                raw = np.arange(levels) * 0.01 + 0.002 * fold
                weight = np.exp(raw * (1 + np.arange(levels))) / np.exp(raw * (1 + np.arange(levels))).sum()
                keys = {"dataset": dataset, "fold": fold, "spc": spc}
                rows += [{**keys, "level": i, "gamma": raw[i], "weight": weight[i]} for i in range(levels)]
    return pd.DataFrame(rows)


def maps_of(levels: int, classes=CLASSES, per_class: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = np.repeat(classes, per_class)
    tables = [
        pd.DataFrame({"level": level, "id": [f"star {i}" for i in range(len(names))], "class": names})
        for level in range(levels)
    ]
    whole = pd.concat(tables, ignore_index=True)
    return whole.assign(x=rng.normal(size=len(whole)), y=rng.normal(size=len(whole)))


def silhouettes_of(dataset: str) -> pd.DataFrame:
    rows = [
        {
            "fold": fold,
            "pooling": pooling,
            "level": level,
            "silhouette": 0.1 * level - 0.05 * fold,
            "objects": 40 + fold,
        }
        for fold in range(FOLDS[dataset])
        for pooling in ("mean", "std", "max")
        for level in range(3)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("levels", [2, 7])
def test_measured_gammas_stand_above_the_published_ones_of_their_role(levels):
    measured = gammas_of(levels)
    figure = gamma_figure(measured, published("gammas").to_pandas(), ROLES, FOLDS, NOTE)
    assert_publishable(figure)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["sim_macho: measured", "sim_atlas: measured", "Alcock: published", "ATLAS: published"]
    mean = measured[(measured["dataset"] == "sim_macho") & (measured["spc"] == 20)].groupby("level")["weight"].mean()
    points = figure.axes[0].containers[0].lines[0]
    np.testing.assert_allclose(points.get_ydata(), levels * mean)
    of_paper = published("gammas", "in-domain").to_pandas().query("spc == 20")["weight"]
    np.testing.assert_allclose(figure.axes[2].containers[0].lines[0].get_ydata(), 7 * of_paper)
    assert ("Levels: 2 here, 7 in the paper." in caption_of(figure)) == (levels == 2)


def test_a_run_without_the_head_says_so_and_a_missing_fold_is_named():
    nothing = gammas_of(2).head(0)
    figure = gamma_figure(nothing, published("gammas").to_pandas(), ROLES, FOLDS, NOTE)
    assert_publishable(figure)
    assert [empty_note(axis) for axis in figure.axes[:2]] == ["no head of the kind skip in this run"] * 2
    measured = gammas_of(2)
    without = measured[~((measured["dataset"] == "sim_atlas") & (measured["spc"] == 100) & (measured["fold"] == 1))]
    with pytest.raises(InputError, match=r"dataset sim_atlas, spc 100: .* none of fold \[1\]"):
        gamma_figure(without, published("gammas").to_pandas(), ROLES, FOLDS, NOTE)


@pytest.mark.parametrize("levels", [2, 3, 7])
def test_every_level_has_a_map_in_the_colours_of_the_classes(levels):
    classes = [*CLASSES, "Cep_0"]
    colours = class_colours({"sim": classes})
    figure = map_figure(maps_of(levels), classes, colours, NOTE)
    assert_publishable(figure)
    assert [axis.get_title() for axis in figure.axes] == ["Input embedding", *(f"Block {i}" for i in range(1, levels))]
    handles = figure.legends[0].legend_handles
    assert [(handle.get_label(), handle.get_color()) for handle in handles] == [
        (f"{name} (8)", colours[name]) for name in CLASSES
    ]
    assert "24 test objects" in caption_of(figure)
    assert "No test object of: Cep_0." in caption_of(figure)


def test_maps_of_unknown_classes_are_refused():
    with pytest.raises(InputError, match="expected objects of EC, found"):
        map_figure(maps_of(2), ["EC"], class_colours({"sim": ["EC"]}), NOTE)


def test_silhouettes_have_a_line_for_each_pooling():
    table = pd.concat([silhouettes_of(name).assign(dataset=name) for name in FOLDS])
    figure = silhouette_figure(table, FOLDS, NOTE)
    assert_publishable(figure)
    assert len(figure.axes[0].containers) == 3
    np.testing.assert_allclose(figure.axes[0].containers[0].lines[0].get_ydata(), 0.1 * np.arange(3) - 0.025)
    assert "sim_macho 40 to 41, sim_atlas 40 to 42" in caption_of(figure)
    figure = silhouette_figure(table.assign(silhouette=np.nan), FOLDS, NOTE)
    assert empty_note(figure.axes[1]) == "no test objects of two classes"
    with pytest.raises(InputError, match=r"sim_atlas: .* none of fold \[2\]"):
        silhouette_figure(table[table["fold"] < 2], FOLDS, NOTE)


def test_notebooks(tmp_path):
    files = {name: files_of(tmp_path / "out 1", name) for name in ("fig09", "fig10", "fig_silhouette")}
    shared = {"encoder": "A2", "simulated_datasets": ["sim_macho"], **RUN}
    gammas_of(7).to_csv(tmp_path / "gammas.csv", index=False)
    given = {"gammas": str(tmp_path / "gammas.csv"), "roles": ROLES, "fold_counts": FOLDS}
    variables = run_cells("fig09", given | shared | files["fig09"])
    assert caption_of(variables["figure"]).startswith(
        "Simulated data: sim_macho. Real data: sim_atlas. Run: test, seed"
    )
    table = pd.read_csv(files["fig09"]["table"])
    assert set(table["dataset"]) == {"sim_macho", "sim_atlas", "alcock", "atlas"}
    np.testing.assert_allclose(table.groupby(["dataset", "spc"])["weight"].sum(), 1, atol=1e-4)

    maps_of(3).to_parquet(tmp_path / "maps.parquet")
    given = {"maps": str(tmp_path / "maps.parquet"), "classes": CLASSES, "class_lists": {"sim": CLASSES}}
    given |= {"dataset": "sim", "encoder": "A2", "spc": [20, 100], "is_simulated": False, **RUN}
    variables = run_cells("fig10", given | files["fig10"])
    assert "fold 0. Encoder: A2, finetuned with 100 samples per class." in caption_of(variables["figure"])
    assert len(pd.read_csv(files["fig10"]["table"])) == 3 * 24

    paths = {name: str(tmp_path / f"{name}.csv") for name in FOLDS}
    for name, path in paths.items():
        silhouettes_of(name).to_csv(path, index=False)
    run_cells("fig_silhouette", {"silhouettes": paths, "fold_counts": FOLDS} | shared | files["fig_silhouette"])
    assert set(pd.read_csv(files["fig_silhouette"]["table"])["count"]) == {2, 3}
    for written in files.values():
        assert_written(written)
