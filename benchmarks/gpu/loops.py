"""What it brings to take several time steps in one turn of JAX's loop over time.

``implementations/jax/manual.py`` takes ``TOGETHER`` of them in the kernel ``unrolled``; here some
numbers of them, each in a process of its own: microseconds of a training step, seconds to compile.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.gpu import parts

TOGETHER = (1, 5, 25, 100)
NUMBER = "GATEBENCH_TOGETHER"


def main(arguments: argparse.Namespace) -> None:
    """Time each number and write ``loops.json``."""
    if "jax" not in parts.there(arguments.frameworks):
        return
    if together := os.environ.get(NUMBER):
        _one(arguments, int(together))
        return
    end = time.monotonic() + arguments.seconds - 3
    for number in TOGETHER[:2] if arguments.dry else TOGETHER:
        words = [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:]]
        try:
            subprocess.run(
                words, env=os.environ | {NUMBER: str(number)}, check=False,
                timeout=max(1, end - time.monotonic()),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            print(f"  loops: no time for {number} steps together.", flush=True)
            return


def _one(arguments: argparse.Namespace, together: int) -> None:
    import tempfile

    from harness.clock.block import timed
    from harness.clock.worker import batches, chunk_steps, initial_weights
    from harness.plan.campaigns import Shape
    from harness.registry import framework
    from implementations.jax import manual

    manual.TOGETHER = together
    its, device = framework("jax"), arguments.device
    its.pin(2, Path(tempfile.mkdtemp()), device)
    its.prepare(device, arguments.precision)
    shape = Shape("reference", 2, 5, 2, 4, 1) if arguments.dry else Shape("r", 64, 100, 2, 128, 1)
    spec, count = shape.spec("lstm"), chunk_steps(shape, "lstm", device)
    model = its.build(spec, initial_weights(spec, True), "unrolled", device)
    call = partial(model.train, model.place(*batches(shape, count)))
    first = timed(call)["wall_s"]
    timed(call, 3)
    sample = timed(call, 1 if arguments.dry else 10, count)
    row = {
        "together": together, "first_s": round(first, 3),
        "step_us": round(1e6 * sample["wall_s"] / sample["steps"], 2),
    }  # fmt: skip
    print(f"  loops: {row}", flush=True)
    path = arguments.output / "loops.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    path.write_text(json.dumps([*rows, row], indent=1) + "\n", encoding="utf-8")
