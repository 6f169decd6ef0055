"""A dump that is a folder: an edit of one of its files reruns the ingest of its survey."""

import polars as pl


def test_an_edit_inside_of_a_folder_reruns_its_ingest(workflow):
    dump = workflow.folder / "dumps/mine"
    dump.mkdir(parents=True)
    catalog, light_curve = dump / "catalog.csv", dump / "a.dat"
    catalog.write_text("ID,Class,Band\na,Mira,V\nb,EC,V\n")
    for star in "ab":
        (dump / f"{star}.dat").write_text("".join(f"{50000 + day} 12 .1\n" for day in range(6)))
    survey = {"format": "files", "source": "mine", "files": {"catalog": "catalog.csv", "light_curves": "{id}.dat"}}
    workflow.config |= {"surveys_dir": "dumps", "pretraining": {"surveys": ["mine"]}}
    workflow.config["surveys"]["mine"] = survey
    target = workflow.results / "parquet/mine/metadata.parquet"
    command = ("--cores", "1", str(target.relative_to(workflow.folder)))
    workflow.run(*command)
    assert "Nothing to be done" in workflow.run("-n", *command)

    catalog.write_text(catalog.read_text().replace("Mira", "Nova"))
    rules = {"verify_dump", "ingest_shard", "merge_survey"}
    assert set(workflow.jobs(workflow.run("-n", *command))) == rules
    light_curve.write_text("".join(f"{50000 + day} 12 .1\n" for day in range(7)))
    workflow.run(*command)
    assert pl.read_parquet(target).select("class", "num_obs").rows() == [("Nova", 7), ("EC", 6)]
