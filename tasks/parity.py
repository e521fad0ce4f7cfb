"""Parity: is the number of ones in a string even or odd?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget
from tasks._tape import TAPE, Tape


@dataclass(frozen=True)
class Parity(Tape):
    """Say whether the number of ones is odd, in strings longer than those of training.

        x = s(1) … s(L), a blank,   s(i) ~ U{0, 1}
        y = s(1) + … + s(L) mod 2, at the blank

    One bit of state is enough, but it must be right after every symbol: a regular language, which
    a plain RNN can recognise at any length. Training strings have 1 to ``longest`` = 40 symbols,
    all lengths alike; test and validation strings have from ``longest`` + 1 to ``reach`` = 500.

    The paper's code tests on 512 strings of every length from 41 to 500 and takes the mean over
    lengths; here it is ``lengths`` = 20 lengths, the middles of as many equal parts of that range,
    with equally many strings each. A training step of theirs has strings of one length, here a
    batch has all lengths. Their output layer reads max(0, h), ours h.

    A guess has 1/2, and so has a model that misses a symbol: the baseline. On the 1,280 test
    strings a guess has 0.5 ± 0.014. A run counts as solved from 0.99 on.

    The budget is long enough on five seeds, each cell at its own rate: LSTM solves the task after
    400 steps and GRU after 500 (medians), on strings of up to 488 symbols (study ``budgets``,
    docs/configure.md).
    """

    name: ClassVar = "parity"
    summary: ClassVar = "Say if a string has an odd number of ones, longer than in training."
    references: ClassVar = (TAPE,)
    symbols: ClassVar = 2
    outputs: ClassVar = 2
    metric: ClassVar = "accuracy"
    budget: ClassVar = Budget(
        layers=1, hidden=32, batch=64, steps=1500, learning_rate=1e-2, evaluate_every=100,
        validation_examples=320, test_examples=1280,
    )  # fmt: skip

    def answered(self, rng: np.random.Generator, lengths: Array) -> tuple[Array, Array]:
        strings = rng.integers(0, 2, (len(lengths), lengths.max()))
        ones = np.where(np.arange(lengths.max()) < lengths[:, None], strings, 0).sum(axis=1)
        return strings, ones[:, None] % 2
