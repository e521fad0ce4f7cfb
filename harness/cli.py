"""The command line: single runs, and the steps that the pipeline is made of."""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from harness import extend, folders, limits, preload, records, studies, tracks, training
from harness.errors import UserError, one_of
from harness.files import write_text
from harness.plugins import (
    kernels_of,
    known_frameworks,
    load_model_module,
    load_native_module,
    task_names,
)
from harness.progress import finished_line, read_plan, summary
from harness.records import Run
from harness.settings import Settings, pairs, require, resolve
from implementations import CELLS


def main(words: list[str]) -> NoReturn:
    """Run the command line; a :class:`UserError` ends it with one sentence and status 2."""
    arguments = _parser().parse_args(words)
    try:
        code = arguments.do(arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    sys.stdout.flush()
    sys.stderr.flush()
    # A framework takes up to a second to tear itself down; everything is written by now.
    os._exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser(
        "train",
        help="carry out one run",
        description="Carry out one run and print its progress and its score.",
        epilog="Example: python -m harness train --task adding --framework jax --cell gru "
        "--seed 0 --set steps=500",
    )
    _add_train_options(train)
    train.set_defaults(do=_train)

    crashed = commands.add_parser("crashed", help="record a run whose process died")
    _add_identity(crashed)
    crashed.add_argument("--record", type=Path, required=True, metavar="FILE")
    crashed.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    crashed.add_argument("--code", type=int, required=True, help="the process's exit status")
    crashed.set_defaults(do=_crashed)

    preloader = commands.add_parser("preload", help="import a framework and wait for runs of it")
    preloader.add_argument("--framework", required=True)
    preloader.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    preloader.add_argument("--cache", type=Path, required=True, metavar="FOLDER")
    preloader.add_argument("--threads", type=int, default=1)
    preloader.set_defaults(do=_preload)

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


def _add_train_options(parser: argparse.ArgumentParser) -> None:
    _add_identity(parser)
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="write the run's record here (JSON)"
    )
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="keep compiled code in this folder"
    )
    parser.add_argument(
        "--results", type=Path, metavar="FOLDER",
        help="as a part of the pipeline that fills this folder: print one line at the end",
    )  # fmt: skip


