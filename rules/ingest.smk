"""Stage 1: convert a survey's raw dump to Parquet.

IN   the dump that `surveys.<name>` describes (nothing, for a simulated survey)
OUT  <results>/parquet/<survey>/observations/<shard>.parquet   id, mjd, mag, err_mag; sorted by id and time
     <results>/parquet/<survey>/metadata.parquet               id, survey, class, band, position, observations
     <results>/parquet/<survey>/quality.csv, examples.csv      rejected rows: numbers per rule, and examples with file and line
"""


rule fetch_dump:
    """Download a dump that is not in the mirror; an interrupted download is resumed."""
    output:
        dump="results/downloads/{file}",
    log:
        "<logs>/fetch_dump/{file}.log",
    benchmark:
        "<benchmarks>/fetch_dump/{file}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(500),
        runtime=scaled_runtime(600),
        downloads=1,
    params:
        url=lambda wildcards: source_of_download(wildcards).url,
        sha256=lambda wildcards: source_of_download(wildcards).sha256,
        num_bytes=lambda wildcards: source_of_download(wildcards).bytes,
        code=code_digest("fetch_dump"),
    message:
        "Downloading {params.url}"
    script:
        "../workflow_scripts/fetch_dump.py"


rule verify_dump:
    """Verify the size and checksums of a dump before anything is read from it."""
    input:
        dump=dump_of,
    output:
        receipt="<results>/parquet/{survey}/dump.json",
        provenance="<results>/parquet/{survey}/dump.provenance.json",
    log:
        "<logs>/verify_dump/{survey}.log",
    benchmark:
        "<benchmarks>/verify_dump/{survey}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000),
        runtime=scaled_runtime(60, per_input_mb=0.002),
    params:
        path=lambda wildcards: str(dump_path(wildcards.survey)),
        source=promised_of,
        downloaded=lambda wildcards: dump_path(wildcards.survey).parent == DOWNLOADS,
        listing=lambda wildcards: listing_of(wildcards.survey),
        simulated=simulated_of,
        code=code_digest("verify_dump"),
    message:
        "Verifying the dump of {wildcards.survey}"
    script:
        "../workflow_scripts/verify_dump.py"


rule unpack_dump:
    """Decompress a compressed tar once, so that not every shard has to."""
    input:
        dump=dump_of,
        catalog=catalog_of,
        receipt="<results>/parquet/{survey}/dump.json",
    output:
        unpacked=temp(directory("<results>/parquet/{survey}/unpacked")),
        provenance="<results>/parquet/{survey}/unpacked.provenance.json",
    log:
        "<logs>/unpack_dump/{survey}.log",
    benchmark:
        "<benchmarks>/unpack_dump/{survey}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(500),
        runtime=scaled_runtime(60, per_input_mb=0.002),
    params:
        simulated=simulated_of,
        code=code_digest("unpack_dump"),
    message:
        "Decompressing the dump of {wildcards.survey}"
    script:
        "../workflow_scripts/unpack_dump.py"


rule read_dump:
    """Read one part of a scattered dump, which may contain rows of any object, and sort its rows into shards."""
    input:
        unpack(source_of_reading),
    output:
        observations=temp("<results>/parquet/{survey}/raw/{shard}.parquet"),
        objects=temp("<results>/parquet/{survey}/raw/{shard}.objects.parquet"),
        provenance="<results>/parquet/{survey}/raw/{shard}.provenance.json",
    log:
        "<logs>/read_dump/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/read_dump/{survey}/{shard}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(60, per_input_mb=0.002),
    params:
        survey=survey_section,
        name="{survey}",
        part=lambda wildcards: int(wildcards.shard),
        simulated=simulated_of,
        code=lambda wildcards: code_digest("read_dump", reader_of(wildcards)),
    message:
        "Reading part {wildcards.shard} of {wildcards.survey}"
    script:
        "../workflow_scripts/read_dump.py"


rule join_parts:
    """Put the sorted parts of a dump in one folder: a shard would else have as many inputs as there are parts."""
    input:
        observations=lambda wildcards: expand(
            "<results>/parquet/{survey}/raw/{part}.parquet",
            survey=wildcards.survey,
            part=range(RUN.surveys[wildcards.survey].parts),
        ),
        objects=lambda wildcards: expand(
            "<results>/parquet/{survey}/raw/{part}.objects.parquet",
            survey=wildcards.survey,
            part=range(RUN.surveys[wildcards.survey].parts),
        ),
    output:
        parts=temp(directory("<results>/parquet/{survey}/parts")),
        provenance="<results>/parquet/{survey}/parts.provenance.json",
    log:
        "<logs>/join_parts/{survey}.log",
    benchmark:
        "<benchmarks>/join_parts/{survey}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(500),
        runtime=scaled_runtime(20),
    params:
        simulated=simulated_of,
        code=code_digest("join_parts"),
    message:
        "Joining the sorted parts of {wildcards.survey}"
    script:
        "../workflow_scripts/join_parts.py"


rule ingest_shard:
    """Filter one shard of a survey, count what is rejected, and write it sorted."""
    input:
        unpack(source_of_shard),
    output:
        observations="<results>/parquet/{survey}/observations/{shard}.parquet",
        objects="<results>/parquet/{survey}/objects/{shard}.parquet",
        quality="<results>/parquet/{survey}/quality/{shard}.parquet",
        provenance="<results>/parquet/{survey}/objects/{shard}.provenance.json",
    log:
        "<logs>/ingest_shard/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/ingest_shard/{survey}/{shard}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(60, per_input_mb=0.002),
    params:
        survey=survey_section,
        name="{survey}",
        shard=lambda wildcards: int(wildcards.shard),
        seed=lambda wildcards: RUN.seed if RUN.surveys[wildcards.survey].options.simulated else 0,
        simulated=simulated_of,
        code=lambda wildcards: code_digest("ingest_shard", reader_of(wildcards)),
    message:
        "Filtering shard {wildcards.shard} of {wildcards.survey}"
    script:
        "../workflow_scripts/ingest_shard.py"


rule merge_survey:
    """Join the small tables of a survey's shards: its objects, quality counts and rejected examples."""
    input:
        objects=lambda wildcards: expand(
            "<results>/parquet/{survey}/objects/{shard}.parquet",
            survey=wildcards.survey,
            shard=shards_of(wildcards.survey),
        ),
        shard_quality=lambda wildcards: expand(
            "<results>/parquet/{survey}/quality/{shard}.parquet",
            survey=wildcards.survey,
            shard=shards_of(wildcards.survey),
        ),
    output:
        metadata="<results>/parquet/{survey}/metadata.parquet",
        quality="<results>/parquet/{survey}/quality.csv",
        examples="<results>/parquet/{survey}/examples.csv",
        provenance="<results>/parquet/{survey}/provenance.json",
    log:
        "<logs>/merge_survey/{survey}.log",
    benchmark:
        "<benchmarks>/merge_survey/{survey}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000, per_input_mb=40),
        runtime=scaled_runtime(10, per_input_mb=0.02),
    params:
        survey=survey_section,
        simulated=simulated_of,
        code=code_digest("merge_survey"),
    message:
        "Collecting the objects of {wildcards.survey}"
    script:
        "../workflow_scripts/merge_survey.py"
