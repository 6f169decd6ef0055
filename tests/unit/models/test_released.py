"""Weights of the released code: its checkpoints and the published archive; each weight once, or an error."""

import zipfile

import numpy as np
import pytest

from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.models.encoders import build_reconstructor
from astromer.models.released import assign_released, released_names
from astromer.models.weights import load_pretrained

MACHO_SHA256 = "76a204a37a0d47bfd722477f55231624c0c56cf9eea3369b5f22ff445d95158b"
SMALL = {"num_blocks": 2, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12}


def small():
    return build_reconstructor(EncoderConfig(architecture="v2", variant="released", **SMALL))


def as_released(model):
    """Weights of `model` as the released code would name them."""
    arrays = {}
    for variable in model.weights:
        names = released_names(variable.path)
        arrays |= dict(zip(names, np.split(variable.numpy(), len(names), axis=-1), strict=True)) if names else {}
    return arrays


def copy_checkpoint(shared, folder):
    for source in (shared / "golden" / "golden_h_v2_checkpoint").iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    return folder


def test_released_names_cover_each_weight_once_and_carry_it_over(windows):
    source, target = small(), small()
    arrays = as_released(source)
    assert len(arrays) == sum(3 if "qkv" in variable.path else 1 for variable in source.weights)
    assign_released(target, arrays, origin="test")
    np.testing.assert_array_equal(target(windows), source(windows))


@pytest.mark.parametrize("fault", ["missing", "left over", "shape", "not finite"])
def test_a_wrong_weight_is_named_and_the_model_stays_as_it_was(fault):
    model = small()
    before = model.get_weights()
    arrays = {name: array + 1 for name, array in as_released(model).items()}
    name = "encoder/enc_layers/1/mha/wk/kernel"
    if fault == "missing":
        del arrays[name]
    elif fault == "left over":
        name = "encoder/enc_layers/2/mha/wk/kernel"
        arrays[name] = np.zeros((16, 16), "float32")
    elif fault == "shape":
        arrays[name] = arrays[name][:, :-1]
    else:
        arrays[name] = arrays[name] * np.nan
    with pytest.raises(InputError, match=name):
        assign_released(model, arrays, origin="test")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_checkpoint_of_the_released_v2(shared, golden, close):
    arrays = golden("golden_c_v2small")
    model, config = load_pretrained(shared / "golden" / "golden_h_v2_checkpoint")
    assert (config.architecture, config.variant, config.window, config.residual) == ("v2", "released", 50, True)
    assert (config.num_blocks, config.num_heads, config.head_dim, config.embedding_dim) == (3, 3, 8, 32)
    windows = {"magnitudes": arrays["in_input"], "times": arrays["in_times"], "valid": 1 - arrays["in_mask_in"]}
    close("h: reconstruction", model(windows), arrays["asym/reconstruction"], 1e-5)
    paper = load_pretrained(shared / "golden" / "golden_h_v2_checkpoint", variant="paper").model
    close("h: reconstruction, token 0", paper(windows), arrays["asym/msk0.0_reconstruction"], 1e-5)


def test_archive_of_the_published_v1(shared, golden, close):
    arrays = golden("golden_d_v1_macho")
    model, config = load_pretrained(shared / "golden" / "macho_a0.zip", sha256=MACHO_SHA256)
    assert config == EncoderConfig(architecture="v1", variant="released", dropout=0.1)
    names = ("input", "times", "mask_in")
    magnitudes, times, mask = (arrays[f"pretrain/in_{name}"] for name in names)
    windows = {"magnitudes": magnitudes, "times": times, "valid": 1 - mask}
    close("archive: reconstruction", model(windows), arrays["pretrain/reconstruction"], 4e-5)
    embedding = model.get_layer("encoder")(windows)[-1]
    close("archive: embedding", embedding, arrays["pretrain/embedding"], 5e-4)


