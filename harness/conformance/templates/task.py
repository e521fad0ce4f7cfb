"""FIRST LINE: what the task is called, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Task


@dataclass(frozen=True)
class Example(Task):
    """Recall the first number of a sequence. (Replace this: the report prints it.)

    Say what a time step shows, what is asked for and when, what the baseline is and
    why, what counts as solved, and how the budget was chosen.
    """

    name: ClassVar = "example"
    summary: ClassVar = "Recall the first number."
    references: ClassVar = ("Where the task comes from: authors, year, title, section",)
    # "mse" with float32 targets [n, o], or "cross_entropy" with int32 classes [n].
    loss: ClassVar = "mse"
    # True asks at every step: targets then have a time axis after n.
    every_step: ClassVar = False
    metric: ClassVar = "mean squared error"
    higher_is_better: ClassVar = False
    budget: ClassVar = Budget(
        layers=1, hidden=32, batch=32, steps=600, learning_rate=1e-2, evaluate_every=50
    )

    # Fields are parameters: --set length=50, or overrides in a configuration.
    length: int = 20

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError("length must be at least 1")

    @property
    def sequence_length(self) -> int:
        return self.length

    @property
    def input_size(self) -> int:
        return 1

    @property
    def outputs(self) -> int:
        return 1

    @property
    def baseline(self) -> float:
        # Always answering 1/2 has the variance of U[0, 1] as its error.
        return 1 / 12

    @property
    def solved(self) -> float:
        return 0.001

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        inputs = rng.random((n, self.length, 1), dtype=np.float32)
        return inputs, inputs[:, 0].copy()

    def score(self, outputs: Array, targets: Array) -> float:
        return float(np.mean((outputs - targets) ** 2, dtype=np.float64))
