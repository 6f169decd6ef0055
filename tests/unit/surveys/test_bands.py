"""Objects of several bands: `bands: each` makes each of them a light curve of its object."""

import polars as pl
import pytest
from reading import ingest, make_survey

from astromer.errors import InputError
from astromer.surveys.ingest import ingest_shard
from astromer.surveys.parts import read_shard
from astromer.surveys.table_options import TableOptions

BANDS = pl.DataFrame(
    {
        "id": ["a"] * 9 + ["b"] * 3 + ["c"] * 4,
        "band": [*"grggrgrri", *"grr", *"rrrr"],
        "mjd": [3.0, 1.0, 1.0, 2.0, 2.0, 2.0, 4.0, 3.0, 1.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0],
        "mag": [15.0 + row / 10 for row in range(16)],
    }
)


@pytest.mark.parametrize("shards", [1, 2])
def test_each_band_is_a_light_curve_of_its_object(tmp_path, shards):
    """Repeated times and too few observations are those of a band; objects stay one, and everything is counted."""
    blank = pl.DataFrame({"id": ["c"], "band": [None], "mjd": [9.0], "mag": [15.0]}, schema=BANDS.schema)
    pl.concat([BANDS, blank]).write_csv(tmp_path / "stars.csv")
    columns = {"id": "id", "time": "mjd", "mag": "mag", "band": "band"}
    survey = make_survey("table", {"columns": columns, "bands": "each"}, shards, min_observations=3)
    objects, observations, counts = ingest(survey, tmp_path / "stars.csv", tmp_path)
    assert objects.select("id", "band", "num_obs").rows() == [("a", "g r", 7), ("c", "r", 4)]
    assert observations.sort("id", "band", "mjd").select("id", "band", "mjd").rows() == [
        *(("a", "g", mjd) for mjd in (1.0, 2.0, 3.0)),
        *(("a", "r", mjd) for mjd in (1.0, 2.0, 3.0, 4.0)),
        *(("c", "r", mjd) for mjd in (1.0, 2.0, 3.0, 4.0)),
    ]
    expected = {
        ("object", "read"): 3,
        ("object", "rejected: no band is left"): 1,
        ("light curve", "kept: g"): 1,
        ("light curve", "kept: r"): 2,
        ("observation", "read"): 17,
        ("observation", "kept"): 11,
        ("observation", "rejected: no band"): 1,
        ("observation", "rejected: time repeated"): 1,
        ("observation", "rejected: too few observations in the band"): 4,
    }
    assert {key: counts[key] for key in expected} == expected


def test_a_band_that_does_not_vary_is_left_out(tmp_path):
    rows = [("a", band, float(day), 15 + (band == "g") * day % 2) for band in "gr" for day in range(8)]
    pl.DataFrame(rows, schema=BANDS.schema, orient="row").write_csv(tmp_path / "stars.csv")
    columns = {"id": "id", "time": "mjd", "mag": "mag", "band": "band"}
    survey = make_survey("table", {"columns": columns, "bands": "each"}, variability={"std": 0.1})
    objects, _, counts = ingest(survey, tmp_path / "stars.csv", tmp_path)
    assert objects.select("id", "band", "num_obs").rows() == [("a", "g", 8)]
    assert counts["observation", "rejected: band not variable enough"] == 8


def test_bands_are_stored_as_text_sorted_after_the_id(tmp_path):
    BANDS.reverse().write_csv(tmp_path / "stars.csv")
    columns = {"id": "id", "time": "mjd", "mag": "mag", "band": "band"}
    survey = make_survey("table", {"columns": columns, "bands": "each"}, min_observations=3)
    raw = read_shard(survey, name="sky", source=tmp_path / "stars.csv", seed=None, shard=0)
    paths = [tmp_path / f"{name}.parquet" for name in ("observations", "objects", "quality")]
    ingest_shard(raw, survey, name="sky", shard=0).write(*paths)
    table = pl.read_parquet(tmp_path / "observations.parquet")
    assert table.schema["band"] == pl.String
    assert table.equals(table.sort("id", "band", "mjd"))


def test_bands_need_a_column():
    with pytest.raises(InputError, match=r"`bands` needs `columns.band`"):
        TableOptions.read({"columns": {"id": "i", "time": "t", "mag": "m"}, "bands": "each"})
    with pytest.raises(InputError, match="bands"):
        TableOptions.read({"columns": {"id": "i", "time": "t", "mag": "m", "band": "b"}, "bands": "all"})
