"""A stack and what is done to it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget
from tasks._tape import TAPE, Tape

ZERO, ONE, POP, PUSH_ZERO, PUSH_ONE = range(5)
END = 2


@dataclass(frozen=True)
class StackManipulation(Tape):
    """Name what is left of a stack after pushes and pops, longer than in training.

        x = b(1) … b(S), a(1) … a(L − S), L + 1 blanks
        b(i) ~ U{0, 1},   a(i) ~ U{pop, push 0, push 1}
        y = the stack from its top down, then the end, at the blanks

    A stack of S ~ U{1, …, L − 1} symbols is given from its bottom, then L − S actions; to pop an
    empty stack does nothing. A string of one symbol is a stack alone. Training strings have 1 to
    ``longest`` symbols, test and validation strings ``longest`` + 1 to ``reach``. The score is the
    share of right symbols up to the end of the stack. Behind the end the answer is 0, up to
    L + 1 answers, which the loss counts and the score does not; all this as in the paper's code.
    Otherwise the task differs from that code as parity does.

    The baseline is always answering 0: half of the stack's symbols, and never its end. A random
    walk that goes up with 2/3 has, from height s, on average (1/2)^s pops of an empty stack
    before it, so that a string of L symbols leaves a stack of about 2L/3 + 1/(L − 1); by default
    that makes 0.496. A run counts as solved from 0.99 on.

    On five seeds, each cell at its own rate, the budget ends at 0.554 with LSTM (0.545 to 0.557)
    and at 0.530 with GRU (0.526 to 0.537; study ``budgets``, docs/configure.md). Half of it brings
    0.535 and 0.522 on validation data: the second half brought little.
    """

    name: ClassVar = "stack_manipulation"
    summary: ClassVar = "Name what pushes and pops leave of a stack, longer than in training."
    references: ClassVar = (TAPE,)
    symbols: ClassVar = 5
    outputs: ClassVar = 3
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=64, steps=2000, learning_rate=5e-3, evaluate_every=200,
        validation_examples=320, test_examples=640,
    )  # fmt: skip

    @property
    def baseline(self) -> float:
        lengths = self.test_lengths()
        # A stack and its end, each divided by the answers there might be.
        answers = (2 * lengths / 3 + 1 / (lengths - 1) + 1) / (lengths + 1)
        return float(0.5 * (1 - np.mean(1 / (lengths + 1)) / np.mean(answers)))

    def answer_length(self, length: int) -> int:
        """The most that can be left, and the end."""
        return length + 1

    def answered(self, rng: np.random.Generator, lengths: Array) -> tuple[Array, Array]:
        # From 1 to L - 1; of one symbol all is stack.
        stacked = 1 + np.floor(rng.random(len(lengths)) * (lengths - 1)).astype(int)
        strings = rng.integers(ZERO, ONE, (len(lengths), lengths.max()), endpoint=True)
        actions = rng.integers(POP, PUSH_ONE, strings.shape, endpoint=True)
        strings = np.where(np.arange(lengths.max()) < stacked[:, None], strings, actions)
        return strings, left(strings, lengths)

    def score(self, outputs: Array, targets: Array, inputs: Array, weights: Array) -> float:
        """The share of right symbols up to the end, which every answer has once."""
        until_end = np.arange(targets.shape[1]) <= targets.argmax(axis=1)[:, None]
        return super().score(outputs, targets, inputs, weights * until_end)


def left(strings: Array, lengths: Array) -> Array:
    """What the first ``lengths`` [n] symbols of ``strings`` [n, T] leave of the stack.

    Returns [n, T + 1]: symbols from its top, the end, then 0, and -1 behind the L + 1 answers.
    """
    n, width = strings.shape
    stack, heights, rows = np.zeros((n, width), int), np.zeros(n, int), np.arange(n)
    for place, symbol in enumerate(strings.T):
        inside, pops = place < lengths, symbol == POP
        pushes = inside & ~pops
        bit = np.where(symbol < POP, symbol, symbol - PUSH_ZERO)
        stack[rows[pushes], heights[pushes]] = bit[pushes]
        heights = np.maximum(heights + np.where(inside, np.where(pops, -1, 1), 0), 0)
    places = np.arange(width + 1)
    below = heights[:, None] - 1 - places
    shown = np.take_along_axis(stack, np.clip(below, 0, width - 1), axis=1)
    return np.select([below >= 0, below == -1, places <= lengths[:, None]], [shown, END, 0], -1)
