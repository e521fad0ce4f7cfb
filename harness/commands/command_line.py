"""The command line: single runs, and the steps that the pipeline is made of."""

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
from harness import environment, limits, quiet
from harness.commands import fetch, hand_over, plugins, together, train
from harness.commands.table import FILE, FOLDER, Commands, Options, parser
from harness.conformance import cell_trial
from harness.errors import UserError, status_of
from harness.pipeline import again, folder
from harness.pipeline.progress import summary
from harness.registry import check_names, framework
from implementations import DEVICES, PRECISIONS, Framework, lacking
from tasks._files import SOURCES

ANALYSIS = (
    "tables", "rates", "evidence", "published", "insides", "timing", "reference", "verify",
    "compare", "merge", "contribute", "site", "crate",
)  # fmt: skip


def main(words: list[str]) -> NoReturn:
    """Run the command line; a :class:`UserError` ends it with one sentence and status 2."""
    # What the tables are made and judged by has a command line of its own.
    if words and words[0] in ANALYSIS:
        os.execv(sys.executable, [sys.executable, "-m", "analysis", *words])
    code = status_of(lambda: run(words))
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    limits.unwatch()
    # A framework takes up to a second to tear itself down; everything is written by now.
    os._exit(code)


def run(words: list[str]) -> int:
    """Carry out a command inside this process; its status."""
    arguments = _parser().parse_args(words)
    return int(arguments.do(arguments) or 0)


def _parser() -> argparse.ArgumentParser:
    named = {key: {"help": f"one of {', '.join(names())}"} for key, names in train.NAMED.items()}
    pairs = {"action": "append", "default": [], "metavar": "KEY=VALUE", "flag": "--set"}
    several = {"action": "append", "default": [], "help": "may be repeated (default: all)"}
    options: Options = {
        **named,
        "track": {"default": "matched", **named["track"]},
        "seed": {"type": int, "default": 0, "help": "the seed of the data and the initial weights"},
        "seeds": {"metavar": "N,N", "help": "several seeds, as in 0,1,2"},
        "threads": {"type": int, "default": 1, "help": "CPU threads of the framework"},
        "kernel": {"default": "", "help": "how layers are computed (default: the fastest known)"},
        "device": {"default": DEVICES[0], **named["device"]},
        "precision": {"default": PRECISIONS[0], **named["precision"]},
        "environment": {"help": "the file that describes the environment to run in", **FILE},
        "overrides": {"help": "a value of the task, such as steps=500", **pairs},
        "kernels": pairs
        | {"flag": "--kernel", "metavar": "CELL=KERNEL", "help": "only this; may be repeated"},
        "cells": several | {"flag": "--cell"},
        "tasks": several | {"flag": "--task"},
        "record": {"help": "write the run's record here (JSON)", **FILE},
        "output": {"help": "what to write: a file, of hand-over a folder", **FILE},
        "cache": {"help": "keep compiled code here", **FOLDER},
        "results": {"help": "work for the pipeline of this results folder", **FOLDER},
        "folder": {
            "flag": "--results",
            "default": Path("results"),
            "help": "the results folder (default: results)",
            **FOLDER,
        },
        "conformance": {"help": "where the tables of the conformance checks are", **FOLDER},
        "code": {"type": int, "help": "the exit status of the process that died"},
        "reason": {"help": "why a cluster ended the job"},
        "shell": {"type": int, "help": "the id of the process that started the run"},
        "together": {"action": "store_true", "help": "check each model in a batch with others too"},
        "plan": {"metavar": "JSON", "help": "what to do, as the pipeline writes it"},
        "dataset": {"flag": "dataset", "metavar": "NAME", "help": "one of " + ", ".join(SOURCES)},
        "given": {
            "flag": "--from",
            "type": Path,
            "metavar": "PATH",
            "help": "the file that you have already, or its folder",
        },
        "kind": {"flag": "kind", "choices": plugins.KINDS},
        "name": {"flag": "name", "metavar": "NAME", "help": "small letters, digits and _"},
    }
    of_a_run = (
        "task framework cell track seed threads kernel device precision overrides environment?"
    )
    commands: Commands = {
        "train": (train.train, f"{of_a_run} record? cache? results?", "carry out one run"),
        "together": (
            together.command, f"{of_a_run.replace('seed', 'seeds')} cache? results",
            "carry out the runs of several seeds in one batch of models",
        ),
        "crashed": (
            train.crashed, f"{of_a_run} record results code? shell? reason?",
            "record a run whose process died",
        ),
        "preload": (
            partial(train.preload, main), "framework results cache? threads device environment?",
            "import a framework and wait for runs of it",
        ),
        "conform": (
            _conform,
            "framework kernels threads device precision together? environment? output? cache?"
            " results? code? reason?",
            "compare an implementation with the reference model, check by check",
        ),
        "environment": (_environment, "plan output", "make an environment and describe it"),
        "time": (_time, "results plan conformance?", "time the methods of one campaign"),
        "plan": (_plan, "results plan", "note in a folder what a configuration asks for"),
        "new": (plugins.new, "kind name", "write a working cell, task or implementation"),
        "check": (
            plugins.check, "kind name overrides",
            "say what is wrong with a cell, a task or an implementation",
        ),
        "fetch": (fetch.fetch, "dataset given?", "get the data files of a task"),
        "hand-over": (
            hand_over.hand_over, "output cells tasks",
            "write what runs, checks and timings in another environment cannot make there",
        ),
        "status": (
            lambda arguments: summary(arguments.folder), "folder",
            "say what is there, what is missing and which runs failed",
        ),
    }  # fmt: skip
    return parser("harness", __doc__, options, commands)


