"""Modular arithmetic without brackets."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Split
from tasks._tape import TAPE, Tape

MODULUS = 5
PLUS, MINUS, TIMES = range(MODULUS, MODULUS + 3)


@dataclass(frozen=True)
class ModularArithmetic(Tape):
    """Give the value of sums of products modulo 5, longer than those of training.

        x = n(1) o(1) n(2) o(2) … n(N), a blank,   n(i) ~ U{0, …, 4},   o(i) ~ U{+, −, ×}
        y = the value modulo 5, at the blank; products come first

    A sum and the product under way are all that must be kept: a regular language. An expression
    has an odd number of symbols; as in the paper's code, an even length is one less. Training
    expressions have 1 to ``longest`` = 40 symbols, those of test and validation ``longest`` + 1 to
    ``reach`` = 500. The task differs from the paper's code as parity does; and theirs has one
    more input, for a symbol that is never shown.

    A constant answer has 1/5, the baseline. A product of k numbers is 0 with probability
    1 − (4/5)^k and else each other class equally often, but a sum is uniform as soon as one of its
    terms is a single number, and at these lengths that is nearly sure: 0 has less than 10⁻⁶ more
    than the others. (In training, where expressions are short, always 0 has 0.206.) A run counts
    as solved from 0.99 on.

    On five seeds, each cell at its own rate, the budget ends at 0.978 with LSTM (0.268 to 0.994)
    and at 0.651 with GRU (0.459 to 0.802; study ``budgets``, docs/configure.md). It is short:
    LSTM leaves the baseline after about 3,000 steps, and in the last 1,500 GRU still rises from
    0.31 to 0.70 on validation data. So a run says which cell learns sooner, not which could learn
    it at all.
    """

    name: ClassVar = "modular_arithmetic"
    summary: ClassVar = "Work out sums of products modulo 5, longer than in training."
    references: ClassVar = (TAPE,)
    symbols: ClassVar = MODULUS + 3
    outputs: ClassVar = MODULUS
    metric: ClassVar = "accuracy"
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=64, steps=6000, learning_rate=1e-2, evaluate_every=100,
        validation_examples=320, test_examples=1280,
    )  # fmt: skip

    def test_lengths(self) -> Array:
        return odd(super().test_lengths())

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        if split != "train":
            return super().draw(split, rng, n)
        lengths = odd(rng.integers(1, self.longest, n, endpoint=True))
        return self.written(*self.answered(rng, lengths), lengths, self.sequence_length)

    def answered(self, rng: np.random.Generator, lengths: Array) -> tuple[Array, Array]:
        strings = rng.integers(0, MODULUS, (len(lengths), lengths.max()))
        strings[:, 1::2] = rng.integers(PLUS, TIMES, strings[:, 1::2].shape, endpoint=True)
        return strings, values(strings, lengths)[:, None]


def odd(lengths: Array) -> Array:
    """Every even one of ``lengths`` less 1."""
    made: Array = lengths - (lengths % 2 == 0)
    return made


def values(strings: Array, lengths: Array) -> Array:
    """The values modulo 5 of the first ``lengths`` [n] symbols of ``strings`` [n, T], [n]."""
    total, product = np.zeros(len(strings), int), strings[:, 0] % MODULUS
    for place in range(2, strings.shape[1], 2):
        operator, number, inside = strings[:, place - 1], strings[:, place], place < lengths
        sums = inside & (operator != TIMES)
        total = np.where(sums, total + product, total) % MODULUS
        signed = np.where(operator == MINUS, -number, number)
        product = np.where(sums, signed, np.where(inside, product * number, product)) % MODULUS
    found: Array = (total + product) % MODULUS
    return found
