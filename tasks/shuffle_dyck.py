"""Brackets of several kinds, each kind balanced by itself: the languages Shuffle-k."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, MultiLabel, Split, at_least
from tasks._brackets import balanced


@dataclass(frozen=True)
class ShuffleDyck(MultiLabel):
    """Say at each step of brackets of several kinds which kinds may be closed.

        x = a shuffle of ``kinds`` balanced strings, each of brackets of its own, such as ([)]
        y(t, i) = 1 where kind i was opened more often than closed up to t, else 0

    Each kind is balanced by itself and kinds may cross, so that a counter for each will do where
    brackets that nest need a stack. Training strings have an even length from 2 to ``longest``;
    validation and test strings are longer than any of them, ``longest`` + 2 to 2·``longest``.
    Lengths are uniform, each pair is of every kind with the same probability, and all balanced
    strings of a kind (by the cycle lemma) and all shuffles are equally likely. Inputs are one-hot
    over the 2·``kinds`` brackets. All strings begin at the first step; what follows them has no
    weight.

    Suzgun 2019 has an output for every bracket, also for those that open, which always may, and
    trains on squared errors; their code's training lengths of 2 to 50 and test lengths of 52 to
    100 are those here, but its strings come from a grammar.

    The score is the share of strings with the right answer for every kind at every step. Without
    memory nothing says which ) closes the last open bracket. Such a model can be right only on
    strings whose pairs are all closed at once, and at these lengths hardly any are: the baseline
    is 0. A run counts as solved from 0.99 on.

    On five seeds, each cell at its own rate, the budget ends at 0.977 with LSTM (0.909 to 0.993)
    and at 0.798 with GRU (0.611 to 0.887; study ``budgets``, docs/configure.md). Half of it brings
    0.945 and 0.305 on validation data. It is long enough for LSTM and short for GRU, which still
    rises: a run says which cell learns sooner.
    """

    name: ClassVar = "shuffle_dyck"
    summary: ClassVar = "Tell which of several kinds of brackets may be closed."
    references: ClassVar = ("Suzgun et al. 2019, LSTM networks can perform dynamic counting",)
    every_step: ClassVar = True
    metric: ClassVar = "strings recognised"
    higher_is_better: ClassVar = True
    margin: ClassVar = 0.01
    baseline: ClassVar = 0.0
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=8, batch=32, steps=3000, learning_rate=3e-2, evaluate_every=100,
        validation_examples=128, test_examples=1024,
    )  # fmt: skip

    kinds: int = 2
    longest: int = 50

    def __post_init__(self) -> None:
        at_least(2, self, "kinds", "longest")
        if self.longest % 2:
            raise ValueError("longest must be even: every bracket is closed")

    @property
    def sequence_length(self) -> int:
        """The longest training string, in symbols."""
        return self.longest

    @property
    def test_length(self) -> int:
        return 2 * self.longest

    @property
    def input_size(self) -> int:
        return 2 * self.kinds

    @property
    def outputs(self) -> int:
        return self.kinds

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        return self.draw("train", rng, n)

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        pairs = rng.integers(1, self.longest // 2, n, endpoint=True)
        steps = self.sequence_length
        if split != "train":
            pairs, steps = pairs + self.longest // 2, self.test_length
        moves = self.moves(rng, pairs, steps)
        inputs = np.concatenate([moves == 1, moves == -1], axis=-1).astype(np.float32)
        targets = (moves.cumsum(axis=1) > 0).astype(np.float32)
        return inputs, targets, (moves != 0).any(axis=-1).astype(np.float32)

    def moves(self, rng: np.random.Generator, pairs: Array, steps: int) -> Array:
        """A shuffle of ``pairs`` [n] pairs: [n, steps, kinds], 1 where a kind opens, -1 closes."""
        of_kind = rng.multinomial(pairs, np.full(self.kinds, 1 / self.kinds))
        # Which kind comes at each step: as many places as it has brackets, in a random order.
        first = 2 * of_kind.cumsum(axis=1)
        sorted_kinds = (np.arange(steps)[:, None] >= first[:, None]).sum(axis=-1)
        keys = np.where(sorted_kinds < self.kinds, rng.random(sorted_kinds.shape), 2)
        kinds = np.take_along_axis(sorted_kinds, keys.argsort(axis=1), axis=1)
        moves = np.zeros((len(pairs), steps, self.kinds), int)
        for kind in range(self.kinds):
            own = kinds == kind
            string = balanced(rng, of_kind[:, kind], steps)
            count = np.maximum(own.cumsum(axis=1) - 1, 0)
            moves[..., kind] = np.where(own, np.take_along_axis(string, count, axis=1), 0)
        return moves

    def score(self, outputs: Array, targets: Array, inputs: Array, weights: Array) -> float:
        """The share of strings that are right throughout; above 0 an output says yes."""
        right = ((outputs > 0) == (targets > 0)).all(axis=-1) | (weights == 0)
        return float(np.mean(right.all(axis=1), dtype=np.float64))
