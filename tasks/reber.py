"""The continual embedded Reber grammar."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, at_least

SYMBOLS = "BTPSXVE"
# The Reber grammar: what may follow in each of its places, as symbol and next place; both alike.
INNER = {
    0: ("B1", "B1"), 1: ("T2", "P3"), 2: ("S2", "X4"), 3: ("T3", "V5"), 4: ("X3", "S6"),
    5: ("P4", "V6"), 6: ("E7", "E7"),
}  # fmt: skip


def _embedded() -> tuple[Array, Array]:
    """Symbol and next place [places, 2]: the grammar twice, between two T or between two P."""
    symbols, following = [[0, 0], [1, 2]], [[1, 1], [2, 2 + len(INNER) + 2]]
    for branch in "TP":
        first = len(symbols)
        for choices in INNER.values():
            symbols.append([SYMBOLS.index(one[0]) for one in choices])
            following.append([first + int(one[1]) for one in choices])
        symbols += [[SYMBOLS.index(branch)] * 2, [SYMBOLS.index("E")] * 2]
        following += [[len(symbols) - 1] * 2, [0, 0]]
    return np.array(symbols, dtype=np.int32), np.array(following)


EMITS, GOES_TO = _embedded()
_E, _CLOSING = SYMBOLS.index("E"), (SYMBOLS.index("T"), SYMBOLS.index("P"))


@dataclass(frozen=True)
class Reber(Classification):
    """Say what follows in an endless stream of strings, whose ends repeat their beginnings.

        x = B T … T E B P … P E B …,   … a string of the Reber grammar, from B to E
        y(t) = x(t + 1)

    Each embedded string begins with B and T or P, each of probability 1/2, holds a string
    of the Reber grammar and ends with the same T or P and an E. The next one follows at once,
    and nothing says that what was kept may go: the state has to be cleared by the network
    itself, which is what forget gates were invented for. Inputs are one-hot over the seven
    symbols; a stream has ``length`` symbols, the last string is cut off.

    The score is the share of the closing T and P that are foretold: what depends on a symbol at
    least five steps before. A model without memory knows that it is one of the two: the baseline
    is 1/2. A run counts as solved from 0.99 on. The papers train symbol by symbol on one stream
    and ask for no wrong symbol at all; here it is batches of streams, all from the same start.
    """

    name: ClassVar = "reber"
    summary: ClassVar = "Foretell the symbols of an endless stream of strings; nothing resets."
    references: ClassVar = (
        "Gers, Schmidhuber & Cummins 2000, Learning to forget, section 4",
        "Hochreiter & Schmidhuber 1997, Long short-term memory, experiment 1",
    )
    every_step: ClassVar = True
    metric: ClassVar = "closing symbols foretold"
    input_size: ClassVar = len(SYMBOLS)
    outputs: ClassVar = len(SYMBOLS)
    baseline: ClassVar = 0.5
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=16, batch=32, steps=2000, learning_rate=1e-2, evaluate_every=100,
        validation_examples=128, test_examples=512,
    )  # fmt: skip

    length: int = 200

    def __post_init__(self) -> None:
        # The shortest string has nine symbols.
        at_least(20, self, "length")

    @property
    def sequence_length(self) -> int:
        """The symbols of a stream that are shown."""
        return self.length

    @property
    def lag(self) -> int:
        """From the T or P of the shortest string to the E after which it is asked for."""
        return 5

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        choices = rng.integers(0, 2, (n, self.length + 1))
        tokens = np.empty((n, self.length + 1), dtype=np.int32)
        places = np.zeros(n, dtype=np.int64)
        for t, chosen in enumerate(choices.T):
            tokens[:, t] = EMITS[places, chosen]
            places = GOES_TO[places, chosen]
        return np.eye(self.input_size, dtype=np.float32)[tokens[:, :-1]], tokens[:, 1:].copy()

    def score(self, outputs: Array, targets: Array, inputs: Array) -> float:
        """The share of right answers where the end of a string is asked for."""
        asked = (inputs[..., _E] == 1) & np.isin(targets, _CLOSING)
        right = outputs.argmax(axis=-1) == targets
        return float(np.mean(right[asked], dtype=np.float64))
