"""The tracks: what a run takes from its framework's defaults and what is the same everywhere.

``matched`` takes nothing, ``native`` is the framework as its users get it. Between them
stands one track for each factor: matched, but for that one default. A study's track takes
nothing either; its settings differ (``studies.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness import streams, studies
from harness.errors import one_of
from harness.plugins import (
    kernels_of,
    load_implementation,
    load_model_module,
    load_native_module,
)
from harness.records import Run
from harness.settings import Settings
from implementations import (
    FACTORS,
    NATIVE,
    Array,
    Default,
    Described,
    Model,
    ModelSpec,
    NativeModel,
    Optimiser,
    Weights,
    updates,
)

TRACKS = ("matched", "native", *FACTORS, *studies.STUDIES)

# inputs [K, B, T, d], targets, and the number of the first step, from 0 -> losses, norms [K].
Train = Callable[[Array, Array, int], tuple[Array, Array]]


@dataclass(frozen=True)
class Learner:
    """A model, how it takes a chunk of steps, its kernel, and the weights it starts from."""

    model: Described
    kernel: str
    train: Train
    initial: Weights


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
        cell=cell,  # type: ignore[arg-type]
        layers=budget.layers,
        input_size=task.input_size,
        hidden=budget.hidden,
        outputs=task.outputs,
        every_step=task.every_step,
        loss=task.loss,
    )


def load(run: Run) -> None:
    """Import what ``run`` needs of its framework."""
    load_model_module(run.framework)
    if run.track in ("native", *FACTORS):
        load_native_module(run.framework)


def learner(run: Run, settings: Settings) -> Learner:
    """Build the model of ``run`` with its initial weights."""
    budget = settings.budget
    spec = model_spec(run.cell, settings)
    optimiser = Optimiser(budget.optimiser, budget.learning_rate, budget.clip)
    if run.track == "native":
        native = _native(run, spec, optimiser)
        return Learner(native, NATIVE, lambda x, y, _: native.train(x, y), native.weights())
    weights = streams.initial_weights(
        settings.task, run.cell, budget.layers, budget.hidden, run.seed
    )
    weights = streams.with_biases(weights, budget.initial_biases, settings.task, run.cell, run.seed)
    if run.track in FACTORS:
        default = default_of(run.track, run.framework, run.cell)
        if default is None:
            raise ValueError(f"{run.framework}'s {run.cell} has the matched {run.track} by default")
        optimiser = replace(optimiser, **default.optimiser)
        if not default.optimiser:
            own = _native(run, spec, optimiser).weights()
            weights = with_default(default.factor, weights, own)
    kernel = settings.kernel or fastest(run, settings)
    model: Model = load_model_module(run.framework).build(spec, weights, kernel)

    def train(inputs: Array, targets: Array, first: int) -> tuple[Array, Array]:
        constants = updates(optimiser, first + 1, len(inputs))
        return model.train(model.place(inputs, targets, constants))

    return Learner(model, kernel, train, weights)


def fastest(run: Run, settings: Settings) -> str:
    """The kernel that the implementation chooses at the task's shape."""
    spec = model_spec(run.cell, settings)
    choose = load_implementation(run.framework).fastest
    kernel: str = choose(spec, settings.budget.batch, settings.task.sequence_length)
    if kernel not in (known := kernels_of(run.framework, run.cell)):
        raise one_of(f"implementations/{run.framework}: fastest", "kernel", kernel, known)
    return kernel


def with_default(factor: str, weights: Weights, own: Weights) -> Weights:
    """Matched weights with what belongs to ``factor`` taken from a native model's ``own``."""
    if factor == "initialisation":
        return weights | {k: v for k, v in own.items() if not k.endswith("bias")}
    if factor == "biases":
        return weights | {k: v for k, v in own.items() if k.endswith("bias")}
    if factor == "form":
        return {k: v for k, v in weights.items() if k in own}
    raise ValueError(f"{factor} says nothing of the initial weights")


def _native(run: Run, spec: ModelSpec, optimiser: Optimiser) -> NativeModel:
    model: NativeModel = load_native_module(run.framework).build(spec, optimiser, run.seed)
    return model
