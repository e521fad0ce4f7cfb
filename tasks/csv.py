"""A series of your own, from a CSV file."""

import csv
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tasks import Array, Budget, DataTask, Regression, Split
from tasks._classical import forecasters
from tasks._data import bounds, standardised, windows

# Beyond this many deviations a value's square has no room in float32 among others.
LARGEST = 1e15
ZONE = re.compile(r"([T ].*?)(Z|([+-])(\d\d):?(\d\d)?)$", re.IGNORECASE)


@dataclass(frozen=True)
class Csv(Regression, DataTask):
    """Forecast a series of your own: one row a time step, its values in named columns.

        y = x(t + horizon) from x(t − window + 1), …, x(t)

    ``path`` is the CSV file, with names in its first row; ``columns`` are the columns to
    forecast, separated by commas, a name that has one itself in double quotes; ``time`` is a
    column of numbers or ISO dates that must grow, or nothing where the rows are known to be in
    order. Rows are counted, not hours: ``check`` names the longest gap. The input is a window of
    ``window`` rows, the target the row that stands ``horizon`` rows after its last: a value for
    each column. The first 70 % of the rows are for training, 15 % for validation, the last 15 %
    for the test. Mean and deviation that scale each column are those of the training rows, so
    that an error of 1 is their variance.

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
        for name in self.names:
            if self.names.count(name) > 1:
                raise ValueError(f"columns names {name!r} twice; name each column once")
        series = _read(self.path, self.names, self.time)
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

    @property
    def names(self) -> tuple[str, ...]:
        """The columns to forecast."""
        rows = csv.reader([self.columns], skipinitialspace=True)
        return tuple(name for row in rows for name in map(_plain, row) if name)

    @property
    def missing(self) -> str:
        return "" if self.path else "has no data: set its path, such as path=my.csv, and columns"

    @property
    def doubtful(self) -> str:
        return _gap(self.path, self.time) if self.path and self.time.strip() else ""

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
    header, lines = _lines(path)
    time = _plain(time)
    for name in (*names, *([time] if time else [])):
        if header.count(name) != 1:
            mark = next((m for m in (";", "\t", "|") if any(m in cell for cell in header)), "")
            if mark:
                raise ValueError(
                    f"{path} separates its columns by {mark!r}; separate them by commas, and "
                    "write decimals with a point"
                )
            many = "more than one column" if name in header else "no column"
            raise ValueError(f"{path} has {many} {name!r}; its columns are {', '.join(header)}")
    for number, row in lines:
        if len(row) != len(header):
            raise ValueError(f"{path}, line {number}: {len(row)} values, not {len(header)}")
    if time:
        _moments(path, time)
    places = [header.index(name) for name in names]
    values = np.array([[_number(path, n, header[p], row[p]) for p in places] for n, row in lines])
    return values.reshape(len(lines), len(names))


def _lines(path: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names in the file's first row, and the rows that are not empty with their lines."""
    try:
        # Spreadsheets write a mark before the first name, which utf-8-sig takes away.
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a CSV file in UTF-8"
        raise ValueError(f"{path} cannot be read: {reason}") from error
    header = [_plain(name) for name in rows[0]] if rows else []
    return header, [(number, row) for number, row in enumerate(rows[1:], start=2) if any(row)]


def _plain(name: str) -> str:
    """A column's name in the one form that all ways to write it have: é is one letter or two."""
    return unicodedata.normalize("NFC", name.strip())


def _number(path: str, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        what, mend = f"{text!r} is not a finite number", "fill or remove such rows"
        if not text.strip():
            what = "there is no value"
        elif "," in text:
            mend = "write decimals with a point"
        raise ValueError(f"{path}, line {line}, column {column!r}: {what}; {mend}")
    return value


def _moments(path: str, time: str) -> tuple[list[tuple[int, str]], str, list[Any]]:
    """Of each row its line and its time as it stands there; of which kind all are; their values.

    Raises ValueError where a time is not after the one before it.
    """
    header, lines = _lines(path)
    texts = [(number, row[header.index(_plain(time))]) for number, row in lines]
    found = [_moment(path, number, time, text) for number, text in texts]
    for (number, text), (was, before), (kind, now) in zip(
        texts[1:], found[:-1], found[1:], strict=True
    ):
        if kind != was:
            raise ValueError(f"{path}, line {number}: column {time!r} mixes {was} and {kind}")
        if not now > before:
            raise ValueError(
                f"{path}, line {number}: the time {text!r} in column {time!r} is not after the one "
                "before it; sort the rows and keep one of those with the same time"
            )
    return texts, found[0][0] if found else "", [value for _, value in found]


def _gap(path: str, time: str) -> str:
    """Half a sentence on the longest step between two rows where it is half longer than usual."""
    texts, kind, moments = _moments(path, time)
    numbers = kind == "numbers"
    steps = np.diff(np.array(moments, float if numbers else "datetime64[us]")).astype(float)
    usual, place = float(np.median(steps)), int(steps.argmax())
    if not steps[place] > 1.5 * usual:
        return ""
    longest, normal = (
        f"{step:g}" if numbers else str(timedelta(microseconds=step))
        for step in (steps[place], usual)
    )
    line, text = texts[place + 1]
    return (
        f"{path}, line {line}: the time {text!r} comes {longest} after the one before it, where "
        f"{normal} is usual; a window counts rows, so add those that are missing"
    )


def _moment(path: str, line: int, column: str, text: str) -> tuple[str, Any]:
    """A time and its kind: a number, or a date in UTC where it names its zone."""
    text = text.strip()
    try:
        if np.isfinite(value := float(text)):
            return "numbers", value
    except ValueError:
        pass
    zone = ZONE.search(text)
    try:
        if not text[:4].isdigit():  # NumPy takes words for dates too
            raise ValueError(text)
        # Without a unit, dates of different lengths are compared in the finer unit.
        if zone is None:
            return "dates", np.datetime64(text)
        ahead = np.timedelta64(60 * int(zone[4] or 0) + int(zone[5] or 0), "m")
        bare = np.datetime64(text[: zone.end(1)])
        return "dates with a zone", bare + ahead if zone[3] == "-" else bare - ahead
    except ValueError:
        raise ValueError(
            f"{path}, line {line}, column {column!r}: {text!r} is neither a number nor an ISO date"
        ) from None
