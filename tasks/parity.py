"""Parity: is the number of ones in a string even or odd?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget
from tasks._tape import TAPE, Tape


@dataclass(frozen=True)
class Parity(Tape):
    """Say whether a string of zeros and ones, longer than any in training, has an odd number of ones.

        x = s(1) … s(L), a blank,   s(i) ~ U{0, 1}
        y = s(1) + … + s(L) mod 2, at the blank

    One bit of state is enough, but it must be right after every symbol: a regular language, which
    a plain RNN can recognise at any length. Training strings have 1 to ``longest`` symbols, all
    lengths alike, test and validation strings ``longest`` + 1 to ``reach``.

    The paper's code tests on 512 strings of every length from 41 to 500; here it is ``lengths``
    lengths spread evenly over the same range, each with as many strings as the other. A step of
    theirs has strings of one length, here a batch has all lengths. Their output layer reads
    max(0, h), ours h.

    Whatever is not the whole string tells nothing: guessing and every memory that misses a symbol
    have 1/2. A run counts as solved from 0.99 on. Of 1,000 test strings a guess has 0.5 ± 0.016.
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
