"""The weights that every framework starts from."""

import numpy as np

import cells
from cells import Array, Weights
from harness.plan.tracks import model_of
from harness.run.streams import examples, generator, task_key
from tasks import Task


def initial_weights(task: Task, cell: str, layers: int, hidden: int, seed: int) -> Weights:
    """The weights that every framework starts from, float32, in canonical form.

    Gate by gate, input weights are Glorot uniform over (d, h) (Glorot & Bengio
    2010) and recurrent weights orthogonal (Saxe 2014), or the identity where the
    cell says so; the output layer is Glorot uniform. Biases are 0 but for the
    cell's own first biases, such as the LSTM's forget bias of 1 (Jozefowicz 2015);
    a cell's extras are drawn as it says.
    """
    rng = generator(task_key(task), cell, layers, hidden, "weights", seed)
    own = cells.cell(cell)
    shapes = cells.shapes(model_of(task, cell, layers, hidden))
    first_biases = np.repeat([own.first_biases.get(gate, 0.0) for gate in own.gates], hidden)

    def square() -> Array:
        return np.eye(hidden) if own.start == "identity" else _orthogonal(rng, hidden)

    def first(name: str, shape: tuple[int, ...]) -> Array:
        kind = name.rpartition(".")[2]
        if kind == "input":
            return np.hstack([_glorot_uniform(rng, shape[0], hidden) for _ in own.gates])
        if kind == "recurrent":
            return np.hstack([square() for _ in own.recurrent])
        if kind in own.extras and own.extras[kind].matrix:
            return square()
        if kind in own.extras:
            return rng.uniform(own.extras[kind].low, own.extras[kind].high, shape)
        if name == "output.weight":
            return _glorot_uniform(rng, *shape)
        return first_biases if kind == "bias" and name != "output.bias" else np.zeros(shape)

    return {k: first(k, shape).astype(np.float32) for k, shape in shapes.items()}


def with_biases(weights: Weights, kind: str, task: Task, cell: str, seed: int) -> Weights:
    """``weights`` with the biases of their gates started as ``kind`` says.

    ``zero`` takes the cell's first biases, such as the LSTM's forget bias of 1, away. ``chrono``
    (Tallec & Ollivier 2018) draws ln U(1, T - 1) for each unit, T the length of the sequence: the
    bias of the gate that keeps the old state (the LSTM's f, the GRU's z); the one that writes
    (the LSTM's i) gets its negative. A few cells start so by themselves.
    """
    own = cells.cell(cell)
    if kind == "standard" and not own.chrono:
        return weights
    length = examples(task, "train", seed, 1)[0].shape[1]
    changed = dict(weights)
    for name in weights:
        if not name.endswith(".bias") or name == "output.bias":
            continue
        hidden = len(weights[name]) // len(own.gates)
        bias = np.zeros_like(weights[name])
        if kind != "zero" and (own.keeps or own.writes):
            rng = generator(task_key(task), cell, name, hidden, "chrono", seed)
            keep = np.log(rng.uniform(1, length - 1, hidden))
            for gate, values in ((own.keeps, keep), (own.writes, -keep)):
                if gate:
                    bias.reshape(-1, hidden)[own.gates.index(gate)] = values
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
