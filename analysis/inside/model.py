"""One model looked into: what it does with a task's held-out examples.

Everything is computed by the NumPy reference in float64 from canonical weights, so it
is the same for every framework. T is the number of time steps, B of examples, h of units.
"""

from typing import Any

import numpy as np

import cells
from analysis.inside import gate_activity, gradient_flow, marks, memory_probe
from analysis.inside.rows import Rows, thinned
from cells import ModelSpec, Weights, network
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
    read: Rows = []
    # Block by block: what the reference keeps of all examples at once can fill a memory.
    starts = range(0, len(inputs), BLOCK)
    blocks = (network.forward(spec, weights, inputs[i : i + BLOCK]) for i in starts)
    first = next(blocks)
    if data["probe"] is not None:
        steps = thinned(len(first.sequences[-1]), memory_probe.MOST_PROBES)
        states = [block.sequences[-1][steps] for block in (first, *blocks)]
        read = memory_probe.rows(np.concatenate(states, axis=1), steps, *data["probe"])
    return {
        "gradient_flow": gradient_flow.rows(
            spec, weights, first, data["targets"][:BLOCK], seed, task.lag
        ),
        "gates": [
            row
            for layer, values in enumerate(first.gates)
            for row in gate_activity.rows(cells.cell(spec.cell), layer, values, task.lag, marked)
        ],
        "memory_probe": read,
    }


def examples(task: Task, hidden: int, seed: int) -> dict[str, Any]:
    """Examples with their targets and, where the task asks to keep a value, that value.

    For a probe there are at least four for each of ``hidden`` units to fit it, and those that
    judge it; without one, there are as many as gradients need.
    """
    n = max(256, 4 * hidden) + memory_probe.PROBE_TESTS
    inputs, targets = streams.examples(task, "test", seed, n)
    target = task.probe_target(inputs)
    few = slice(0, BLOCK if target is None else n)
    return {
        "inputs": inputs[few].astype(np.float64),
        "targets": targets[few],
        "probe": target,
    }
