"""The commands on whole results folders: ``reference``, ``verify``, ``compare``."""

from __future__ import annotations

import argparse
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
    for parser in (reference, verify, compare):
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