def test_an_archive_with_another_checksum_is_an_error(shared):
    with pytest.raises(InputError, match="sha256"):
        load_pretrained(shared / "golden" / "macho_a0.zip", sha256="0" * 64)


@pytest.mark.parametrize("kept_bytes", [1_000_000, 100])
def test_a_truncated_archive_is_an_error(shared, tmp_path, kept_bytes):
    (tmp_path / "cut.zip").write_bytes((shared / "golden" / "macho_a0.zip").read_bytes()[:kept_bytes])
    with pytest.raises(InputError, match=r"cut\.zip"):
        load_pretrained(tmp_path / "cut.zip")


def test_an_archive_cannot_write_outside_and_must_hold_a_checkpoint(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../weights.index", "x")
        archive.writestr("../escaped.txt", "x")
    with pytest.raises(InputError, match="0 members are named weights"):
        load_pretrained(tmp_path / "evil.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["evil.zip"]


def zipped(folder, path, **members):
    """Zip a checkpoint's files, some of them replaced (None leaves one out)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            content = members.pop(file.name.partition(".")[0], file.read_bytes())
            if content is not None:
                archive.writestr(f"folder/{file.name}", content)
    return path


def test_an_archive_of_a_v2_checkpoint(shared, tmp_path, golden, close):
    path = zipped(shared / "golden/golden_h_v2_checkpoint", tmp_path / "v2.zip")
    arrays = golden("golden_c_v2small")
    windows = {"magnitudes": arrays["in_input"], "times": arrays["in_times"], "valid": 1 - arrays["in_mask_in"]}
    close("h: archive", load_pretrained(path).model(windows), arrays["asym/reconstruction"], 1e-5)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"config": None}, "0 members are named config.toml or conf.json"),
        ({"weights": b"not a checkpoint"}, "not a complete TensorFlow checkpoint"),
    ],
)
def test_an_archive_without_a_whole_checkpoint_is_an_error(shared, tmp_path, members, named):
    path = zipped(shared / "golden/golden_h_v2_checkpoint", tmp_path / "v2.zip", **members)
    with pytest.raises(InputError, match=named):
        load_pretrained(path)


def test_a_damaged_member_of_an_archive_is_an_error(shared, tmp_path):
    path = zipped(shared / "golden/golden_h_v2_checkpoint", tmp_path / "v2.zip")
    content = bytearray(path.read_bytes())
    content[500:520] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"v2\.zip: not a complete, unencrypted zip archive"):
        load_pretrained(path)


@pytest.mark.parametrize("file", ["weights.data-00000-of-00001", "weights.index"])
def test_a_truncated_checkpoint_is_an_error(shared, tmp_path, file):
    damaged = copy_checkpoint(shared, tmp_path) / file
    damaged.write_bytes(damaged.read_bytes()[:1500])
    with pytest.raises(InputError, match="not a complete TensorFlow checkpoint"):
        load_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("num_layers = 3", "num_layers = 2", "enc_layers/2"),
        ("num_layers = 3", "num_layers = 4", "enc_layers/3"),
        ("mixer = 48", "mixer = 40", "ffn/0/kernel"),
        ("use_leak = true", "use_leak = false", "reshape_leak"),
        ('arch = "base"', 'arch = "skip"', "architecture"),
        ('mask_format = "K"', 'mask_format = "Q"', "mask_format is 'Q'; expected 'K' for v2"),
        ("m_alpha = -1000000000.0", "m_alpha = -0.5", "m_alpha is -0.5"),
        ("temperature = 0.0", "temperature = 0.5", "temperature is 0.5"),
        ("mixer = 48", "", "mixer"),
        ("mixer = 48", "mixer =", "not TOML"),
    ],
)
def test_options_that_do_not_fit_the_checkpoint_are_an_error(shared, tmp_path, old, new, named):
    options = copy_checkpoint(shared, tmp_path) / "config.toml"
    options.write_text(options.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=named):
        load_pretrained(tmp_path)
