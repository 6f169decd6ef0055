"""Stage 9: one HTML page with every figure, table, log statistic and the workflow's graph.

IN   figures and tables
OUT  <results>/report.html
"""


rule write_report:
    """Let Snakemake write its report of the finished figures and tables, under the very same configuration."""
    input:
        reported_files(),
    output:
        config="<results>/config.json",
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
        config=as_json(),
        snakefile=f"{workflow.basedir}/Snakefile",
    message:
        "Writing {output.report}"
    script:
        "../workflow_scripts/write_report.py"
