"""Forecasting of the Mackey-Glass series."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Regression, at_least
from tasks._classical import forecasters

# Integration steps to a unit of time, and how long a series runs before it is looked at.
FINE, SETTLE = 10, 500
# About the mean and the standard deviation of the series for τ = 17: what networks see.
MEAN, DEVIATION = 0.9, 0.23


@dataclass(frozen=True)
class MackeyGlass(Regression):
    """Forecast several values of a chaotic series at once.

        dx/dt = 0.2·x(t − τ) / (1 + x(t − τ)¹⁰) − 0.1·x(t)
        y = x(t + 1), …, x(t + horizon) from x(t − window + 1), …, x(t)

    With τ = ``delay`` = 17 the series is mildly chaotic. Each example is a series of
    its own: it starts from a constant history drawn from U[0.5, 1.3], settles for 500
    units of time, and is then seen once a unit. The input is a window of ``window``
    values, the targets are the ``horizon`` values that follow: a regression with
    several outputs. It is integrated by Heun's method with steps of 0.1. From the values
    0.9 is subtracted, about their mean, and the rest divided by 0.23, about their deviation.

    The score is the mean squared error over all outputs. Beside the networks stand
    persistence and ridge regression on the window. The baseline is the series' variance,
    about 1, by Monte Carlo over 1,000 series. A run counts as solved at a thousandth of it.
    """

    name: ClassVar = "mackey_glass"
    summary: ClassVar = "Forecast the next values of a chaotic series."
    references: ClassVar = (
        "Mackey & Glass 1977, Oscillation and chaos in physiological control systems",
    )
    input_size: ClassVar = 1
    margin: ClassVar = 0.0001
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=32, steps=2048, learning_rate=3e-3, evaluate_every=128,
        train_examples=2048, test_examples=1024,
    )  # fmt: skip

    delay: int = 17
    window: int = 50
    horizon: int = 20

    def __post_init__(self) -> None:
        at_least(1, self, "delay", "window", "horizon")

    @property
    def sequence_length(self) -> int:
        return self.window

    @property
    def outputs(self) -> int:
        return self.horizon

    @property
    def baseline(self) -> float:
        return _variance(self)

    @property
    def solved(self) -> float:
        return 0.001 * self.baseline

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        series = (self.series(rng, n) - MEAN) / DEVIATION
        series = series.astype(np.float32)
        return series[:, : self.window, None], series[:, self.window :]

    def series(self, rng: np.random.Generator, n: int) -> Array:
        """``n`` series of window and horizon, ``[n, window + horizon]``."""
        late = self.delay * FINE
        steps = (SETTLE + self.window + self.horizon) * FINE
        x = np.zeros((late + steps, n))
        x[: late + 1] = rng.uniform(0.5, 1.3, n)
        produced = 0.2 * x / (1 + x**10)
        for t in range(late, late + steps - 1):
            slope = produced[t - late] - 0.1 * x[t]
            after = produced[t - late + 1] - 0.1 * (x[t] + slope / FINE)
            x[t + 1] = x[t] + (slope + after) / (2 * FINE)
            produced[t + 1] = 0.2 * x[t + 1] / (1 + x[t + 1] ** 10)
        seen: Array = x[late + SETTLE * FINE :: FINE].T
        return seen

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        return forecasters(self, train, test, penalty=1e-6)


@cache
def _variance(task: MackeyGlass) -> float:
    """The error of always answering the mean, by 1,000 series that are always the same."""
    # All values of a series, not its targets alone: there is less chance in it.
    return float((task.series(np.random.default_rng(0), 1000) / DEVIATION).var())
