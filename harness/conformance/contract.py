"""``python -m harness check task``: does one task keep its contract?

Each finding is one sentence: where, what is wrong, what is expected. An empty list
means that the harness can work with it.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cells import FIRST, network
from harness.errors import UserError
from harness.plan.settings import resolve
from harness.plan.tracks import model_of
from harness.registry import raised
from harness.run import initialisation, streams
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
LOSSES = ("mse", "cross_entropy", "binary_cross_entropy")
EXAMPLES, MANY, BATCHES = 64, 4096, 64
# What the templates say where the author is to say something.
REPLACE = "REPLACE"


def check_task(name: str, overrides: dict[str, Any] | None = None) -> list[str]:
    """What is wrong with ``tasks/<name>.py``; ``overrides`` are set before it is looked at."""
    where = f"tasks/{name}.py"
    try:
        task = resolve(name, overrides or {}, "--set").task
    except UserError as error:
        return [str(error)]
    if task.missing:
        return [f"{where}: {task.missing}."]
    checks = (_said, _drawn, _judged, _optional, _learnt, _written)
    return of_the_first(where, (check(task) for check in checks))


def of_the_first(where: str, checks: Iterable[Findings]) -> list[str]:
    """The sentences of the first check that finds anything: what follows builds on it."""
    return next(filter(None, (sentences(where, check) for check in checks)), [])


def sentences(where: str, check: Findings, prefix: str = "") -> list[str]:
    """The sentences of a check, the last of them on what it raised."""
    found = []
    try:
        for finding in check:
            found.append(f"{where}: {prefix}{finding}.")
    except Exception as error:
        found.append(f"{where}: {prefix}{raised(error, where)}.")
    return found


def _said(task: Task) -> Findings:
    for name, (kind, expected) in SAID.items():
        value = getattr(task, name, None)
        if not isinstance(value, kind) or value in ("", ()):
            yield f"{name} is {value!r}, expected {expected}"
    if task.margin is not None and not (isinstance(task.margin, float | int) and task.margin > 0):
        yield f"margin is {task.margin!r}, expected a positive number, or None"
    if getattr(task, "loss", None) not in LOSSES:
        expected = " or ".join(f'"{loss}"' for loss in LOSSES)
        yield f"loss is {getattr(task, 'loss', None)!r}, expected {expected}"
    # A dataclass without a docstring is given its signature as one.
    if (type(task).__doc__ or "").startswith(f"{type(task).__name__}("):
        yield "the class has no docstring, expected what the report prints of the task"
    for name in ("input_size", "sequence_length", "test_length", "outputs"):
        value = getattr(task, name)
        if not isinstance(value, int) or value < 1:
            yield f"{name} is {value!r}, expected a whole number from 1 on"


def _drawn(task: Task) -> Findings:
    for split in SPLITS:
        first, again, other = (
            task.draw(split, streams.generator("check", seed), EXAMPLES) for seed in (0, 0, 1)
        )
        if len(first) not in (2, 3):
            yield f"{split}: {len(first)} arrays, expected inputs, targets and, if any, weights"
            return
        steps = task.sequence_length if split == "train" else task.test_length
        yield from (f"{split}: {finding}" for finding in _shapes(task, steps, *first[:2]))
        yield from (f"{split}: {finding}" for finding in _weights(task, steps, *first[2:]))
        if streams.sha256(first) != streams.sha256(again):
            yield f"{split}: the same rng gives other examples, expected all chance to come from it"
        elif streams.sha256(first) == streams.sha256(other):
            yield f"{split}: another rng gives the same examples, expected a draw"
    yield from _counted(task)
    # Of a text some characters are rare, and the class for those that are not known never comes.
    if task.loss == "cross_entropy" and not task.alphabet:
        _, asked, *weights = (
            task.examples("train") if isinstance(task, DataTask)
            else task.draw("train", streams.generator("check", 0), MANY)
        )  # fmt: skip
        for counts in weights:
            asked = asked[counts > 0]
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


def _shapes(task: Task, steps: int, inputs: Array, targets: Array) -> Findings:
    expected: tuple[int, ...] = (EXAMPLES, steps, task.input_size)
    if inputs.shape != expected or inputs.dtype != np.float32:
        yield f"inputs are {inputs.dtype} {inputs.shape}, expected float32 {expected}"
    elif not np.isfinite(inputs).all():
        yield "inputs are not all finite"
    expected, kind = expected[: 1 + task.every_step], "int32"
    if task.loss != "cross_entropy":
        expected, kind = (*expected, task.outputs), "float32"
    if targets.shape != expected or targets.dtype != kind:
        yield f"targets are {targets.dtype} {targets.shape}, expected {kind} {expected}"
    elif not np.isfinite(targets).all():
        yield "targets are not all finite"
    elif task.loss == "cross_entropy" and not 0 <= targets.min() <= targets.max() < task.outputs:
        yield f"classes go from {targets.min()} to {targets.max()}, expected 0 to outputs - 1"
    elif task.loss == "binary_cross_entropy" and not np.isin(targets, (0, 1)).all():
        wrong = targets[~np.isin(targets, (0, 1))][0]
        yield f"targets have {wrong:.4g}, expected 0 and 1 only"


def _weights(task: Task, steps: int, weights: Array | None = None) -> Findings:
    if weights is None:
        return
    allowed = [(EXAMPLES,), (EXAMPLES, steps)][: 1 + task.every_step]
    if weights.shape not in allowed or weights.dtype != np.float32:
        expected = " or ".join(map(str, reversed(allowed)))
        yield f"weights are {weights.dtype} {weights.shape}, expected float32 {expected}"
    elif not np.isfinite(weights).all():
        yield "weights are not all finite"
    elif weights.min() < 0:
        yield f"weights go down to {weights.min():.4g}, expected none below zero"
    elif not weights.any():
        yield f"all weights of {EXAMPLES} examples are zero, expected answers that count"


def _counted(task: Task) -> Findings:
    """Is there an answer that counts in every batch? Without one it has no mean loss."""
    batch = task.budget.batch
    for step in range(BATCHES):
        rng = streams.generator("check", "batch", step=step)
        _, _, *weights = task.draw("train", rng, batch)
        if not weights:
            return
        if not weights[0].any():
            yield (
                f"train: all weights of a batch of {batch} are zero, expected an answer that "
                "counts in every batch; leave out examples without one, or raise budget.batch"
            )
            return


def _judged(task: Task) -> Findings:
    """The right answers solve the task; the same answer for everything does not."""
    inputs, targets, *weights = streams.drawn(task, "test", streams.generator("check", 0), 512)
    if weights and len(inspect.signature(task.score).parameters) < 4:
        yield "score takes no weights, expected outputs, targets, inputs and the task's weights"
        return
    right = targets.astype(np.float32)
    if task.loss == "cross_entropy":
        right = np.eye(task.outputs, dtype=np.float32)[targets]
    # What does not count is no part of the constant answer.
    counts = (weights[0] if weights else np.ones(targets.shape[: 1 + task.every_step])) > 0
    counts = counts.reshape(counts.shape + (1,) * (right.ndim - counts.ndim))
    mean = np.where(counts, right, 0).sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    if task.alphabet:
        # Of a text's training: few windows of a test, or one with new characters, tell too much.
        known = task.draw("train", streams.generator("check", 0), 512)[1]
        mean = np.bincount(known.ravel(), minlength=task.outputs) / known.size
    constant = np.broadcast_to(mean, right.shape)
    if task.loss == "cross_entropy":
        # As logarithms of probabilities, which a score may be of: the class is the same.
        right, constant = 100 * right, np.log(np.maximum(constant, 1e-6))
    elif task.loss == "binary_cross_entropy":
        # As logarithms of odds, those of certainty large but finite.
        right = 100 * (2 * right - 1)
        odds = np.clip(constant, 1e-6, 1 - 1e-6)
        constant = np.log(odds / (1 - odds))
    scores = {}
    for answer, outputs in (("right", right), ("constant", constant)):
        score = task.score(outputs, targets, inputs, *weights)
        if not isinstance(score, float) or not np.isfinite(score):
            yield f"score of the {answer} answers is {score!r}, expected a finite float"
            return
        scores[answer] = score
    others = np.where(counts, right, 0)
    if weights and task.score(others, targets, inputs, *weights) != scores["right"]:
        yield "score changes with answers whose weight is zero, expected that they do not count"
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
        if not 0 <= probe[1].min() <= probe[1].max() < task.test_length:
            yield "probe_target: a time step is outside of the sequence"


def _learnt(task: Task) -> Findings:
    """One gradient of the reference's smallest model."""
    cell = FIRST[0]
    spec = replace(model_of(task, cell, 1, 4), dtype="float64")
    weights = initialisation.initial_weights(task, cell, 1, 4, 0)
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    inputs, *answers = streams.drawn(task, "train", streams.generator("check", 0), 8)
    loss, gradients = network.loss_and_gradients(spec, weights, inputs.astype(np.float64), *answers)
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
