"""The recipes of docs/own_survey.md read small files in the layouts of the surveys that they name."""

import gzip
import re
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from reading import ingest

from astromer.config.surveys import read_survey
from astromer.errors import InputError
from astromer.surveys.brightness import is_flagged
from astromer.surveys.fits_tables import read_fits
from astromer.surveys.table_options import TableOptions

DOCS = (Path(__file__).resolve().parents[3] / "docs/own_survey.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", DOCS, re.S)]
RECIPES = {name: survey for block in BLOCKS for name, survey in block.get("surveys", {}).items()}


@pytest.fixture
def survey(tmp_path):
    """Write the files of a survey and ingest it by the recipe of this name."""

    def read(name, files):
        source = tmp_path / RECIPES[name]["source"]
        source.mkdir(exist_ok=True)
        for path, content in files.items():
            if isinstance(content, pl.DataFrame):
                content.write_parquet(source / path)
            else:
                (source / path).parent.mkdir(exist_ok=True)
                (source / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        recipe = read_survey(RECIPES[name] | {"filters": {"min_observations": 1}})
        return ingest(recipe, source, tmp_path)

    return read


def test_two_columns(survey):
    objects, observations, counts = survey("two_columns", {"a.csv": "1.5,15.0\n2.5,15.5\n3.5,bad\n", "b.csv": "1,16\n"})
    assert objects.select("id", "num_obs").rows() == [("a", 2), ("b", 1)]
    np.testing.assert_allclose(observations["err_mag"].to_numpy(), 0.1, rtol=1e-6)
    assert counts["observation", "rejected: unreadable line"] == 1


def test_ztf(survey):
    text = (
        "oid,expid,hjd,mjd,mag,magerr,catflags,filtercode,ra,dec,chi,sharp\n"
        "6861,1,2458205.5,58205.0,17.1,0.02,0,zg,255.1,11.2,1.0,0.0\n"
        "6861,2,2458206.5,58206.0,17.2,0.02,32768,zg,255.1,11.2,1.0,0.0\n"
        "6861,3,2458207.5,58207.0,17.3,0.02,2,zg,255.1,11.2,1.0,0.0\n"
        "6862,4,2458207.5,58207.0,16.3,0.02,0,zr,255.1,11.2,1.0,0.0\n"
    )
    objects, observations, counts = survey("ztf", {"field.csv": text})
    assert objects.select("id", "band", "ra", "num_obs").rows() == [("6861", "g", 255.1, 2)]
    assert observations["mjd"].to_list() == [58205, 58207]
    assert counts["observation", "rejected: quality flag"] == counts["observation", "rejected: other band"] == 1


def test_gaia(survey):
    text = (
        "source_id,transit_id,band,time,mag,flux,flux_error,flux_over_error,"
        "rejected_by_photometry,rejected_by_variability\n"
        "5,1,G,1700.5,15.6874,10000.0,100.0,100.0,false,false\n"
        "5,2,G,1701.5,15.7,9900.0,100.0,99.0,false,true\n"
        "5,3,G,1702.5,,-3.0,100.0,-0.03,false,false\n"
        "5,4,BP,1702.5,16.0,800.0,10.0,80.0,false,false\n"
    )
    objects, observations, counts = survey("gaia", {"epochs.csv": text})
    assert objects.select("id", "band", "num_obs").rows() == [("5", "G", 1)]
    row = observations.row(0, named=True)
    assert row["mjd"] == pytest.approx(2455197.5 + 1700.5 - 2400000.5)
    assert (row["mag"], row["err_mag"]) == pytest.approx((15.687367, 0.010857), abs=3e-6)
    lost = {
        rule: counts["observation", f"rejected: {rule}"] for rule in ("quality flag", "flux not positive", "other band")
    }
    assert set(lost.values()) == {1}


def test_asas_sn(survey):
    text = (
        "HJD,UT Date,Camera,FWHM,Limit,mag,mag_err,flux(mJy),flux_err,Filter\n"
        "2457008.64,2014-12-17.13,bd,1.5,16.1,13.2,0.02,19.9,0.4,V\n"
        "2457009.64,2014-12-18.13,bd,1.5,15.6,>15.65,99.990,1.0,0.4,V\n"
        "2458409.64,2018-10-18.13,bF,1.5,15.6,13.5,0.03,15.0,0.4,g\n"
        "2458410.64,2018-10-19.13,bF,1.5,15.6,13.6,99.990,15.0,0.4,g\n"
    )
    objects, observations, counts = survey("asas_sn", {"light_curve_a1.csv": text})
    assert objects.select("id", "band", "num_obs").rows() == [("a1", "V g", 2)]
    assert observations["band"].to_list() == ["V", "g"]
    assert observations["mjd"].to_list() == pytest.approx([57008.14, 58409.14])
    assert counts["observation", "rejected: unreadable line"] == counts["observation", "rejected: missing value"] == 1
    assert counts["light curve", "kept: V"] == counts["light curve", "kept: g"] == 1


def test_ogle(survey):
    files = {"OGLE-LMC-CEP-0001.dat": "2455260.65 15.671 0.006\n", "OGLE-LMC-CEP-0002.dat": " 5260.65 16.2 0.01\n"}
    objects, observations, _ = survey("ogle", files)
    assert objects["id"].to_list() == ["OGLE-LMC-CEP-0001", "OGLE-LMC-CEP-0002"]
    assert observations["mjd"].to_list() == pytest.approx([55260.15, 55260.15])


SOURCES = {
    "midpointMjdTai": [[60600.1, 60601.1, 60602.1, 60600.1], [60600.2]],
    "psfFlux": [[1000.0, -5.0, 2000.0, 1000.0], [3631.0]],
    "psfFluxErr": [[10.0, 10.0, 20.0, 10.0], [36.31]],
    "psfFlux_flag": [[False, False, True, False], [False]],
    "band": [["g", "g", "g", "r"], ["g"]],
}


@pytest.mark.parametrize("layout", ["lists in a struct", "structs in a list"])
def test_rubin(survey, layout):
    rows = {"objectId": [17, 18], "coord_ra": [53.0, 54.0], "coord_dec": [-28.0, -28.0]}
    lists = pl.DataFrame(SOURCES)
    if layout == "lists in a struct":
        table = pl.DataFrame(rows).with_columns(objectForcedSource=lists.to_struct())
    else:
        structs = lists.with_row_index().explode(pl.exclude("index")).group_by("index", maintain_order=True)
        table = pl.DataFrame(rows).with_columns(
            structs.agg(objectForcedSource=pl.struct(*SOURCES))["objectForcedSource"]
        )
    objects, observations, counts = survey("rubin", {"objects.parquet": table})
    assert objects.select("id", "ra", "band", "num_obs").rows() == [("17", 53.0, "g r", 2), ("18", 54.0, "g", 1)]
    assert observations["band"].to_list() == ["g", "r", "g"]
    magnitudes = 31.4 - 2.5 * np.log10([1000.0, 1000.0, 3631.0])
    np.testing.assert_allclose(observations["mag"].to_numpy(), magnitudes, rtol=1e-6)
    np.testing.assert_allclose(observations["err_mag"].to_numpy(), 0.0108574, rtol=1e-4)
    assert counts["observation", "rejected: flux not positive"] == 1
    assert counts["observation", "rejected: quality flag"] == 1


@pytest.fixture
def tess_file():
    """The content of a light curve file of TESS, with the columns and keywords of its second unit that are read."""
    fits = pytest.importorskip("astropy.io.fits")

    def write(tic, times, fluxes, quality, **header):
        arrays = {
            "TIME": ("D", header.pop("TUNIT1", "BJD - 2457000, days"), times),
            "TIMECORR": ("E", "d", np.zeros(len(times))),
        }
        arrays["CADENCENO"] = ("J", None, np.arange(len(times)))
        for name in ("SAP", "PDCSAP"):
            arrays[f"{name}_FLUX"] = ("E", "e-/s", fluxes)
            arrays[f"{name}_FLUX_ERR"] = ("E", "e-/s", np.full(len(times), 1.0))
        arrays["QUALITY"] = ("J", None, quality)
        columns = [fits.Column(name, kind, unit, array=np.array(a)) for name, (kind, unit, a) in arrays.items()]
        table = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
        keywords = {"BJDREFI": 2457000, "BJDREFF": 0.0, "TIMEUNIT": "d"} | header
        table.header.update({keyword: value for keyword, value in keywords.items() if value is not None})
        primary = fits.PrimaryHDU()
        primary.header.update({"TELESCOP": "TESS", "OBJECT": f"TIC {tic}", "TICID": tic, "SECTOR": 7})
        content = BytesIO()
        fits.HDUList([primary, table, fits.ImageHDU(np.zeros((3, 3), np.int32), name="APERTURE")]).writeto(content)
        return content.getvalue()

    return write


TESS_NAME = "sector{sector}/tess2019006130736-s000{sector}-{tic:016}-0131-s_lc.fits"


def test_tess(survey, tess_file):
    """Two sectors of one star and one of another; a blank time, a flagged row, and a flux that is not positive."""
    nan = float("nan")
    files = {
        TESS_NAME.format(sector=7, tic=27): tess_file(27, [1492.1, nan, 1492.3], [1000.0, 1000.0, 100.0], [0, 0, 0]),
        TESS_NAME.format(sector=8, tic=27): tess_file(27, [1518.1, 1518.2], [1000.0, 1000.0], [128, 512]),
        TESS_NAME.format(sector=7, tic=28): tess_file(28, [1492.1, 1492.2], [-5.0, 10.0], [0, 0]),
    }
    objects, observations, counts = survey("tess", files)
    assert objects.select("id", "band", "num_obs").rows() == [(f"{27:016}", "TESS", 3), (f"{28:016}", "TESS", 1)]
    first = observations.row(0, named=True)
    assert first["mjd"] == pytest.approx(1492.1 + 2457000 - 2400000.5)
    assert first["mag"] == pytest.approx(20.44 - 7.5, abs=1e-5)
    assert first["err_mag"] == pytest.approx(0.0010857, rel=1e-3)
    for rule in ("missing value", "quality flag", "flux not positive"):
        assert counts["observation", f"rejected: {rule}"] == 1
    assert counts["observation", "read"] == 7


def test_a_fits_file_that_does_not_fit_the_configuration_is_named(survey, tess_file, tmp_path):
    name = TESS_NAME.format(sector=7, tic=27)
    with pytest.raises(InputError, match=r"_lc\.fits: its times count from JD 2454833 .* time_origin_jd is 2457000"):
        survey("tess", {name: tess_file(27, [1.0], [1.0], [0], BJDREFI=2454833)})
    whole = tess_file(27, [1.0], [1.0], [0])
    (tmp_path / "tess" / name).write_bytes(whole[:6000])
    recipe = read_survey(RECIPES["tess"])
    with pytest.raises(InputError, match=r"_lc\.fits: is (a damaged|no) FITS file"):
        ingest(recipe, tmp_path / "tess", tmp_path)
    packed = gzip.compress(whole)
    (tmp_path / "tess" / name).write_bytes(packed[:-40])
    with pytest.raises(InputError, match=r"unreadable file .*_lc\.fits"):
        ingest(recipe, tmp_path / "tess", tmp_path)
    (tmp_path / "tess" / name).write_bytes(packed)
    columns = RECIPES["tess"]["table"]["columns"] | {"mag": "pdcsap_flux"}
    recipe = read_survey(RECIPES["tess"] | {"table": RECIPES["tess"]["table"] | {"columns": columns}})
    with pytest.raises(InputError, match=r"no column 'pdcsap_flux' .*; did you mean PDCSAP_FLUX\?"):
        ingest(recipe, tmp_path / "tess", tmp_path)


@pytest.mark.parametrize(
    ("kind", "values"), [("PE()", np.array([np.ones(2), np.ones(3)], object)), ("C", np.ones(2, complex))]
)
def test_a_column_of_fits_that_holds_no_numbers_is_named(kind, values):
    fits = pytest.importorskip("astropy.io.fits")
    content = BytesIO()
    columns = [fits.Column("TIME", "D", array=np.ones(2)), fits.Column("FLUX", kind, array=values)]
    fits.BinTableHDU.from_columns(columns).writeto(content)
    with pytest.raises(InputError, match=r"a\.fits: column 'FLUX' (holds|has)"):
        read_fits(content.getvalue(), {"TIME": "time", "FLUX": "mag"}, "TIME", 0.0, "a.fits")


def test_fits_without_astropy_is_explained(survey, tess_file, monkeypatch):
    content = tess_file(27, [1.0], [1.0], [0])
    monkeypatch.setitem(sys.modules, "astropy.io", None)
    with pytest.raises(InputError, match=r"FITS needs astropy: pip install 'astromer\[fits\]'"):
        survey("tess", {TESS_NAME.format(sector=7, tic=27): content})


@pytest.mark.parametrize("changes", [{"bad_flags": 4}, {"columns": {"flag": "q"}}])
def test_flags_need_a_column_and_a_meaning(changes):
    columns = {"id": "i", "time": "t", "mag": "m"} | changes.pop("columns", {})
    with pytest.raises(InputError, match=r"expected both `columns.flag` and `bad_flags`, or neither"):
        TableOptions.read({"columns": columns} | changes)


@pytest.mark.parametrize(
    ("bad", "flags", "rejected"),
    [
        (4, ["0", "4", "6.0", str(2**60 + 4), str(2**60), None, "x"], [False, True, True, True, False, True, True]),
        (["1"], ["1", "1.0", "2.0", "01"], [True, True, False, True]),
        (["True", "bad"], ["true", "BAD", "false", "1"], [True, True, False, False]),
    ],
)
def test_flags_are_compared_as_what_they_are(bad, flags, rejected):
    table = pl.DataFrame({"flag": flags})
    assert table.select(is_flagged(pl.col("flag"), bad)).to_series().to_list() == rejected


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"MJDREFI": 51544, "MJDREFF": 0.0}, r"count from JD 2451544\.5 \(MJDREF\)"),
        ({"MJDREF": 51544.0}, r"count from JD 2451544\.5 \(MJDREF\)"),
        ({"JDREF": 2451544.0}, r"count from JD 2451544 \(JDREF\)"),
        ({"BJDREFI": "abc"}, r"keywords BJDREF are \['abc', 0\.0\], expected numbers"),
        ({"TUNIT1": "s"}, r"column 'TIME' is in s, expected days"),
        ({"TUNIT1": None, "TIMEUNIT": "s"}, r"column 'TIME' is in s, expected days"),
    ],
)
def test_times_of_fits_that_the_configuration_contradicts(survey, tess_file, changes, problem):
    others = {} if "BJDREFI" in changes or "TUNIT1" in changes else {"BJDREFI": None, "BJDREFF": None}
    content = tess_file(27, [1.0], [1.0], [0], **changes | others)
    with pytest.raises(InputError, match=problem):
        survey("tess", {TESS_NAME.format(sector=7, tic=27): content})
