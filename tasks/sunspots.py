"""One year ahead forecasting of the sunspot numbers."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, DataTask, Regression, Split, squared_error
from tasks._classical import ridge
from tasks._data import library_arrays, missing_package, packaged_file, standardised, windows

FIRST_YEAR = 1700
YEARS: dict[Split, tuple[int, int]] = {
    "train": (1700, 1921), "validation": (1921, 1956), "test": (1956, 2009),
}  # fmt: skip


@dataclass(frozen=True)
class Sunspots(Regression, DataTask):
    """Forecast next year's sunspot number from the years before.

        y = z(t + 1) from z(t − window + 1), …, z(t),   z = (number − mean) / deviation

    The yearly numbers 1700 to 2008, a file of statsmodels (public domain). Split in time:
    training up to 1920 as in Weigend 1990, validation 1921 to 1955, which was their first
    test, and test 1956 to 2008, of which theirs ended in 1979. Every window ends the year before
    its target. Mean and deviation that scale the series are those of the training years. There
    are few years, the same for all seeds: scores are rough, an interval over seeds says
    nothing of other years, and a large model overfits.

    Beside the networks stand persistence and an autoregressive model over the whole window,
    AR(``window``), fitted by least squares on the training years. The years after 1956 are
    harder than those before: the AR model's error is 0.17 of the training years' variance on
    validation and 0.35 on the test. So the score is the mean squared error over that of the AR
    model on the same years. The baseline is the score of always answering the training years' mean
    in the test years. A run counts as solved when its score is at most 1, as good as the AR model.

    The budget: at rate 0.003, over 600 steps, the validation error is lowest near step 240 for the
    GRU and near 390 for the LSTM, and then grows while the training error falls (``python -m
    harness train --task sunspots --framework jax --cell lstm --set steps=600 --set
    learning_rate=0.003``, one seed); 300 lie between them.
    """

    name: ClassVar = "sunspots"
    summary: ClassVar = "Forecast next year's sunspots."
    references: ClassVar = (
        "Yule 1927, On a method of investigating periodicities in disturbed series",
        "Weigend, Huberman & Rumelhart 1990, Predicting the future: a connectionist approach",
    )
    input_size: ClassVar = 1
    outputs: ClassVar = 1
    metric: ClassVar = "error over that of the AR model"
    solved: ClassVar = 1.0
    margin: ClassVar = 0.1
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
        return missing_package("statsmodels", "statsmodels", self.name)

    @property
    def sequence_length(self) -> int:
        return self.window

    @property
    def baseline(self) -> float:
        inputs, targets = self.examples("test")
        return self.score(np.zeros_like(targets), targets, inputs)

    def score(self, outputs: Array, targets: Array, inputs: Array) -> float:
        """The mean squared error, over that of the AR model on the same years."""
        return squared_error(outputs, targets) / squared_error(self.ar_forecast(inputs), targets)

    def ar_forecast(self, inputs: Array) -> Array:
        """Forecasts [n, 1] for ``inputs`` [n, window, 1] by the AR model of the training years."""
        known, targets = self.examples("train")
        return ridge(known[:, :, 0], targets, inputs[:, :, 0], penalty=0.0)

    def by_library(self) -> dict[str, Array]:
        path = packaged_file("statsmodels", "datasets/sunspots/sunspots.csv")
        return {"table": np.loadtxt(path, delimiter=",", skiprows=1)}

    def examples(self, split: Split) -> tuple[Array, Array]:
        start, stop = (year - FIRST_YEAR for year in YEARS[split])
        return windows(_series(), start, stop, self.window, horizon=1)

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        forecasts = {"persistence": test[0][:, -1], "AR": self.ar_forecast(test[0])}
        return {name: self.score(y, test[1], test[0]) for name, y in forecasts.items()}


@cache
def _series() -> Array:
    """The yearly numbers [309, 1], scaled by the training years."""
    table = library_arrays(Sunspots())["table"]
    return standardised(table[:, 1:], YEARS["train"][1] - FIRST_YEAR)