def _conform(arguments: argparse.Namespace) -> int:
    from harness.conformance import against_reference, kept

    train.check_named(arguments, "framework", "device", "precision")
    its = framework(arguments.framework)
    chosen, in_pipeline = _kernels(its, arguments), bool(arguments.results)
    device = arguments.device, arguments.precision, arguments.together
    gate = kept.gate(its, chosen, arguments.threads, *device)
    reason = arguments.reason
    if reason is None and arguments.code is not None:
        if train.told_to_stop(arguments.code):
            return int(arguments.code)
        reason = f"{limits.reason(arguments.code, 'gate_seconds')}; see the log"
    reason = reason or environment.problem(str(arguments.environment or "")) or None
    if reason is not None:
        rows = against_reference.not_checked(its, chosen, reason, again.STOPPED)
    elif (before := gate.read()) is not None:
        rows = before
        since = f"checked on {rows[0]['kept']}, and nothing that it depends on has changed since"
        print(f"{since}: {gate.path}")
    else:
        with (
            quiet.shared(arguments.results, partial(print, flush=True)),
            tempfile.TemporaryDirectory(prefix="gatebench-") as scratch,
        ):
            limits.watch("gate_seconds")
            compiled = folder.cache(arguments.results, its.name) if in_pipeline else None
            cache = arguments.cache or compiled or Path(scratch)
            its.pin(arguments.threads, cache, arguments.device)
            rows = against_reference.check(its, chosen, *device)
        gate.write(rows)
    if arguments.output:
        against_reference.write(arguments.output, rows)
    failed = [row for row in rows if not row["passed"]]
    made = [row for row in rows if row["check"] != lacking.CHECK]
    sentences = map(against_reference.sentence, failed if reason is None else failed[:1])
    for sentence in dict.fromkeys(sentences):  # one for each kernel that is not to be had here
        print(sentence)
    passed = sum(row["passed"] for row in made)
    print(f"{its.name} against the reference: {passed} of {len(made)} checks passed")
    return int(bool(failed) and arguments.output is None)


def _kernels(framework: Framework, arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The kernels to check, by cell: those named as ``CELL=KERNEL``, or all on the device."""
    words, device = arguments.kernels, arguments.device
    chosen: dict[str, list[str]] = {cell: [] for cell in CELLS}
    for word in words:
        cell, equals, kernel = word.partition("=")
        if not equals or cell not in CELLS:
            known = ", ".join(CELLS)
            raise UserError(f"--kernel: {word!r} is not CELL=KERNEL; CELL is one of {known}.")
        check_names("--kernel", "kernel", [kernel], framework.kernels_of(cell, device))
        chosen[cell].append(kernel)
    cell_trial.require(cell for cell, kernels in chosen.items() if kernels)
    return chosen if words else {cell: framework.kernels_of(cell, device) for cell in CELLS}


def _plan(arguments: argparse.Namespace) -> None:
    from harness.pipeline import stored

    stored.write_plan(arguments.results, json.loads(arguments.plan))


def _environment(arguments: argparse.Namespace) -> None:
    from harness.pipeline import environments
    from harness.plan.environments import environment_from

    found = environments.make(environment_from(arguments.plan), arguments.output)
    if found.error:
        print(f"{found.error}.", flush=True)


def _time(arguments: argparse.Namespace) -> int:
    from harness.clock import campaign as clock
    from harness.plan.campaigns import campaign_from

    campaign, say = campaign_from(json.loads(arguments.plan)), partial(print, flush=True)
    clock.run(campaign, arguments.results, say, arguments.conformance)
    return 0
