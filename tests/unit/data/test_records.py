"""Records: round trips, the original's layouts both ways, refusals, and the manifest."""

import json

import numpy as np
import polars as pl
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from astromer.data import parsing, records
from astromer.errors import InputError

CLASSES = ["RRab", "EC"]


def survey(lengths, seed=0):
    """Observations and objects of simulated stars, `lengths` observations each."""
    rng = np.random.default_rng(seed)
    ids = [f"{number:03d}.ä/ {number}" for number in range(len(lengths))]
    total = sum(lengths)
    observations = pl.DataFrame(
        {
            "id": np.repeat(ids, lengths),
            "mjd": np.concatenate([np.sort(rng.uniform(48800, 51500, length)) for length in lengths]),
            "mag": rng.normal(15, 1, total).astype(np.float32),
            "err_mag": rng.uniform(0.01, 0.1, total).astype(np.float32),
        }
    )
    objects = pl.DataFrame(
        {
            "id": ids,
            "class": [CLASSES[number % 2] for number in range(len(lengths))],
            "band": ["R" if number % 3 else None for number in range(len(lengths))],
            "shard": pl.Series(np.arange(len(lengths)) % 3, dtype=pl.UInt16),
        }
    )
    return observations, objects


def test_round_trip_keeps_everything(tmp_path):
    observations, objects = survey([3, 1, 250, 40])
    written = records.write_records(observations, objects, tmp_path / "a.tfrecord", classes=CLASSES)
    assert (written.objects, written.observations) == (4, 294)
    read_objects, read_observations = parsing.read_records(written.path)
    assert read_objects.drop("label", "num_obs").equals(objects.with_columns(pl.col("shard").cast(pl.Int32)))
    assert read_objects["label"].to_list() == [0, 1, 0, 1]
    assert read_objects["num_obs"].to_list() == [3, 1, 250, 40]
    assert read_observations.drop("mjd").equals(observations.drop("mjd"))
    np.testing.assert_allclose(read_observations["mjd"], observations["mjd"], rtol=0, atol=1e-8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mjd=arrays.arrays(np.float64, st.integers(1, 300), elements=st.floats(0, 1e5)),
    values=st.tuples(*[st.floats(-30, 40, width=32)] * 2),
    name=st.text(min_size=1, max_size=20),
    shard=st.integers(0, 2**16 - 1),
)
def test_round_trip_of_any_object(tmp_path, mjd, values, name, shard):
    mag, err_mag = (np.full(mjd.size, value, np.float32) for value in values)
    observations = pl.DataFrame({"id": [name] * mjd.size, "mjd": np.sort(mjd), "mag": mag, "err_mag": err_mag})
    objects = pl.DataFrame({"id": [name], "class": [None], "band": [None], "shard": [shard]})
    records.write_records(observations, objects, tmp_path / "a.tfrecord")
    read_objects, read_observations = parsing.read_records(tmp_path / "a.tfrecord")
    assert read_objects.rows() == [(name, None, None, records.UNLABELLED, shard, mjd.size)]
    assert read_observations.drop("mjd").equals(observations.drop("mjd"))
    np.testing.assert_allclose(read_observations["mjd"], observations["mjd"], rtol=0, atol=1e-8)


def test_objects_choose_what_is_written(tmp_path):
    observations, objects = survey([3, 4, 5])
    records.write_records(observations, objects[[2, 0]], tmp_path / "a.tfrecord")
    read_objects, read_observations = parsing.read_records(tmp_path / "a.tfrecord")
    assert read_objects["num_obs"].to_list() == [3, 5]
    assert read_observations["mag"].equals(pl.concat([observations["mag"][:3], observations["mag"][7:]]))


@pytest.mark.parametrize("rows_at_once", [1, 3, 7, 10, 1000])
def test_piece_by_piece_gives_the_same_file(tmp_path, monkeypatch, rows_at_once):
    observations, objects = survey([3, 4, 1, 12, 6])
    whole = records.write_records(observations, objects, tmp_path / "whole.tfrecord")
    observations.write_parquet(tmp_path / "observations.parquet", row_group_size=5)
    monkeypatch.setattr(records, "ROWS_AT_ONCE", rows_at_once)
    scanned = pl.scan_parquet(tmp_path / "observations.parquet")
    assert records.write_records(scanned, objects, tmp_path / "pieces.tfrecord").sha256 == whole.sha256
    scanned = pl.concat([scanned.slice(7), scanned.slice(0, 7)])
    with pytest.raises(InputError, match="sorted by id"):
        records.write_records(scanned, objects, tmp_path / "unsorted.tfrecord")


