"""The tracks: what a run takes from its framework's defaults, and which settings are its own.

``matched`` takes nothing from them, ``native`` is the framework as its users get it. Between the
two stands one track for each factor: matched, but for that one default. Every other track is of
``workflows/tracks.yaml``: matched, but for some settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cells import CELLS, ModelSpec
from harness import documents
from harness.errors import UserError
from harness.plan.run import Run
from harness.plan.settings import Settings, resolve
from harness.registry import ROOT, check_names
from implementations import FACTORS, Framework
from tasks import Task

# The tracks whose settings are the task's own.
TRACKS = ("matched", "native", *FACTORS)
FILE = ROOT / "workflows" / "tracks.yaml"
# Stands among a track's tasks for every task.
EVERY = "all"


@dataclass(frozen=True)
class Track:
    """What differs from matched: for each task, or for all, the settings that it changes."""

    what: str
    settings: Mapping[str, Mapping[str, Any]]
    cells: tuple[str, ...]


@cache
def own() -> dict[str, Track]:
    """The tracks with settings of their own; :class:`UserError` names what is wrong with them."""
    found = {}
    for name, values in documents.load(FILE, FILE.with_suffix(".schema.json")).items():
        if name in TRACKS:
            raise UserError(f"{FILE.name}: {name} is a track already; choose another name.")
        cells = tuple(values.get("cells", CELLS))
        check_names(f"{FILE.name}: {name}.cells", "cell", cells, CELLS)
        found[name] = Track(values["what"], values["settings"], cells)
    return found


def names() -> list[str]:
    """Every track: matched, native, one for each factor, those with settings of their own."""
    return [*TRACKS, *own()]


def overrides(run: Run) -> dict[str, Any]:
    """The settings that the run's track changes; a mapping among them has a value by cell."""
    track = own().get(run.track)
    if track is None:
        return {}
    values = {**track.settings.get(EVERY, {}), **track.settings.get(run.task, {})}
    return {
        key: value[run.cell] if isinstance(value, dict) else value
        for key, value in values.items()
        if not isinstance(value, dict) or run.cell in value
    }


def applied(settings: Settings, run: Run) -> Settings:
    """The settings of ``run`` where the matched runs of its task have ``settings``."""
    changes = overrides(run)
    if not changes:
        return settings
    found = resolve(run.task, settings.as_dict() | changes, f"{FILE.name}: {run.track}")
    return replace(settings, task=found.task, budget=found.budget)


def why_not(run: Run, framework: Framework) -> str:
    """Why there is nothing to run, after the option that says it; empty where there is."""
    if not framework.kernels_of(run.cell):
        return f"framework: {run.framework} has no way to compute the {run.cell}; choose another."
    track = own().get(run.track)
    if track and not ({run.task, EVERY} & track.settings.keys() and run.cell in track.cells):
        return (
            f"track: {run.track} has no run of {run.task} with the {run.cell}; "
            f"see workflows/{FILE.name}."
        )
    if run.track == "native" and run.cell not in framework.biases["native"]:
        return f"track: {run.framework} has no layer of its own for the {run.cell}; use matched."
    if run.track in FACTORS and framework.default(run.track, run.cell) is None:
        # It would be matched again.
        return (
            f"track: {run.framework}'s default for {run.track} is that of the matched track "
            f"in the {run.cell}; use matched."
        )
    return ""


def model_spec(cell: str, settings: Settings) -> ModelSpec:
    """The model that a run with these settings trains."""
    return model_of(settings.task, cell, settings.budget.layers, settings.budget.hidden)


def model_of(task: Task, cell: str, layers: int, hidden: int) -> ModelSpec:
    """A model of these sizes for the task."""
    size, outputs = task.input_size, task.outputs
    return ModelSpec(cell, layers, size, hidden, outputs, task.every_step, task.loss)


def kernel_of(framework: Framework, cell: str, settings: Settings) -> str:
    """The kernel that was chosen, or that the implementation chooses at the task's shape."""
    if settings.kernel:
        return settings.kernel
    spec, length = model_spec(cell, settings), settings.task.sequence_length
    kernel = framework.choice(spec, settings.budget.batch, length, settings.device)
    where = f"implementations/{framework.folder}: fastest"
    check_names(where, "kernel", [kernel], framework.kernels_of(cell, settings.device))
    return kernel
