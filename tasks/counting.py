"""Counting: strings of the language aⁿbⁿ."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, Split, at_least

A, B = 0, 1
EITHER, MORE, STOP, NOTHING = range(4)


@dataclass(frozen=True)
class Counting(Classification):
    """Say at each step of aⁿbⁿ what may follow, and in the end: nothing more.

        x = aⁿbⁿ
        y(t) = a or b for t ≤ n,   b for n < t < 2n,   the end for t = 2n

    After an a, another a or a b may follow; after a b, another b as long as there were
    fewer of them than of a's, then the string ends. Only counting says where. Training
    strings have n from 1 to ``longest``; validation and test strings are longer than any of
    them, n from ``longest`` + 1 to ``reach``·``longest``, so that what is scored is whether the
    rule was learned: near by with ``reach`` = 2, as Weiss 2018 ask, or with 4 or more for strings
    much longer than in training, as El-Naggar 2022 ask. Inputs are one-hot over a and b; all
    strings begin at the first step and are followed by zeros, for which "nothing" is the
    right answer; a model learns that at once, so that it stands for a mask. (Padded in front,
    every string would end at the same step, and a clock would do instead of a counter.)

    The score is the share of strings with the right answer at every step. As n is uniform, a model
    that counts rightly up to N and no further has (N - longest)/((reach - 1)·longest). One
    without memory cannot tell the last b from the others and has none right: the
    baseline is 0. A run counts as solved from 0.99 on.

    The budget rests on one seed of each cell at rate 0.01: the training loss of both gated cells
    is below 0.001 by step 1,100, and the share of longer strings that they recognise no longer
    changes by step 1,500 (``python -m harness train --task counting --framework jax --cell lstm
    --set learning_rate=0.01``). That share differs much between seeds: 0.54 to 1 for the LSTM,
    0.11 to 0.30 for the GRU over the seeds 100 to 103. At their own rate, 0.1, it is 0.74 to 1 and
    0 to 0.38 over ten seeds (results/reference).
    """

    name: ClassVar = "counting"
    summary: ClassVar = "Count: recognise the end of aⁿbⁿ, longer than in training."
    references: ClassVar = (
        "Gers & Schmidhuber 2001, LSTM recurrent networks learn simple context-free languages",
        "Weiss, Goldberg & Yahav 2018, On the practical computational power of finite "
        "precision RNNs",
        "El-Naggar et al. 2022, Exploring the long-term generalization of counting behavior "
        "in RNNs",
    )
    every_step: ClassVar = True
    metric: ClassVar = "strings recognised"
    input_size: ClassVar = 2
    outputs: ClassVar = 4
    baseline: ClassVar = 0.0
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=16, batch=32, steps=2000, learning_rate=1e-2, evaluate_every=100,
        validation_examples=128, test_examples=1024,
    )  # fmt: skip

    longest: int = 20
    reach: int = 2

    def __post_init__(self) -> None:
        at_least(1, self, "longest")
        at_least(2, self, "reach")

    @property
    def sequence_length(self) -> int:
        """The longest test string, in symbols."""
        return 2 * self.reach * self.longest

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        return self.strings(rng.integers(1, self.longest, n, endpoint=True))

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        if split == "train":
            return self.sample(rng, n)
        return self.strings(
            rng.integers(self.longest + 1, self.reach * self.longest, n, endpoint=True)
        )

    def strings(self, counts: Array) -> tuple[Array, Array]:
        """The strings with ``counts`` [n] a's and as many b's, and the answers."""
        steps, counts = np.arange(self.sequence_length), counts[:, None]
        is_a, is_b = steps < counts, (steps >= counts) & (steps < 2 * counts)
        kinds = [is_a, steps < 2 * counts - 1, steps < 2 * counts]
        targets = np.select(kinds, [EITHER, MORE, STOP], NOTHING).astype(np.int32)
        return np.stack([is_a, is_b], axis=-1).astype(np.float32), targets

    def score(self, outputs: Array, targets: Array, inputs: Array) -> float:
        right = outputs.argmax(axis=-1) == targets
        return float(np.mean(right.all(axis=1), dtype=np.float64))
