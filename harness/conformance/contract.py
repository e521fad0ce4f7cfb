"""``python -m harness check``: does one task or one implementation keep its contract?

Each finding is one sentence: where, what is wrong, what is expected. An empty list
means that the harness can work with it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cells import CELLS, ModelSpec, Weights, reference
from harness.conformance import against_reference
from harness.errors import UserError
from harness.plan.settings import resolve
from harness.registry import (
    kernels_of,
    load_implementation,
    load_model_module,
    load_native_module,
    raised,
    short,
)
from harness.run import initialisation, streams
from implementations import FACTORS, STOCK
from implementations.rule import Optimiser
from tasks import SPLITS, Array, Budget, DataTask, Task

Findings = Iterator[str]
# What a task says of itself, and what it must be.
SAID = {
    "summary": (str, "a sentence"),
    "references": (tuple, "a tuple of sources"),
    "metric": (str, "the name of the score"),
    "every_step": (bool, "True or False"),
    "higher_is_better": (bool, "True or False"),
    "budget": (Budget, "a Budget"),
}
EXAMPLES, MANY = 64, 4096
# What the templates say where the author is to say something.
REPLACE = "REPLACE"
RULE = Optimiser("adam", 1e-2, 0.1)


def check_task(name: str, overrides: dict[str, Any] | None = None) -> list[str]:
    """What is wrong with ``tasks/<name>.py``; ``overrides`` are set before it is looked at."""
    where = f"tasks/{name}.py"
    try:
        task = resolve(name, overrides or {}, "--set").task
    except UserError as error:
        return [str(error)]
    if task.missing:
        return [f"{where}: {task.missing}."]
    for check in (_said, _drawn, _judged, _optional, _learnt, _written):
        try:
            found = [f"{where}: {finding}." for finding in check(task)]
        except Exception as error:
            found = [f"{where}: {raised(error, where)}."]
        if found:  # what follows builds on it
            return found
    return []


def _said(task: Task) -> Findings:
    for name, (kind, expected) in SAID.items():
        value = getattr(task, name, None)
        if not isinstance(value, kind) or value in ("", ()):
            yield f"{name} is {value!r}, expected {expected}"
    if task.margin is not None and not (isinstance(task.margin, float | int) and task.margin > 0):
        yield f"margin is {task.margin!r}, expected a positive number, or None"
    if getattr(task, "loss", None) not in ("mse", "cross_entropy"):
        yield f'loss is {getattr(task, "loss", None)!r}, expected "mse" or "cross_entropy"'
    # A dataclass without a docstring is given its signature as one.
    if (type(task).__doc__ or "").startswith(f"{type(task).__name__}("):
        yield "the class has no docstring, expected what the report prints of the task"
    for name in ("input_size", "sequence_length", "outputs"):
        value = getattr(task, name)
        if not isinstance(value, int) or value < 1:
            yield f"{name} is {value!r}, expected a whole number from 1 on"


def _drawn(task: Task) -> Findings:
    for split in SPLITS:
        first, again, other = (
            task.draw(split, streams.generator("check", seed), EXAMPLES) for seed in (0, 0, 1)
        )
        yield from (f"{split}: {finding}" for finding in _shapes(task, *first))
        if streams.sha256(first) != streams.sha256(again):
            yield f"{split}: the same rng gives other examples, expected all chance to come from it"
        elif streams.sha256(first) == streams.sha256(other):
            yield f"{split}: another rng gives the same examples, expected a draw"
    if task.loss == "cross_entropy":
        _, asked = (
            task.examples("train") if isinstance(task, DataTask)
            else task.draw("train", streams.generator("check", 0), MANY)
        )  # fmt: skip
        if never := sorted(set(range(task.outputs)) - set(np.unique(asked).tolist())):
            yield (
                f"class {', '.join(map(str, never))} is the answer to none of {len(asked):,} "
                f"training examples, expected each of outputs = {task.outputs} classes"
            )
    # In a series a stretch may well come again.
    if isinstance(task, DataTask) and task.loss == "cross_entropy":
        known, test = ({x.tobytes() for x in task.examples(s)[0]} for s in ("train", "test"))
        if both := len(known & test):
            yield f"{both} inputs of the test are in the training part too, expected none"


def _shapes(task: Task, inputs: Array, targets: Array) -> Findings:
    expected: tuple[int, ...] = (EXAMPLES, task.sequence_length, task.input_size)
    if inputs.shape != expected or inputs.dtype != np.float32:
        yield f"inputs are {inputs.dtype} {inputs.shape}, expected float32 {expected}"
    elif not np.isfinite(inputs).all():
        yield "inputs are not all finite"
    expected, kind = expected[: 1 + task.every_step], "int32"
    if task.loss == "mse":
        expected, kind = (*expected, task.outputs), "float32"
    if targets.shape != expected or targets.dtype != kind:
        yield f"targets are {targets.dtype} {targets.shape}, expected {kind} {expected}"
    elif task.loss == "mse" and not np.isfinite(targets).all():
        yield "targets are not all finite"
    elif task.loss != "mse" and not 0 <= targets.min() <= targets.max() < task.outputs:
        yield f"classes go from {targets.min()} to {targets.max()}, expected 0 to outputs - 1"


def _judged(task: Task) -> Findings:
    """The right answers solve the task; the same answer for everything does not."""
    _, targets = task.draw("test", streams.generator("check", 0), 512)
    right, constant = targets, np.broadcast_to(targets.mean(axis=0), targets.shape)
    if task.loss == "cross_entropy":
        right = np.eye(task.outputs, dtype=np.float32)[targets]
        constant = np.broadcast_to(right.mean(axis=0), right.shape)
    scores = {}
    for answer, outputs in (("right", right), ("constant", constant)):
        score = task.score(outputs, targets)
        if not isinstance(score, float) or not np.isfinite(score):
            yield f"score of the {answer} answers is {score!r}, expected a finite float"
            return
        scores[answer] = score
    if not task.is_solved(scores["right"]):
        yield (
            f"the right answers score {scores['right']:.4g}, expected that to count as solved "
            f"({task.solved:.4g}); see solved, score and higher_is_better"
        )
    if task.is_solved(task.baseline):
        yield f"the baseline {task.baseline:.4g} counts as solved, expected something worse"
    if task.is_solved(scores["constant"]):
        yield (
            f"always the same answer scores {scores['constant']:.4g} and counts as solved, "
            "expected that it takes memory"
        )


def _optional(task: Task) -> Findings:
    rng = streams.generator("check", 0)
    train, test = task.draw("train", rng, EXAMPLES), task.draw("test", rng, EXAMPLES)
    for method, score in task.classical_scores(train, test).items():
        if not np.isfinite(score):
            yield f"classical_scores: {method} has {score}, expected a finite number"
    if task.lag is not None and not 0 < task.lag < task.sequence_length:
        yield f"lag is {task.lag}, expected at least 1 and less than sequence_length"
    if (probe := task.probe_target(test[0])) is not None:
        for name, values in zip(("values", "time steps"), probe, strict=True):
            if values.shape != (EXAMPLES,):
                yield f"probe_target: {name} are {values.shape}, expected ({EXAMPLES},)"
        if not 0 <= probe[1].min() <= probe[1].max() < task.sequence_length:
            yield "probe_target: a time step is outside of the sequence"


def _learnt(task: Task) -> Findings:
    """One gradient of the reference's smallest model."""
    spec = ModelSpec(
        "gru", 1, task.input_size, 4, task.outputs, task.every_step, task.loss, "float64"
    )
    weights = initialisation.initial_weights(task, "gru", 1, 4, 0)
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    inputs, targets = task.draw("train", streams.generator("check", 0), 8)
    loss, gradients = reference.loss_and_gradients(
        spec, weights, inputs.astype(np.float64), targets
    )
    if not np.isfinite(loss):
        yield f"the loss of a model that was just made is {loss}, expected a finite one"
    elif not any(value.any() for value in gradients.values()):
        yield "all gradients are zero, expected something to learn"


