"""Between the rules of ingest: archives that are decompressed once, parts in one folder, observations of a dataset."""

import lzma
import os
import tarfile

import polars as pl
import pytest
from reading import make_survey

from astromer.config.surveys import MAX_SCATTERED_PARTS
from astromer.errors import InputError
from astromer.stages.ingest import join_parts, unpack_dump
from astromer.stages.records import select_observations
from astromer.surveys.sources import is_compressed_tar


@pytest.mark.parametrize("name", ["sky.tar.xz", "sky.TGZ", "sky.tar.zst", "sky.tbz2"])
def test_a_compressed_tar_is_known_by_its_name(name, tmp_path):
    assert is_compressed_tar(tmp_path / name)
    (tmp_path / name).mkdir()
    assert not is_compressed_tar(tmp_path / name), "a folder of that name is none"


@pytest.mark.parametrize("name", ["sky.tar", "sky.zip", "sky.csv.gz", "sky"])
def test_nothing_else_is_unpacked(name):
    assert not is_compressed_tar(name)


def test_an_archive_is_decompressed_with_what_lies_beside_it(tmp_path):
    dump, catalog = tmp_path / "dumps/sky.tar.xz", tmp_path / "dumps/tables/catalog.csv"
    catalog.parent.mkdir(parents=True)
    catalog.write_text("ID\na\n")
    with tarfile.open(dump, "w:xz") as archive:
        archive.add(catalog, "inside.csv")
    unpack_dump(dump, tmp_path / "unpacked", catalog=catalog)
    assert (tmp_path / "unpacked/dump.tar").read_bytes() == lzma.decompress(dump.read_bytes())
    assert (tmp_path / "unpacked/tables/catalog.csv").read_text() == "ID\na\n"


def test_a_damaged_archive_is_an_error_that_names_it(tmp_path):
    (tmp_path / "sky.tar.xz").write_bytes(lzma.compress(bytes(10**5))[:-20])
    with pytest.raises(InputError, match=r"sky\.tar\.xz: unreadable archive"):
        unpack_dump(tmp_path / "sky.tar.xz", tmp_path / "unpacked")


@pytest.mark.parametrize("has_links", [True, False])
def test_parts_are_joined_with_and_without_links(tmp_path, monkeypatch, has_links):
    def refuse(*paths):
        raise OSError("no links here")

    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    paths = [tmp_path / name for name in ("0.parquet", "1.parquet", "0.objects.parquet")]
    for path in paths:
        path.write_text(path.name)
    join_parts(paths[:2], paths[2:], tmp_path / "parts")
    for path in paths:
        path.unlink()
        assert (tmp_path / "parts" / path.name).read_text() == path.name


def test_a_scattered_dump_has_a_bounded_number_of_parts():
    columns = {"id": "i", "time": "t", "mag": "m", "err_mag": "e"}
    assert [make_survey("table", {"columns": columns}, shards).parts for shards in (3, 4096)] == [
        3,
        MAX_SCATTERED_PARTS,
    ]
    direct = make_survey("files", {"light_curves": "{id}.dat"}, 4096)
    assert direct.parts == 4096


def test_a_dataset_gets_the_observations_of_its_objects_from_their_shards(tmp_path):
    objects = pl.DataFrame({"id": ["a", "b", "c", "d"], "shard": [1, 0, 1, 2]})
    objects.write_parquet(tmp_path / "metadata")
    for shard in range(3):
        ids = objects.filter(shard=shard)["id"].to_list()
        rows = [(star, float(day), 12.0, 0.1) for star in ids for day in range(3)]
        schema = {"id": pl.String, "mjd": pl.Float64, "mag": pl.Float32, "err_mag": pl.Float32}
        pl.DataFrame(rows, schema=schema, orient="row").write_parquet(tmp_path / f"{shard}")
    pl.DataFrame({"id": ["c", "b", "b"], "fold": [0, 0, 1]}).write_parquet(tmp_path / "split")
    shards = [tmp_path / f"{shard}" for shard in range(2)]  # no object of the third is in a set
    select_observations(shards, tmp_path / "metadata", tmp_path / "split", tmp_path / "selected")
    found = pl.read_parquet(tmp_path / "selected")
    assert found.schema == schema
    assert found.select("id", "mjd").rows() == [(star, float(day)) for star in "bc" for day in range(3)]
