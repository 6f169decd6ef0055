"""Damage dumps of all four formats at random, ingest them, and compare with a slow and simple parser of their own.

    python tests/fuzz_readers.py --count 1000 --seed 1

Every mutation has to end in one of three ways: an `InputError`; the same values as the simple parser finds, with every
line kept or counted; or, for damage of an archive, the same values as the undamaged dump. Anything else is a failure:
another exception, more than a minute, a value lost or changed, a partial file.
"""

import argparse
import bz2
import gzip
import io
import lzma
import math
import random
import sys
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl

sys.path[:0] = [str(Path(__file__).parent / "helpers"), str(Path(__file__).parents[1])]

from reading import make_survey  # noqa: E402
from simple_parsers import PARSERS, Dump, judge  # noqa: E402

from astromer.config.surveys import Survey  # noqa: E402
from astromer.errors import InputError  # noqa: E402
from astromer.surveys.ingest import ingest_shard  # noqa: E402
from astromer.surveys.parts import gather_shard, read_part, read_shard  # noqa: E402

MAX_SECONDS = 60
STARS = ("1.2.3", "1.2.4", "7.8.9")


def times(rng: random.Random) -> list[float]:
    return [50_000 + day + rng.randrange(1000) / 1024 for day in range(rng.randint(2, 6))]


def values(rng: random.Random) -> tuple[float, float]:
    """Magnitude and error that are exact in single precision."""
    return rng.randrange(10 * 64, 16 * 64) / 64, rng.randrange(1, 64) / 128


def files_dump(rng: random.Random) -> Dump:
    dump = {"catalog.csv": "ID,Class,Band\n" + "".join(f"{star},Mira,V\n" for star in STARS)}
    for star in STARS:
        dump[f"LCs/{star}.dat"] = "mjd,mag,err\n" + "".join(
            "{!r},{!r},{!r}\n".format(mjd, *values(rng)) for mjd in times(rng)
        )
    return {name: text.encode() for name, text in dump.items()}


def table_dump(rng: random.Random) -> Dump:
    rows = [f"{star},{mjd!r},{mag!r},{err!r},V" for star in STARS for mjd in times(rng) for mag, err in [values(rng)]]
    rng.shuffle(rows)
    halves = {"a.csv": rows[::2], "b.csv": rows[1::2]}
    return {name: "\n".join(["id,mjd,mag,err,band", *half, ""]).encode() for name, half in halves.items()}


def macho_dump(rng: random.Random) -> Dump:
    lines = []
    for star in STARS:
        for mjd in times(rng):
            mag, err = values(rng)
            blank, other = [""], ["0.5"] * 13
            fields = [*blank, *star.split("."), repr(mjd), "1", "W", "300", "1.1", repr(-mag), repr(err), *other]
            lines.append(";".join([*fields, "-1.5", "0.25", *other]))
    rng.shuffle(lines)
    return {f"F/{i}.csv": "".join(f"{line}\n" for line in lines[i::2]).encode() for i in range(2)}


def votimeseries_dump(rng: random.Random) -> Dump:
    fields = "".join(f"<FIELD name='{name}'/>" for name in ("t", "m", "m_err"))
    dump = {}
    for star in STARS:
        rows = "\n".join(
            "<TR><TD>{!r}</TD><TD>{!r}</TD><TD>{!r}</TD></TR>".format(mjd, *values(rng)) for mjd in times(rng)
        )
        table = f"<TABLE name='V:1'>{fields}<DATA><TABLEDATA>\n{rows}\n</TABLEDATA></DATA></TABLE>"
        dump[f"{star}.xml"] = f"<S>\n{table}\n<Classification><class name='Mira'/></Classification></S>\n".encode()
    return dump


