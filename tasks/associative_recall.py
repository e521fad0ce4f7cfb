"""Associative recall: look a key up among pairs."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, at_least


@dataclass(frozen=True)
class AssociativeRecall(Classification):
    """Give the value that stood beside a key, among pairs.

        x = k(1) v(1) k(2) v(2) … k(P) v(P), the question, k,   k among k(1) … k(P)
        y = the value of k

    Each example draws a value for every one of ``keys`` keys, of as many values, so that two keys
    may have the same; then ``pairs`` times a key at random with its value, so that a key may come
    again. At the end come a sign and one of the keys that were shown, each equally likely, whose
    value is asked for. Inputs are one-hot over keys, values and the sign.

    The form is that of the code of Akyürek 2024, which follows that of Fu 2023: ``keys`` = 4 and
    ``pairs`` = 10 are its vocabulary of 10 (4 keys, 4 values and two signs, one of them never
    shown) and its 20 symbols before the question. Theirs is a language model, trained on every
    next symbol of 5,000 sequences for 200 epochs; here only the answer is trained, on sequences
    never seen before.

    Without memory of the pairs all values are equally likely: the baseline is 1/``keys``. Beside
    the networks stand two rules that remember values but no keys, the value that came most often
    and the last one, which score 0.50 and 0.45 by default. A run counts as solved from 0.99 on.

    The budget is long enough on five seeds, each cell at its own rate: LSTM solves the task after
    600 steps and GRU after 1,200 (medians; study ``budgets``, docs/configure.md).
    """

    name: ClassVar = "associative_recall"
    summary: ClassVar = "Give the value that stood beside a key, among pairs."
    references: ClassVar = (
        "Akyürek et al. 2024, In-context language learning: architectures and algorithms "
        "(berlino/seq_icl)",
        "Fu et al. 2023, Hungry hungry hippos, section 3",
    )
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=64, steps=3000, learning_rate=5e-3, evaluate_every=100,
        validation_examples=512, test_examples=2048,
    )  # fmt: skip

    keys: int = 4
    pairs: int = 10

    def __post_init__(self) -> None:
        at_least(2, self, "keys")
        at_least(1, self, "pairs")

    @property
    def sequence_length(self) -> int:
        """The pairs, the sign and the key that is asked for."""
        return 2 * self.pairs + 2

    @property
    def input_size(self) -> int:
        return 2 * self.keys + 1

    @property
    def outputs(self) -> int:
        return self.keys

    @property
    def lag(self) -> int:
        """From the last value to the question's key."""
        return 2

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        values = rng.integers(0, self.keys, (n, self.keys), dtype=np.int32)
        shown = rng.integers(0, self.keys, (n, self.pairs))
        # The first of all keys in a random order that was shown: each of those shown alike.
        order = rng.random((n, self.keys))
        present = (shown[..., None] == np.arange(self.keys)).any(axis=1)
        asked = np.where(present, order, 2).argmin(axis=1)[:, None]
        tokens = np.full((n, self.sequence_length), 2 * self.keys)
        tokens[:, 0:-2:2] = shown
        tokens[:, 1:-2:2] = self.keys + np.take_along_axis(values, shown, axis=1)
        tokens[:, -1:] = asked
        answers = np.take_along_axis(values, asked, axis=1)[:, 0]
        return np.eye(self.input_size, dtype=np.float32)[tokens], answers

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        shown = test[0][:, 1:-2:2, self.keys : -1]
        most, last = shown.sum(axis=1), shown[:, -1]
        return {
            "most frequent value": self.score(most, test[1], test[0]),
            "last value": self.score(last, test[1], test[0]),
        }
