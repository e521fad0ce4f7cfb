"""The command line: single runs, and the steps that the pipeline is made of."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from cells import CELLS
from harness import limits, quiet
from harness.commands import plugin_commands, train
from harness.errors import UserError, one_of, status_of
from harness.pipeline import again, folder
from harness.pipeline.progress import summary
from harness.plan.settings import DEVICES
from harness.registry import framework, known_frameworks, unknown
from implementations import Framework

ANALYSIS = (
    "tables", "evidence", "published", "insides", "timing", "reference", "verify", "compare",
    "crate",
)  # fmt: skip


def main(words: list[str]) -> NoReturn:
    """Run the command line; a :class:`UserError` ends it with one sentence and status 2."""
    # What the tables are made and judged by has a command line of its own.
    if words and words[0] in ANALYSIS:
        os.execv(sys.executable, [sys.executable, "-m", "analysis", *words])
    code = status_of(lambda: _run(words))
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # A framework takes up to a second to tear itself down; everything is written by now.
    os._exit(code)


def _run(words: list[str]) -> int:
    arguments = _parser().parse_args(words)
    return int(arguments.do(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train.add_commands(commands, main)

    conform = commands.add_parser(
        "conform", help="compare an implementation with the NumPy reference, check by check"
    )
    conform.add_argument(
        "--framework", required=True, help=f"one of {', '.join(known_frameworks())}"
    )
    conform.add_argument(
        "--kernel", action="append", default=[], metavar="CELL=KERNEL", dest="kernels",
        help="check this kernel only; may be given more than once (default: all of them)",
    )  # fmt: skip
    train.add_device(conform)
    conform.add_argument("--output", type=Path, metavar="FILE", help="write the table here (CSV)")
    conform.add_argument("--cache", type=Path, metavar="FOLDER", help="keep compiled code here")
    conform.add_argument(
        "--results", type=Path, metavar="FOLDER", help="as a part of the pipeline of this folder"
    )
    conform.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    conform.add_argument("--code", type=int, help=argparse.SUPPRESS)
    conform.set_defaults(do=_conform)

    time_ = commands.add_parser("time", help="time the methods of one campaign")
    time_.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    time_.add_argument(
        "--plan", required=True, metavar="JSON", help="see harness/plan/campaigns.py"
    )
    time_.add_argument("--conformance", type=Path, metavar="FOLDER", help="what the gate found")
    time_.set_defaults(do=_time)

    plugin_commands.add_commands(commands)

    status = commands.add_parser("status", help="say what is there and which runs failed")
    status.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")
    status.set_defaults(do=lambda a: summary(a.results))
    return parser


def _conform(arguments: argparse.Namespace) -> int:
    from harness.conformance import against_reference

    for key, value, allowed in (
        ("framework", arguments.framework, known_frameworks()),
        ("device", arguments.device, list(DEVICES)),
    ):
        if value not in allowed:
            raise unknown(f"--{key}", key, value, allowed)
    its = framework(arguments.framework)
    chosen, in_pipeline = _kernels(its, arguments.kernels), bool(arguments.results)
    if arguments.code is not None:
        if train.told_to_stop(arguments.code):
            return int(arguments.code)
        reason = f"{limits.reason(arguments.code, 'gate_seconds')}; see the log"
        rows = against_reference.not_checked(its, chosen, reason, again.STOPPED)
    else:
        with (
            quiet.shared(arguments.results, partial(print, flush=True)),
            tempfile.TemporaryDirectory(prefix="gatebench-") as scratch,
        ):
            limits.watch("gate_seconds")
            kept = folder.cache(arguments.results, its.name) if in_pipeline else None
            cache = arguments.cache or kept or Path(scratch)
            its.pin(arguments.threads, cache, arguments.device)
            rows = against_reference.check(its, chosen, arguments.device)
    if arguments.output:
        against_reference.write(arguments.output, rows)
    failed = [row for row in rows if not row["passed"]]
    for row in failed if arguments.code is None else failed[:1]:
        print(against_reference.sentence(row))
    passed = len(rows) - len(failed)
    print(f"{its.name} against the reference: {passed} of {len(rows)} checks passed")
    return int(bool(failed) and arguments.output is None)


def _kernels(framework: Framework, words: list[str]) -> dict[str, list[str]]:
    """The kernels to check, by cell: those named as ``CELL=KERNEL``, or all."""
    chosen: dict[str, list[str]] = {cell: [] for cell in CELLS}
    for word in words:
        cell, equals, kernel = word.partition("=")
        if not equals or cell not in CELLS:
            raise UserError(f"--kernel: {word!r} is not CELL=KERNEL, with CELL {', '.join(CELLS)}.")
        if kernel not in (known := framework.kernels_of(cell)):
            raise one_of("--kernel", "kernel", kernel, known)
        chosen[cell].append(kernel)
    return chosen if words else {cell: framework.kernels_of(cell) for cell in CELLS}


def _time(arguments: argparse.Namespace) -> int:
    from harness.clock.campaign import run
    from harness.plan.campaigns import campaign_from

    campaign, say = campaign_from(json.loads(arguments.plan)), partial(print, flush=True)
    run(campaign, arguments.results, say, arguments.conformance)
    return 0
