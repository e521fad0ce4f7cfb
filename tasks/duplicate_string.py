"""Repeat a string twice."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget
from tasks._tape import TAPE, Tape


@dataclass(frozen=True)
class DuplicateString(Tape):
    """Repeat a string of zeros and ones twice, longer than those of training.

        x = s(1) … s(L), 2L blanks,   s(i) ~ U{0, 1}
        y = s(1) … s(L) s(1) … s(L), at the blanks

    Not even a stack would do: what came first is asked for first, and then again. Training
    strings have 1 to ``longest`` symbols, test and validation strings ``longest`` + 1 to
    ``reach``. The score is the share of a string's symbols that are right, averaged over strings,
    of which all lengths have as many. The task differs from the paper's code as parity does.

    A guess has 1/2, the baseline. A model that keeps k symbols of every string and guesses the
    others has 1/2 + k/2 · the mean of 1/L: 0.55 for k = 20. A run counts as solved from 0.99 on.

    On five seeds, each cell at its own rate, the budget ends at 0.520 with LSTM (0.519 to 0.526)
    and at 0.515 with GRU (0.509 to 0.516; study ``budgets``, docs/configure.md). Half of it brings
    0.513 with both on validation data: the second half brought little.
    """

    name: ClassVar = "duplicate_string"
    summary: ClassVar = "Repeat a string twice, longer than in training."
    references: ClassVar = (TAPE,)
    symbols: ClassVar = 2
    outputs: ClassVar = 2
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=64, steps=2000, learning_rate=5e-3, evaluate_every=200,
        validation_examples=320, test_examples=640,
    )  # fmt: skip

    def answer_length(self, length: int) -> int:
        return 2 * length

    def answered(self, rng: np.random.Generator, lengths: Array) -> tuple[Array, Array]:
        strings = rng.integers(0, 2, (len(lengths), lengths.max()))
        places, own = np.arange(2 * lengths.max()), lengths[:, None]
        shown = np.take_along_axis(strings, places % own, axis=1)
        return strings, np.where(places < 2 * own, shown, -1)
