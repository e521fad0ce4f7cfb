"""What the runs of each study cost, said before they begin, from the last records of such runs.

A run costs what runs of its task, framework, cell and track cost a floating-point operation, or
the runs that are most like it: of the same task, framework and cell, and so on.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from harness import layout
from harness.errors import UserError
from harness.plan.campaigns import Shape
from harness.plan.run import Run
from harness.plan.settings import Settings
from harness.registry import ROOT

REFERENCE = ROOT / "results" / "reference"
# What runs have in common that are less and less like the one that is asked for.
ALIKE: tuple[tuple[str, ...], ...] = (
    ("task", "framework", "cell", "track"), ("task", "framework", "cell"), ("framework", "cell"),
    ("cell",),
)  # fmt: skip


def gflop(cell: str, settings: Settings) -> float:
    """The floating-point operations, in 10^9, of the matrix products of a run's training."""
    task, budget = settings.task, settings.budget
    shape = Shape(
        task.name, budget.batch, task.sequence_length, task.input_size, budget.hidden, budget.layers
    )
    return shape.step_flop(cell) * budget.steps / 1e9


def core_minutes(
    studies: Mapping[str, Iterable[Run]], settings_of: Callable[[Run], Settings], results: Path
) -> dict[str, float]:
    """The core-minutes of each study, from the records of ``results`` or the reference results.

    NaN where neither has a record of the cell.
    """
    seconds = estimator([results, REFERENCE], settings_of)
    return {name: sum(map(seconds, runs)) / 60 for name, runs in studies.items()}


def estimator(
    folders: Iterable[Path], settings_of: Callable[[Run], Settings]
) -> Callable[[Run], float]:
    """What says how many core-seconds a run costs, by the records of the first folder that can.

    NaN where none has a record of the run's cell.
    """
    known = [found for folder in folders for found in _seconds_per_gflop(folder)]

    def cost(run: Run) -> float:
        """The core-seconds of a run."""
        for alike, rates in known:
            if (rate := rates.get("/".join(getattr(run, name) for name in alike))) is not None:
                return rate * gflop(run.cell, settings_of(run))
        return float("nan")

    return cost


def _seconds_per_gflop(folder: Path) -> list[tuple[tuple[str, ...], dict[str, float]]]:
    """Median core-seconds a GFLOP of the runs that ended well, by what they have in common."""
    try:
        runs = layout.read(folder, "runs", needed=False)
    except UserError:  # of another version
        return []
    runs = runs[(runs["status"] == "ok") & (runs["gflop"] > 0)]
    if runs.empty:
        return []
    rates = runs["total_seconds"] * runs["threads"] / runs["gflop"]
    found = []
    for alike in ALIKE:
        medians = rates.groupby([runs[name] for name in alike]).median()
        keys = ("/".join(key if len(alike) > 1 else (key,)) for key in medians.index)
        found.append((alike, dict(zip(keys, map(float, medians), strict=True))))
    return found
