"""Capacity: random labels of random sequences, to be learned by heart."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, Split, at_least


@dataclass(frozen=True)
class Capacity(Classification):
    """Learn the random labels of random sequences by heart, and be asked for those again.

        x(1), …, x(T) ~ U{−1, 1}^width,   y ~ U{0, 1},   ``patterns`` pairs, drawn once
        score = 1 − H(p),   H(p) = −p·log₂ p − (1 − p)·log₂(1 − p)

    Each run draws ``patterns`` sequences of ``length`` steps and as many labels, as many of
    one kind as of the other (``collection`` = 0; any other number names one collection for all
    runs). It trains on them and is asked for the same ones again: training,
    validation and test are one set, and nothing can be generalised. All of it must be
    stored in the parameters.

    With a share p of the labels recalled, the network holds 1 − H(p) bits of each, the mutual
    information of label and answer; where p is below a half, none. That is the score. Over all
    patterns, and for each parameter, it is

        bits per parameter = patterns·score / parameters

    which bounds the capacity from below: the paper's 5 bits are the best of an extensive search
    for hyperparameters and of far more training. Guessing scores 0. A run counts as solved
    from 0.919 on, where 99 % are recalled.

    The budget rests on one seed of each cell: 2,048 labels are more than 8 units of any cell
    keep, so that the score has room above. In 8,000 steps at rate 0.005 the LSTM of 562 parameters
    reaches 0.62, 2.3 bits per parameter; a GRU of 10 units (602) 0.62, 2.1 bits, and an RNN of 19
    (572) 0.68, 2.4 bits. All were still learning. With 4,096 labels it is 1.6, 1.7 and 1.9 bits
    (``python -m harness train --task capacity --framework jax --cell rnn --seed 100 --set
    hidden=19 --set learning_rate=0.005``). At their own rates the medians of ten seeds are 0.80,
    0.75 and 0.86 (track ``capacityequal``, results/reference).
    """

    name: ClassVar = "capacity"
    summary: ClassVar = "Learn random labels of random sequences by heart."
    references: ClassVar = (
        "Collins, Sohl-Dickstein & Sussillo 2017, Capacity and trainability in recurrent "
        "neural networks",
    )
    metric: ClassVar = "bits a label"
    outputs: ClassVar = 2
    baseline: ClassVar = 0.0
    # 1 - H(.99)
    solved: ClassVar = 0.919
    budget: ClassVar = Budget(
        layers=1, hidden=8, batch=128, steps=8000, learning_rate=5e-3, evaluate_every=400,
        validation_examples=2048, test_examples=2048,
    )  # fmt: skip

    patterns: int = 2048
    width: int = 8
    length: int = 5
    collection: int = 0

    def __post_init__(self) -> None:
        at_least(2, self, "patterns")
        at_least(1, self, "width", "length")
        at_least(0, self, "collection")
        if self.patterns > (most := 2 ** (self.width * self.length - 3)):
            raise ValueError(
                f"patterns must be at most {most}, an eighth of all sequences of this width and "
                f"length, not {self.patterns}"
            )

    @property
    def sequence_length(self) -> int:
        return self.length

    @property
    def input_size(self) -> int:
        return self.width

    def of_run(self, rng: np.random.Generator) -> "Capacity":
        if self.collection:
            return self
        return replace(self, collection=int(rng.integers(1, 2**31)))

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        return self.draw("train", rng, n)

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        inputs, labels = _collection(self)
        rounds = -(-n // self.patterns)
        chosen = np.concatenate([rng.permutation(self.patterns) for _ in range(rounds)])[:n]
        return inputs[chosen], labels[chosen]

    def score(self, outputs: Array, targets: Array, inputs: Array) -> float:
        p = max(super().score(outputs, targets, inputs), 0.5)
        return 1.0 + sum(q * float(np.log2(q)) for q in (p, 1 - p) if q)


@lru_cache(maxsize=4)
def _collection(task: Capacity) -> tuple[Array, Array]:
    """Sequences [patterns, length, width], no two alike, and labels [patterns]."""
    rng = np.random.default_rng([task.collection, task.patterns])
    bits = task.width * task.length
    drawn = rng.integers(0, 2, (2 * task.patterns, bits), dtype=np.int8)
    _, firsts = np.unique(drawn, axis=0, return_index=True)
    chosen = drawn[np.sort(firsts)[: task.patterns]]
    inputs = (2 * chosen - 1).reshape(-1, task.length, task.width).astype(np.float32)
    return inputs, rng.permutation(np.arange(task.patterns, dtype=np.int32) % 2)
