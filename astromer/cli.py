"""The command `astromer`."""

import argparse
import sys
from pathlib import Path

from astromer.errors import InputError


def main() -> None:
    """Run the command; its exit status is 1 if a check fails or the input is wrong."""
    parser = argparse.ArgumentParser("astromer", description=sys.modules["astromer"].__doc__)
    commands = parser.add_subparsers(required=True)
    verify = commands.add_parser("verify", help="check the files and the numbers of a finished run")
    verify.add_argument("results", type=Path, help="folder of the run, results/<run>")
    verify.set_defaults(command=_verify)
    arguments = parser.parse_args()
    try:
        arguments.command(arguments)
    except InputError as error:
        sys.exit(f"astromer: {error}")


def _verify(arguments: argparse.Namespace) -> None:
    from astromer.stages.verify import verify_run

    done = verify_run(arguments.results)
    if done.faults:
        sys.exit("\n".join(done.faults))
    sys.stdout.write(
        f"{done.files} files have the checksums of the run's crate; {done.scores} scores and {done.claims} claims "
        "follow from the predictions.\n"
    )
