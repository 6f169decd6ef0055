"""Stage 10: one HTML page with every figure, table, log statistic and the workflow's graph.

IN   figures and tables
OUT  <results>/config.json    the configuration with every key, defaults included
     <results>/report.html
"""


rule write_config:
    """Write the configuration of the run with every key, defaults included."""
    output:
        path="<results>/config.json",
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
        content=RUN.model_dump(mode="json", by_alias=True),
        code=code_digest("write_config"),
    message:
        "Writing {output.path}"
    script:
        "../workflow_scripts/write_config.py"


rule write_report:
    """Write Snakemake's report of the finished figures and tables with the configuration of the run."""
    input:
        results=reported_files(),
        config="<results>/config.json",
    output:
        report="<results>/report.html",
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
        snakefile=f"{workflow.basedir}/Snakefile",
    message:
        "Writing {output.report}"
    script:
        "../workflow_scripts/write_report.py"