def _written(task: Task) -> Findings:
    """What remains to be said of a task that works."""
    module = sys.modules[type(task).__module__]
    for what, text in (
        ("the first line", module.__doc__ or ""), ("the docstring", type(task).__doc__ or ""),
        ("summary", task.summary), ("references", " ".join(task.references)),
    ):  # fmt: skip
        if REPLACE in text:
            yield f"{what}: still the text of the template; write your own in place of {REPLACE}"
    if task.doubtful:
        yield task.doubtful


def check_implementation(name: str) -> list[str]:
    """What is wrong with ``implementations/<name>``: its contract, the gate, its native model."""
    where = f"implementations/{name}"
    try:
        module = load_implementation(name)
    except UserError as error:
        return [str(error)]
    except Exception as error:
        return [f"{where}/__init__.py: cannot be imported ({short(error)})."]
    with tempfile.TemporaryDirectory(prefix="gatebench-") as scratch:
        found = list(_described(name, Path(scratch)))
        if found:
            return [f"{where}/__init__.py: {finding}." for finding in found]
        os.environ.update(module.environment(1, Path(scratch)))
        for part, load in (("model", load_model_module), ("native", load_native_module)):
            try:
                load(name)
            except Exception as error:
                return [f"{where}/{part}.py: cannot be imported ({short(error)})."]
        kernels = {cell: kernels_of(name, cell) for cell in CELLS}
        rows = against_reference.check(name, kernels)
        found = [
            against_reference.sentence(row).rstrip(".") + "." for row in rows if not row["passed"]
        ]
        for cell in CELLS:
            try:
                found += [f"{where}/native.py: {cell}: {f}." for f in _native(name, cell)]
            except Exception as error:
                found.append(f"{where}/native.py: {cell}: {short(error)}.")
    return found


