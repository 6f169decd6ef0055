"""Records of both layouts of the released code and of ours: each object once, repetitions counted, damage named."""

import polars as pl
import pytest
from example_records import CLASSES, stars
from reading import ingest, make_survey

from astromer.cli import main
from astromer.data.records import write_records
from astromer.errors import InputError
from astromer.surveys.released_sets import released_sets

LEGACY = {"ID": "id", "Label": "label", "mjd": "dim_0", "mag": "dim_1", "errmag": "dim_2"}


@pytest.fixture
def dump(tmp_path):
    """Eight stars in our own layout, two of them in two files."""
    objects, observations = stars()
    folder = tmp_path / "records"
    for number, ids in enumerate((objects["id"][:5], objects["id"][3:])):
        chosen = objects.filter(pl.col("id").is_in(ids.implode()))
        write_records(observations, chosen, folder / f"{number}/chunk.record", classes=CLASSES)
    return folder


def as_legacy(source, target):
    """Write records as the older code of the authors: other names, a value a feature, no text of the class."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(target)) as writer:
        for data in tf.data.TFRecordDataset(str(source)).as_numpy_iterator():
            example = tf.train.SequenceExample.FromString(data)
            legacy = tf.train.SequenceExample()
            for name in ("ID", "Label"):
                legacy.context.feature[LEGACY[name]].CopyFrom(example.context.feature[name])
            for name in ("mjd", "mag", "errmag"):
                for value in example.feature_lists.feature_list[name].feature[0].float_list.value:
                    legacy.feature_lists.feature_list[LEGACY[name]].feature.add().float_list.value.append(value)
            writer.write(legacy.SerializeToString())


@pytest.mark.parametrize("shards", [1, 3])
def test_each_object_once_with_its_own_observations(dump, tmp_path, shards):
    expected, observations = stars()
    objects, found, counts = ingest(make_survey("records", {}, shards), dump, tmp_path)
    assert objects["id"].to_list() == sorted(expected["id"])
    assert dict(objects.select("id", "class").iter_rows()) == dict(expected.select("id", "class").iter_rows())
    assert counts["object", "rejected: record repeated"] == 2
    both = found.join(observations.cast({"id": pl.String}).select("id", mjd_="mjd", mag_="mag"), on="id", how="inner")
    assert found.height == observations.height
    same = both.filter((pl.col("mjd") - pl.col("mjd_")).abs() < 1e-7, pl.col("mag") == pl.col("mag_").cast(pl.Float32))
    assert same.height == found.height


def test_the_older_layout_and_its_numbered_classes(dump, tmp_path):
    as_legacy(dump / "0/chunk.record", tmp_path / "legacy.record")
    objects, found, _ = ingest(make_survey("records", {"classes": CLASSES}), tmp_path / "legacy.record", tmp_path)
    expected = stars()[0].filter(pl.col("id").is_in(objects["id"].implode())).sort("id")
    assert objects["class"].to_list() == expected["class"].to_list()
    assert found.height > 5 * 30
    with pytest.raises(InputError, match=r"label is 1, but `classes` has 1 names"):
        ingest(make_survey("records", {"classes": ["EC"]}), tmp_path / "legacy.record", tmp_path)


def test_the_authors_own_files_are_read(shared, tmp_path):
    folder = shared / "golden/golden_g_records"
    objects, observations, counts = ingest(make_survey("records", {}), folder / "records", tmp_path)
    (path,) = (folder / "parquet/light_curves").glob("*.parquet")
    theirs = pl.read_parquet(path).drop_nulls().filter(pl.col("errmag") > 0, pl.col("errmag") < 1)
    assert observations.height + counts["observation", "rejected: time repeated"] == theirs.height  # of float32
    assert objects.height == theirs["newID"].n_unique()


def test_two_records_of_one_id_that_differ_are_refused(dump, tmp_path):
    objects, observations = stars()
    fainter = observations.with_columns(pl.col("mag") + 1)
    write_records(fainter, objects[:1], dump / "2/chunk.record", classes=CLASSES)
    with pytest.raises(InputError, match=r"2/chunk.record, record 1: object .* has another record in 0/chunk.record"):
        ingest(make_survey("records", {}), dump, tmp_path)


def test_records_of_several_bands_are_refused_by_their_reason(tmp_path):
    objects, observations = stars()
    for band in "gr":
        chosen = objects[:1].with_columns(band=pl.lit(band))
        write_records(observations, chosen, tmp_path / f"dump/{band}.record", classes=CLASSES)
    with pytest.raises(InputError, match=r"objects of several bands, one record per band, cannot be read"):
        ingest(make_survey("records", {}), tmp_path / "dump", tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [("ID", b"st\xe9", r"ID is b'st\\xe9', expected UTF-8"), ("Label", b"EC", r"Label has 0 integers, expected")],
)
def test_a_record_with_another_type_of_a_key_is_named(tmp_path, key, value, problem):
    import tensorflow as tf

    objects, observations = stars()
    write_records(observations, objects[:1], tmp_path / "whole.record", classes=CLASSES)
    (data,) = tf.data.TFRecordDataset(str(tmp_path / "whole.record")).as_numpy_iterator()
    example = tf.train.SequenceExample.FromString(data)
    del example.context.feature["Class"]
    example.context.feature[key].bytes_list.value[:] = [value]
    with tf.io.TFRecordWriter(str(tmp_path / "other.record")) as writer:
        writer.write(example.SerializeToString())
    with pytest.raises(InputError, match=rf"other\.record, record 1: {problem}"):
        ingest(make_survey("records", {"classes": CLASSES}), tmp_path / "other.record", tmp_path)


@pytest.mark.parametrize("cut", [5, 200, -3])
def test_a_damaged_file_is_named(dump, tmp_path, cut):
    path = dump / "1/chunk.record"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"1/chunk.record: damaged"):
        ingest(make_survey("records", {}), dump, tmp_path)


def write_sets(folder, sets):
    objects, observations = stars()
    for place, indices in sets.items():
        write_records(observations, objects[indices], folder / place / "EC/chunk_0.record", classes=CLASSES)


def test_sets_are_those_of_the_folders(tmp_path):
    ids = stars()[0]["id"].to_list()
    places = {"train": [0, 1], "val": [2], "test": [3, 4]}
    write_sets(tmp_path / "sky", {f"fold_0/sky_20/{place}": rows for place, rows in places.items()})
    write_sets(tmp_path / "sky", {"fold_0/sky_100/test": [3, 4], "fold_0/sky_20/test/copy": [3]})
    sets, repeated = released_sets(tmp_path / "sky")
    assert repeated == 1
    expected = {(0, 20, "train", ids[0]), (0, 20, "train", ids[1]), (0, 20, "validation", ids[2])}
    assert set(sets.iter_rows()) == expected | {(0, None, "test", ids[3]), (0, None, "test", ids[4])}


def test_test_sets_that_differ_between_spc_are_refused(tmp_path):
    write_sets(tmp_path / "sky", {"fold_0/sky_20/test": [3, 4], "fold_0/sky_100/test": [3]})
    with pytest.raises(InputError, match="test sets of fold 0 differ"):
        released_sets(tmp_path / "sky")


def test_the_command_lists_sets_for_a_run(tmp_path, capsys):
    write_sets(tmp_path / "sky", {"fold_0/sky_20/train": [0], "fold_0/sky_20/val": [1], "fold_0/sky_20/test": [2, 3]})
    assert main(["sets", str(tmp_path / "sky"), "--out", str(tmp_path / "sets.csv")]) == 0
    assert pl.read_csv(tmp_path / "sets.csv").columns == ["fold", "spc", "subset", "id"]
    assert "4 rows; 0 records repeat" in capsys.readouterr().err
    assert main(["sets", str(tmp_path / "sky/fold_0/sky_20/train"), "--out", str(tmp_path / "no.csv")]) == 2
    assert "lie in a folder fold_" in capsys.readouterr().err
