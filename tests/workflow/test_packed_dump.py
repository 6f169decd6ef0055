"""Compressed tars are decompressed once for all shards; a shard has the parts of a scattered dump as one input."""

import json
import tarfile

import polars as pl

HEADER = "id,mjd,mag,err,band\n"


def pack(folder, name, files):
    with tarfile.open(folder / name, f"w:{name.rpartition('.')[2]}") as archive:
        for member, text in files.items():
            (folder / "member").write_text(text)
            archive.add(folder / "member", member)


def test_shards_of_packed_dumps(workflow):
    dumps = workflow.folder / "dumps"
    dumps.mkdir(parents=True)
    stars = [f"star{number}" for number in range(12)]
    (dumps / "catalog.csv").write_text("ID,Class,Band\n" + "".join(f"{star},EC,V\n" for star in stars))
    pack(dumps, "files.tar.xz", {f"{star}.dat": "".join(f"{5e4 + day} 12 .1\n" for day in range(6)) for star in stars})
    rows = [f"{star},{50000 + day},12,.1,V\n" for day in range(6) for star in stars]
    pack(dumps, "rows.tar.gz", {"a.csv": HEADER + "".join(rows[::2]), "b.csv": HEADER + "".join(rows[1::2])})
    columns = {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err", "band": "band"}
    layouts = {
        "files": {"source": "files.tar.xz", "files": {"catalog": "../catalog.csv", "light_curves": "{id}.dat"}},
        "table": {"source": "rows.tar.gz", "table": {"tables": "*.csv", "columns": columns, "bands": {"V": "V"}}},
    }
    workflow.config["surveys_dir"] = "dumps"
    workflow.config["surveys"] |= {name: {"format": name, "shards": 3, **rest} for name, rest in layouts.items()}
    workflow.config["pretraining"]["surveys"] = list(layouts)
    targets = [f"results/tiny/parquet/{name}/metadata.parquet" for name in layouts]
    jobs = workflow.jobs(workflow.run("-n", "--cores", "2", *targets))
    expected = {"unpack_dump": 2, "read_dump": 3, "join_parts": 1, "ingest_shard": 6, "merge_survey": 2}
    assert {rule: jobs[rule] for rule in expected} == expected

    workflow.run("--cores", "2", *targets)
    for target in targets:
        found = pl.read_parquet(workflow.folder / target)
        assert found.select("id", "num_obs").rows() == [(star, 6) for star in sorted(stars)]
        assert not {"unpacked", "parts"} & {path.name for path in (workflow.folder / target).parent.iterdir()}
        folder = (workflow.folder / target).parent
        recorded = json.loads((folder / "objects/1.provenance.json").read_text())["inputs"]
        writer = "unpacked" if "files" in target else "parts"
        written = json.loads((folder / f"{writer}.provenance.json").read_text())["outputs"]
        assert written.items() <= recorded.items()
        assert all(written.values())
    assert "Nothing to be done" in workflow.run("-n", *targets)