def _described(name: str, scratch: Path) -> Findings:
    module = load_implementation(name)
    if not (module.__doc__ or "").strip():
        yield "has no docstring, expected kernels and conventions"
    for track in ("matched", "native"):
        if absent := set(CELLS) - set(module.BIASES.get(track, {})):
            yield f"BIASES of {track} lacks {', '.join(sorted(absent))}, expected every cell"
    if STOCK not in module.KERNELS:
        yield f"KERNELS has no {STOCK!r}, expected the framework's own layer"
    for default in module.DEFAULTS:
        if default.factor not in FACTORS:
            yield f"DEFAULTS has {default.factor!r}, expected one of {', '.join(FACTORS)}"
    for cell in CELLS:
        chosen = module.fastest(_spec(cell), 32, 100)
        if chosen not in kernels_of(name, cell):
            yield f"fastest gives {chosen!r} for the {cell}, expected one of KERNELS"
    for key, value in module.environment(1, scratch).items():
        if not isinstance(value, str):
            yield f"environment: {key} is {value!r}, expected a text"


def _spec(cell: str) -> ModelSpec:
    return ModelSpec(cell, 1, 2, 6, 3, False, "mse")  # type: ignore[arg-type]


def _native(name: str, cell: str) -> Findings:
    spec = _spec(cell)
    build = load_native_module(name).build
    model, again, other = (build(spec, RULE, seed) for seed in (0, 0, 1))
    weights, wanted = model.weights(), against_reference.random_weights(spec)
    yield from _canonical(weights, wanted)
    if any(not np.array_equal(v, again.weights()[k]) for k, v in weights.items()):
        yield "the same seed gives other weights, expected the same bytes"
    if all(np.array_equal(v, other.weights()[k]) for k, v in weights.items()):
        yield "another seed gives the same weights, expected a draw"
    counted = sum(model.parameter_counts().values())
    if counted != (expected := against_reference.formula(name, "native", spec)):
        yield f"counts {counted} parameters, expected {expected} by BIASES"
    inputs, targets = against_reference.random_batches(replace(spec, dtype="float32"), 30)
    inputs, targets = (np.repeat(a[:1], 30, axis=0) for a in (inputs, targets))
    losses, norms = model.train(inputs, targets)
    for what, values in (("losses", losses), ("gradient norms", norms)):
        if values.shape != (30,) or not np.isfinite(values).all():
            yield f"the {what} of 30 steps are {values.shape}, expected (30,) and finite"
            return
    if not losses[-1] < losses[0]:
        yield f"the loss of one batch goes from {losses[0]:.4g} to {losses[-1]:.4g}, expected less"
    if (shape := model.predict(inputs[0]).shape) != targets[0].shape:
        yield f"predict gives {shape}, expected {targets[0].shape}"
    if model.device() != "cpu":
        yield f"the model is on {model.device()}, expected cpu"


def _canonical(weights: Weights, wanted: Weights) -> Findings:
    for key, value in weights.items():
        # What a framework may leave out or have twice is not among those wanted.
        if key in wanted and value.shape != wanted[key].shape:
            yield f"{key} is {value.shape}, expected {wanted[key].shape}"
        elif key not in wanted and not key.endswith("redundant_bias"):
            yield f"{key} is no canonical weight; implementations/__init__.py names them"
    for key in wanted:
        if key not in weights and not key.endswith("recurrent_bias"):
            yield f"{key} is missing among the weights"
