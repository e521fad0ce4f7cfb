"""A series of your own, from a CSV file."""

import csv
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from tasks import SPLITS, Array, Budget, DataTask, Regression, Split, squared_error
from tasks._classical import ridge
from tasks._csv import gaps_of, moments, plain, read
from tasks._data import NO_GAPS, bounds, standardised, windows

# Beyond this many deviations a value's square has no room in float32 among others.
LARGEST = 1e15
# In variances of the training rows: errors below are those of float32.
LEAST_ERROR = 1e-12


@dataclass(frozen=True)
class Csv(Regression, DataTask):
    """Forecast a series of your own: one row a time step, its values in named columns.

        y = x(t + horizon) from x(t − window + 1), …, x(t)

    ``path`` is the CSV file, with names in its first row; ``columns`` are the columns to
    forecast, separated by commas, a name that has one itself in double quotes; ``time`` is a
    column of numbers or ISO dates that must grow, or nothing where the rows are known to be in
    order. The input is a window of ``window`` rows, the target the row that stands ``horizon``
    rows after its last: a value for each column. Rows are counted, not hours, so what would
    span a gap in ``time``, a step of more than 1.5 times the median, is left out, and
    ``check`` names the longest; with ``gaps=true`` nothing is left out, as for working days.
    The first 70 % of the rows are for training, 15 % for validation, the last 15 % for the
    test. Mean and deviation that scale each column are those of the training rows. The test
    rows are the same for all seeds: an interval over seeds says nothing of other rows.

    Beside the networks stand persistence, ridge regression on the window, and with a
    ``season`` (in rows) the value of one season before. Some stretches of a series are harder
    than others, so the score is the mean squared error over that of the best of these on the
    same rows. The baseline is the score of always answering the training rows' mean. A run
    counts as solved when its score is at most 1, as good as the best of these, and at least a
    tenth below the baseline.
    """

    name: ClassVar = "csv"
    summary: ClassVar = "Forecast a series of your own."
    references: ClassVar = ("Your own data",)
    metric: ClassVar = "error over the best classical one"
    budget: ClassVar = Budget(
        layers=1, hidden=32, batch=32, steps=1600, learning_rate=3e-3, evaluate_every=64,
        train_examples=2048,
    )  # fmt: skip

    path: str = ""
    columns: str = ""
    time: str = ""
    window: int = 24
    horizon: int = 1
    season: int = 0
    gaps: bool = False

    def __post_init__(self) -> None:
        if self.window < 1 or self.horizon < 1:
            raise ValueError("window and horizon must be at least 1")
        if self.season and not self.horizon <= self.season < self.window + self.horizon:
            raise ValueError(
                "season must be 0 (none) or from horizon to window + horizon - 1: "
                "the window must show the season before"
            )
        if not self.path:
            return
        if not self.names:
            raise ValueError("columns must name a column of the file")
        for name in self.names:
            if self.names.count(name) > 1:
                raise ValueError(f"columns names {name!r} twice; name each column once")
        series = read(self.path, self.names, self.time)
        start, stop = bounds(len(series))["train"]
        if stop - start < 2 * (self.window + self.horizon):
            least = -(-20 * (self.window + self.horizon) // 7) + 1
            raise ValueError(
                f"{self.path} has {len(series)} rows; a window of {self.window} and a horizon "
                f"of {self.horizon} need at least {least}"
            )
        for name, values in zip(self.names, series.T, strict=True):
            if np.ptp(values[:stop]) == 0:
                raise ValueError(
                    f"{self.path}: column {name!r} has one value in all training rows; "
                    "there is nothing to forecast"
                )
            with np.errstate(all="ignore"):
                scaled, spread = standardised(values, stop), values[:stop].std()
            if not (np.abs(scaled).max() <= LARGEST and np.isfinite(spread)):
                worst = values[np.abs(values).argmax()]
                raise ValueError(
                    f"{self.path}: column {name!r} has the value {worst:g}, which is too large to "
                    "compute with; mend or remove it"
                )
        for split in SPLITS if len(self.gap_rows) else ():
            if not len(self.examples(split)[0]):
                raise ValueError(
                    f"{self.path}: every window of the {split} rows spans a gap in column "
                    f"{self.time!r}; set a smaller window, or gaps=true to let windows span gaps"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns to forecast."""
        rows = csv.reader([self.columns], skipinitialspace=True)
        return tuple(name for row in rows for name in map(plain, row) if name)

    @property
    def gap_rows(self) -> Array:
        """The rows before which something is missing, so that no window spans it."""
        if self.gaps or not self.time.strip():
            return NO_GAPS
        return gaps_of(self.path, self.time)[0]

    @property
    def missing(self) -> str:
        return "" if self.path else "has no data: set its path, such as path=my.csv, and columns"

    @property
    def doubtful(self) -> str:
        return _longest_gap(self) if self.path and self.time.strip() else ""

    @property
    def files(self) -> tuple[Path, ...]:
        return (Path(self.path),)

    @property
    def sequence_length(self) -> int:
        return self.window

    @property
    def input_size(self) -> int:
        return len(self.names)

    @property
    def outputs(self) -> int:
        return len(self.names)

    @property
    def baseline(self) -> float:
        inputs, targets = self.examples("test")
        return self.score(np.zeros_like(targets), targets, inputs)

    @property
    def solved(self) -> float:
        return min(0.9 * self.baseline, 1.0)

    def score(self, outputs: Array, targets: Array, inputs: Array) -> float:
        """The mean squared error, over that of the best classical forecast of the same rows."""
        best = _best_classical(self, inputs.tobytes(), targets.tobytes())
        return squared_error(outputs, targets) / best

    def examples(self, split: Split) -> tuple[Array, Array]:
        series = read(self.path, self.names, self.time)
        parts = bounds(len(series))
        scaled = standardised(series, parts["train"][1])
        return windows(scaled, *parts[split], self.window, self.horizon, self.gap_rows)

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        forecasts = self.classical_forecasts(test[0])
        return {name: self.score(y, test[1], test[0]) for name, y in forecasts.items()}

    def classical_forecasts(self, inputs: Array) -> dict[str, Array]:
        """What each method without a network forecasts for ``inputs`` [n, window, c]: [n, c]."""
        known, targets = self.examples("train")
        flat, shown = (x.reshape(len(x), -1) for x in (known, inputs))
        forecasts = {"persistence": inputs[:, -1], "ridge": ridge(flat, targets, shown)}
        if self.season:
            # The target stands ``horizon`` after the last row, which has the place -1.
            forecasts["seasonal naive"] = inputs[:, self.horizon - 1 - self.season]
        return forecasts


@lru_cache(maxsize=4)
def _best_classical(task: Csv, inputs: bytes, targets: bytes) -> float:
    """The least error of a classical method on the examples of these bytes, computed once."""
    shown = np.frombuffer(inputs, np.float32).reshape(-1, task.window, task.input_size)
    asked = np.frombuffer(targets, np.float32).reshape(-1, task.outputs)
    errors = [squared_error(y, asked) for y in task.classical_forecasts(shown).values()]
    # A series without noise may leave no error at all.
    return max(min(errors), LEAST_ERROR)


def _longest_gap(task: Csv) -> str:
    """Half a sentence on the longest of the gaps, and on what becomes of them."""
    rows, steps, kind = gaps_of(task.path, task.time)
    if not len(rows):
        return ""
    place = int(steps.argmax())
    longest, normal = (
        f"{step:g}" if kind == "numbers" else str(timedelta(microseconds=step))
        for step in (steps[place], float(np.median(steps)))
    )
    line, text = moments(task.path, task.time)[0][place + 1]
    left = "windows count rows and span it" if task.gaps else "what would span it is left out"
    return (
        f"{task.path}, line {line}: the time {text!r} comes {longest} after the one before it, "
        f"where {normal} is usual; {left}, so add the rows that are missing"
    )
