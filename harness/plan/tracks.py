"""The tracks: what a run takes from its framework's defaults and what is the same everywhere.

``matched`` takes nothing, ``native`` is the framework as its users get it. Between them
stands one track for each factor: matched, but for that one default. A study's track takes
nothing either; its settings differ (``studies.py``).
"""

from __future__ import annotations

from cells import ModelSpec
from harness.errors import one_of
from harness.plan import studies
from harness.plan.run import Run
from harness.plan.settings import Settings
from harness.registry import kernels_of, load_implementation
from implementations import FACTORS, Default

TRACKS = ("matched", "native", *FACTORS, *studies.STUDIES)


def default_of(track: str, framework: str, cell: str) -> Default | None:
    """The default that a factor's track tries; None for matched, native, or no difference."""
    for default in load_implementation(framework).DEFAULTS:
        if default.factor == track and cell in default.cells:
            found: Default = default
            return found
    return None


def is_run(run: Run) -> bool:
    """Whether there is anything to run: a factor that does not differ would be matched again."""
    if run.track in studies.STUDIES:
        return studies.is_run(run)
    return run.track not in FACTORS or default_of(run.track, run.framework, run.cell) is not None


def model_spec(cell: str, settings: Settings) -> ModelSpec:
    """The model that a task's settings ask for."""
    task, budget = settings.task, settings.budget
    return ModelSpec(
        cell=cell,
        layers=budget.layers,
        input_size=task.input_size,
        hidden=budget.hidden,
        outputs=task.outputs,
        every_step=task.every_step,
        loss=task.loss,
    )


def fastest(run: Run, settings: Settings) -> str:
    """The kernel that the implementation chooses at the task's shape."""
    spec = model_spec(run.cell, settings)
    choose = load_implementation(run.framework).fastest
    kernel: str = choose(spec, settings.budget.batch, settings.task.sequence_length)
    if kernel not in (known := kernels_of(run.framework, run.cell)):
        raise one_of(f"implementations/{run.framework}: fastest", "kernel", kernel, known)
    return kernel
