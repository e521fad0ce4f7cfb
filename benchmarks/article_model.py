"""``make bench``: the article's model, by plain Keras ``model.fit`` and by the harness.

Two stacked layers of 50, window (10, 1), one linear output, Adam, batch 32, one
thread on one core. Each replicate starts a fresh process for every method, warms it
up, and asks the methods in shuffled rounds for a block of training steps; only one
works at a time. Ratios are paired by round, with the clock's interval over replicates
(``analysis.statistics.two_level_interval``). The clock itself times kernels; this one
compares with a loop that is not the harness's.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.statistics import two_level_interval
from harness import registry
from harness.clock.block import pin
from harness.clock.processes import cores_here

CELLS = ("lstm", "gru")
FRAMEWORKS = ("tensorflow", "jax", "pytorch")
FIT = "keras model.fit"
BLOCK = 100  # training steps
# What the ratio to model.fit is expected to be at least.
EXPECTED = {
    ("tensorflow", "lstm"): 5, ("tensorflow", "gru"): 5, ("jax", "lstm"): 5, ("jax", "gru"): 5,
    ("pytorch", "lstm"): 4, ("pytorch", "gru"): 2,
}  # fmt: skip


def main() -> None:
    """Run the campaign, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=6, help="fresh processes a method")
    parser.add_argument("--rounds", type=int, default=7, help="rounds a process")
    parser.add_argument("--worker", nargs=2, metavar=("METHOD", "CELL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(*arguments.worker)
    else:
        campaign(arguments.processes, arguments.rounds)


def campaign(processes: int, rounds: int) -> None:
    """Time every method and print a row for each."""
    methods = [(method, cell) for cell in CELLS for method in (FIT, *FRAMEWORKS)]
    order = random.Random(0)
    replicates: list[dict[tuple[str, str], list[float]]] = []
    for replicate in range(processes):
        print(f"replicate {replicate + 1} of {processes}", file=sys.stderr)
        workers = {key: start(*key) for key in methods}
        times: dict[tuple[str, str], list[float]] = {key: [] for key in methods}
        for key in methods:  # built and warm
            ask(workers[key])
        for _ in range(rounds):
            for key in order.sample(methods, len(methods)):
                times[key].append(ask(workers[key]))
        for worker in workers.values():
            worker.communicate()
        replicates.append(times)
    print(f"{'cell':5}{'method':17}{'ms per step':>12}   {FIT} / method, 95 % interval, expected")
    for method, cell in methods:
        milliseconds = statistics.median(t for r in replicates for t in r[method, cell])
        line = f"{cell:5}{method:17}{milliseconds:12.3f}"
        if method != FIT:
            logs = [np.log(np.divide(r[FIT, cell], r[method, cell])) for r in replicates]
            ratio, low, high = np.exp(two_level_interval(logs))
            line += f"   {ratio:.2f} [{low:.2f}, {high:.2f}], at least {EXPECTED[method, cell]}"
        print(line)


def start(method: str, cell: str) -> subprocess.Popen[str]:
    """A fresh worker process."""
    command = [sys.executable, "-m", "benchmarks.article_model", "--worker", method, cell]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ask(worker: subprocess.Popen[str]) -> float:
    """Milliseconds per training step of one block."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        sys.exit(f"{' '.join(map(str, worker.args[-2:]))}: the worker died; run it by hand to see.")  # type: ignore[index]
    return float(json.loads(answer))


def work(method: str, cell: str) -> None:
    """Answer every line on standard input with the time of one block."""
    pin([cores_here()[-1]])
    block = keras_fit(cell) if method == FIT else harness_train(method, cell)
    block()
    for _ in sys.stdin:
        begin = time.perf_counter()
        block()
        print(json.dumps(1000 * (time.perf_counter() - begin) / BLOCK), flush=True)


def keras_fit(cell: str) -> Callable[[], object]:
    """The article's way: a Sequential model and ``fit`` with Keras's defaults."""
    registry.framework("tensorflow").pin(1, Path(tempfile.mkdtemp()), "cpu")
    os.environ.pop("TF_XLA_FLAGS")
    import keras

    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]
    model = keras.Sequential(
        [
            keras.Input((10, 1)),
            layer(50, return_sequences=True),
            layer(50),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    inputs, targets = data()
    flat = inputs.reshape(-1, 10, 1), targets.reshape(-1, 1)
    return lambda: model.fit(*flat, batch_size=32, epochs=1, verbose=0)


def harness_train(name: str, cell: str) -> Callable[[], object]:
    """The harness's way: one call for the whole block."""
    from harness.plan.run import Run
    from harness.plan.settings import resolve
    from harness.run import learners

    framework = registry.framework(name)
    framework.pin(1, Path(tempfile.mkdtemp()), "cpu")
    run = Run("sine", name, cell, "matched", 0)
    learner = learners.learner(run, resolve("sine", {}, "benchmark"), framework)
    block = data()
    return lambda: learner.train(block, 0)


def data() -> tuple[np.ndarray, ...]:
    """One block of the sine task's batches."""
    from harness.plan.settings import resolve
    from harness.run import streams

    settings = resolve("sine", {}, "benchmark")
    return streams.TrainingStream(settings.task, settings.budget, 0).chunk(0, BLOCK)


if __name__ == "__main__":
    main()
