"""Repeat a string from its end."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget
from tasks._tape import TAPE, Tape


@dataclass(frozen=True)
class ReverseString(Tape):
    """Repeat a string of zeros and ones backwards, longer than those of training.

        x = s(1) … s(L), L blanks,   s(i) ~ U{0, 1}
        y = s(L) … s(1), at the blanks

    A stack would do; a network of a fixed size has to keep every symbol, and what it has learned
    of 40 of them is of no use for 500. Training strings have 1 to ``longest`` symbols, test and
    validation strings ``longest`` + 1 to ``reach``. The score is the share of a string's symbols
    that are right, averaged over strings, of which all lengths have as many. The task differs from
    the paper's code as parity does.

    A guess has 1/2, the baseline. A model that keeps the last k symbols of every string and guesses
    the others has 1/2 + k/2 · the mean of 1/L: 0.55 for k = 20, and 0.61 for the 40 symbols of
    training. So a score a little above 1/2 shows no rule learned. A run counts as solved from 0.99
    on.

    On five seeds, each cell at its own rate, the budget ends at 0.569 with LSTM (0.566 to 0.572)
    and at 0.548 with GRU (0.547 to 0.555; study ``budgets``, docs/configure.md). Half of it brings
    0.551 and 0.541 on validation data: the second half brought little.
    """

    name: ClassVar = "reverse_string"
    summary: ClassVar = "Repeat a string backwards, longer than in training."
    references: ClassVar = (TAPE,)
    symbols: ClassVar = 2
    outputs: ClassVar = 2
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=64, steps=2000, learning_rate=5e-3, evaluate_every=200,
        validation_examples=320, test_examples=640,
    )  # fmt: skip

    def answer_length(self, length: int) -> int:
        return length

    def answered(self, rng: np.random.Generator, lengths: Array) -> tuple[Array, Array]:
        strings = rng.integers(0, 2, (len(lengths), lengths.max()))
        backwards = lengths[:, None] - 1 - np.arange(lengths.max())
        shown = np.take_along_axis(strings, np.maximum(backwards, 0), axis=1)
        return strings, np.where(backwards >= 0, shown, -1)
