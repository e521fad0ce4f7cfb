"""``together``: several seeds of a run in one batch of models, each with its own record."""

import argparse
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness import limits, quiet
from harness.commands import train
from harness.errors import UserError
from harness.files import check_room
from harness.pipeline import folder
from harness.pipeline.progress import count, finished_line
from harness.plan.run import Run
from harness.plan.tracks import kernel_of
from harness.run import together
from implementations import NATIVE


def command(arguments: argparse.Namespace) -> int:
    """Carry out the runs of some seeds in a results folder; status 0, as of a pipeline's run."""
    seeds = _seeds(arguments.seeds)
    its, first, settings = train.identity(argparse.Namespace(**vars(arguments), seed=seeds[0]))
    if first.track == NATIVE:
        raise UserError("--track: native models are trained alone; use python -m harness train.")
    kernel = kernel_of(its, first.cell, settings)
    if not its.kernels[kernel].batched:
        raise UserError(
            f"--framework: {its.name}'s kernel {kernel} cannot train several models in one batch; "
            "use python -m harness train for each seed."
        )
    runs = [replace(first, seed=seed) for seed in seeds]
    results: Path = arguments.results
    with quiet.shared(results, partial(print, flush=True)):
        limits.watch("seconds")
        check_room(runs[0].path(results), train.RECORD * len(runs))
        with tempfile.TemporaryDirectory(prefix="gatebench-") as scratch:
            cache = arguments.cache or folder.cache(results, its.name) or Path(scratch)
            found = together.run(its, runs, settings, arguments.threads, cache, _on_chunk)
        for run, (record, progress) in zip(runs, found, strict=True):
            train.keep(run.path(results), record, progress)
            count(results)
            train.say(finished_line(results, record))
    return 0


def _on_chunk(run: Run, step: int, loss: float, score: float) -> None:
    if limits.pipeline_is_gone():
        print("The pipeline that started these runs is gone: stopping.", file=sys.stderr)
        os._exit(os.EX_TEMPFAIL)
    with suppress(OSError):
        line = f"seed {run.seed}: step {step} loss {loss:.6g} score {score:.6g}"
        print(line, file=sys.stderr, flush=True)


def _seeds(text: str) -> list[int]:
    """The seeds of a list with commas, each once."""
    try:
        seeds = list(dict.fromkeys(int(word) for word in text.split(",")))
    except ValueError:
        seeds = []
    if len(seeds) < 2 or min(seeds) < 0:
        raise UserError(f"--seeds: must be at least two numbers such as 0,1,2, not {text!r}.")
    return seeds
