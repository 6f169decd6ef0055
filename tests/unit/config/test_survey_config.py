"""Surveys: the options of every format, their defaults, and where the dump comes from."""

import pytest

from astromer.config.registry import FORMATS
from astromer.config.surveys import Download, Filters, Survey, read_survey
from astromer.errors import InputError

# The least that a survey of each format has to say.
SECTIONS = {
    "files": {"catalog": "catalog.csv", "light_curves": "LCs/{id}.dat"},
    "macho": {},
    "records": {},
    "simulated": {"style": "macho", "objects": 10, "classes": ["EC", "RRab"]},
    "table": {"columns": {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err"}},
    "votimeseries": {"light_curves": "*.xml", "bands": {"V": "V"}},
}


def survey(name, changes=None, **keys):
    source = {} if name == "simulated" else {"source": "dump"}
    return {"format": name, **source, name: SECTIONS[name] | (changes or {}), **keys}


def problem(content):
    with pytest.raises(InputError) as error:
        read_survey(content, "surveys.yaml")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", FORMATS)
def test_a_survey_of_each_format_has_defaults_and_survives_the_round_trip(name):
    read = read_survey(survey(name))
    assert isinstance(read, Survey)
    assert (read.format, read.shards, read.filters) == (name, 1, Filters())
    assert read.options is getattr(read, name)
    assert read_survey(read.plain()) == read


@pytest.mark.parametrize("name", FORMATS)
def test_every_key_of_a_format_has_a_description(name):
    for key, field in type(read_survey(survey(name))).model_fields.items():
        assert field.description, key
    for key, field in type(read_survey(survey(name)).options).model_fields.items():
        assert field.description, key


def test_defaults_of_the_formats():
    files, macho = read_survey(survey("files")).files, read_survey(survey("macho")).macho
    assert files.columns == ["time", "mag", "err_mag"]
    assert files.catalog_columns.plain() == {"id": "ID", "class": "Class", "band": "Band", "ra": None, "dec": None}
    assert files.time_origin_jd == 2400000.5
    assert (macho.band, macho.tables, macho.missing_values) == ("red", "**/*.gz", [-99.0, -999.0, 99.0, 999.0])
    assert read_survey({"format": "macho", "source": "dump"}).macho == macho, "no key of this format is required"
    assert read_survey(survey("table")).table.columns.class_ is None


@pytest.mark.parametrize(
    ("name", "changes", "key"),
    [
        ("files", {"light_curves": "LCs/star.dat"}, "files.light_curves: is 'LCs/star.dat'; expected `{id}` in it"),
        ("files", {"separator": "|"}, "files.separator"),
        ("files", {"columns": ["time", "err_mag"]}, "files.columns: lacks mag"),
        (
            "files",
            {"catalog_columns": {"clas": "Type"}},
            "files.catalog_columns.clas: unknown key; did you mean class?",
        ),
        ("macho", {"band": "green"}, "macho.band: is 'green'; expected 'red' or 'blue'"),
        ("macho", {"tables": "{id}.gz"}, "macho.tables: is '{id}.gz'; expected no `{id}`"),
        ("records", {"records": "{id}/{id}.record"}, "records.records: holds `{id}` more than once"),
        ("macho", {"missing_values": ["x"]}, "macho.missing_values.0"),
        ("simulated", {"style": "gaia"}, "simulated.style"),
        ("simulated", {"classes": ["EC", "EC"]}, "simulated.classes: holds a value twice: ['EC', 'EC']"),
        ("simulated", {"mean_observations": 0}, "simulated.mean_observations"),
        ("table", {"columns": {"id": "id", "mag": "m"}}, "table.columns.time: missing"),
        ("table", {"columnss": {}}, "table.columnss: unknown key; did you mean columns?"),
        ("votimeseries", {"bands": {}}, "votimeseries.bands"),
        ("votimeseries", {"id_from": "name"}, "votimeseries.id_from"),
        ("votimeseries", {"time_origin_jd": "0"}, "votimeseries.time_origin_jd: is '0'"),
        ("votimeseries", {"time_origin_jd": []}, "votimeseries.time_origin_jd"),
        ("votimeseries", {"time_origin_jd": [{"below": 1.0, "jd": 0.0}]}, "votimeseries.time_origin_jd"),
        ("votimeseries", {"time_origin_jd": [{"jd": 0.0}, {"jd": 1.0}]}, "votimeseries.time_origin_jd"),
        (
            "votimeseries",
            {"time_origin_jd": [{"below": 2.0, "jd": 5.0}, {"below": 1.0, "jd": 1.0}, {"jd": 0.0}]},
            "votimeseries.time_origin_jd: is [{'below': 2.0, 'jd': 5.0}, {'below': 1.0, 'jd': 1.0}, {'jd': 0.0}]; "
            "expected a valid number or rules whose `below` increase",
        ),
        ("votimeseries", {"time_origin_jd": [{"jd": 0.0, "belw": 1.0}]}, "votimeseries.time_origin_jd.0.belw: unknown"),
    ],
)
def test_a_wrong_option_is_named(name, changes, key):
    assert problem(survey(name, changes)).startswith(f"surveys.yaml: {key}")


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"format": "fits"}, "format is 'fits'; expected one of files, macho, records, simulated, table, votimeseries"),
        ({"format": None}, "format is 'None'; expected one of"),
        ({"format": ["macho"]}, "format is \"['macho']\"; expected one of"),
        ({"macho": None}, "macho: is None; expected a valid dictionary"),
        ({"mach": {}}, "mach: unknown key; did you mean macho?"),
        ({"table": SECTIONS["table"]}, "table: unknown key"),
        ({"shards": 0}, "shards: is 0"),
        ({"shards": 5000}, "shards: is 5000; expected less than or equal to 4096"),
        ({"filters": {"max_err_mag": 0}}, "filters.max_err_mag: is 0"),
        ({"filters": {"clip_percentiles": [1]}}, "filters.clip_percentiles: has a length of 1; expected at least 2"),
        ({"filters": {"clip_percentiles": [1, 101]}}, "filters.clip_percentiles.1: is 101"),
        (
            {"filters": {"clip_percentiles": [0.01, 0.99]}},
            "filters.clip_percentiles: is [0.01, 0.99]; expected percent",
        ),
        (
            {"filters": {"clip_percentiles": [99, 1]}},
            "filters.clip_percentiles: is [99.0, 1.0]; expected the lower bound",
        ),
        ({"filters": {"variability": {"skw": 1}}}, "filters.variability.skw: unknown key; did you mean skew?"),
        ({"source": None}, "a survey of format macho needs the key `source`"),
        ({"source": 3}, "source: is 3"),
        ({"source": {"url": "https://a.b/c", "fil": "c"}}, None),
        ({"source": {"url": "a.b/c", "file": "c"}}, "source.url: String should match pattern"),
        ({"source": {"url": "https://a.b/c", "file": "c", "sha256": "xyz"}}, "source.sha256: String should match"),
        (
            {"source": {"url": "https://a.b/c", "file": "c", "digested_members": "("}},
            "source.digested_members: is '('; expected a regular expression",
        ),
    ],
)
def test_a_wrong_key_of_a_survey_is_named(keys, named):
    if named is None:  # two wrong keys: one that is unknown, and the one that is thereby missing
        with pytest.raises(InputError) as error:
            read_survey(survey("macho") | keys, "surveys.yaml")
        assert str(error.value).split("\n") == [
            "surveys.yaml: source.file: missing; this key has no default",
            "surveys.yaml: source.fil: unknown key; did you mean file?",
        ]
    else:
        found = problem(survey("macho") | keys).replace("survey: ", "")
        assert found.startswith(f"surveys.yaml: {named}")


def test_a_survey_without_format_is_an_error():
    assert "format is 'None'; expected one of" in problem({"source": "dump", "macho": {}})


def test_only_simulated_surveys_have_no_source():
    assert read_survey(survey("simulated")).source is None
    assert "format simulated must not have the key `source`" in problem(survey("simulated", source="dump"))


def test_a_download_promises_what_it_says():
    source = {"url": "https://a.b/c.tar", "file": "c.tar", "bytes": 3}
    read = read_survey(survey("macho", source=source)).source
    assert read == Download(url="https://a.b/c.tar", file="c.tar", bytes=3)
    assert (read.sha256, read.content_digests) == (None, [])
