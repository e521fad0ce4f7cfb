"""REPLACE: what the task is called, in words."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Regression, at_least


@dataclass(frozen=True)
class Example(Regression):
    """REPLACE: what is asked, in a sentence. (This one: recall the first number of a sequence.)

    Say what a time step shows, what is asked for and when, what the baseline is and
    why, what counts as solved, and how the budget was chosen. The report prints it.
    """

    name: ClassVar = "example"
    summary: ClassVar = "REPLACE: what is asked, in a few words."
    references: ClassVar = ("REPLACE: where it comes from: authors, year, title, section",)
    input_size: ClassVar = 1
    outputs: ClassVar = 1
    # Always answering 1/2 has the variance of U[0, 1] as its error.
    baseline: ClassVar = 1 / 12
    solved: ClassVar = 0.001
    # A difference of scores up to this counts as none: here a tenth of what counts as solved.
    margin: ClassVar = 0.0001
    budget: ClassVar = Budget(
        layers=1, hidden=32, batch=32, steps=600, learning_rate=1e-2, evaluate_every=50
    )

    # Fields are parameters: --set sequence_length=50, or overrides in a configuration.
    sequence_length: int = 20

    def __post_init__(self) -> None:
        at_least(1, self, "sequence_length")

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        inputs = rng.random((n, self.sequence_length, 1), dtype=np.float32)
        # A third array may say how much each answer counts, as a mask: weights, float32 [n].
        return inputs, inputs[:, 0].copy()