def test_file_without_objects_is_read_as_empty(tmp_path):
    observations, objects = survey([3])
    written = records.write_records(observations, objects.clear(), tmp_path / "a.tfrecord", classes=CLASSES)
    assert (written.objects, written.observations) == (0, 0)
    read_objects, read_observations = parsing.read_records(written.path)
    assert read_objects.is_empty()
    assert read_observations.is_empty()


def test_record_is_a_sequence_example_of_the_originals_fields(tmp_path):
    observations, objects = survey([7])
    records.write_records(observations, objects, tmp_path / "a.tfrecord")
    (serialized,) = tf.data.TFRecordDataset(str(tmp_path / "a.tfrecord"))
    example = tf.train.SequenceExample.FromString(serialized.numpy())
    assert {key: value.WhichOneof("kind") for key, value in example.context.feature.items()} == {
        "ID": "bytes_list",
        "Class": "bytes_list",
        "Band": "bytes_list",
        "Label": "int64_list",
        "shard": "int64_list",
    }
    assert example.context.feature["Label"].int64_list.value[0] == -1
    lists = example.feature_lists.feature_list
    assert set(lists) == {"mjd", "mag", "errmag", "mjd_low"}
    for columns in lists.values():
        assert [len(feature.float_list.value) for feature in columns.feature] == [7]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o, m: (o, m.drop("band")), "band"),
        (lambda o, m: (o.drop("mag"), m), "mag"),
        (lambda o, m: (o, pl.concat([m, m])), "listed twice"),
        (lambda o, m: (o[3:], m), "1 objects have no observation, the first being '000"),
        (lambda o, m: (pl.concat([o[1:], o[:1]]), m), "sorted by id, band and mjd"),
        (lambda o, m: (o[[1, 0, 2, 3, 4, 5, 6]], m), "sorted by id, band and mjd"),
        (lambda o, m: (o.with_columns(mag=pl.lit(float("nan"))), m), "finite"),
        (lambda o, m: (o.with_columns(err_mag=pl.lit(None, pl.Float32)), m), "finite"),
        (lambda o, m: (o.with_columns(mjd=pl.lit(float("inf"))), m), "finite"),
        (lambda o, m: (o, m.with_columns(pl.lit("Mira").alias("class"))), "Mira"),
        (lambda o, m: (o, m.with_columns(pl.lit(None, pl.String).alias("class"))), "class None"),
    ],
)
def test_bad_input_is_refused_and_leaves_no_file(tmp_path, change, message):
    observations, objects = change(*survey([3, 4]))
    with pytest.raises(InputError, match=message):
        records.write_records(observations, objects, tmp_path / "a.tfrecord", classes=CLASSES)
    assert list(tmp_path.iterdir()) == []


# The original's records


def golden_series(shared):
    """Return each object's label and `(observations, 3)` input by name, as the original decoded them."""
    with np.load(shared / "golden/golden_g_records.npz") as golden:
        return {f"obj{n}": (int(golden[f"obj{n}/label"]), golden[f"obj{n}/input"]) for n in range(6)}


def test_reads_the_originals_records(shared):
    golden = golden_series(shared)
    files = sorted((shared / "golden/golden_g_records/records").rglob("*.record"))
    objects, observations = (pl.concat(tables) for tables in zip(*map(parsing.read_records, files), strict=True))
    assert sorted(objects["id"]) == sorted(golden)
    for name, class_name, label in objects["id", "class", "label"].iter_rows():
        expected_label, expected = golden[name]
        assert (class_name, label) == (f"C{expected_label}", expected_label)
        series = observations.filter(id=name).select("mjd", "mag", "err_mag").to_numpy().astype(np.float32)
        np.testing.assert_array_equal(series, expected)


def test_the_original_reads_our_records(shared, tmp_path):
    folder = shared / "golden/golden_g_records/parquet"
    metadata = pl.read_parquet(folder / "metadata.parquet").rename({"ID": "id", "Class": "class", "Band": "band"})
    rows = pl.read_parquet(folder / "light_curves/*.parquet").join(metadata.select("newID", "id"), on="newID")
    rows = rows.rename({"errmag": "err_mag"}).filter(pl.col("err_mag") > 0, pl.col("err_mag") < 1).drop_nulls()
    rows = rows.sort("id", "mjd", maintain_order=True)
    records.write_records(rows, metadata, tmp_path / "a.tfrecord", classes=["C0", "C1"])
    golden = golden_series(shared)
    for serialized in tf.data.TFRecordDataset(str(tmp_path / "a.tfrecord")):
        context, lists = tf.io.parse_single_sequence_example(
            serialized,
            context_features={
                **{key: tf.io.FixedLenFeature([], tf.string) for key in ("ID", "Class", "Band")},
                **{key: tf.io.FixedLenFeature([], tf.int64) for key in ("Label", "shard")},
            },
            sequence_features={key: tf.io.VarLenFeature(tf.float32) for key in ("mjd", "mag", "errmag")},
        )
        label, expected = golden.pop(context["ID"].numpy().decode())
        assert (context["Class"].numpy().decode(), int(context["Label"])) == (f"C{label}", label)
        decoded = np.stack([tf.sparse.to_dense(lists[key])[0] for key in ("mjd", "mag", "errmag")], 1)
        np.testing.assert_array_equal(decoded, expected)
    assert golden == {}


