"""``python -m benchmarks.digests > FILE``: does a change leave every method's numbers as they were?

One line for each task that needs no download, framework, kernel, cell and track, trained for a
few steps of a tiny model: the method, the digests of its losses and of its final weights, and its
score. Run it on the code before and after a change, on one machine, and ``diff`` the two files;
``--framework`` asks for one framework only. Each framework is in a process of its own, on one
thread. The studies differ from the matched track in settings alone; ``VARIANTS`` stands for them.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cells import CELLS
from harness import registry
from harness.plan import tracks
from harness.plan.run import Run
from harness.plan.settings import Settings, resolve
from harness.run import loop
from implementations import FACTORS, Framework

TINY = {
    "hidden": 8, "batch": 8, "steps": 4, "evaluate_every": 2,
    "validation_examples": 8, "test_examples": 16,
}  # fmt: skip
# Of one task: what no task's own budget has.
VARIED = "adding"
VARIANTS: dict[str, dict[str, Any]] = {
    "two layers": {"layers": 2},
    "chrono": {"initial_biases": "chrono"},
    "zero": {"initial_biases": "zero"},
    "clipped": {"clip": 1e-2},
    "unclipped": {"clip": 0},
    "rmsprop": {"optimiser": "rmsprop"},
    "sgd": {"optimiser": "sgd"},
}


def main() -> None:
    """Print the digests of all frameworks that are installed, or of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--framework", choices=registry.known_frameworks())
    if name := parser.parse_args().framework:
        for line in digests(registry.framework(name)):
            print(line, flush=True)
        return
    for name in registry.known_frameworks():
        command = [sys.executable, "-m", "benchmarks.digests", "--framework", name]
        subprocess.run(command, check=True)


def digests(framework: Framework) -> Iterator[str]:
    """A line for each of the framework's methods."""
    with tempfile.TemporaryDirectory(prefix="gatebench-") as scratch:
        for run, settings, variant in methods(framework):
            record, _ = loop.run(framework, run, settings, 1, Path(scratch), lambda *_: None)
            if record["status"] == "unavailable":
                print(f"{framework.name}: {record['reason']}", file=sys.stderr)
                return
            kernel = settings.kernel or "native"
            method = "/".join((run.task, framework.name, kernel, run.cell, run.track + variant))
            final = record["weights_sha256"]["final"]
            # A run that did not end well has a reason where others have a score.
            score = record["reason"] or record["score"]
            yield f"{method} {record['losses_sha256']} {final} {score}"


def methods(framework: Framework) -> Iterator[tuple[Run, Settings, str]]:
    """The runs, their settings with the kernel, and the variant, empty for a task's own budget."""
    for task in registry.task_names():
        if registry.load_task(task).missing:
            continue
        for cell in CELLS:
            kernels = framework.kernels_of(cell)
            for track in ("matched", "native", *FACTORS):
                run = Run(task, framework.name, cell, track, 0)
                if not tracks.why_not(run, framework):
                    for kernel in [""] if track == "native" else kernels:
                        yield run, replace(tiny(task), kernel=kernel), ""
            if task == VARIED:
                run = Run(task, framework.name, cell, "matched", 0)
                for name, changes in VARIANTS.items():
                    for kernel in kernels:
                        variant = "/" + name.replace(" ", "_")
                        yield run, replace(tiny(task, **changes), kernel=kernel), variant


def tiny(task: str, **changes: Any) -> Settings:
    """The task's settings with the smallest budget."""
    pool = {"train_examples": 64} if registry.load_task(task).budget.train_examples else {}
    return resolve(task, {"layers": 1} | TINY | pool | changes, "digests")


if __name__ == "__main__":
    main()
