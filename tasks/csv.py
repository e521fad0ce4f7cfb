"""A series of your own, from a CSV file."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, DataTask, Regression, Split
from tasks._classical import forecasters
from tasks._data import bounds, standardised, windows


@dataclass(frozen=True)
class Csv(Regression, DataTask):
    """Forecast a series of your own: one row a time step, its values in named columns.

        y = x(t + horizon) from x(t − window + 1), …, x(t)

    ``path`` is the CSV file, with names in its first row; ``columns`` are the columns to
    forecast, separated by commas, a name that has one itself in double quotes; ``time`` is a
    column of numbers or ISO dates that must grow, or nothing where the rows are known to be in
    order. The input is a window of ``window`` rows, the target the row that stands ``horizon``
    rows after its last: a value for each column. The first 70 % of the rows are for training,
    15 % for validation, the last 15 % for the test. Mean and deviation that scale each column
    are those of the training rows, so that an error of 1 is their variance.

    Beside the networks stand persistence, ridge regression on the window, and with a
    ``season`` (in rows) the value of one season before. The baseline is the error of always
    answering the training rows' mean. A run counts as solved when it is as good as
    the best of these, and at least a tenth better than the baseline.
    """

    name: ClassVar = "csv"
    summary: ClassVar = "Forecast a series of your own."
    references: ClassVar = ("Your own data",)
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
        series = _read(self.path, self.names, self.time)
        start, stop = bounds(len(series))["train"]
        if stop - start < 2 * (self.window + self.horizon):
            least = -(-20 * (self.window + self.horizon) // 7) + 1
            raise ValueError(
                f"{self.path} has {len(series)} rows; a window of {self.window} and a horizon "
                f"of {self.horizon} need at least {least}"
            )
        for name, values in zip(self.names, series[:stop].T, strict=True):
            if values.std() == 0:
                raise ValueError(
                    f"{self.path}: column {name!r} has one value in all training rows; "
                    "there is nothing to forecast"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns to forecast."""
        rows = csv.reader([self.columns], skipinitialspace=True)
        return tuple(name for row in rows for name in map(_plain, row) if name)

    @property
    def missing(self) -> str:
        return "" if self.path else "has no data: set its path, such as path=my.csv, and columns"

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
        return float(np.mean(self.examples("test")[1] ** 2, dtype=np.float64))

    @property
    def solved(self) -> float:
        return min(0.9 * self.baseline, _best_classical(self))

    def examples(self, split: Split) -> tuple[Array, Array]:
        series = _read(self.path, self.names, self.time)
        parts = bounds(len(series))
        scaled = standardised(series, parts["train"][1])
        return windows(scaled, *parts[split], self.window, self.horizon)

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        scores = forecasters(self, train, test)
        if self.season:
            # The target stands ``horizon`` after the last row, which has the place -1.
            before = test[0][:, self.horizon - 1 - self.season]
            scores["seasonal naive"] = self.score(before, test[1])
        return scores


@cache
def _best_classical(task: Csv) -> float:
    scores = task.classical_scores(task.examples("train"), task.examples("test"))
    return min(scores.values())


@cache
def _read(path: str, names: tuple[str, ...], time: str) -> Array:
    """The columns ``names`` of the file [rows, columns].

    Raises ValueError with what is wrong and where: line and column.
    """
    try:
        # Spreadsheets write a mark before the first name, which utf-8-sig takes away.
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a CSV file in UTF-8"
        raise ValueError(f"{path} cannot be read: {reason}") from error
    header = [_plain(name) for name in rows[0]] if rows else []
    time = _plain(time)
    for name in (*names, *([time] if time else [])):
        if header.count(name) != 1:
            many = "more than one column" if name in header else "no column"
            raise ValueError(f"{path} has {many} {name!r}; its columns are {', '.join(header)}")
    lines = [(number, row) for number, row in enumerate(rows[1:], start=2) if any(row)]
    for number, row in lines:
        if len(row) != len(header):
            raise ValueError(f"{path}, line {number}: {len(row)} values, not {len(header)}")
    if time:
        _check_order(path, time, [(n, row[header.index(time)]) for n, row in lines])
    places = [header.index(name) for name in names]
    values = np.array([[_number(path, n, header[p], row[p]) for p in places] for n, row in lines])
    return values.reshape(len(lines), len(names))


def _plain(name: str) -> str:
    """A column's name in the one form that all ways to write it have: é is one letter or two."""
    return unicodedata.normalize("NFC", name.strip())


def _number(path: str, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        what = f"{text!r} is not a finite number" if text.strip() else "there is no value"
        raise ValueError(
            f"{path}, line {line}, column {column!r}: {what}; fill or remove such rows"
        )
    return value


def _check_order(path: str, time: str, moments: list[tuple[int, str]]) -> None:
    """Raise ValueError where a time is not after the one before it."""
    before = None
    for line, text in moments:
        now = _moment(path, line, time, text)
        if before is not None and type(now) is not type(before):
            raise ValueError(f"{path}, line {line}: column {time!r} mixes numbers and dates")
        if before is not None and not now > before:
            raise ValueError(
                f"{path}, line {line}: the time {text!r} in column {time!r} is not after the one "
                "before it; sort the rows and keep one of those with the same time"
            )
        before = now


def _moment(path: str, line: int, column: str, text: str) -> float | np.datetime64:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        # Without a unit, dates of different lengths are compared in the finer unit.
        return np.datetime64(text.strip())
    except ValueError:
        raise ValueError(
            f"{path}, line {line}, column {column!r}: {text!r} is neither a number nor an ISO date"
        ) from None
