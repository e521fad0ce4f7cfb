"""A training run of each framework on the adding problem, with its record and its weights."""

import argparse
from pathlib import Path

from benchmarks.gpu import parts
from harness.plan import asked
from harness.plan.run import Run
from harness.run import records

# Both tracks of PyTorch: its users' own loop beside ours.
RUNS = (
    ("pytorch", "lstm", "matched"),
    ("jax", "lstm", "matched"),
    ("pytorch", "lstm", "native"),
    ("jax", "gru", "matched"),
    ("pytorch", "gru", "matched"),
    ("equinox", "lstm", "matched"),
    ("tensorflow", "lstm", "matched"),
    ("tensorflow", "gru", "matched"),
)


def main(arguments: argparse.Namespace) -> None:
    """Train them two at a time: a GPU has room, and what counts is what they learn."""
    here, jobs = parts.there(arguments.frameworks), {}
    for name, cell, track in RUNS[:3] if arguments.dry else RUNS:
        if name not in here:
            continue
        run = Run("adding", name, cell, track, 0)
        jobs[run.name] = parts.command(
            "train", "--task", run.task, "--framework", name, "--cell", cell, "--track", track,
            "--seed", "0", "--device", arguments.device, "--precision", arguments.precision,
            "--record", str(run.path(arguments.output)),
            *(("--set", "steps=4", "--set", "evaluate_every=2") if arguments.dry else ()),
        )  # fmt: skip
    (arguments.output / "runs").mkdir(parents=True, exist_ok=True)
    parts.side_by_side(jobs, 2, arguments.seconds - 3, arguments.output / "logs")
    for name in jobs:
        path = arguments.output / "runs" / f"{name}.json"
        if not path.exists():
            print(f"  {name}: no record; see logs/{name}.log", flush=True)
            continue
        record = records.read(path)
        print(
            f"  {name}: {record['status']} {record['reason']} {record['metric']} "
            f"{record['score']}, {record['seconds']['training']:.2f} s of training by "
            f"{record['kernel']} on {record['device']}", flush=True,
        )  # fmt: skip


def write_plan(results: Path) -> None:
    """Say what there is in the folder, as a pipeline would have asked for it."""
    runs = tuple(
        records.identity(records.read(path)) for path in sorted((results / "runs").glob("*.json"))
    )
    campaigns = tuple(path.stem for path in sorted((results / "timing").glob("*.json")))
    asked.write_plan(results, runs, [], True, campaigns)
