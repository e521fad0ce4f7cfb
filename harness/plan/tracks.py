"""The tracks: what a run takes from its framework's defaults and what is the same everywhere.

``matched`` takes nothing, ``native`` is the framework as its users get it. Between them
stands one track for each factor: matched, but for that one default. A study's track takes
nothing either; its settings differ (``workflows/studies.yaml``).
"""

from cells import ModelSpec
from harness.plan import studies
from harness.plan.run import Run
from harness.plan.settings import Settings
from harness.registry import check_names
from implementations import FACTORS, Framework
from tasks import Task


def names() -> list[str]:
    """Every track: matched, native, one for each factor, one for each study."""
    return [*studies.TRACKS, *studies.studies()]


def why_not(run: Run, framework: Framework) -> str:
    """Why there is nothing to run, after the option that says it; empty where there is."""
    if not framework.kernels_of(run.cell):
        return f"framework: {run.framework} has no way to compute the {run.cell}; choose another."
    study = studies.studies().get(run.track)
    if study and not (run.task in study.settings and run.cell in study.cells):
        return (
            f"track: the study {run.track} has no run of {run.task} with the {run.cell}; "
            "see workflows/studies.yaml."
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
    """The model that a task's settings ask for."""
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
    kernel = framework.choice(spec, settings.budget.batch, length)
    where = f"implementations/{framework.name}: fastest"
    check_names(where, "kernel", [kernel], framework.kernels_of(cell))
    return kernel
