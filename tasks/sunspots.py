"""One year ahead forecasting of the sunspot numbers."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, DataTask, Regression, Split
from tasks._classical import ridge
from tasks._data import missing_package, packaged_file, standardised, windows

FIRST_YEAR = 1700
YEARS: dict[Split, tuple[int, int]] = {
    "train": (1700, 1921), "validation": (1921, 1956), "test": (1956, 2009),
}  # fmt: skip


@dataclass(frozen=True)
class Sunspots(Regression, DataTask):
    """Forecast next year's sunspot number from the years before.

        y = z(t + 1) from z(t − window + 1), …, z(t),   z = (number − mean) / deviation

    The yearly numbers 1700 to 2008, a file of statsmodels (public domain). Split in time
    as in Weigend 1990: training up to 1920, validation 1921 to 1955, test 1956 to 2008; every
    window ends the year before its target. Mean and deviation that scale the series
    are those of the training years, so that an error of 1 is their variance. There
    are few years: scores are rough, and a large model overfits.

    Beside the networks stand persistence and an autoregressive model over the whole window,
    AR(``window``), fitted by least squares on the training years. The baseline is the
    error of always answering the training years' mean. A run counts as solved when it is
    as good as the AR model.

    The budget: over 600 steps the validation error is lowest near step 240 for the GRU and
    near 390 for the LSTM, and then grows while the training error falls (``python -m harness
    train --task sunspots --framework jax --cell lstm --set steps=600``, one seed); 300 lie
    between them.
    """

    name: ClassVar = "sunspots"
    summary: ClassVar = "Forecast next year's sunspots."
    references: ClassVar = (
        "Yule 1927, On a method of investigating periodicities in disturbed series",
        "Weigend, Huberman & Rumelhart 1990, Predicting the future: a connectionist approach",
    )
    input_size: ClassVar = 1
    outputs: ClassVar = 1
    margin: ClassVar = 0.035
    budget: ClassVar = Budget(
        layers=1, hidden=16, batch=32, steps=300, learning_rate=3e-3, evaluate_every=20,
        train_examples=209, validation_examples=35, test_examples=53,
    )  # fmt: skip

    window: int = 12

    def __post_init__(self) -> None:
        if not 1 <= self.window <= 100:
            raise ValueError("window must be from 1 to 100 years")

    @property
    def missing(self) -> str:
        return missing_package("statsmodels", "statsmodels")

    @property
    def sequence_length(self) -> int:
        return self.window

    @property
    def baseline(self) -> float:
        return float(np.mean(self.examples("test")[1] ** 2, dtype=np.float64))

    @property
    def solved(self) -> float:
        return _ar_error(self)

    def examples(self, split: Split) -> tuple[Array, Array]:
        start, stop = (year - FIRST_YEAR for year in YEARS[split])
        return windows(_series(), start, stop, self.window, horizon=1)

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        # The AR model has no use for a part of the training years.
        known, targets = self.examples("train")
        forecast = ridge(known[:, :, 0], targets, test[0][:, :, 0], penalty=0.0)
        return {
            "persistence": self.score(test[0][:, -1], test[1]),
            "AR": self.score(forecast, test[1]),
        }


@cache
def _ar_error(task: Sunspots) -> float:
    return task.classical_scores(task.examples("train"), task.examples("test"))["AR"]


@cache
def _series() -> Array:
    """The yearly numbers [309, 1], scaled by the training years."""
    path = packaged_file("statsmodels", "datasets/sunspots/sunspots.csv")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return standardised(table[:, 1:], YEARS["train"][1] - FIRST_YEAR)
