"""Selective copying."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, at_least


@dataclass(frozen=True)
class SelectiveCopying(Classification):
    """Keep the symbols that stand at random places among blanks, and recall them in order.

        x = L blanks but for s(k) at p(k), then K delimiters,   p(1) < … < p(K) ≤ L
        y = L blanks, s(1) … s(K)

    ``length`` steps hold ``recall`` symbols out of ``symbols`` at random places, drawn anew
    for each example, and blanks elsewhere; ``recall`` steps follow that show a delimiter
    and ask for the symbols in their order. Unlike in copy memory no fixed delay leads
    from a symbol to its recall: the cell must choose by content. The target is blank
    before the last ``recall`` steps; a model learns that at once, so that it stands for
    a mask. Inputs are one-hot over symbols, blank and delimiter.

    The score is the accuracy over the last ``recall`` steps, of which guessing reaches
    1/symbols. A run counts as solved from 0.99 on.

    The budget: with four symbols among 64 steps the GRU is solved by step 1,500, the LSTM
    reaches 0.98 at step 1,900 (``python -m harness train --task selective_copying --framework
    jax --cell lstm``, one seed).
    """

    name: ClassVar = "selective_copying"
    summary: ClassVar = "Recall the symbols that stood among blanks."
    references: ClassVar = (
        "Jing et al. 2019, Gated orthogonal recurrent units, section 4.2 (the denoising task)",
        "Gu & Dao 2023, Mamba, section 4.1.1",
    )
    every_step: ClassVar = True
    metric: ClassVar = "recall accuracy"
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=64, steps=2000, learning_rate=1e-2, evaluate_every=100,
        validation_examples=128, test_examples=1024,
    )  # fmt: skip

    length: int = 64
    symbols: int = 8
    recall: int = 4

    def __post_init__(self) -> None:
        at_least(2, self, "symbols")
        if not 1 <= self.recall <= self.length:
            raise ValueError("recall must be at least 1 and at most length")

    @property
    def sequence_length(self) -> int:
        return self.length + self.recall

    @property
    def input_size(self) -> int:
        return self.symbols + 2

    @property
    def outputs(self) -> int:
        return self.symbols + 1

    @property
    def baseline(self) -> float:
        return 1 / self.symbols

    @property
    def lag(self) -> int:
        """From a symbol to its recall, where it stands as late as it can."""
        return self.recall

    def probe_target(self, inputs: Array) -> tuple[Array, Array]:
        """The first symbol, as a class, and where it stands."""
        symbols = inputs[..., : self.symbols]
        shown = symbols.any(axis=-1).argmax(axis=1)
        return symbols[np.arange(len(inputs)), shown].argmax(axis=-1), shown

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        blank, delimiter = self.symbols, self.symbols + 1
        shown = rng.integers(0, self.symbols, (n, self.recall), dtype=np.int32)
        places = np.sort(rng.random((n, self.length)).argsort(axis=1)[:, : self.recall], axis=1)
        tokens = np.full((n, self.sequence_length), blank, dtype=np.int32)
        tokens[np.arange(n)[:, None], places] = shown
        tokens[:, self.length :] = delimiter
        targets = np.full_like(tokens, blank)
        targets[:, self.length :] = shown
        return np.eye(self.input_size, dtype=np.float32)[tokens], targets

    def score(self, outputs: Array, targets: Array, inputs: Array) -> float:
        return super().score(outputs[:, self.length :], targets[:, self.length :], inputs)
