"""Many seeds in one batch of models beside one seed alone, in JAX: microseconds a training step.

At the models and batches of three default tasks, LSTM. Each size is a process of its own, since
compiling takes up to a minute; the card is measured by one of them at a time.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.gpu import parts
from harness import quiet

TASKS = ("adding", "copying", "sine")
SEEDS = (1, 10, 32)
CHUNK = 50  # steps in one call, as a run has them between two evaluations
SECONDS = 1.5  # of calls
ONE = "GATEBENCH_SEEDS"  # a task and a number of seeds, for a process of its own


def main(arguments: argparse.Namespace) -> None:
    """Time each size and write ``seeds.json``."""
    if "jax" not in parts.there(arguments.frameworks):
        return
    if size := os.environ.get(ONE):
        _one(arguments, *size.split())
        return
    sizes = [f"{task} {seeds}" for task in TASKS for seeds in SEEDS]
    words = [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:]]
    jobs = {size.replace(" ", "-"): words for size in (sizes[:2] if arguments.dry else sizes)}
    surroundings = {size.replace(" ", "-"): {ONE: size} for size in sizes}
    folder = arguments.output / "seeds"
    folder.mkdir(parents=True, exist_ok=True)
    parts.side_by_side(
        jobs, len(jobs), arguments.seconds - 3, arguments.output / "logs", surroundings
    )
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    alone = {row["task"]: row["step_us"] for row in rows if row["seeds"] == 1}
    for row in rows:
        if one := alone.get(row["task"]):
            row["times_one"] = round(row["seeds"] * one / row["step_us"], 2)
        print(f"  {row}", flush=True)
    text = json.dumps(rows, indent=1) + "\n"
    (arguments.output / "seeds.json").write_text(text, encoding="utf-8")


def _one(arguments: argparse.Namespace, task: str, seeds: str) -> None:
    call = _call(arguments, task, int(seeds))
    begin = time.perf_counter()
    call()
    first = time.perf_counter() - begin
    call()
    with quiet.alone(arguments.output, partial(print, flush=True)):
        call()
        begin, calls = time.perf_counter(), 0
        while time.perf_counter() - begin < (0.01 if arguments.dry else SECONDS):
            call()
            calls += 1
        seconds = (time.perf_counter() - begin) / calls / CHUNK
    row = {
        "task": task, "seeds": int(seeds), "step_us": round(1e6 * seconds, 1),
        "first_s": round(first, 1),
    }  # fmt: skip
    path = arguments.output / "seeds" / f"{task}-{seeds}.json"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")


def _call(arguments: argparse.Namespace, task: str, seeds: int) -> Callable[[], Any]:
    """A chunk of training steps of so many seeds."""
    from harness.plan.settings import resolve
    from harness.plan.tracks import model_spec
    from harness.registry import framework
    from harness.run import initialisation, streams
    from implementations.rule import Optimiser, updates

    its, device = framework("jax"), arguments.device
    its.pin(2, Path(tempfile.mkdtemp()), device)
    its.prepare(device, arguments.precision)
    settings = resolve(task, {}, task, "lstm")
    budget, constants = settings.budget, updates(Optimiser("adam", 1e-3, clip=1.0), 1, CHUNK)
    spec = model_spec("lstm", settings)
    kernel = its.choice(spec, budget.batch, settings.task.sequence_length, device)
    models, placed = [], []
    for seed in range(seeds):
        weights = initialisation.initial_weights(
            settings.task, "lstm", budget.layers, budget.hidden, seed
        )
        model = its.build(spec, weights, kernel, device)
        inputs, targets, *counts = streams.TrainingStream(settings.task, budget, seed).chunk(
            0, CHUNK
        )
        models.append(model)
        placed.append(model.place(inputs, targets, constants, *counts))
    if seeds == 1:
        return partial(models[0].train, placed[0])
    return partial(its.together(models).train, placed)
