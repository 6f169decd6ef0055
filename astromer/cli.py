"""The command `astromer`: embeddings, classifiers, weights, export and sets, one small function per subcommand."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

import astromer
from astromer.config.registry import HEADS
from astromer.errors import InputError
from astromer.files import atomic_path

if TYPE_CHECKING:
    from astromer.models.weights import Pretrained

DEFAULT_WEIGHTS = "astromer-mini"
WEIGHTS_FOLDER = Path("weights")  # where fetched weights are kept, and looked for
TABLES = "a table (.parquet, .csv, .arrow) of one row per observation, or a folder with one text file per star"
WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    ".parquet": pl.DataFrame.write_parquet,
    ".csv": pl.DataFrame.write_csv,
    ".arrow": pl.DataFrame.write_ipc,
}
READERS: dict[str, Callable[..., pl.DataFrame]] = {
    ".parquet": partial(pl.read_parquet, glob=False),
    ".csv": partial(pl.read_csv, glob=False, infer_schema_length=None),
    ".arrow": pl.read_ipc,
}
DESCRIPTION = "Embeddings of light curves and classifiers of variable stars."
EXAMPLES = """\
examples:
  astromer encode stars.parquet --out embeddings.parquet
  astromer fit stars.parquet --labels labels.csv --out my_classifier
  astromer predict others.parquet --classifier my_classifier --out probabilities.csv
  astromer encode light_curves/ --out embeddings.parquet
  astromer encode ztf.csv --columns id=oid band=filtercode --out embeddings.parquet

