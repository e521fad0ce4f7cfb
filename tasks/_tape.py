"""Strings in, strings out: what the tasks of Delétang 2023 share."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Classification, Split, at_least

TAPE = "Delétang et al. 2023, Neural networks and the Chomsky hierarchy"


@dataclass(frozen=True)
class Tape(Classification):
    """A string is read, symbol by symbol; behind it blanks, over which the answer is written.

    Inputs are one-hot over the ``symbols`` and the blank, which goes on to the end. Training
    strings have from 1 to ``longest`` symbols, all lengths equally likely. Validation and test
    take ``lengths`` lengths in turn: from ``longest`` + 1 to ``reach`` is cut into as many equal
    parts, of which these are the middles. A weight is one over the length of the answer, so that
    every string counts alike, and zero where nothing is written.
    """

    symbols: ClassVar[int]
    every_step: ClassVar = True
    metric: ClassVar = "accuracy a symbol"
    solved: ClassVar = 0.99

    longest: int = 40
    reach: int = 500
    lengths: int = 20

    def __post_init__(self) -> None:
        at_least(1, self, "longest", "lengths")
        if self.reach < self.longest + self.lengths:
            raise ValueError("reach must be at least longest + lengths")

    @property
    def input_size(self) -> int:
        return self.symbols + 1

    @property
    def sequence_length(self) -> int:
        """The longest training string and its answer, in steps."""
        return self.longest + self.answer_length(self.longest)

    @property
    def test_length(self) -> int:
        """The longest test string and its answer, in steps."""
        longest = int(self.test_lengths()[-1])
        return longest + self.answer_length(longest)

    def answer_length(self, length: int) -> int:
        """The symbols of the answer to a string of ``length`` symbols."""
        return 1

    def test_lengths(self) -> Array:
        """The lengths of the test strings, ascending, [lengths]."""
        share = (np.arange(self.lengths) + 0.5) / self.lengths
        return (self.longest + 1 + share * (self.reach - self.longest - 1)).astype(int)

    @abstractmethod
    def answered(self, rng: np.random.Generator, lengths: Array) -> tuple[Array, Array]:
        """Strings of ``lengths`` [n] and their answers.

        Returns symbols [n, length of the longest], where what stands behind a string is ignored,
        and answers [n, length of the longest answer], with -1 behind them.
        """

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        return self.draw("train", rng, n)

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        if split == "train":
            lengths, steps = rng.integers(1, self.longest, n, endpoint=True), self.sequence_length
        else:
            lengths, steps = np.resize(self.test_lengths(), n), self.test_length
        return self.written(*self.answered(rng, lengths), lengths, steps)

    def written(
        self, strings: Array, answers: Array, lengths: Array, steps: int
    ) -> tuple[Array, Array, Array]:
        """Inputs, targets and weights of strings and answers as :meth:`answered` gives them."""
        n, width = strings.shape
        tokens = np.full((n, steps), self.symbols)
        tokens[:, :width] = np.where(np.arange(width) < lengths[:, None], strings, self.symbols)
        targets = np.zeros((n, steps), np.int32)
        weights = np.zeros((n, steps), np.float32)
        rows, places = np.nonzero(answers >= 0)
        steps_of = lengths[rows] + places
        targets[rows, steps_of] = answers[rows, places]
        own = np.array([self.answer_length(int(length)) for length in lengths])
        weights[rows, steps_of] = 1 / own[rows]
        return np.eye(self.input_size, dtype=np.float32)[tokens], targets, weights
