"""One model looked into: what it does with a task's held-out examples.

Everything is computed by the NumPy reference in float64 from canonical weights, so it
is the same for every framework. T is the number of time steps, B of examples, h of units.
"""

from typing import Any

import numpy as np

import cells
from analysis.inside import gate_activity, gradient_flow, marks, memory_probe
from analysis.inside.rows import Rows, thinned
from cells import Array, ModelSpec, Weights, network
from harness.run import streams
from tasks import Task

# Examples that go through a model at once; the first block's gradients and gates are averaged.
BLOCK = 64


def inspect(
    task: Task, spec: ModelSpec, weights: Weights, data: dict[str, Any], seed: int
) -> dict[str, Rows]:
    """Rows of the tables gradient_flow, gates and memory_probe for one model.

    ``data`` is that of :func:`examples`; ``seed`` names the random cotangent.
    """
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    inputs = data["inputs"]
    marked = marks.marked(inputs[:BLOCK])
    ends = last_counted(inputs, data.get("weights"))
    # What comes after the last answer that counts says nothing of the task.
    within = np.arange(inputs.shape[1])[:, None] <= ends  # [T, examples]
    read: Rows = []
    # Block by block: what the reference keeps of all examples at once can fill a memory.
    starts = range(0, len(inputs), BLOCK)
    blocks = (network.forward(spec, weights, inputs[i : i + BLOCK]) for i in starts)
    first = next(blocks)
    if data["probe"] is not None:
        steps = thinned(len(first.sequences[-1]), memory_probe.MOST_PROBES)
        states = [block.sequences[-1][steps] for block in (first, *blocks)]
        values, shown = data["probe"]
        known = (shown <= np.array(steps)[:, None]) & within[steps]
        read = memory_probe.rows(np.concatenate(states, axis=1), steps, values, known)
    here = within[:, :BLOCK]
    if not here.all():
        marked = None if marked is None else marked[here][:, None]
    return {
        "gradient_flow": gradient_flow.rows(
            spec, weights, first, data["targets"][:BLOCK], ends[:BLOCK], seed, task.lag
        ),
        "gates": [
            row
            for layer, gates in enumerate(first.gates)
            for row in gate_activity.rows(
                cells.cell(spec.cell),
                layer,
                gates if here.all() else {name: v[here][:, None] for name, v in gates.items()},
                task.lag,
                marked,
            )
        ],
        "memory_probe": read,
    }


def last_counted(inputs: Array, weights: Array | None) -> Array:
    """The step from 0 of the last answer that counts, for each of ``inputs`` [n, T, d].

    It is the last step where there are no weights, or one for a whole example [n], or none of
    an example's [n, T] is above zero.
    """
    n, length, _ = inputs.shape
    if weights is None or weights.ndim == 1:
        return np.full(n, length - 1)
    found: Array = length - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)
    return found


def examples(task: Task, hidden: int, seed: int) -> dict[str, Any]:
    """Examples with targets and weights and, where the task asks to keep a value, that value.

    For a probe there are at least four for each of ``hidden`` units to fit it, and those that
    judge it; without one, there are as many as gradients need.
    """
    n = max(256, 4 * hidden) + memory_probe.PROBE_TESTS
    inputs, targets, *weights = streams.examples(task, "test", seed, n)
    target = task.probe_target(inputs)
    few = slice(0, BLOCK if target is None else n)
    return {
        "inputs": inputs[few].astype(np.float64),
        "targets": targets[few],
        "weights": weights[0][few] if weights else None,
        "probe": target,
    }
