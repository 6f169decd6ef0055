"""Paths of dumps and published weights: in the folders that the configuration names, or in that of downloads."""

from functools import cache

from astromer.config.surveys import Download
from astromer.surveys.sources import in_mirror, is_compressed_tar, listing_digest

DOWNLOADS = Path("results/downloads")


def dump_path(survey):
    """Return the path of a survey's dump: in `surveys_dir`; or, if it has a URL, in `mirror` or the downloads."""
    source = RUN.surveys[survey].source
    if isinstance(source, str):
        return Path(RUN.surveys_dir, source)
    return in_mirror(RUN.mirror, source) or DOWNLOADS / source.file


def dump_of(wildcards):
    """Input function: the dump, or nothing for a simulated survey. The job that verifies a dump reports a missing one."""
    if RUN.surveys[wildcards.survey].options.simulated:
        return []
    dump = dump_path(wildcards.survey)
    return dump if dump.exists() or dump.parent == DOWNLOADS else []


def source_of_reading(wildcards):
    """Input function: what a dump is read from: itself or, if it is a compressed tar, that tar decompressed."""
    dump = dump_of(wildcards)
    receipt = f"<results>/parquet/{wildcards.survey}/dump.json"
    if dump and is_compressed_tar(dump):
        return {"unpacked": f"<results>/parquet/{wildcards.survey}/unpacked", "receipt": receipt}
    return {"dump": dump, "catalog": catalog_of(wildcards), "receipt": receipt}


def catalog_of(wildcards):
    """Input function: the survey's catalogue if it is a file beside the dump, not inside it."""
    catalog = getattr(RUN.surveys[wildcards.survey].options, "catalog", None) or ""
    beside = dump_path(wildcards.survey).parent / catalog.removeprefix("../") if catalog.startswith("../") else None
    return beside if beside and beside.exists() else []


def source_of_shard(wildcards):
    """Input function: the inputs of a shard, which are the sorted parts of a scattered dump, or the dump itself."""
    survey = wildcards.survey
    options = RUN.surveys[survey].options
    if options.scattered:
        return {"parts": f"<results>/parquet/{survey}/parts"}
    if options.simulated:
        return {}
    return source_of_reading(wildcards)


def weights_file(wildcards):
    """Input function: the file of the weights that an encoder imports: in the package, in `mirror`, or in the downloads."""
    if packaged := RUN.weights_of(wildcards.encoder).packaged:
        return os.path.relpath(packaged)
    file = RUN.weights_of(wildcards.encoder).file
    mirrored = Path(RUN.mirror or "", file)
    return mirrored if RUN.mirror and mirrored.exists() else DOWNLOADS / file


def source_of_download(wildcards):
    """Return the configured source of a downloaded file."""
    dumps = [survey.source for survey in RUN.surveys.values() if isinstance(survey.source, Download)]
    return next(source for source in [*dumps, *RUN.weights.values()] if source.file == wildcards.file)


@cache
def listing_of(survey):
    """Return the digest of the files of a dump that is a folder, whose own time does not change when they are edited."""
    return listing_digest(dump_path(survey))


def promised_of(wildcards):
    """Parameter function: the source of a survey's dump, with size and checksums unless it is a path."""
    source = RUN.surveys[wildcards.survey].source
    return source if isinstance(source, str) else source.plain()


def reader_of(wildcards):
    """Return the module of a survey's reader."""
    return f"astromer.surveys.readers.{RUN.surveys[wildcards.survey].format}"