A table has one row per observation, with the columns id (of the star), mjd [days] and mag; --columns names others.
In a folder, every .csv, .dat, .txt or .tsv file is a star, with time and magnitude in its first two columns.
`astromer COMMAND --help` describes a command. Nothing is downloaded, except by `weights fetch`.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; bad input is one line on standard error, and exit status 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's messages about the processor
    chosen = build_parser().parse_args(arguments)
    try:
        chosen.run(chosen)
    except InputError as error:
        print(f"astromer {chosen.command}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:  # those of requests among them
        print(f"astromer {chosen.command}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all subcommands."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("astromer", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=shape)
    parser.add_argument("--version", action="version", version=astromer.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_encode, _add_fit, _add_predict, _add_weights, _add_export, _add_sets, _add_verify):
        add(commands)
    return parser


def _add_encode(commands: argparse._SubParsersAction) -> None:
    about = "Write an embedding of each star: a table with the columns id, length (of its light curve) and embedding."
    parser = commands.add_parser("encode", help="compute embeddings", description=about)
    _add_light_curves(parser)
    _add_weights_option(parser)
    rows = "one row per star (object), or per window of at most 200 observations (default: %(default)s)"
    parser.add_argument("--per", choices=("object", "window"), default="object", help=rows)
    parser.add_argument(
        "--out", type=_writable, required=True, metavar="FILE", help="file to write: .parquet or .arrow"
    )
    parser.set_defaults(run=_encode)


def _encode(chosen: argparse.Namespace) -> None:
    from astromer.api import encode

    if chosen.out.suffix == ".csv":
        raise InputError(f"{chosen.out}: a CSV cannot hold embeddings; expected .parquet or .arrow")
    curves = _read(chosen.light_curves, chosen.columns)
    model = _load_weights(chosen.weights)
    _write(encode(curves, model, columns=chosen.columns, per=chosen.per, progress=_progress()), chosen.out)


def _add_fit(commands: argparse._SubParsersAction) -> None:
    about = "Fit a classifier to labelled stars, on top of a pretrained encoder, and save it to a folder."
    parser = commands.add_parser("fit", help="fit a classifier to labelled stars", description=about)
    _add_light_curves(parser)
    _add_weights_option(parser)
    labels = "table (.csv, .parquet, .arrow) with the columns id and class; stars that it lacks are not used"
    parser.add_argument("--labels", type=Path, required=True, metavar="TABLE", help=labels)
    heads = ("logistic", *HEADS)
    head = "logistic: logistic regression on the vector of each star, in seconds; the others are neural networks on "
    head += "the windows of the stars (default: %(default)s)"
    parser.add_argument("--head", choices=heads, default=heads[0], help=head)
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder to write")
    parser.set_defaults(run=_fit)


def _fit(chosen: argparse.Namespace) -> None:
    from astromer.api import fit_classifier

    curves, labels = _read(chosen.light_curves, chosen.columns), _read(chosen.labels)
    model = _load_weights(chosen.weights)
    fitted = fit_classifier(curves, labels, model, head=chosen.head, columns=chosen.columns, seed=chosen.seed)
    fitted.save(chosen.out)
    _say(f"{chosen.out}: a classifier of {', '.join(fitted.classes)}")


def _add_predict(commands: argparse._SubParsersAction) -> None:
    about = "Write the probability of each class for each star: a table with the columns id and p_<class>."
    parser = commands.add_parser("predict", help="classify stars", description=about)
    _add_light_curves(parser)
    folder = "folder written by `astromer fit`"
    parser.add_argument("--classifier", type=Path, required=True, metavar="FOLDER", help=folder)
    kinds = "file to write: .parquet, .csv or .arrow"
    parser.add_argument("--out", type=_writable, required=True, metavar="FILE", help=kinds)
    parser.set_defaults(run=_predict)


def _predict(chosen: argparse.Namespace) -> None:
    from astromer.api import Classifier

    curves = _read(chosen.light_curves, chosen.columns)
    classifier = Classifier.load(chosen.classifier)
    _write(classifier.predict_proba(curves, columns=chosen.columns, progress=_progress()), chosen.out)


def _add_weights(commands: argparse._SubParsersAction) -> None:
    about = "List the encoders that are known by name, or download one; `--weights NAME` then finds it in ./weights."
    parser = commands.add_parser("weights", help="list or download named weights", description=about)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="names, architectures, sizes and licences").set_defaults(run=_list_weights)
    fetch = actions.add_parser("fetch", help="download the file of named weights and check it")
    fetch.add_argument("name", metavar="NAME", help="one of the names that `astromer weights list` shows")
    folder = "folder to keep it in; other commands look in the default (default: %(default)s)"
    fetch.add_argument("--out", type=Path, default=WEIGHTS_FOLDER, metavar="FOLDER", help=folder)
    fetch.set_defaults(run=_fetch_weights)


def _list_weights(chosen: argparse.Namespace) -> None:
    from astromer.api import named_weights

    for name, entry in named_weights().items():
        size = f"{entry['bytes'] / 1e6:.1f} MB" if "bytes" in entry else "size not stated"
        place = "comes with the package" if "url" not in entry else f"{size}, to fetch"
        print(f"{name} ({entry['architecture']}, {place})\n  {entry['description']}\n  licence: {entry['licence']}")  # noqa: T201


def _fetch_weights(chosen: argparse.Namespace) -> None:
    from astromer.api.pretrained import fetch_weights

    print(fetch_weights(chosen.name, cache=chosen.out))  # noqa: T201


def _add_export(commands: argparse._SubParsersAction) -> None:
    about = "Write an encoder, or a classifier with its encoder, as an ONNX file; `light_curve.embed` reads v1 and v2."
    parser = commands.add_parser("export", help="write an ONNX file", description=about)
    parser.add_argument("model", metavar="MODEL", help="name or path of weights, or folder of a classifier")
    parser.add_argument("--onnx", type=Path, required=True, metavar="FILE", help="file to write")
    parser.set_defaults(run=_export)


def _export(chosen: argparse.Namespace) -> None:
    from astromer.api import Classifier
    from astromer.api.classifier import CARD_FILE
    from astromer.api.onnx import export_onnx

    is_classifier = Path(chosen.model, CARD_FILE).is_file()
    model = Classifier.load(chosen.model) if is_classifier else _load_weights(chosen.model)
    difference = export_onnx(model, chosen.onnx)
    _say(f"{chosen.onnx}: equal to Keras within {difference:.1e}")


def _add_sets(commands: argparse._SubParsersAction) -> None:
    about = "List which objects are in which set of published TFRecords, for `datasets.<name>.sets` of a run."
    parser = commands.add_parser("sets", help="list the sets of published records", description=about)
    parser.add_argument("records", type=Path, help="folder or archive with fold_<number>/<dataset>_<SPC>/<subset>/")
    parser.add_argument("--out", type=Path, required=True, help="CSV file to write")
    parser.set_defaults(run=_sets)


def _sets(chosen: argparse.Namespace) -> None:
    from astromer.stages.split import write_released_sets

    listed, repeated = write_released_sets(chosen.records, chosen.out)
    _say(f"{chosen.out}: {listed} rows; {repeated} records repeat another one of their set")


def _add_verify(commands: argparse._SubParsersAction) -> None:
    about = "Check the checksums of a finished run, and that its scores and claims follow from its predictions."
    parser = commands.add_parser("verify", help="check the files and the numbers of a finished run", description=about)
    parser.add_argument("results", type=Path, metavar="RESULTS", help="folder of the run, results/<run>")
    parser.set_defaults(run=_verify)


def _verify(chosen: argparse.Namespace) -> None:
    from astromer.stages.verify import verify_run

    done = verify_run(chosen.results)
    if done.faults:
        raise InputError("\n".join(done.faults))
    follow = f"{done.scores} scores and {done.claims} claims follow from the predictions"
    print(f"{done.files} files have the checksums of the run's crate; {follow}.")  # noqa: T201


def _add_light_curves(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("light_curves", type=Path, metavar="LIGHT_CURVES", help=TABLES)
    names = "columns of the table that have other names than id, mjd and mag, such as `id=oid time=hjd mag=psfmag`; "
    names += "with `band=NAME`, each band of a star is a light curve, and the star is their mean"
    parser.add_argument("--columns", type=_pair, nargs="+", action=_Pairs, metavar="ROLE=NAME", help=names)


def _add_weights_option(parser: argparse.ArgumentParser) -> None:
    known = "name or path of a pretrained encoder (default: %(default)s, which comes with the package); see "
    known += "`astromer weights list`"
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, metavar="NAME_OR_PATH", help=known)


def _load_weights(name: str) -> "Pretrained":
    """Load weights by path, or by name from the package or from the folder of fetched ones."""
    from astromer.api import load_pretrained, named_weights

    entry = named_weights().get(name, {})
    if "url" in entry and not (Path(name).exists() or (WEIGHTS_FOLDER / entry["file"]).is_file()):
        raise InputError(f"weights {name}: not in {WEIGHTS_FOLDER}/; fetch them with: astromer weights fetch {name}")
    return load_pretrained(name, mirror=WEIGHTS_FOLDER)


class _Pairs(argparse.Action):
    """Collect `role=name` in a dict."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, dict(values))


def _pair(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not (role and equals and name):
        raise argparse.ArgumentTypeError(f"{text!r}; expected ROLE=NAME, such as time=hjd")
    return role, name


def _writable(text: str) -> Path:
    if Path(text).suffix not in WRITERS:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a file that ends in {', '.join(WRITERS)}")
    return Path(text)


def _read(path: Path, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Read a table, or a folder of light curves, ids and classes as text: as numbers, 12.1 and 12.10 were one star."""
    if path.is_dir():
        from astromer.api import read_folder

        return read_folder(path)
    if path.suffix not in READERS:
        raise InputError(f"{path}: expected a folder, or a file that ends in {', '.join(READERS)}")
    texts = ((columns or {}).get("id", "id"), "class")
    try:
        as_text = {"schema_overrides": dict.fromkeys(texts, pl.String)} if path.suffix == ".csv" else {}
        return READERS[path.suffix](path, **as_text).with_columns(cs.by_name(*texts, require_all=False).cast(pl.String))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read: {reason}") from error


def _write(table: pl.DataFrame, path: Path) -> None:
    with atomic_path(path) as temporary:
        WRITERS[path.suffix](table, temporary)
    _say(f"{path}: {table.height} rows")


def _progress() -> Callable[[int, int], None]:
    """Return a function that says how many stars are done, at what rate."""
    start = time.monotonic()

    def say(done: int, number: int) -> None:
        _say(f"{done} of {number} stars, {done / max(time.monotonic() - start, 1e-3):.0f} per second")

    return say


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
