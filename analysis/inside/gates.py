"""What goes on inside a model: how far gradients reach, what its gates do, what it remembers.

Everything is computed by the NumPy reference in float64 from canonical weights, so it
is the same for every framework. T is the number of time steps, B of examples, h of units.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import cells
from cells import Array, Cell, ModelSpec, Weights, network
from harness.run import streams
from tasks import Task

Rows = list[dict[str, Any]]

# Examples that go through a model at once; the first block's gradients and gates are averaged.
BLOCK = 64
# Held-out examples on which a probe is judged.
PROBE_TESTS = 128
MOST_LAGS = 25
MOST_PROBES = 20
MOST_WINDOWS = 20
# A norm below this is the end of float64, not of the gradient's decay.
SMALLEST_NORM = 1e-290
# Ridge penalties to choose from, in units of the mean variance of a state: what is stored in
# a direction with much less variance than the smallest counts as not stored.
PENALTIES = 10.0 ** np.arange(-4, 4)
# A spike is a gradient norm more than so many times the median of so many steps before it.
SPIKE_FACTOR = 10
SPIKE_STEPS = 50


def inspect(
    task: Task, spec: ModelSpec, weights: Weights, data: dict[str, Any], seed: int
) -> dict[str, Rows]:
    """Rows of the tables gradient_flow, gates and memory_probe for one model.

    ``data`` is that of :func:`examples`; ``seed`` names the random cotangent.
    """
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    inputs = data["inputs"]
    read: Rows = []
    # Block by block: what the reference keeps of all examples at once can fill a memory.
    starts = range(0, len(inputs), BLOCK)
    blocks = (network.forward(spec, weights, inputs[i : i + BLOCK]) for i in starts)
    first = next(blocks)
    if data["probe"] is not None:
        steps = thinned(len(first.sequences[-1]), MOST_PROBES)
        states = [block.sequences[-1][steps] for block in (first, *blocks)]
        read = _probe_rows(np.concatenate(states, axis=1), steps, *data["probe"])
    return {
        "gradient_flow": _flow_rows(spec, weights, first, data["targets"][:BLOCK], seed),
        "gates": [
            row
            for layer, values in enumerate(first.gates)
            for row in gate_rows(cells.cell(spec.cell), layer, values, task.lag)
        ],
        "memory_probe": read,
    }


def examples(task: Task, hidden: int, seed: int) -> dict[str, Any]:
    """Examples with their targets and, where the task asks to keep a value, that value.

    For a probe there are at least four for each of ``hidden`` units to fit it, and those that
    judge it; without one, there are as many as gradients need.
    """
    n = max(256, 4 * hidden) + PROBE_TESTS
    inputs, targets = streams.examples(task, "test", seed, n)
    target = task.probe_target(inputs)
    few = slice(0, BLOCK if target is None else n)
    return {
        "inputs": inputs[few].astype(np.float64),
        "targets": targets[few],
        "probe": target,
    }


def _flow_rows(
    spec: ModelSpec, weights: Weights, done: network.Pass, targets: Array, seed: int
) -> Rows:
    """Gradients by the states, of the loss of the last answer and of a random direction."""
    answers = done.outputs
    if spec.every_step:
        answers, targets = answers[:, -1], targets[:, -1]
    # By the loss of each example, not by their mean.
    d_out = len(answers) * network.output_gradient(spec, answers, targets)
    direction = streams.generator("cotangent", spec.hidden, seed).standard_normal(spec.hidden)
    direction /= np.linalg.norm(direction)
    cotangents = {
        "loss": d_out @ weights["output.weight"].T,
        "random": np.tile(direction, (len(answers), 1)),
    }
    rows, output = [], cells.cell(spec.cell).states[0]
    for name, cotangent in cotangents.items():
        gradients = network.state_gradients(spec, weights, done.sequences[-2], cotangent)
        norms = {k: mean_norms(v) for k, v in gradients.items()}
        factor = decay(norms[output])
        for lag in thinned(len(norms[output]), MOST_LAGS):
            rows.append(
                {
                    "cotangent": name,
                    "lag": lag,
                    "gradient_h": _short(norms[output][lag]),
                    "gradient_c": _short(norms["c"][lag]) if "c" in norms else None,
                    "decay": None if factor is None else _short(factor),
                    "horizon": None if factor is None else _short(horizon(factor)),
                }
            )
    return rows


def mean_norms(gradients: Array) -> Array:
    """The mean over examples of the norm of [T, B, h], by lag: [T], the last time step first."""
    result: Array = np.linalg.norm(gradients, axis=-1).mean(axis=-1)[::-1]
    return result


def decay(norms: Array) -> float | None:
    """The factor λ by which ``norms`` [T] change from one lag to the next.

    exp of the slope of ln(norm) by least squares over the lags 1 to T - 1; lag 0 is what was
    put in. Lags whose norm float64 cannot hold are left out; None when fewer than two are left.
    """
    lags = np.arange(1, len(norms))
    norms = norms[1:]
    held = norms > SMALLEST_NORM
    if held.sum() < 2:
        return None
    return float(np.exp(np.polyfit(lags[held], np.log(norms[held]), 1)[0]))


def horizon(factor: float) -> float:
    """The time steps -1/ln λ after which 1/e is left; infinite when nothing is lost."""
    return -1 / math.log(factor) if factor < 1 else math.inf


def gate_rows(cell: Cell, layer: int, values: dict[str, Array], lag: int | None) -> Rows:
    """One row a gate between 0 and 1, over the units of a layer: shares of steps and time scales.

    ``below`` and ``above`` are the share of time steps and examples at which a unit's gate is
    under 0.1 and over 0.9 (Karpathy, Johnson & Fei-Fei 2015, section 4.2). The time scale of
    the gate that keeps the old state is τ = -1/⟨ln f⟩, with the mean over time steps and
    examples: the state is multiplied by f at every step, so its logarithms add up. Where a
    gate writes and none keeps, f is one less that gate.
    ``longer`` is the share of units whose τ reaches the task's ``lag``.
    """
    rows: Rows = []
    for gate, name in cell.sigmoids.items():
        open_ = values[gate]  # [T, B, h]
        below, above = ((open_ < 0.1).mean(axis=(0, 1)), (open_ > 0.9).mean(axis=(0, 1)))
        row: dict[str, Any] = {"layer": layer, "gate": name, "units": open_.shape[-1]}
        for side, shares in (("below", below), ("above", above)):
            row |= {side: _short(shares.mean())} | _quantiles(side, shares, (10, 90))
        row["lag"] = lag
        if gate == (cell.keeps or cell.writes):
            scales = time_scales(open_ if cell.keeps else 1 - open_)
            row |= _quantiles("timescale", scales, (10, 25, 50, 75, 90))
            row["longer"] = None if lag is None else _short(np.mean(scales >= lag))
        rows.append(row)
    return rows


def time_scales(values: Array) -> Array:
    """τ = -1/⟨ln f⟩ of each unit, in time steps, from gate values [T, B, h]; 0 where f is 0."""
    with np.errstate(divide="ignore"):
        result: Array = -1 / np.minimum(np.log(values).mean(axis=(0, 1)), -1e-300)
    return result


def _probe_rows(states: Array, steps: list[int], values: Array, shown: Array) -> Rows:
    """What a linear read-out of the last layer's states [T, B, h] finds at each of ``steps``."""
    classes = np.issubdtype(values.dtype, np.integer)
    scores = probe(states, values, shown <= np.array(steps)[:, None], PROBE_TESTS)
    return [
        {
            "step": step,
            "metric": "accuracy" if classes else "R²",
            "score": _short(score),
            "chance": _short(np.bincount(values).max() / len(values)) if classes else 0.0,
        }
        for step, score in zip(steps, scores, strict=True)
        if score is not None
    ]


