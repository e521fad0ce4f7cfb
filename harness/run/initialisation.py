"""The weights that every framework starts from."""

from __future__ import annotations

import numpy as np

from harness.run.streams import examples, generator, task_key
from implementations import GATES, Array, Weights
from tasks import Task


def initial_weights(task: Task, cell: str, layers: int, hidden: int, seed: int) -> Weights:
    """The weights that every framework starts from, float32, in canonical form.

    Gate by gate, input weights are Glorot uniform over (d, h) (Glorot & Bengio
    2010) and recurrent weights orthogonal (Saxe 2014); the output layer is
    Glorot uniform, biases are 0 but the LSTM's forget bias, which is 1
    (Jozefowicz 2015).
    """
    rng = generator(task_key(task), cell, layers, hidden, "weights", seed)
    gates = GATES[cell]
    weights: Weights = {}
    for layer in range(layers):
        size = task.input_size if layer == 0 else hidden
        bias = np.zeros(gates * hidden)
        if cell == "lstm":
            bias[hidden : 2 * hidden] = 1
        blocks = range(gates)
        weights |= {
            f"layers.{layer}.input": np.hstack(
                [_glorot_uniform(rng, size, hidden) for _ in blocks]
            ),
            f"layers.{layer}.recurrent": np.hstack([_orthogonal(rng, hidden) for _ in blocks]),
            f"layers.{layer}.bias": bias,
        }
        if cell == "gru":
            weights[f"layers.{layer}.recurrent_bias"] = np.zeros(hidden)
    weights["output.weight"] = _glorot_uniform(rng, hidden, task.outputs)
    weights["output.bias"] = np.zeros(task.outputs)
    return {name: value.astype(np.float32) for name, value in weights.items()}


def with_biases(weights: Weights, kind: str, task: Task, cell: str, seed: int) -> Weights:
    """``weights`` with the biases of their gates started as ``kind`` says.

    ``zero`` takes the LSTM's forget bias of 1 away. ``chrono`` (Tallec & Ollivier 2018) draws
    ln U(1, T - 1) for each unit, T the length of the sequence: the bias of the gate that keeps
    the old state (the LSTM's f, the GRU's z); the LSTM's i gets its negative.
    """
    if kind == "standard":
        return weights
    length = examples(task, "train", seed, 1)[0].shape[1]
    changed = dict(weights)
    for name in weights:
        if not name.endswith(".bias") or name == "output.bias":
            continue
        hidden = len(weights[name]) // GATES[cell]
        bias = np.zeros_like(weights[name])
        if kind == "chrono" and cell != "rnn":
            rng = generator(task_key(task), cell, name, hidden, "chrono", seed)
            keep = np.log(rng.uniform(1, length - 1, hidden))
            bias[hidden : 2 * hidden] = keep
            if cell == "lstm":
                bias[:hidden] = -keep
        changed[name] = bias
    return changed


def _glorot_uniform(rng: np.random.Generator, rows: int, columns: int) -> Array:
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns))


def _orthogonal(rng: np.random.Generator, size: int) -> Array:
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    # The signs make the distribution uniform over all rotations (Mezzadri 2007).
    matrix: Array = q * np.sign(np.diag(r))
    return matrix
