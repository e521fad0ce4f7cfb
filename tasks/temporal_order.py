"""The temporal order problem."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification

START, END, X, Y = 0, 1, 6, 7  # between END and X: the four distractors


@dataclass(frozen=True)
class TemporalOrder(Classification):
    """Say in which order two symbols came that stood far apart among distractors.

        x = start, …, s(1), …, s(2), …, end,   s(1) and s(2) ~ U{X, Y}
        y = (s(1), s(2))

    A string begins with a start symbol and ends with an end symbol; between them stand
    distractors out of four, and twice X or Y. Asked for at the end is one of the four classes
    XX, XY, YX, YY. A string of ``length`` = 50, the shortest, to 55 symbols has the first of them
    at a position from 5 to 10, the second from 25 to 30; the paper's strings are twice as long
    (``length`` = 100: 100 to 110, 10 to 20, 50 to 60). Inputs are one-hot over the eight
    symbols. Shorter strings are padded in front, by zeros, so that the answer is always asked
    for at the last step.

    Guessing reaches 1/4 and the loss ln 4. A run counts as solved from 0.99 on.

    The budget rests on one seed of each cell: at length 50 and rate 0.002 the GRU is solved by
    step 400, the LSTM by 450 (at 0.005 the GRU by 550). At length 100 the LSTM is solved by step
    450 too, but the GRU stays at the baseline for 1,200 steps, at rates 0.002, 0.005 and 0.01
    (``python -m harness train --task temporal_order --framework jax --cell gru --set
    length=100 --set steps=1200 --set learning_rate=0.002``). One seed cannot tell whether the cells
    differ. At length 50 and their own rates, 0.1 and 0.001, 8 of 10 runs of GRU and 9 of 10 of LSTM
    are solved (results/reference).
    """

    name: ClassVar = "temporal_order"
    summary: ClassVar = "Classify the order of two symbols that stand far apart."
    references: ClassVar = ("Hochreiter & Schmidhuber 1997, Long short-term memory, experiment 6a",)
    input_size: ClassVar = 8
    outputs: ClassVar = 4
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=32, steps=800, learning_rate=2e-3, evaluate_every=50,
        validation_examples=128, test_examples=1024,
    )  # fmt: skip

    length: int = 50

    def __post_init__(self) -> None:
        if self.length < 20:
            raise ValueError("length must be at least 20")

    @property
    def sequence_length(self) -> int:
        """The longest string, in symbols."""
        return self.length + self.length // 10

    @property
    def lag(self) -> int:
        """From the last place of the first symbol to the end of the shortest string."""
        return self.length - 1 - 2 * (self.length // 10)

    def probe_target(self, inputs: Array) -> tuple[Array, Array]:
        """The first symbol, X or Y as 0 or 1, and where it stands."""
        shown = inputs[..., X:].any(axis=-1).argmax(axis=1)
        return inputs[np.arange(len(inputs)), shown, Y].astype(np.int64), shown

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        rows, tenth = np.arange(n), self.length // 10
        starts = rng.integers(0, tenth, n, endpoint=True)
        tokens = rng.integers(END + 1, X, (n, self.sequence_length))
        tokens[rows, starts], tokens[:, -1] = START, END
        symbols = rng.integers(0, 2, (n, 2), dtype=np.int32)
        for symbol, first in zip(symbols.T, (tenth, self.length // 2), strict=True):
            places = starts + first + rng.integers(0, tenth, n, endpoint=True)
            tokens[rows, places] = X + symbol
        inputs = np.eye(8, dtype=np.float32)[tokens]
        inputs[np.arange(self.sequence_length) < starts[:, None]] = 0
        return inputs, 2 * symbols[:, 0] + symbols[:, 1]
