"""Random streams that give every framework the same bytes.

Philox (Salmon 2011) is counter-based: the numbers of step s depend on the key
and on s alone, so a batch is the same however the steps are grouped in chunks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from implementations import GATES, Array, Weights
from tasks import Budget, Split, Task


def generator(*key: object, step: int = 0) -> np.random.Generator:
    """The generator of a stream, named by ``key``, at one of its steps."""
    digest = hashlib.sha256("/".join(str(part) for part in key).encode()).digest()
    return np.random.Generator(
        np.random.Philox(key=int.from_bytes(digest[:16], "little"), counter=[0, 0, 0, step])
    )


def task_key(task: Task) -> str:
    """The task's name and parameters: another length is another stream."""
    parameters = asdict(task)
    return f"{task.name}{sorted(parameters.items())}"


def examples(task: Task, split: Split, seed: int, n: int) -> tuple[Array, Array]:
    """``n`` examples of a split."""
    return task.draw(split, generator(task_key(task), split, seed), n)


class TrainingStream:
    """The training batches of a run, step after step."""

    def __init__(self, task: Task, budget: Budget, seed: int) -> None:
        self._task, self._budget, self._seed = task, budget, seed
        self._digest = hashlib.sha256()
        self._epoch, self._order = -1, np.empty(0, np.int64)
        self._pool = (
            examples(task, "train", seed, budget.train_examples) if budget.train_examples else None
        )

    def chunk(self, first: int, count: int) -> tuple[Array, Array]:
        """The batches of ``count`` steps from step ``first``: ``[K, B, T, d]``, ``[K, B, ...]``."""
        batches = [self._batch(step) for step in range(first, first + count)]
        inputs, targets = (np.stack(arrays) for arrays in zip(*batches, strict=True))
        update(self._digest, (inputs, targets))
        return inputs, targets

    @property
    def sha256(self) -> str:
        """The digest of all bytes handed out so far."""
        return self._digest.hexdigest()

    def _batch(self, step: int) -> tuple[Array, Array]:
        if self._pool is None:
            rng = generator(task_key(self._task), "train", self._seed, step=step)
            return self._task.draw("train", rng, self._budget.batch)
        per_epoch = self._budget.train_examples // self._budget.batch
        epoch, place = divmod(step, per_epoch)
        if epoch != self._epoch:
            rng = generator(task_key(self._task), "order", self._seed, step=epoch)
            self._epoch, self._order = epoch, rng.permutation(self._budget.train_examples)
        chosen = self._order[place * self._budget.batch : (place + 1) * self._budget.batch]
        return self._pool[0][chosen], self._pool[1][chosen]


def update(digest: hashlib._Hash, arrays: Iterable[Array]) -> None:
    """Feed the bytes of ``arrays`` to ``digest``."""
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)


def sha256(arrays: Iterable[Array]) -> str:
    """The SHA-256 of the bytes of ``arrays``, in their order."""
    digest = hashlib.sha256()
    update(digest, arrays)
    return digest.hexdigest()


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


def sha256_of_text(*parts: str | None) -> str:
    """One digest of several; empty when one of them is missing."""
    if any(part is None for part in parts):
        return ""
    return hashlib.sha256("".join(str(part) for part in parts).encode()).hexdigest()
