"""The MACHO dump: 39 fields a line, two bands, sentinels, stars spread over files."""

import gzip
import tarfile

import polars as pl
import pytest
from reading import ingest, make_survey, read_all

from astromer.errors import InputError
from astromer.surveys.readers import macho

OPTIONS = {
    "band": "red",
    "tables": "**/*.gz",
    "missing_values": [-99.0, -999.0],
    "catalog": None,
    "catalog_columns": {"id": "ID", "class": "Class", "ra": None, "dec": None},
    "position_from_id": False,
    "labels": {},
}


def line(star, mjd, red="-5.5", red_err="0.125", blue="-6.5", blue_err="0.0625", field="1", tile="3441"):
    values = {"field": field, "tile": tile, "star": star, "mjd": mjd, "pier": "W"}
    values |= {"red_mag": red, "red_err": red_err, "blue_mag": blue, "blue_err": blue_err}
    return ";".join(str(values.get(name, "" if name == "blank" else "0.7")) for name in macho.FIELDS)


def write(folder, tiles):
    for name, lines in tiles.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("".join(f"{text}\n" for text in lines).encode()))
    return folder


@pytest.fixture
def dump(tmp_path):
    tiles = {
        "F_1/F_1.3441.gz": [line(15, 49001.5), line(15, 49003.5, red="-5.25"), line(16, 49001.5)],
        "F_1/F_1.3442.gz": [line(7, 49001.5, tile=3442), line(15, 49002.5, blue="-7.25")],
        "F_23/F_23.3418.gz": [line(13, 49001.5, field=23, tile=3418)],
    }
    return write(tmp_path / "MACHO", tiles)


def test_fields_are_where_the_format_says():
    places = {name: place for place, name in enumerate(macho.FIELDS, start=1)}
    assert len(places) == 39
    expected = {
        "field": 2,
        "tile": 3,
        "star": 4,
        "mjd": 5,
        "observation": 6,
        "airmass": 9,
        "red_mag": 10,
        "red_err": 11,
    }
    expected |= {"red_normsky": 12, "red_cut": 24, "blue_mag": 25, "blue_err": 26, "blue_cut": 39}
    assert {name: places[name] for name in expected} == expected


@pytest.mark.parametrize("shards", [1, 2, 5])
@pytest.mark.parametrize("packed", [False, True])
def test_stars_spread_over_files(dump, tmp_path, shards, packed):
    source = dump
    if packed:
        source = tmp_path / "macho.tar"
        with tarfile.open(source, "w") as archive:
            archive.add(dump, "MACHO")
    objects, observations, counts = ingest(make_survey("macho", OPTIONS, shards), source, tmp_path)
    assert objects.select("id", "band", "class", "num_obs").rows() == [
        ("1.3441.15", "red", None, 3),
        ("1.3441.16", "red", None, 1),
        ("1.3442.7", "red", None, 1),
        ("23.3418.13", "red", None, 1),
    ]
    assert observations["mjd"].to_list() == [49001.5, 49002.5, 49003.5, 49001.5, 49001.5, 49001.5]
    assert observations["mag"].to_list() == [-5.5, -5.5, -5.25, -5.5, -5.5, -5.5]
    assert counts["observation", "read"] == 6


def test_blue_band(dump):
    objects, observations = read_all(make_survey("macho", OPTIONS | {"band": "blue"}), dump)
    assert objects["band"].unique().to_list() == ["blue"]
    assert sorted(observations["mag"]) == [-7.25, -6.5, -6.5, -6.5, -6.5, -6.5]
    assert observations["err_mag"].to_list() == [0.0625] * 6


def test_bad_lines_are_counted(tmp_path):
    good = [line(15, 49000.5 + day) for day in range(3)]
    bad = {
        "missing value": [
            line(15, 49010.5, red="-99.000", red_err="9.999"),
            line(15, 49011.5, red_err="-99"),
            line(15, 49012.5, red=" "),
            line(15, 49013.5, red="-999"),
            line(15, 49014.5, red="nan"),
        ],
        "unreadable line": [
            line(15, 49010.5, red="bright"),
            line(15, "1992-Sep-01"),
            line(15, 49010.5) + ";0",
            line(15, 49010.5).removesuffix(";0.7"),
            line("", 49010.5),
            "binary \x07 noise",
            line(15, 49010.5, red='"'),
        ],
        "not a finite number": [line(15, 49010.5, red="inf")],
        "error out of range": [line(15, 49010.5, red_err="0"), line(15, 49011.5, red_err="-1")],
        "time repeated": [good[0]],
    }
    dump = write(tmp_path / "dump", {"F_1/F_1.3441.gz": [*good, "", *(text for rows in bad.values() for text in rows)]})
    objects, observations, counts = ingest(make_survey("macho", OPTIONS, 2), dump, tmp_path)
    assert objects.select("id", "num_obs").rows() == [("1.3441.15", 3)]
    assert observations["mjd"].to_list() == [49000.5, 49001.5, 49002.5]
    rejected = {
        outcome.removeprefix("rejected: "): n for (level, outcome), n in counts.items() if level == "observation"
    }
    assert rejected == {"read": 19, "kept": 3} | {rule: len(rows) for rule, rows in bad.items()}
    assert counts["object", "read"] == 1


def test_missing_blue_does_not_hurt_red(tmp_path):
    dump = write(tmp_path, {"F_1/F_1.3441.gz": [line(15, 49000.5, blue="-99.0", blue_err="x")]})
    _, observations = read_all(make_survey("macho", OPTIONS), dump)
    assert observations.select("mag", "err_mag").rows() == [(-5.5, 0.125)]


def test_catalogue_gives_classes_to_some(dump, tmp_path):
    (dump / "labels.csv").write_text("ID,Class,RA,Dec\n1.3441.15,RRab,80.5,-69.5\n9.9.9,EC,80.5,-69.5\n")
    options = OPTIONS | {"catalog": "labels.csv", "labels": {"RRab": "RRAB"}}
    options["catalog_columns"] = {"id": "ID", "class": "Class", "ra": "RA", "dec": "Dec"}
    for shards in (1, 3):
        objects, _, counts = ingest(make_survey("macho", options, shards), dump, tmp_path)
        assert objects["class"].to_list() == ["RRAB", None, None, None]
        assert objects["band"].to_list() == ["red"] * 4
        assert objects.row(0, named=True)["dec"] == -69.5
        assert counts["object", "rejected: no light curve"] == 1


def test_damaged_tile_is_named(dump, tmp_path):
    tile = dump / "F_1/F_1.3442.gz"
    tile.write_bytes(tile.read_bytes()[:-12])
    with pytest.raises(InputError, match=r"unreadable file F_1/F_1\.3442\.gz"):
        ingest(make_survey("macho", OPTIONS), dump, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_blocks_are_small_whatever_the_file(dump, monkeypatch):
    monkeypatch.setattr("astromer.surveys.readers.table.BLOCK_BYTES", 2000)
    lines = [line(i % 7, 49000.5 + i) for i in range(200)]
    write(dump, {"F_1/F_1.3441.gz": lines})
    survey = make_survey("macho", OPTIONS | {"tables": "**/F_1.3441.gz"})
    batches = list(macho.read(survey.options, name="sky", source=dump, seed=None, part=0, parts=1))
    assert max(batch.observations.height for batch in batches) < 20
    observations = pl.concat(batch.observations for batch in batches)
    assert observations["mjd"].to_list() == [49000.5 + i for i in range(200)]
    assert observations["line"].to_list() == list(range(1, 201))
