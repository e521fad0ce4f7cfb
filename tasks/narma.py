"""NARMA-10: follow a nonlinear system from its input alone."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Regression, at_least, squared_error
from tasks._classical import ridge

# How long a series runs before it is looked at, and how large it may become: see Narma.series.
SETTLE, LARGEST = 100, 1.0


@dataclass(frozen=True)
class Narma(Regression):
    """Say what a nonlinear system puts out next, from what was put in.

        y(t + 1) = 0.3 y(t) + 0.05 y(t) Σ y(t − i) + 1.5 u(t − order + 1) u(t) + 0.1
        i = 0, …, order − 1,   u(t) ~ U[0, 1/2]
        x = u(1), u(2), …;   the target at step t is y(t + 1)

    With ``order`` = 10 this is the benchmark of Atiya & Parlos 2000, which reservoir computing
    took up (Jaeger 2003): the newest input times that of nine steps before, so that ten inputs
    must be kept as they are, and a slow part of its own. Each example is a series of its own that
    has run for 100 steps before it is shown. The state it starts from is not shown, so the first
    ``washout`` steps of ``length`` have no weight; what the start still tells after 30 of them is
    less than a hundredth of the variance. Inputs are 4u − 1, from −1 to 1. The system is not
    stable: about one series in a thousand grows without end within 200 steps, and one in 400
    passes 1. Those are drawn again.

    The score is the mean squared error over the variance of the same targets, often called NMSE:
    always answering the mean has 1, the baseline. Beside the networks stand the best linear
    forecast from the last ``order`` inputs, which by default leaves 0.34, and one from twice as
    many. A run counts as solved at a tenth of what the former leaves, by Monte Carlo over 1,000
    series, always the same; the margin is about a tenth of that.

    The budget is long enough on five seeds, each cell at its own rate: GRU solves it after 512
    steps and LSTM after 1,024, and they end at 0.0008 and 0.0015 (medians; study ``budgets``,
    docs/configure.md).
    """

    name: ClassVar = "narma"
    summary: ClassVar = "Follow a nonlinear system with a memory of ten steps."
    references: ClassVar = (
        "Atiya & Parlos 2000, New results on recurrent network training",
        "Jaeger 2003, Adaptive nonlinear system identification with echo state networks",
    )
    every_step: ClassVar = True
    metric: ClassVar = "error over the variance"
    margin: ClassVar = 0.003
    input_size: ClassVar = 1
    outputs: ClassVar = 1
    baseline: ClassVar = 1.0
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=32, steps=2048, learning_rate=5e-3, evaluate_every=128,
        train_examples=2048, validation_examples=128, test_examples=512,
    )  # fmt: skip

    order: int = 10
    length: int = 100
    washout: int = 30

    def __post_init__(self) -> None:
        at_least(2, self, "order")
        if self.washout < 2 * self.order - 1:
            raise ValueError("washout must be at least 2 * order - 1")
        if self.length <= self.washout:
            raise ValueError("length must be more than washout")

    @property
    def sequence_length(self) -> int:
        """The steps of a series that are shown."""
        return self.length

    @property
    def lag(self) -> int:
        """From an input to the one that it is multiplied by."""
        return self.order - 1

    @property
    def solved(self) -> float:
        return 0.1 * _linear_error(self)

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        u, y = self.series(rng, n)
        weights = np.zeros((n, self.length), np.float32)
        weights[:, self.washout :] = 1
        return (4 * u - 1).astype(np.float32)[..., None], y.astype(np.float32)[..., None], weights

    def series(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Inputs u(t) and outputs y(t + 1) of ``n`` series, each [n, length].

        One that passes LARGEST anywhere is replaced by a new one.
        """
        u, y = self.run(rng.uniform(0, 0.5, (n, SETTLE + self.length)))
        while (wild := ~(y.max(axis=1) <= LARGEST)).any():
            u[wild], y[wild] = self.run(rng.uniform(0, 0.5, (wild.sum(), u.shape[1])))
        return u[:, SETTLE:], y[:, SETTLE:]

    def run(self, u: Array) -> tuple[Array, Array]:
        """``u`` [n, T] and the outputs that follow them from rest, infinite where too large."""
        n, steps = u.shape
        before = np.zeros((n, self.order))
        padded = np.hstack([before, u])
        y = np.hstack([before, np.zeros((n, steps + 1))])
        for t in range(self.order, self.order + steps):
            late = padded[:, t - self.order + 1]
            total = y[:, t - self.order + 1 : t + 1].sum(axis=1)
            after = 0.3 * y[:, t] + 0.05 * y[:, t] * total + 1.5 * late * padded[:, t] + 0.1
            y[:, t + 1] = np.where(after < 10 * LARGEST, after, np.inf)
        return u, y[:, self.order + 1 :]

    def score(self, outputs: Array, targets: Array, inputs: Array, weights: Array) -> float:
        """The mean squared error over the targets' variance, both where there is a weight."""
        mean = np.average(targets[..., 0], weights=weights)
        return squared_error(outputs, targets, weights) / squared_error(mean, targets, weights)

    def classical_scores(
        self, train: tuple[Array, Array, Array], test: tuple[Array, Array, Array]
    ) -> dict[str, float]:
        return {
            f"linear in {taps} inputs": self.linear_score(taps, train, test)
            for taps in (self.order, 2 * self.order)
        }

    def linear_score(self, taps: int, train: tuple[Array, ...], test: tuple[Array, ...]) -> float:
        """The score of linear regression on the last ``taps`` inputs."""
        (known, answers), (shown, asked) = (
            (_windows(inputs[:, self.washout - taps + 1 :, 0], taps), targets[:, self.washout :])
            for inputs, targets, _ in (train, test)
        )
        forecast = ridge(known, answers.reshape(-1, 1), shown, penalty=1e-9)
        return squared_error(forecast, asked.reshape(-1, 1)) / float(asked.var(dtype=np.float64))


def _windows(series: Array, width: int) -> Array:
    """Every window of ``series`` [n, T], one after the other, [n·(T - width + 1), width]."""
    return np.lib.stride_tricks.sliding_window_view(series, width, axis=1).reshape(-1, width)


@cache
def _linear_error(task: Narma) -> float:
    """What a linear forecast from ``order`` inputs leaves over, on 1,000 series always the same."""
    rng = np.random.default_rng(0)
    return task.linear_score(task.order, task.sample(rng, 500), task.sample(rng, 500))
