"""Stage 10: configuration, report and crate of a run.

IN   figures and tables, with the provenance of all jobs
OUT  <results>/config.json              the configuration with every key, defaults included
     <results>/report.html              one page that needs no network
     <results>/report.zip               the page with figures, tables, executed notebooks and provenance
     <results>/ro-crate-metadata.json   every job with the checksums of what it read and wrote
"""


rule write_config:
    """Write the configuration of the run with every key, defaults included."""
    output:
        path="<results>/config.json",
        provenance="<results>/config.provenance.json",
    log:
        "<logs>/write_config.log",
    benchmark:
        "<benchmarks>/write_config.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(500),
        runtime=scaled_runtime(5),
    params:
        content=RUN.model_dump(mode="json", by_alias=True, exclude={"mirror", "surveys_dir"}),  # places of one machine
        simulated=RUN.simulated_surveys,
        code=code_digest("write_config"),
    message:
        "Writing {output.path}"
    script:
        "../workflow_scripts/write_config.py"


# Both rules below also read provenance and benchmarks, which every job has written before the figures and tables are there.
rule write_report:
    """Write the report: what was run, claims, figures and tables in the order of the paper, run times and versions."""
    input:
        results=reported_files(),
        config="<results>/config.json",
        template=os.path.relpath(f"{workflow.basedir}/astromer/runs/report.html.jinja"),
    output:
        page="<results>/report.html",
        archive="<results>/report.zip",
        provenance="<results>/report.provenance.json",
    log:
        "<logs>/write_report.log",
    benchmark:
        "<benchmarks>/write_report.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000),
        runtime=scaled_runtime(10),
    params:
        simulated=RUN.simulated_surveys,
        code=code_digest("write_report"),
    message:
        "Writing {output.page}"
    script:
        "../workflow_scripts/write_report.py"


rule write_crate:
    """Describe every job of the run as Provenance Run Crate; an inconsistent run is an error."""
    input:
        results=reported_files(),
        config="<results>/config.json",
        report="<results>/report.html",
        source=os.path.relpath(f"{workflow.basedir}/Snakefile"),
    output:
        metadata="<results>/ro-crate-metadata.json",
        workflow="<results>/workflow/Snakefile",
    log:
        "<logs>/write_crate.log",
    benchmark:
        "<benchmarks>/write_crate.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000),
        runtime=scaled_runtime(10),
    params:
        code=code_digest("write_crate"),
    message:
        "Writing {output.metadata}"
    script:
        "../workflow_scripts/write_crate.py"
