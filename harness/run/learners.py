"""A model of a run's track with its initial weights, and how it takes a chunk of steps."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cells import Array, Weights
from harness.plan.run import Run
from harness.plan.settings import Settings
from harness.plan.tracks import kernel_of, model_spec
from harness.run import initialisation
from implementations import FACTORS, NATIVE, Described, Framework
from implementations.rule import Optimiser, updates
from tasks import Examples

# K batches as a stream gives them, and the number of the first step, from 0 -> losses, norms [K].
Train = Callable[[Examples, int], tuple[Array, Array]]


@dataclass(frozen=True)
class Learner:
    """A model, how it takes a chunk of steps, its kernel, and the weights it starts from."""

    model: Described
    kernel: str
    train: Train
    initial: Weights


def load(run: Run, framework: Framework) -> None:
    """Import what ``run`` needs of its framework."""
    framework.load()
    if run.track in ("native", *FACTORS):
        framework.load("native")


def learner(run: Run, settings: Settings, framework: Framework) -> Learner:
    """Build the model of ``run`` with its initial weights."""
    budget = settings.budget
    spec = model_spec(run.cell, settings)
    optimiser = Optimiser(
        budget.optimiser,
        budget.learning_rate,
        budget.clip,
        steps=budget.steps,
        cooldown=budget.cooldown,
    )
    if run.track == "native":
        native = framework.native(spec, optimiser, run.seed, settings.device)
        return Learner(native, NATIVE, lambda batches, _: native.train(*batches), native.weights())
    weights = initialisation.initial_weights(
        settings.task, run.cell, budget.layers, budget.hidden, run.seed
    )
    weights = initialisation.with_biases(
        weights, budget.initial_biases, settings.task, run.cell, run.seed
    )
    if run.track in FACTORS:
        default = framework.default(run.track, run.cell)
        if default is None:
            raise ValueError(
                f"{framework.name}'s {run.cell} has the matched {run.track} by default"
            )
        optimiser = replace(optimiser, **default.optimiser)
        if not default.optimiser:
            own = framework.native(spec, optimiser, run.seed, settings.device).weights()
            weights = with_default(default.factor, weights, own)
    kernel = kernel_of(framework, run.cell, settings)
    model = framework.build(spec, weights, kernel, settings.device)

    def train(batches: Examples, first: int) -> tuple[Array, Array]:
        inputs, targets, *sample_weights = batches
        constants = updates(optimiser, first + 1, len(inputs))
        return model.train(model.place(inputs, targets, constants, *sample_weights))

    return Learner(model, kernel, train, weights)


def with_default(factor: str, weights: Weights, own: Weights) -> Weights:
    """Matched weights with what belongs to ``factor`` taken from a native model's ``own``."""
    if factor == "initialisation":
        return weights | {k: v for k, v in own.items() if not k.endswith("bias")}
    if factor == "biases":
        return weights | {k: v for k, v in own.items() if k.endswith("bias")}
    if factor == "form":
        return {k: v for k, v in weights.items() if k in own}
    raise ValueError(f"{factor} says nothing of the initial weights")
