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
from implementations import FACTORS, Framework

TRACKS = ("matched", "native", *FACTORS, *studies.STUDIES)


def is_run(run: Run, framework: Framework) -> bool:
    """Whether there is anything to run: a factor that does not differ would be matched again."""
    if run.track in studies.STUDIES:
        return studies.is_run(run)
    return run.track not in FACTORS or framework.default(run.track, run.cell) is not None


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


def kernel_of(framework: Framework, spec: ModelSpec, settings: Settings) -> str:
    """The kernel that was chosen, or that the implementation chooses at the task's shape."""
    if settings.kernel:
        return settings.kernel
    kernel = framework.choice(spec, settings.budget.batch, settings.task.sequence_length)
    if kernel not in (known := framework.kernels_of(spec.cell)):
        raise one_of(f"implementations/{framework.name}: fastest", "kernel", kernel, known)
    return kernel
