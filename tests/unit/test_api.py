"""The Python interface, and the examples of docs/python.md."""

import hashlib
import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import polars as pl
import pytest

import astromer
from astromer import api
from astromer.api import pretrained as pretrained_api
from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.models.weights import Pretrained, save_pretrained
from astromer.models.weights import load_pretrained as load_weights

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"num_blocks": 2, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12, "window": 50}
DOCS = (ROOT / "docs/python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)


def pretrained(architecture="v2", variant="paper"):
    keras.utils.set_random_seed(3)
    config = EncoderConfig(architecture=architecture, variant=variant, **SMALL)
    return Pretrained(astromer.build(config), config)


@pytest.fixture(scope="module")
def model():
    return pretrained()


def curves(*lengths):
    rng = np.random.default_rng(5)
    columns = [(np.sort(rng.uniform(5e4, 5.1e4, n)), rng.normal(15, 1, n), rng.uniform(0.01, 0.1, n)) for n in lengths]
    return [np.column_stack(column) for column in columns]


def as_frame(arrays):
    frames = [pl.DataFrame(array, schema=["mjd", "mag", "err_mag"]) for array in arrays]
    return pl.concat(frame.with_columns(id=pl.lit(f"star {i}")) for i, frame in enumerate(frames))


def vectors(table):
    return table["embedding"].to_numpy()


# The package


def test_import_is_light_and_names_are_lazy():
    script = "import sys, astromer; assert not {'tensorflow', 'keras', 'polars'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
    assert astromer.__version__
    assert astromer.encode is api.encode
    with pytest.raises(AttributeError, match="encoed"):
        astromer.encoed  # noqa: B018


# The documentation


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_run(number, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if 'cache="weights"' in EXAMPLES[number]:  # as if they had been downloaded before
        (tmp_path / "weights").mkdir()
        archive = request.getfixturevalue("shared") / "golden/macho_a0.zip"
        (tmp_path / "weights" / archive.name).write_bytes(archive.read_bytes())
    exec(compile(EXAMPLES[number], f"docs/python.md, example {number}", "exec"), {})


def test_every_counterpart_exists():
    for name in set(re.findall(r"`astromer\.([\w.]+)", DOCS)):
        *module, attribute = name.split(".")
        assert hasattr(importlib.import_module(".".join(["astromer", *module])), attribute), name
    rules = {name for file in ROOT.glob("rules/*.smk") for name in re.findall(r"^rule (\w+):", file.read_text(), re.M)}
    named = [
        name for cell in re.findall(r"\| (?:rules?|targets) ([^|;]+)", DOCS) for name in re.findall(r"`(\w+)`", cell)
    ]
    assert named
    assert set(named) <= rules


# build


def test_build_takes_a_dict_or_a_config():
    by_dict = astromer.build({"architecture": "v2", **SMALL})
    assert by_dict.count_params() == astromer.build(EncoderConfig(architecture="v2", **SMALL)).count_params()
    with pytest.raises(InputError, match="encoder config: layers: unknown key"):
        astromer.build({"architecture": "v2", "layers": 2})


# encode


def test_a_frame_in_any_order_gives_what_arrays_give(model):
    arrays = curves(60, 7, 130)
    frame = as_frame(arrays)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    expected = astromer.encode(arrays, model)
    table = astromer.encode(shuffled, model).sort("id")
    assert expected["id"].to_list() == [0, 1, 2]
    assert table["id"].to_list() == ["star 0", "star 1", "star 2"]
    assert table["length"].to_list() == [60, 7, 130]
    np.testing.assert_allclose(vectors(table), vectors(expected), atol=1e-5)
    without_errors = astromer.encode([array[::-1, :2] for array in arrays], model)
    np.testing.assert_allclose(vectors(without_errors), vectors(expected), atol=1e-5)


def test_rows_stay_in_the_order_of_the_light_curves(model):
    table = astromer.encode(as_frame(curves(9, 70, 5)).sort("id", descending=True), model, per="window")
    assert table.select("id", "start", "length").rows() == [
        ("star 2", 0, 5),
        ("star 1", 0, 50),
        ("star 1", 20, 50),
        ("star 0", 0, 9),
    ]


@pytest.mark.parametrize("architecture", ["v1", "v2"])
def test_neither_padding_nor_batch_has_an_influence(architecture):
    model = pretrained(architecture)
    arrays = curves(30, 4, 12, 30, 1)
    alone = np.concatenate([vectors(astromer.encode([array], model)) for array in arrays])
    for window, batch_size in ((50, 256), (200, 2), (31, 1)):
        together = astromer.encode(arrays, model, window=window, batch_size=batch_size)
        np.testing.assert_allclose(vectors(together), alone, atol=1e-5)


def test_released_v1_sees_the_same_padding_in_every_batch():
    """It attends to padding, which must therefore be that of its training whatever the other windows are."""
    model = pretrained("v1", "released")
    arrays = curves(30, 4)
    together, alone = astromer.encode(arrays, model), astromer.encode(arrays[1:], model)
    np.testing.assert_allclose(vectors(together)[1:], vectors(alone), atol=1e-5)
    longer = astromer.encode(arrays[1:], model, window=60)
    assert np.abs(vectors(longer) - vectors(alone)).max() > 1e-4


def test_an_object_is_the_mean_of_its_windows_weighted_by_length(model):
    arrays = curves(120, 20)
    windows = astromer.encode(arrays, model, per="window", window=100)
    assert windows.select("id", "start", "length").rows() == [(0, 0, 100), (0, 20, 100), (1, 0, 20)]
    expected = [vectors(windows)[:2].mean(axis=0), vectors(windows)[2]]
    np.testing.assert_allclose(vectors(astromer.encode(arrays, model, window=100)), expected, atol=1e-6)


def test_the_vector_is_the_mean_of_the_encoders_output_over_all_observations(model):
    (curve,) = curves(40)
    inputs = {"times": curve[:, 0], "magnitudes": curve[:, 1]}
    inputs = {name: (column - column.mean()).astype("float32").reshape(1, -1, 1) for name, column in inputs.items()}
    levels = model.model.get_layer("encoder")({**inputs, "valid": np.ones((1, 40, 1), "float32")})
    expected = np.stack([np.asarray(level)[0].mean(axis=0) for level in levels])
    every = vectors(astromer.encode([curve], model, layer="all"))[0]
    np.testing.assert_allclose(every, expected, atol=1e-5)
    for layer in (0, 1, -1):
        np.testing.assert_array_equal(vectors(astromer.encode([curve], model, layer=layer))[0], every[layer])


def test_a_model_of_any_kind_and_its_window(model):
    arrays = curves(80)
    by_config = astromer.encode(arrays, model, per="window")
    assert by_config["length"].to_list() == [50, 50]
    for bare in (model.model, model.model.get_layer("encoder")):
        assert astromer.encode(arrays, bare, per="window")["length"].to_list() == [80]
        np.testing.assert_array_equal(
            vectors(astromer.encode(arrays, bare, per="window", window=50)), vectors(by_config)
        )


def test_one_observation_is_a_light_curve(model):
    table = astromer.encode([np.array([[5e4, 15.0]]), np.array([[6e4, 18.0]])], model)
    assert np.isfinite(vectors(table)).all()
    np.testing.assert_allclose(*vectors(table), atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_what_is_not_finite_is_an_error_that_names_the_star(model, value):
    arrays = curves(5, 8)
    arrays[1][3, 1] = value
    with pytest.raises(InputError, match="light curve 1: a time or magnitude is not finite"):
        astromer.encode(arrays, model)
    with pytest.raises(InputError, match="light curve 'star 1'"):
        astromer.encode(as_frame(arrays), model)


@pytest.mark.parametrize(
    ("light_curves", "named"),
    [
        ([], "there are none"),
        ([np.zeros((0, 3))], r"light curve 0: its shape is \(0, 3\)"),
        ([np.zeros((4, 2)), np.zeros(4)], r"light curve 1: its shape is \(4,\)"),
        ([np.zeros((4, 5))], r"\(4, 5\)"),
        ([[["a", "b"]]], "light curve 0: holds what is no number"),
        ("stars.csv", "found builtins str; expected a table"),
        (pl.DataFrame(schema={"id": pl.String, "mjd": pl.Float64, "mag": pl.Float32}), "there are none"),
        (pl.DataFrame({"id": ["a"], "mjd": [1.0]}), "no column 'mag'"),
        (pl.DataFrame({"id": ["a"], "mjd": ["1"], "mag": [1.0]}), "column 'mjd' holds String"),
        (pl.DataFrame({"id": ["a"], "mjd": [[1.0, 2.0]], "mag": [15.0]}), "expected numbers in both, or lists in both"),
        ([pl.DataFrame({"id": [7], "mjd": [1.0], "mag": [15.0]})], "light curve 0: is a table"),
        ([[[0.0, 15.0], [2e5, 15.0]]], "light curve 0: its times span 200000 days; expected days"),
        (
            pl.DataFrame({"id": ["a", "b", "b"], "mjd": [0.0, 0.0, 1e9], "mag": [15.0] * 3}),
            "light curve 'b': its times",
        ),
        (pl.DataFrame({"id": ["a"], "mjd": [None], "mag": [1.0]}, schema_overrides={"mjd": pl.Float64}), "'a'"),
    ],
)
def test_bad_light_curves_are_named(model, light_curves, named):
    with pytest.raises(InputError, match=named):
        astromer.encode(light_curves, model)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"per": "star"}, "per is 'star'"),
        ({"layer": 3}, "layer is 3; expected 'all' or a number from -3 to 2"),
        ({"layer": "last"}, "layer is 'last'"),
        ({"window": 0}, "window is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_bad_arguments_are_named(model, arguments, named):
    with pytest.raises(InputError, match=named):
        astromer.encode(curves(5), model, **arguments)


def test_all_levels_must_be_of_one_width():
    other = astromer.build({"architecture": "v2", **SMALL, "embedding_dim": 6})
    assert vectors(astromer.encode(curves(5), other, layer=0)).shape == (1, 6)
    with pytest.raises(InputError, match=r"widths \[6, 16\]"):
        astromer.encode(curves(5), other, layer="all")


# load_pretrained


def test_named_weights_are_complete():
    weights = api.named_weights()
    assert {"macho-v1", "macho-v2"} <= weights.keys()
    for entry in weights.values():
        if "url" in entry:
            assert entry["url"].startswith("https://")
            assert entry["url"].endswith(entry["file"])
        else:
            assert (ROOT / "astromer/pretrained" / entry["file"]).is_file()
        assert re.fullmatch("[0-9a-f]{64}", entry["sha256"])
        assert entry["architecture"] in ("v1", "v2", "v3")
        assert entry["licence"]
        assert entry["citation"]


def test_the_encoder_of_the_package_is_the_default_and_needs_no_network(monkeypatch):
    monkeypatch.setattr(pretrained_api, "download", None)
    stars = [np.column_stack([np.arange(50.0) * 1.7, np.sin(np.arange(50.0))]), np.array([[50000.0, 12.0]])]
    vectors = astromer.encode(stars)["embedding"].to_numpy()
    assert vectors.shape == (2, 128)
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(astromer.encode(stars, "astromer-mini")["embedding"].to_numpy(), vectors)
    assert astromer.load_pretrained("astromer-mini").config.architecture == "v3"


def test_a_damaged_file_of_the_package_is_refused(tmp_path):
    entry = api.named_weights()["astromer-mini"]
    folder = ROOT / "astromer/pretrained/astromer-mini"
    for name in ("config.json", "model.weights.h5"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "model.weights.h5").write_bytes(b"damaged")
    with pytest.raises(InputError, match="its sha256 is not"):
        load_weights(tmp_path / "model.weights.h5", sha256=entry["sha256"])


def test_named_weights_of_an_installed_package(tmp_path, monkeypatch):
    """Without a checkout around the package, the file is where the installer has put it."""
    installed = tmp_path / "share/weights.yaml"
    installed.parent.mkdir()
    installed.write_bytes((ROOT / "config/weights.yaml").read_bytes())
    entry = SimpleNamespace(name="weights.yaml", locate=lambda: installed)
    monkeypatch.setattr(pretrained_api.metadata, "distribution", lambda name: SimpleNamespace(files=[entry]))
    here = api.named_weights()
    monkeypatch.setattr(pretrained_api, "__file__", str(tmp_path / "site-packages/astromer/api/pretrained.py"))
    assert api.named_weights() == here


def test_our_own_folder_is_loaded_by_its_path(model, tmp_path):
    save_pretrained(model.model, model.config, tmp_path / "encoder")
    loaded = astromer.load_pretrained(str(tmp_path / "encoder"))
    assert loaded.config == model.config
    np.testing.assert_array_equal(
        vectors(astromer.encode(curves(9), loaded)), vectors(astromer.encode(curves(9), model))
    )


def test_a_folder_whose_weights_have_changed_is_loaded_again(model, tmp_path):
    for factor in (1.0, 2.0):
        changed = keras.models.clone_model(model.model)
        changed.set_weights([factor * weight for weight in model.model.get_weights()])
        save_pretrained(changed, model.config, tmp_path)
        found = vectors(astromer.encode(curves(9), tmp_path))
        np.testing.assert_array_equal(found, vectors(astromer.encode(curves(9), astromer.load_pretrained(tmp_path))))


def test_a_name_or_path_that_does_not_exist():
    with pytest.raises(InputError, match=r"macho-v3: no such file or folder; .*: astromer-mini, macho-v1, macho-v2"):
        astromer.load_pretrained("macho-v3")


def test_a_mirror_comes_first_and_a_folder_is_needed_to_download(tmp_path):
    with pytest.raises(
        InputError, match=r"macho-v1: macho_a0\.zip is not part of the package; expected a folder `cache`"
    ):
        astromer.load_pretrained("macho-v1")
    with pytest.raises(InputError, match=f"there is no {tmp_path}/macho_a0.zip; expected a folder `cache`"):
        astromer.load_pretrained("macho-v1", mirror=tmp_path)


@pytest.mark.parametrize("place", ["mirror", "cache"])
def test_a_file_with_another_checksum_is_refused(tmp_path, place):
    (tmp_path / "macho_a0.zip").write_bytes(b"PK")
    found = hashlib.sha256(b"PK").hexdigest()
    with pytest.raises(InputError, match=rf"macho_a0\.zip: sha256 is {found}; expected 76a204a3"):
        astromer.load_pretrained("macho-v1", **{place: tmp_path})


def test_a_name_is_downloaded_once(shared, tmp_path, monkeypatch):
    asked = []

    def download(url, path, *, sha256):
        asked.append((url, sha256))
        path.parent.mkdir(parents=True)
        path.write_bytes((shared / "golden/macho_a0.zip").read_bytes())

    monkeypatch.setattr(pretrained_api, "download", download)
    for _ in range(2):
        loaded = astromer.load_pretrained("macho-v1", mirror=tmp_path, cache=tmp_path / "weights")
        assert loaded.config == EncoderConfig(architecture="v1", variant="released", dropout=0.1)
    entry = api.named_weights()["macho-v1"]
    assert asked == [(entry["url"], entry["sha256"])]


def test_published_weights_reproduce_the_original_embedding(shared):
    """End to end. The original's means over float32 MJD leave times off centre, by 9e-3 days at most; ours do not."""
    weights = astromer.load_pretrained("macho-v1", mirror=shared / "golden")
    with np.load(shared / "golden/golden_d_v1_macho.npz", allow_pickle=False) as arrays:
        times, magnitudes, embedding = (arrays[f"infer/{name}"] for name in ("in_times", "in_input", "embedding"))
        raw = [arrays[f"raw_{i}"] for i in range(4)]
    lengths = [len(curve) for curve in raw]
    parts = [np.column_stack([t[:n, 0], m[:n, 0]]) for t, m, n in zip(times, magnitudes, lengths, strict=True)]
    expected = np.stack([vector[:n].mean(axis=0) for vector, n in zip(embedding, lengths, strict=True)])
    off_centre = np.array([abs(part[:, 0].mean()) for part in parts])
    for light_curves in (parts, raw):
        table = astromer.encode(light_curves, weights, per="window")
        assert table["length"].to_list() == lengths
        difference = np.abs(vectors(table) - expected).max(axis=1)
        assert (difference <= 5e-4 + off_centre).all(), difference

    # The very same times as the original's, which only the encoder itself can be given.
    valid = np.stack([np.arange(200) < n for n in lengths])[..., None].astype("float32")
    inputs = {"times": times, "magnitudes": magnitudes, "valid": valid}
    output = np.asarray(weights.model.get_layer("encoder")(inputs)[-1])
    assert np.abs(output - embedding).max() <= 5e-4