OPTIONS = {
    "files": {"catalog": "catalog.csv", "light_curves": "LCs/{id}.dat", "separator": ",", "header": True},
    "table": {
        "columns": {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err", "band": "band"},
        "bands": {"V": "V"},
        "tables": "*.csv",
    },
    "macho": {"tables": "**/*.csv"},
    "votimeseries": {"light_curves": "*.xml", "bands": {"V": "V"}},
}
MAKERS = {"files": files_dump, "table": table_dump, "macho": macho_dump, "votimeseries": votimeseries_dump}


JUNK = [b"\0", b"\xff\xfe", b'"', b"\r", b"\n", b"\n\n", b" ", b",", b";", b"<", b"<TR>", b"<!--", b"1e400", b"-99.99"]
JUNK += [b"nan", b"inf", b"1e300", b"\xc3\xa9", b"</TD>", b"x" * 5000, b"\t", b"&#49;", b"1 2", b".", b"-", b"9" * 40]


def insert_junk(content: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + rng.choice(JUNK) + content[at:]


def flip_byte(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1 :]


def delete_span(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + content[at + rng.randint(1, 30) :]


def truncate(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def repeat_span(content: bytes, rng: random.Random) -> bytes:
    at, end = sorted(rng.randint(0, len(content)) for _ in range(2))
    return content[:end] + content[at:end] + content[end:]


def swap_lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    i, j = (rng.randrange(len(lines)) for _ in range(2))
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def change_line_ends(content: bytes, rng: random.Random) -> bytes:
    return content.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\n"]))


def empty(content: bytes, rng: random.Random) -> bytes:
    return rng.choice([b"", b"\n", b"\n \n"])


CONTENT_MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [insert_junk, flip_byte, delete_span, truncate]
CONTENT_MUTATIONS += [repeat_span, swap_lines, change_line_ends, empty]
PACKINGS = ["tar", "tar.gz", "tar.xz", "tar.bz2", "zip"]


def write_folder(dump: Dump, path: Path) -> Path:
    for name, content in dump.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_archive(dump: Dump, path: Path) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in dump.items():
                archive.writestr(name, content)
        return path
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in dump.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    pack = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(plain.getvalue()))
    return path


EXPLANATIONS = (
    "of a rejected object",
    "unreadable line",
    "second file of the object",
    "other band",
    "outside of a table",
)


def ingest(survey: Survey, source: Path, folder: Path) -> tuple[pl.DataFrame, dict[tuple[str, str], int]]:
    """Ingest a dump in all its shards; return the observations and counts that stand in the written files."""
    shards = range(survey.shards)
    parts = [(folder / f"{part}.parquet", folder / f"{part}.objects.parquet") for part in shards]
    for part in shards if survey.options.scattered else ():
        read_part(survey, *parts[part], name="sky", source=source, part=part)
    counts: Counter[tuple[str, str]] = Counter()
    tables = []
    for shard in shards:
        if survey.options.scattered:
            raw = gather_shard(*zip(*parts, strict=True), shard)
        else:
            raw = read_shard(survey, name="sky", source=source, seed=None, shard=shard)
        paths = [folder / f"{kind}{shard}" for kind in ("observations", "objects", "quality")]
        ingest_shard(raw, survey, name="sky", shard=shard).write(*paths)
        tables.append(pl.read_parquet(paths[0]))
        for _, level, outcome, count in pl.read_parquet(paths[2]).drop("examples").iter_rows():
            counts[level, outcome] += count
    return pl.concat(tables), dict(counts)


def problem(layout: str, dump: Dump, observations: pl.DataFrame, counts: dict[tuple[str, str], int]) -> str | None:
    """Describe what is lost or wrong, if anything is."""
    found = set(observations.rows())
    rows, lines = PARSERS[layout](dump)
    expected = judge(rows)
    known = {row[:2] for row in found}  # of equal times of a star one row is kept, whichever
    lost = {row for row in expected if row[:2] not in known}
    rejected = {
        outcome: n for (level, outcome), n in counts.items() if (level, outcome[:8]) == ("observation", "rejected")
    }
    # A value that the simple parser finds may be rejected for something else: for its object, its line, or its file.
    explained = rejected.keys() & {f"rejected: {rule}" for rule in EXPLANATIONS}
    num_explained = math.inf if layout == "votimeseries" and explained else sum(rejected[rule] for rule in explained)
    read, kept = counts["observation", "read"], counts["observation", "kept"]
    problems = {
        "an observation is there twice": len(found) != observations.height,
        f"wrong values: {sorted(found - expected)[:2]}": not found <= expected,
        f"counts do not add up: {counts}": not read - sum(rejected.values()) == kept == observations.height,
        f"{read} lines read, but there are {lines}": layout != "votimeseries" and read != lines,
        f"lost without a count: {sorted(lost)[:2]}": len(lost) > num_explained,
    }
    return next((what for what, holds in problems.items() if holds), None)


def attempt(layout: str, rng: random.Random, folder: Path) -> tuple[str, str, str | None]:
    """Damage one dump and ingest it; return the mutation, the outcome, and what is wrong with it, if anything."""
    dump = MAKERS[layout](rng)
    survey = make_survey(layout, OPTIONS[layout], rng.randint(1, 3))
    if rng.random() < 0.8:
        for _ in range(rng.randint(1, 2)):
            mutation = rng.choice(CONTENT_MUTATIONS)
            name = rng.choice(sorted(dump))
            dump[name] = mutation(dump[name] or b"\n", rng)
        kind, packing = mutation.__name__, rng.choice(["folder", *PACKINGS])
        path = folder / f"dump.{packing}"
        source = write_folder(dump, path) if packing == "folder" else write_archive(dump, path)
    else:
        packing = rng.choice(PACKINGS)
        source = write_archive(dump, folder / f"dump.{packing}")
        mutation = rng.choice([flip_byte, truncate, delete_span, insert_junk])
        source.write_bytes(mutation(source.read_bytes(), rng))
        kind = f"archive: {mutation.__name__}"
    out = folder / "out"
    out.mkdir()
    start, wrong = time.monotonic(), None
    try:
        observations, counts = ingest(survey, source, out)
        outcome = "read" if observations.height else "all counted as rejected"
        wrong = problem(layout, dump, observations, counts)
        if wrong and kind.startswith("archive") and packing == "tar":
            outcome, wrong = "read", None  # a plain tar has no checksum of its content
    except InputError:
        outcome = "InputError"
    except BaseException as error:  # whatever it is, it is what this script looks for
        outcome, wrong = "traceback", f"{type(error).__name__}: {error}"
    if time.monotonic() - start > MAX_SECONDS:
        outcome, wrong = "hang", f"{time.monotonic() - start:.0f} s"
    if left := [path.name for path in out.iterdir() if path.name.startswith(".")]:
        outcome, wrong = "partial file", ", ".join(left)
    return kind, outcome, wrong


def fuzz(count: int, seed: int) -> tuple[Counter[tuple[str, str, str]], list[str]]:
    """Make `count` mutations; return how many had which outcome, and a line on each failure."""
    outcomes: Counter[tuple[str, str, str]] = Counter()
    failures = []
    for index in range(count):
        layout = sorted(MAKERS)[index % len(MAKERS)]
        with tempfile.TemporaryDirectory() as folder:
            kind, outcome, wrong = attempt(layout, random.Random(f"{seed}/{index}"), Path(folder))
        outcomes[layout, kind, "failure" if wrong else outcome] += 1
        if wrong:
            failures.append(f"{index} {layout}, {kind}: {outcome}, {wrong}")
    return outcomes, failures


def main() -> int:
    """Print the table of outcomes and every failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="number of mutations")
    parser.add_argument("--seed", type=int, default=1, help="seed of all of them")
    arguments = parser.parse_args()
    outcomes, failures = fuzz(arguments.count, arguments.seed)
    columns = sorted({outcome for *_, outcome in outcomes})
    lines = ["| format | mutation | " + " | ".join(columns) + " |", "|---" * (2 + len(columns)) + "|"]
    for layout, kind in sorted({key[:2] for key in outcomes}):
        lines.append(
            f"| {layout} | {kind} | " + " | ".join(str(outcomes[layout, kind, name]) for name in columns) + " |"
        )
    sys.stdout.write("\n".join([*lines, *failures, ""]))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
