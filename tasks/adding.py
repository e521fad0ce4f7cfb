"""The adding problem."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Regression


@dataclass(frozen=True)
class Adding(Regression):
    """Add the two marked numbers of a long sequence.

        y = u(i) + u(j),   u(t) ~ U[0, 1],   i ~ U{1, …, T/2},   j ~ U{T/2 + 1, …, T}

    Every time step shows a number u ~ U[0, 1] and a marker that is 1 at two
    time steps, one in each half of the sequence, and 0 elsewhere. The target,
    asked for at the last step, is the sum of the two marked numbers. The split
    in halves forces a lag between what must be kept and the answer.

    Always answering 1 has the mean squared error Var(u1 + u2) = 1/6. A run
    counts as solved when its error is at most 0.01.

    The budget: at rate 0.01 LSTM solved the task sooner than at 0.005. Over ten
    seeds of JAX (track ``rate010``) it then needs 550 to 1,000 steps and GRU 300
    to 350; 1,200 leave room. At 0.03, which is each cell's own rate, GRU needs 150
    to 200 steps in 30 runs of three frameworks; LSTM needs 400 to 900 in 26 of 30,
    and in four it learns nothing (results/reference).
    """

    name: ClassVar = "adding"
    summary: ClassVar = "Add two marked numbers of a long sequence (one per half)."
    references: ClassVar = (
        "Hochreiter & Schmidhuber 1997, Long short-term memory, experiment 4",
        "Arjovsky, Shah & Bengio 2016, Unitary evolution recurrent neural networks, section 4.2",
    )
    input_size: ClassVar = 2
    outputs: ClassVar = 1
    baseline: ClassVar = 1 / 6
    solved: ClassVar = 0.01
    margin: ClassVar = 0.001
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=32, steps=1200, learning_rate=1e-2, evaluate_every=50,
        validation_examples=128, test_examples=1024,
    )  # fmt: skip

    sequence_length: int = 100

    def __post_init__(self) -> None:
        if self.sequence_length < 2:
            raise ValueError("sequence_length must be at least 2: one marker in each half")

    @property
    def lag(self) -> int:
        """From the last place of the first marker to the last time step."""
        return self.sequence_length - self.sequence_length // 2

    def probe_target(self, inputs: Array) -> tuple[Array, Array]:
        """The first marked number, and where it stands."""
        shown = inputs[..., 1].argmax(axis=1)
        return inputs[np.arange(len(inputs)), shown, 0], shown

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        half = self.sequence_length // 2
        numbers = rng.random((n, self.sequence_length), dtype=np.float32)
        markers = np.zeros_like(numbers)
        rows = np.arange(n)
        first = rng.integers(0, half, n)
        second = rng.integers(half, self.sequence_length, n)
        markers[rows, first] = markers[rows, second] = 1
        targets = numbers[rows, first] + numbers[rows, second]
        return np.stack([numbers, markers], axis=-1), targets[:, None]
