"""Random streams that give every framework the same bytes.

Philox (Salmon 2011) is counter-based: the numbers of step s depend on the key
and on s alone, so a batch is the same however the steps are grouped in chunks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from cells import Array
from tasks import Budget, Examples, Split, Task


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


def examples(task: Task, split: Split, seed: int, n: int) -> Examples:
    """``n`` examples of a split, a weight for each answer with them where the task gives some."""
    return drawn(of_run(task, seed), split, generator(task_key(task), split, seed), n)


def drawn(task: Task, split: Split, rng: np.random.Generator, n: int) -> Examples:
    """What the task draws; the weight of a sequence is that of each of its answers."""
    inputs, targets, *weights = task.draw(split, rng, n)
    if task.every_step:
        steps = targets.shape[1]
        weights = [w if w.ndim > 1 else np.repeat(w[:, None], steps, axis=1) for w in weights]
    return inputs, targets, *weights


def of_run(task: Task, seed: int) -> Task:
    """The task with what all examples of the run ``seed`` share."""
    return task.of_run(generator(task_key(task), "run", seed))


class TrainingStream:
    """The training batches of a run, step after step."""

    def __init__(self, task: Task, budget: Budget, seed: int) -> None:
        self._key, self._task = task_key(task), of_run(task, seed)
        self._budget, self._seed = budget, seed
        self._digest = hashlib.sha256()
        self._epoch, self._order = -1, np.empty(0, np.int64)
        self._pool = (
            examples(task, "train", seed, budget.train_examples) if budget.train_examples else None
        )

    def chunk(self, first: int, count: int) -> Examples:
        """The batches of ``count`` steps from step ``first``: ``[K, B, T, d]``, ``[K, B, ...]``.

        Raises ValueError for a batch whose weights are all zero: it has no mean.
        """
        batches = [self._batch(step) for step in range(first, first + count)]
        chunk = tuple(np.stack(arrays) for arrays in zip(*batches, strict=True))
        for weights in chunk[2:]:
            counts = weights.reshape(count, -1).any(axis=1)
            if not counts.all():
                step = first + int(np.argmin(counts)) + 1
                raise ValueError(f"all weights of the batch of step {step} are zero")
        update(self._digest, chunk)
        return chunk

    @property
    def sha256(self) -> str:
        """The digest of all bytes handed out so far."""
        return self._digest.hexdigest()

    def _batch(self, step: int) -> Examples:
        if self._pool is None:
            rng = generator(self._key, "train", self._seed, step=step)
            return drawn(self._task, "train", rng, self._budget.batch)
        per_epoch = self._budget.train_examples // self._budget.batch
        epoch, place = divmod(step, per_epoch)
        if epoch != self._epoch:
            rng = generator(self._key, "order", self._seed, step=epoch)
            self._epoch, self._order = epoch, rng.permutation(self._budget.train_examples)
        chosen = self._order[place * self._budget.batch : (place + 1) * self._budget.batch]
        return tuple(array[chosen] for array in self._pool)


def update(digest: hashlib._Hash, arrays: Iterable[Array]) -> None:
    """Feed the bytes of ``arrays`` to ``digest``."""
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)


def sha256(arrays: Iterable[Array]) -> str:
    """The SHA-256 of the bytes of ``arrays``, in their order."""
    digest = hashlib.sha256()
    update(digest, arrays)
    return digest.hexdigest()


def sha256_of_text(*parts: str | None) -> str:
    """One digest of several; empty when one of them is missing."""
    if any(part is None for part in parts):
        return ""
    return hashlib.sha256("".join(str(part) for part in parts).encode()).hexdigest()
