"""The command line: single runs, and the steps that the pipeline is made of."""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from harness import extend, folders, limits, single, training
from harness.errors import UnwritableError, UserError, one_of
from harness.plugins import (
    kernels_of,
    known_frameworks,
    task_names,
)
from harness.progress import complain, summary
from implementations import CELLS


def main(words: list[str]) -> NoReturn:
    """Run the command line; a :class:`UserError` ends it with one sentence and status 2."""
    try:
        arguments = _parser().parse_args(words)
        code = arguments.do(arguments)
    except UserError as error:
        # Of a run that could not be recorded the second command of its job says so.
        complain(error, to_log_only=words[:1] == ["train"])
        # 74 where something could not be written, by which `crashed` knows it.
        code = os.EX_IOERR if isinstance(error, UnwritableError) else 2
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        complain(UnwritableError(error.filename or "the disk", error))
        code = os.EX_IOERR
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # A framework takes up to a second to tear itself down; everything is written by now.
    os._exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    single.add_commands(commands)

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
    conform.add_argument("--output", type=Path, metavar="FILE", help="write the table here (CSV)")
    conform.add_argument("--cache", type=Path, metavar="FOLDER", help="keep compiled code here")
    conform.add_argument(
        "--results", type=Path, metavar="FOLDER", help="as a part of the pipeline of this folder"
    )
    conform.add_argument("--code", type=int, help=argparse.SUPPRESS)
    conform.set_defaults(do=_conform)

    tables = commands.add_parser("tables", help="write the tables of a results folder")
    tables.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    tables.set_defaults(do=_tables)

    evidence = commands.add_parser(
        "evidence", help="judge the claims, compare the methods and advise, from the tables"
    )
    evidence.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    evidence.set_defaults(do=_evidence)

    published = commands.add_parser(
        "published", help="compare runs with the published values, from the tables"
    )
    published.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    published.set_defaults(do=_published)

    insides = commands.add_parser(
        "insides", help="look into the gates: gradients, saturation, memory, from saved weights"
    )
    insides.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    only = insides.add_mutually_exclusive_group()
    only.add_argument("--task", help="only this task's part, without the tables of all")
    only.add_argument("--join", action="store_true", help="only the tables, from the parts")
    insides.set_defaults(do=_insides)

    time_ = commands.add_parser("time", help="time the methods of one campaign")
    time_.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    time_.add_argument("--plan", required=True, metavar="JSON", help="see harness/shapes.py")
    time_.add_argument("--conformance", type=Path, metavar="FOLDER", help="what the gate found")
    time_.set_defaults(do=_time)

    timing = commands.add_parser("timing", help="write the clock's tables of a results folder")
    timing.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    timing.add_argument("campaigns", nargs="*", help="the campaigns to make tables of")
    timing.set_defaults(do=_timing)

    extend.add_commands(commands)
    folders.add_commands(commands)

    status = commands.add_parser("status", help="say what is there and which runs failed")
    status.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")
    status.set_defaults(do=lambda a: summary(a.results))
    return parser


def _conform(arguments: argparse.Namespace) -> int:
    from harness import conformance

    if arguments.framework not in known_frameworks():
        raise one_of("--framework", "framework", arguments.framework, known_frameworks())
    chosen = _kernels(arguments.framework, arguments.kernels)
    if arguments.code is not None:
        if single.told_to_stop(arguments.code):
            return int(arguments.code)
        reason = f"{limits.reason(arguments.code, 'gate_seconds')}; see the log"
        rows = conformance.not_checked(arguments.framework, chosen, reason)
    else:
        limits.watch("gate_seconds")
        with tempfile.TemporaryDirectory(prefix="gatebench-") as scratch:
            training.pin(arguments.framework, 1, arguments.cache or Path(scratch))
            rows = conformance.check(arguments.framework, chosen)
    if arguments.output:
        conformance.write(arguments.output, rows)
    failed = [row for row in rows if not row["passed"]]
    for row in failed:
        print(conformance.sentence(row))
    passed = len(rows) - len(failed)
    print(f"{arguments.framework} against the reference: {passed} of {len(rows)} checks passed")
    return int(bool(failed) and arguments.output is None)


def _kernels(framework: str, words: list[str]) -> dict[str, list[str]]:
    """The kernels to check, by cell: those named as ``CELL=KERNEL``, or all."""
    chosen: dict[str, list[str]] = {cell: [] for cell in CELLS}
    for word in words:
        cell, equals, kernel = word.partition("=")
        if not equals or cell not in CELLS:
            raise UserError(f"--kernel: {word!r} is not CELL=KERNEL, with CELL {', '.join(CELLS)}.")
        if kernel not in (known := kernels_of(framework, cell)):
            raise one_of("--kernel", "kernel", kernel, known)
        chosen[cell].append(kernel)
    return chosen if words else {cell: kernels_of(framework, cell) for cell in CELLS}


def _tables(arguments: argparse.Namespace) -> int:
    # pandas takes half a second to import, which a run need not wait for.
    from harness.tables import write_tables

    write_tables(arguments.results)
    return 0


def _evidence(arguments: argparse.Namespace) -> int:
    from harness import evidence

    evidence.write(arguments.results)
    return 0


def _published(arguments: argparse.Namespace) -> int:
    from harness import published

    published.write(arguments.results)
    return 0


def _insides(arguments: argparse.Namespace) -> int:
    from harness import insides

    results = arguments.results
    if arguments.task and arguments.task not in task_names():
        raise one_of("--task", "task", arguments.task, task_names())
    if not results.is_dir():
        raise UserError(f"{results}: is not there; run the pipeline first.")
    names = [arguments.task] if arguments.task else []
    if not arguments.task and not arguments.join:
        names = insides.tasks(insides.planned(results))
    for name in names:
        insides.write_part(results, name)
    if not arguments.task:
        insides.join(results)
    return 0


def _time(arguments: argparse.Namespace) -> int:
    from harness.campaign import run
    from harness.shapes import campaign_from

    campaign, say = campaign_from(json.loads(arguments.plan)), partial(print, flush=True)
    run(campaign, arguments.results, say, arguments.conformance)
    return 0


def _timing(arguments: argparse.Namespace) -> int:
    from harness.timing import write_tables

    write_tables(arguments.results, arguments.campaigns)
    return 0