def _add_identity(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--task", required=True, help=f"one of {', '.join(task_names())}")
    add("--framework", required=True, help=f"one of {', '.join(known_frameworks())}")
    add("--cell", required=True, help=f"one of {', '.join(CELLS)}")
    add("--track", default="matched", help=f"one of {', '.join(tracks.TRACKS)} (default: matched)")
    add("--seed", type=int, default=0, help="names data and initial weights (default: 0)")
    add("--threads", type=int, default=1, help="CPU threads of the framework (default: 1)")
    add("--kernel", default="", help="how layers are computed (default: the fastest known)")
    add(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change a value of the task's budget or parameters, such as steps=500",
    )  # fmt: skip


def _identity(arguments: argparse.Namespace) -> tuple[Run, Settings]:
    run = Run(arguments.task, arguments.framework, arguments.cell, arguments.track, arguments.seed)
    for key, value, allowed in (
        ("task", run.task, task_names()),
        ("framework", run.framework, known_frameworks()),
        ("cell", run.cell, list(CELLS)),
        ("track", run.track, list(tracks.TRACKS)),
    ):
        if value not in allowed:
            raise one_of(f"--{key}", key, value, allowed)
    for key, number, least in (("seed", run.seed, 0), ("threads", arguments.threads, 1)):
        if number < least:
            raise UserError(f"--{key}: must be at least {least}, not {number}.")
    overrides = studies.overrides(run) | pairs(arguments.overrides)
    if not tracks.is_run(run):
        if run.track in studies.STUDIES:
            raise UserError(
                f"--track: the study {run.track} has no run of {run.task} with the {run.cell}; "
                "see harness/studies.py."
            )
        raise UserError(
            f"--track: {run.framework}'s default for {run.track} is that of the matched track "
            f"in the {run.cell}; use matched."
        )
    known = kernels_of(run.framework, run.cell)
    if arguments.kernel and arguments.kernel not in known:
        raise one_of("--kernel", "kernel", arguments.kernel, known)
    settings = resolve(run.task, overrides, "--set")
    require(settings.task, "--task")
    return run, replace(settings, kernel=arguments.kernel)


def _train(arguments: argparse.Namespace) -> int:
    run, settings = _identity(arguments)
    in_pipeline = arguments.results is not None
    limits.watch("seconds")
    bar = tqdm(
        total=settings.budget.steps, unit="step", desc=run.title, disable=in_pipeline, leave=True
    )

    def on_chunk(step: int, loss: float, score: float) -> None:
        if in_pipeline and preload.pipeline_is_gone():
            print("The pipeline that started this run is gone: stopping.", file=sys.stderr)
            os._exit(os.EX_TEMPFAIL)
        bar.set_postfix_str(f"loss {loss:.4g}, {settings.task.metric} {score:.4g}")
        bar.update(step - bar.n)
        if in_pipeline:
            print(f"step {step} loss {loss:.6g} score {score:.6g}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="gatebench-") as scratch:
        cache = arguments.cache or Path(scratch)
        record, progress = training.run(run, settings, arguments.threads, cache, on_chunk)
    bar.close()
    if arguments.record:
        if progress.weights is not None:
            records.write_arrays(
                arguments.record, progress.initial, progress.weights, progress.dynamics()
            )
        else:  # an earlier run's weights are not this one's
            arguments.record.with_suffix(".npz").unlink(missing_ok=True)
        records.write(arguments.record, record)
    if in_pipeline:
        print(finished_line(arguments.results, record), flush=True)
        return 0
    print(finished_line(None, record))
    return 0 if record["status"] == "ok" else 1


def _preload(arguments: argparse.Namespace) -> int:
    """Import what the runs of a framework need and serve them; see harness.preload."""
    start = time.perf_counter()
    framework = arguments.framework
    training.pin(framework, arguments.threads, arguments.cache)
    gc.disable()  # an import makes much and frees little: a fifth of its time
    try:
        load_model_module(framework)
        planned = read_plan(arguments.results)["runs"]
        if any("-matched-" not in name for name in planned):
            load_native_module(framework)
    except Exception:
        return 1  # each run will say itself what is wrong
    gc.enable()
    seconds = time.perf_counter() - start
    path = arguments.results / "benchmarks" / f"preload-{framework}.tsv"
    write_text(path, f"s\n{seconds}\n")
    preload.serve(framework)
    return 0


def _told_to_stop(code: int) -> bool:
    """Whether a process ended with ``code`` because it was stopped: that says nothing of it.

    130 and 143 are SIGINT and SIGTERM as a shell reports them. Of a pipeline that was killed
    the preloader stops the runs, however they then end.
    """
    return code in (130, 143, os.EX_TEMPFAIL) or preload.pipeline_is_gone()


def _crashed(arguments: argparse.Namespace) -> int:
    """Record a run whose process died without a word, unless it was told to stop."""
    if _told_to_stop(arguments.code):
        return int(arguments.code)
    run, settings = _identity(arguments)
    reason = f"{limits.reason(arguments.code, 'seconds')}; see the run's log"
    record = training.describe(
        run, settings, arguments.threads, training.Progress(), "failed", reason
    )
    records.write(arguments.record, record)
    print(finished_line(arguments.results, record), flush=True)
    return 0


def _conform(arguments: argparse.Namespace) -> int:
    from harness import conformance

    if arguments.framework not in known_frameworks():
        raise one_of("--framework", "framework", arguments.framework, known_frameworks())
    chosen = _kernels(arguments.framework, arguments.kernels)
    if arguments.code is not None:
        if _told_to_stop(arguments.code):
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