def legacy_record(name, label, series):
    """One record as the original's first writer laid it out."""
    feature = tf.train.Feature
    context = {
        "id": feature(bytes_list=tf.train.BytesList(value=[name.encode()])),
        "label": feature(int64_list=tf.train.Int64List(value=[label])),
        "length": feature(int64_list=tf.train.Int64List(value=[len(series)])),
    }
    lists = {
        f"dim_{column}": tf.train.FeatureList(feature=[feature(float_list=tf.train.FloatList(value=series[:, column]))])
        for column in range(3)
    }
    return tf.train.SequenceExample(
        context=tf.train.Features(feature=context), feature_lists=tf.train.FeatureLists(feature_list=lists)
    ).SerializeToString()


def test_reads_the_legacy_layout(tmp_path):
    series = [np.random.default_rng(length).normal(size=(length, 3)).astype(np.float32) for length in (5, 30)]
    with tf.io.TFRecordWriter(str(tmp_path / "chunk_0.record")) as writer:
        for label, one in enumerate(series):
            writer.write(legacy_record(f"star{label}", label, one))
    assert parsing.detect_layout(tmp_path / "chunk_0.record") == "legacy"
    objects, observations = parsing.read_records(tmp_path / "chunk_0.record")
    assert objects.rows() == [("star0", None, None, 0, -1, 5), ("star1", None, None, 1, -1, 30)]
    np.testing.assert_array_equal(observations.select("mjd", "mag", "err_mag").to_numpy(), np.concatenate(series))


@pytest.mark.parametrize("content", [b"not a record", b"x" * 4000])
def test_file_that_is_not_of_records_is_named(tmp_path, content):
    (tmp_path / "a.tfrecord").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.tfrecord"):
        parsing.read_records(tmp_path / "a.tfrecord")


def test_records_of_something_else_and_truncated_files_are_named(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "other.tfrecord")) as writer:
        writer.write(tf.train.SequenceExample().SerializeToString())
    with pytest.raises(InputError, match=r"other\.tfrecord.*expected"):
        parsing.read_records(tmp_path / "other.tfrecord")
    records.write_records(*survey([50, 50]), tmp_path / "cut.tfrecord")
    (tmp_path / "cut.tfrecord").write_bytes((tmp_path / "cut.tfrecord").read_bytes()[:-100])
    with pytest.raises(InputError, match=r"cut\.tfrecord.*damaged"):
        parsing.read_records(tmp_path / "cut.tfrecord")


# The manifest


def write_two_files(folder):
    files = [
        records.write_records(*survey([3, 4], seed), folder / f"part/{seed}.tfrecord", classes=CLASSES)
        for seed in (1, 2)
    ]
    records.write_manifest(folder / "manifest.json", files, CLASSES)
    return folder / "manifest.json", files


def test_manifest_round_trip_survives_a_move(tmp_path):
    path, files = write_two_files(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    manifest = records.read_manifest(tmp_path / "after" / path.name, verify=True)
    assert manifest.classes == tuple(CLASSES)
    assert (manifest.objects, [file.sha256 for file in manifest.files]) == (4, [file.sha256 for file in files])
    assert manifest.paths == [tmp_path / f"after/part/{seed}.tfrecord" for seed in (1, 2)]


def test_manifest_finds_missing_and_changed_files(tmp_path):
    path, files = write_two_files(tmp_path)
    with files[0].path.open("ab") as stream:
        stream.write(b"more")
    records.read_manifest(path)
    with pytest.raises(InputError, match=r"1\.tfrecord.*sha256"):
        records.read_manifest(path, verify=True)
    files[0].path.unlink()
    with pytest.raises(InputError, match=r"1\.tfrecord.*not exist"):
        records.read_manifest(path)


NO_TOTALS = b'{"format": "astromer-records-1", "classes": null, "files": []}'
TEXT_COUNTS = NO_TOTALS.replace(b"[]", b'[{"path": "a", "objects": "1", "observations": "9", "sha256": ""}]')


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"format": "other"}', b"\xff", None, NO_TOTALS, TEXT_COUNTS])
def test_what_is_no_manifest_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=r"manifest\.json"):
        records.read_manifest(tmp_path / "manifest.json")


def test_manifest_totals_must_agree(tmp_path):
    path, _ = write_two_files(tmp_path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "objects": 5}))
    with pytest.raises(InputError, match="objects is 5"):
        records.read_manifest(path)