def probe(states: Array, values: Array, known: Array, tests: int) -> list[float | None]:
    """How well ridge regression reads ``values`` [B] from ``states`` [T, B, h], for each T.

    Only examples that are ``known`` [T, B], because their value was shown by then, take part.
    The last ``tests`` examples are held out and judge: R² for numbers (0 is always naming
    the mean; less is possible), accuracy for integer classes, each class against the others.
    None where fewer than two examples a unit are there to fit, or fewer than 16 to judge.
    """
    classes = np.issubdtype(values.dtype, np.integer)
    wanted = np.eye(values.max() + 1)[values] if classes else values[:, None].astype(np.float64)
    fit, held_out = slice(0, -tests), slice(-tests, None)
    scores: list[float | None] = []
    for x, here in zip(states, known, strict=True):
        first, last = here[fit], here[held_out]
        if first.sum() < 2 * x.shape[-1] or last.sum() < 16:
            scores.append(None)
            continue
        train, test = x[fit][first], x[held_out][last]
        y, expected = wanted[fit][first], wanted[held_out][last]
        center, middle = train.mean(axis=0), y.mean(axis=0)
        read = (test - center) @ _ridge(train - center, y - middle) + middle
        if classes:
            scores.append(float(np.mean(read.argmax(axis=1) == expected.argmax(axis=1))))
        else:
            left = np.sum((read - expected) ** 2)
            scores.append(float(1 - left / np.sum((expected - expected.mean()) ** 2)))
    return scores


