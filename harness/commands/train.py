"""The commands on one run: ``train``, and what the pipeline does when a run's process dies."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cells import CELLS
from harness import limits, quiet
from harness.errors import UnwritableError, UserError, one_of
from harness.files import check_room, write_text
from harness.pipeline import folder, import_server
from harness.pipeline.import_server import Main
from harness.pipeline.progress import finished_line
from harness.plan import studies, tracks
from harness.plan.asked import read_plan
from harness.plan.run import Run
from harness.plan.settings import DEVICES, Settings, pairs, require, resolve
from harness.registry import framework, known_frameworks, task_names, unknown
from harness.run import loop, records
from harness.run.records import Record
from implementations import Framework

# Bytes: no record without its weights is larger by much.
RECORD = 1 << 16


def add_commands(commands: Any, main: Main) -> None:
    """Add them to the command line's ``commands``; ``main`` carries out one of them."""
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
    preloader.add_argument("--cache", type=Path, metavar="FOLDER")
    preloader.add_argument("--threads", type=int, default=1)
    add_device(preloader)
    preloader.set_defaults(do=lambda arguments: _preload(arguments, main))


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
    add("--track", default="matched", help=f"one of {', '.join(tracks.names())} (default: matched)")
    add("--seed", type=int, default=0, help="names data and initial weights (default: 0)")
    add("--threads", type=int, default=1, help="CPU threads of the framework (default: 1)")
    add("--kernel", default="", help="how layers are computed (default: the fastest known)")
    add_device(parser)
    add(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change a value of the task's budget or parameters, such as steps=500",
    )  # fmt: skip


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--device``."""
    parser.add_argument("--device", default=DEVICES[0], help=f"one of {', '.join(DEVICES)}")


def _identity(arguments: argparse.Namespace) -> tuple[Framework, Run, Settings]:
    run = Run(arguments.task, arguments.framework, arguments.cell, arguments.track, arguments.seed)
    for key, value, allowed in (
        ("task", run.task, task_names()),
        ("framework", run.framework, known_frameworks()),
        ("cell", run.cell, list(CELLS)),
        ("track", run.track, tracks.names()),
        ("device", arguments.device, list(DEVICES)),
    ):
        if value not in allowed:
            raise unknown(f"--{key}", key, value, allowed)
    for key, number, least in (("seed", run.seed, 0), ("threads", arguments.threads, 1)):
        if number < least:
            raise UserError(f"--{key}: must be at least {least}, not {number}.")
    overrides = studies.overrides(run) | pairs(arguments.overrides)
    its = framework(run.framework)
    if reason := tracks.why_not(run, its):
        raise UserError(f"--{reason}")
    known = its.kernels_of(run.cell)
    if arguments.kernel and arguments.kernel not in known:
        raise one_of("--kernel", "kernel", arguments.kernel, known)
    settings = resolve(run.task, overrides, "--set")
    require(settings.task, "--task")
    return its, run, replace(settings, kernel=arguments.kernel, device=arguments.device)


def _train(arguments: argparse.Namespace) -> int:
    its, run, settings = _identity(arguments)
    with quiet.shared(arguments.results, partial(print, flush=True)):
        return _carry_out(arguments, its, run, settings)


def _carry_out(arguments: argparse.Namespace, its: Framework, run: Run, settings: Settings) -> int:
    in_pipeline = arguments.results is not None
    limits.watch("seconds")
    if arguments.record:  # or it would be found out when all is trained
        check_room(arguments.record, RECORD)
    bar = tqdm(
        total=settings.budget.steps, unit="step", desc=run.title, disable=in_pipeline, leave=True
    )

    def on_chunk(step: int, loss: float, score: float) -> None:
        if in_pipeline and limits.pipeline_is_gone():
            print("The pipeline that started this run is gone: stopping.", file=sys.stderr)
            os._exit(os.EX_TEMPFAIL)
        bar.set_postfix_str(f"loss {loss:.4g}, {settings.task.metric} {score:.4g}")
        bar.update(step - bar.n)
        if in_pipeline:
            with suppress(OSError):  # a full disk; what was trained is worth more than its log
                print(f"step {step} loss {loss:.6g} score {score:.6g}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="gatebench-") as scratch:
        kept = folder.cache(arguments.results, its.name) if in_pipeline else None
        cache = arguments.cache or kept or Path(scratch)
        record, progress = loop.run(its, run, settings, arguments.threads, cache, on_chunk)
    bar.close()
    if arguments.record:
        _keep(arguments.record, record, progress)
    if in_pipeline:
        print(finished_line(arguments.results, record), flush=True)
        return 0
    print(finished_line(None, record))
    return 0 if record["status"] == "ok" else 1


def _keep(path: Path, record: Record, progress: loop.Progress) -> None:
    """Write the record and, before it, the weights; a run whose weights are lost has failed."""
    try:
        weights = progress.weights
        if weights is not None:
            records.write_arrays(path, progress.initial, weights, progress.dynamics())
    except UnwritableError as error:
        weights = None
        record |= {"status": "failed", "reason": str(error).rstrip(".")}
    if weights is None:  # an earlier run's are not this one's
        records.write_arrays(path, {}, {}, {})
    records.write(path, record)


def _preload(arguments: argparse.Namespace, main: Main) -> int:
    """Import what the runs of a framework need and serve them."""
    start = time.perf_counter()
    its = framework(arguments.framework)
    cache = arguments.cache or folder.cache(arguments.results, its.name)
    its.pin(arguments.threads, cache, arguments.device)
    limits.watch("seconds")  # a framework may hang while it is imported
    gc.disable()  # an import makes much and frees little: a fifth of its time
    try:
        its.load()
        planned = read_plan(arguments.results)["runs"]
        if any("-matched-" not in name for name in planned):
            its.load("native")
    except Exception:
        return 1  # each run will say itself what is wrong
    gc.enable()
    limits.unwatch()
    seconds = time.perf_counter() - start
    path = arguments.results / "benchmarks" / f"preload-{its.name}.tsv"
    with suppress(UnwritableError):  # the runs say so if they cannot be kept either
        write_text(path, f"s\n{seconds}\n")
    import_server.serve(its.name, main)
    return 0


def told_to_stop(code: int) -> bool:
    """Whether a process ended with ``code`` because it was stopped: that says nothing of it.

    130 and 143 are SIGINT and SIGTERM as a shell reports them. Of a pipeline that was killed
    the preloader stops the runs, however they then end.
    """
    return code in (130, 143, os.EX_TEMPFAIL) or limits.pipeline_is_gone()


def _crashed(arguments: argparse.Namespace) -> int:
    """Record a run whose process died without a word, unless it was told to stop."""
    if told_to_stop(arguments.code):
        return int(arguments.code)
    its, run, settings = _identity(arguments)
    reason = f"{limits.reason(arguments.code, 'seconds')}; see the run's log"
    record = loop.describe(its, run, settings, arguments.threads, loop.Progress(), "failed", reason)
    _keep(arguments.record, record, loop.Progress())
    print(finished_line(arguments.results, record), flush=True)
    return 0
