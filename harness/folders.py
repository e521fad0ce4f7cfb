"""The commands on whole results folders: ``reference``, ``verify``, ``compare``, ``crate``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Add them to the command line's ``commands``."""
    reference = commands.add_parser(
        "reference", help="make a finished run the reference that others are verified against"
    )
    reference.add_argument("--target", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    reference.set_defaults(do=_reference)
    verify = commands.add_parser(
        "verify", help="compare a results folder with the reference; status 1 where it fails"
    )
    verify.add_argument(
        "--reference", type=Path, metavar="FOLDER", help="the reference (results/reference)"
    )
    verify.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    verify.set_defaults(do=_verify)
    compare = commands.add_parser(
        "compare", help="set two results folders side by side: machines, versions, commits"
    )
    compare.add_argument(
        "--other", type=Path, required=True, metavar="FOLDER", help="what to compare with"
    )
    compare.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    compare.set_defaults(do=_compare)
    crate = commands.add_parser(
        "crate", help="describe a results folder as a Workflow Run RO-Crate, to archive and cite"
    )
    crate.add_argument("--configuration", metavar="JSON", help=argparse.SUPPRESS)
    crate.set_defaults(do=_crate)
    for parser in (reference, verify, compare, crate):
        parser.add_argument("--results", type=Path, required=True, metavar="FOLDER")


def _reference(arguments: argparse.Namespace) -> int:
    from harness import reference_run

    target = arguments.target or reference_run.FOLDER
    command = f"python -m harness reference --results {arguments.results.name}"
    about = reference_run.make(arguments.results, target, command)
    counts = f"{about['runs']} runs, {len(about['seeds'])} seeds, {len(about['tables'])} tables"
    print(f"{target}: {counts}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from harness import reference_run, verification

    verification.verify(arguments.results, arguments.reference or reference_run.FOLDER)
    # In the pipeline the verdict is said, and becomes the status, at its very end.
    return 0 if arguments.quiet else verification.status(arguments.results)


def _compare(arguments: argparse.Namespace) -> int:
    from harness import compare

    compare.compare(arguments.results, arguments.other)
    if not arguments.quiet:
        compare.say(arguments.results)
    return 0


def _crate(arguments: argparse.Namespace) -> int:
    from harness import crate

    configuration = json.loads(arguments.configuration) if arguments.configuration else None
    crate.write(arguments.results, configuration)
    return 0