def _ridge(x: Array, y: Array) -> Array:
    """Coefficients [h, o] for centered x [n, h] and y [n, o], the penalty by the data.

    It is chosen by generalised cross-validation (Golub, Heath & Wahba 1979, equation 1.4), so
    that with nothing to find the answer is near the mean and not fitted noise.
    """
    n = len(x)
    variances, directions = np.linalg.eigh(x.T @ x)
    # The smallest number keeps states that never change, all zero, from a division by zero.
    variances = np.maximum(variances, 0) + np.finfo(np.float64).tiny
    along = directions.T @ (x.T @ y)
    best, least = along, np.inf
    for penalty in PENALTIES * variances.mean():
        shrunk = variances / (variances + penalty)
        explained = np.sum((2 - shrunk) * shrunk * (along**2).sum(axis=1) / variances)
        error = (np.sum(y**2) - explained) / (n - 1 - shrunk.sum()) ** 2
        if error < least:
            best, least = along * (shrunk / variances)[:, None], error
    result: Array = directions @ best
    return result


def dynamics_rows(norms: Array, clip: float) -> Rows:
    """Gradient norms of a run's steps in windows of equal length, before clipping.

    ``over_limit`` is the share of steps whose global norm is above ``clip``. Where all variables
    are clipped together this is the share of clipped steps. ``spikes`` counts the steps of
    :func:`spikes`. Norms that are not finite are spikes and over any limit.
    """
    norms = norms.astype(np.float64)
    strange = spikes(norms)
    rows: Rows = []
    for steps in np.array_split(np.arange(len(norms)), min(MOST_WINDOWS, len(norms)) or 1):
        if not len(steps):
            continue
        mine = norms[steps]
        finite = mine[np.isfinite(mine)]
        row: dict[str, Any] = {"first_step": int(steps[0]) + 1, "last_step": int(steps[-1]) + 1}
        row |= _quantiles("norm", finite, (10, 50, 90)) if len(finite) else {}
        row["norm_most"] = _short(mine.max())
        row["limit"] = clip or None
        row["over_limit"] = _short(np.mean(~(mine <= clip))) if clip else None
        row["spikes"] = int(strange[steps].sum())
        rows.append(row)
    return rows


def spikes(norms: Array) -> Array:
    """Which steps have a norm above ten times the median of the 50 steps before it."""
    found: Array = ~np.isfinite(norms) | (jumps(norms) > SPIKE_FACTOR)
    return found


def jumps(norms: Array) -> Array:
    """Each norm over the median of the 50 steps before it; NaN where there are none, or zero."""
    ratios = np.full(len(norms), np.nan)
    if len(norms) > SPIKE_STEPS:
        before = np.median(sliding_window_view(norms[:-1], SPIKE_STEPS), axis=-1)
        with np.errstate(invalid="ignore"):  # infinity over infinity
            ratios[SPIKE_STEPS:] = norms[SPIKE_STEPS:] / np.where(before > 0, before, np.nan)
    return ratios


def thinned(count: int, most: int) -> list[int]:
    """At most ``most`` of 0 .. count - 1, evenly spread, with both ends."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most))})


def _quantiles(name: str, values: Array, percents: tuple[int, ...]) -> dict[str, float]:
    found = np.percentile(values, percents)
    return {f"{name}_q{p}": _short(v) for p, v in zip(percents, found, strict=True)}


def _short(value: Any) -> float:
    """Four significant digits: more would be noise in the tables."""
    return float(f"{value:.4g}")
