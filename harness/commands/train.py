"""The commands on one run: ``train``, and what the pipeline does when a run's process dies."""

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cells import CELLS
from harness import limits, machine, quiet
from harness.conformance import cell_trial
from harness.errors import UnwritableError, UserError
from harness.files import check_room, write_text
from harness.pipeline import folder, preloader
from harness.pipeline.preloader import Main
from harness.pipeline.progress import count, finished_line
from harness.plan import tracks
from harness.plan.asked import read_plan
from harness.plan.run import Run
from harness.plan.settings import Settings, pairs, rates, require, resolve
from harness.registry import (
    check_names,
    framework,
    implementation,
    known_frameworks,
    task_names,
)
from harness.run import loop, records
from harness.run.records import Record
from implementations import DEVICES, PRECISIONS, Framework

# Bytes: no record without its weights is larger by much.
RECORD = 1 << 16
# What an option may name.
NAMED: dict[str, Callable[[], list[str]]] = {
    "task": task_names,
    "framework": known_frameworks,
    "cell": lambda: list(CELLS),
    "track": tracks.names,
    "device": lambda: list(DEVICES),
    "precision": lambda: list(PRECISIONS),
}


def check_named(arguments: argparse.Namespace, *options: str) -> None:
    """Raise :class:`UserError` where one of these options names what there is not."""
    for name in options:
        asked = getattr(arguments, name)
        # A framework may go by a label of its own.
        said = implementation(asked) if name == "framework" else asked
        check_names(f"--{name}", name, [said if said in NAMED[name]() else asked], NAMED[name]())


def identity(arguments: argparse.Namespace) -> tuple[Framework, Run, Settings]:
    """Which run is asked for and with what settings, as :meth:`.Settings.arguments` says it."""
    run = Run(arguments.task, arguments.framework, arguments.cell, arguments.track, arguments.seed)
    check_named(arguments, *NAMED)
    for key, number, least in (("seed", run.seed, 0), ("threads", arguments.threads, 1)):
        if number < least:
            raise UserError(f"--{key}: must be at least {least}, not {number}.")
    overrides = tracks.overrides(run) | pairs(arguments.overrides)
    its = framework(run.framework)
    cell_trial.require([run.cell])
    if reason := tracks.why_not(run, its):
        raise UserError(f"--{reason}")
    kernels = [arguments.kernel] if arguments.kernel else []
    check_names("--kernel", "kernel", kernels, its.kernels_of(run.cell, arguments.device))
    settings = resolve(run.task, overrides, "--set", run.cell)
    require(settings.task, "--task")
    return (
        its,
        run,
        replace(
            settings,
            kernel=arguments.kernel,
            device=arguments.device,
            precision=arguments.precision,
            environment=str(arguments.environment or ""),
        ),
    )


def say(line: str) -> None:
    """Print a line in one piece: jobs beside each other share the output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def train(arguments: argparse.Namespace) -> int:
    """Carry out one run; status 1 where it did not end well, but for a pipeline's."""
    its, run, settings = identity(arguments)
    with quiet.shared(arguments.results, partial(print, flush=True)):
        return _carry_out(arguments, its, run, settings)


def _carry_out(arguments: argparse.Namespace, its: Framework, run: Run, settings: Settings) -> int:
    in_pipeline = arguments.results is not None
    limits.watch("seconds", _note(arguments.record) if arguments.record else None)
    if arguments.record:  # or it would be found out when all is trained
        check_room(arguments.record, RECORD)
    bar = None if in_pipeline else _bar(run.title, settings.budget.steps)

    def on_chunk(step: int, loss: float, score: float) -> None:
        if in_pipeline and limits.pipeline_is_gone():
            print("The pipeline that started this run is gone: stopping.", file=sys.stderr)
            os._exit(os.EX_TEMPFAIL)
        if bar is not None:
            bar.set_postfix_str(f"loss {loss:.4g}, {settings.task.metric} {score:.4g}")
            bar.update(step - bar.n)
        if in_pipeline:
            with suppress(OSError):  # a full disk; what was trained is worth more than its log
                print(f"step {step} loss {loss:.6g} score {score:.6g}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="gatebench-") as scratch:
        kept = folder.cache(arguments.results, its.name) if in_pipeline else None
        cache = arguments.cache or kept or Path(scratch)
        record, progress = loop.run(its, run, settings, arguments.threads, cache, on_chunk)
    if bar is not None:
        bar.close()
    if arguments.record:
        keep(arguments.record, record, progress)
    count(arguments.results)
    say(finished_line(arguments.results, record))
    return 0 if in_pipeline or record["status"] == "ok" else 1


def _bar(title: str, steps: int) -> Any:
    """One run's progress; None in an environment that has a framework and NumPy alone."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=steps, unit="step", desc=title)


def keep(path: Path, record: Record, progress: loop.Progress) -> None:
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


def preload(main: Main, arguments: argparse.Namespace) -> int:
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
        mine = (name for name in planned if f"-{its.name}-" in name)
        if any("-matched-" not in name for name in mine):
            with suppress(ImportError):  # its own environment may lack what native runs alone need
                its.load("native")
        _warm_up()
    except Exception:
        return 1  # each run will say itself what is wrong
    gc.enable()
    limits.unwatch()
    seconds = time.perf_counter() - start
    path = arguments.results / "benchmarks" / f"preload-{its.name}.tsv"
    with suppress(UnwritableError):  # the runs say so if they cannot be kept either
        write_text(path, f"s\n{seconds}\n")
    preloader.serve(its.name, main)
    return 0


def _warm_up() -> None:
    """Read and compile once what each run would: half of what one costs beside its training.

    The commit, too: the code that runs is what this process has imported.
    """
    rates()
    tracks.names()
    records.prepare()
    machine.description()
    machine.gatebench()
    machine.git_commit()


def told_to_stop(code: int) -> bool:
    """Whether a process ended with ``code`` because it was stopped: that says nothing of it.

    130 and 143 are SIGINT and SIGTERM as a shell reports them. Of a pipeline that was killed
    the preloader stops the runs, however they then end.
    """
    return code in (130, 143, os.EX_TEMPFAIL) or limits.pipeline_is_gone()


def _note(record: Path) -> Path:
    """Where the memory of a run that is stopped is noted; a file that is tidied away if left."""
    return record.with_name(f".{record.stem}.peak.tmp")


def crashed(arguments: argparse.Namespace) -> int:
    """Record a run whose process died without a word, unless it was told to stop.

    One whose job a cluster ended is recorded from outside, with the reason that is known there.
    """
    reason = arguments.reason
    if reason is None:
        if told_to_stop(arguments.code):
            return int(arguments.code)
        reason = f"{limits.reason(arguments.code, 'seconds')}; see the run's log"
    its, run, settings = identity(arguments)
    record = loop.describe(its, run, settings, arguments.threads, loop.Progress(), "failed", reason)
    # What the run took, not what this process did; its memory is known where it was stopped.
    seconds = 0.0 if arguments.reason else machine.process_age(arguments.shell)
    record["seconds"]["total"] = round(seconds, 4)
    note = _note(arguments.record)
    record["peak_rss_mb"] = float(note.read_text(encoding="utf-8")) if note.exists() else None
    note.unlink(missing_ok=True)
    keep(arguments.record, record, loop.Progress())
    count(arguments.results)
    say(finished_line(arguments.results, record))
    return 0
