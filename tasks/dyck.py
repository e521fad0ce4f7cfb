"""Well-balanced brackets: the language Dyck-1."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, Split, at_least
from tasks._brackets import balanced

OPEN, CLOSE = 0, 1
OPENS_ALONE, EITHER = 0, 1


@dataclass(frozen=True)
class Dyck(Classification):
    """Say at each step of a string of brackets whether one may be closed.

        x = a balanced string of ( and ),   d(t) = the number of ( less that of ) up to t
        y(t) = ( or ) for d(t) > 0,   ( alone for d(t) = 0

    Another bracket may always be opened, one may be closed while more were opened than
    closed. Training strings have an even length from 2 to ``longest``; validation and
    test strings are longer than any of them, ``longest`` + 2 to 2·``longest``, as in code of
    the paper's authors (2 to 50, 52 to 100). Here lengths are uniform and all balanced strings of a
    length equally likely (by the cycle lemma); theirs come from a grammar. They judge two outputs
    by a threshold after training on squared errors, here it is two classes and cross-entropy.
    Inputs are one-hot over the two brackets. All strings begin at the first step and are
    followed by zeros, after which the depth is still 0 and the answer ( alone: padding
    asks for nothing new, so that one unit can do.

    The score is the share of strings with the right answer at every step. A model without
    memory cannot tell which ) closes the last open bracket. It can be right only on ()()()…, one of
    more than 10¹³ strings of these lengths: the baseline is 0. A run counts as solved from 0.99 on.

    The budget rests on one to three seeds of each cell: with one unit and rate 0.1 the LSTM is
    solved by step 1,600 (three seeds of three), at 0.03 in one of two, at 0.01 it reaches 0.83 in
    3,000 steps; GRU and RNN then recognise 0.15 and 0.00 (``python -m harness train --task
    dyck --framework jax --cell lstm --seed 100``). Of the ten seeds of the study ``brackets`` four
    are solved with LSTM (results/reference).
    """

    name: ClassVar = "dyck"
    summary: ClassVar = "Tell which brackets may follow, in longer strings than in training."
    references: ClassVar = ("Suzgun et al. 2019, LSTM networks can perform dynamic counting",)
    every_step: ClassVar = True
    metric: ClassVar = "strings recognised"
    input_size: ClassVar = 2
    outputs: ClassVar = 2
    baseline: ClassVar = 0.0
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=1, batch=32, steps=2000, learning_rate=1e-1, evaluate_every=100,
        validation_examples=128, test_examples=1024,
    )  # fmt: skip

    longest: int = 50

    def __post_init__(self) -> None:
        at_least(2, self, "longest")
        if self.longest % 2:
            raise ValueError("longest must be even: every bracket is closed")

    @property
    def sequence_length(self) -> int:
        """The longest test string, in symbols."""
        return 2 * self.longest

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        return self.draw("train", rng, n)

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        pairs = rng.integers(1, self.longest // 2, n, endpoint=True)
        if split != "train":
            pairs += self.longest // 2
        moves = self.moves(rng, pairs)
        inputs = np.stack([moves == 1, moves == -1], axis=-1).astype(np.float32)
        return inputs, np.where(moves.cumsum(axis=1) > 0, EITHER, OPENS_ALONE).astype(np.int32)

    def moves(self, rng: np.random.Generator, pairs: Array) -> Array:
        """Balanced strings [n, T] of ``pairs`` [n] pairs, all such strings equally likely."""
        return balanced(rng, pairs, self.sequence_length)

    def score(self, outputs: Array, targets: Array, inputs: Array) -> float:
        right = outputs.argmax(axis=-1) == targets
        return float(np.mean(right.all(axis=1), dtype=np.float64))
