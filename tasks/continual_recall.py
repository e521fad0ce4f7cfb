"""Delayed recall again and again, in a stream that nothing divides."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, Split, at_least


@dataclass(frozen=True)
class ContinualRecall(Classification):
    """Keep one symbol until it is asked for, then the next one, in a stream without resets.

        x = s, d(1), …, d(D), the question, s', d'(1), …, d'(D'), the question, s'', …
        y = s at the first question, s' at the second, …

    Each round shows a marked symbol, D ~ U{``shortest``, …, ``longest``} distractors from the same
    symbols, and a marked step without a symbol that asks for the one kept; the next round follows
    at once. Nothing says that what was kept may go, and as delays differ no count of steps tells.
    A state that only adds up grows with the stream; the network has to clear it by itself, which is
    what forget gates were invented for. Training streams have ``length`` steps, those of validation
    and test ``reach`` times as many, so that what grows shows. Only the steps that ask have a
    weight.

    Gers 2000 made endless streams of two published tasks, the embedded Reber grammar (here the
    task reber) and noisy temporal order; this is the same made of delayed_recall. Inputs are
    one-hot over the ``symbols``, and one more is 1 at the steps to be kept and at those that ask.

    The score is the share of symbols recalled. A guess has 1/``symbols``, the baseline; a run
    counts as solved from 0.99 on.

    The budget is long enough on five seeds, each cell at its own rate: GRU solves the task after
    100 steps and LSTM after 200 (medians; study ``budgets``, docs/configure.md). On one seed, at a
    rate of 0.01, the peephole LSTM without a forget gate solved it by step 400, and after 1,000
    steps the plain RNN had 0.50 (``python -m harness train --task continual_recall --framework jax
    --cell nfg --seed 100 --set learning_rate=0.01``).
    """

    name: ClassVar = "continual_recall"
    summary: ClassVar = "Keep one symbol after the other, in a stream without resets."
    references: ClassVar = (
        "After Gers, Schmidhuber & Cummins 2000, Learning to forget, section 4",
    )
    every_step: ClassVar = True
    metric: ClassVar = "symbols recalled"
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=32, batch=32, steps=1000, learning_rate=1e-2, evaluate_every=100,
        validation_examples=32, test_examples=128,
    )  # fmt: skip

    length: int = 100
    reach: int = 10
    shortest: int = 5
    longest: int = 15
    symbols: int = 8

    def __post_init__(self) -> None:
        at_least(1, self, "reach", "shortest")
        at_least(2, self, "symbols")
        if self.longest < self.shortest:
            raise ValueError("longest must be at least shortest")
        # Or a batch of streams might end before anything is asked.
        if self.length < self.longest + 2:
            raise ValueError("length must be at least longest + 2, one round")

    @property
    def sequence_length(self) -> int:
        """The steps of a training stream; its last round is cut off."""
        return self.length

    @property
    def test_length(self) -> int:
        return self.reach * self.length

    @property
    def input_size(self) -> int:
        return self.symbols + 1

    @property
    def outputs(self) -> int:
        return self.symbols

    @property
    def lag(self) -> int:
        """From a symbol to the question, where the delay is the shortest."""
        return self.shortest + 1

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        return self.draw("train", rng, n)

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        steps = self.sequence_length if split == "train" else self.test_length
        tokens = rng.integers(0, self.symbols, (n, steps), dtype=np.int32)
        # A round of D distractors is D + 2 steps long, so no stream has more rounds than this.
        rounds = rng.integers(
            self.shortest + 2,
            self.longest + 2,
            (n, steps // (self.shortest + 2) + 1),
            endpoint=True,
        )
        ends = rounds.cumsum(axis=1)
        asked, shown = ends - 1, ends - rounds
        inputs = np.eye(self.input_size, dtype=np.float32)[tokens]
        targets, weights = np.zeros_like(tokens), np.zeros((n, steps), np.float32)
        for row, (ask, show) in enumerate(zip(asked, shown, strict=True)):
            ask, show = ask[ask < steps], show[show < steps]
            inputs[row, ask] = 0
            inputs[row, ask, -1] = inputs[row, show, -1] = 1
            targets[row, ask] = tokens[row, show[: len(ask)]]
            weights[row, ask] = 1
        return inputs, targets, weights
