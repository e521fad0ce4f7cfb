"""Reading a series of the user's from a CSV file, and finding what is wrong with it."""

import csv
import re
import unicodedata
from functools import cache
from typing import Any

import numpy as np

from tasks import Array

ZONE = re.compile(r"([T ].*?)(Z|([+-])(\d\d):?(\d\d)?)$", re.IGNORECASE)


@cache
def read(path: str, names: tuple[str, ...], time: str) -> Array:
    """The columns ``names`` of the file [rows, columns].

    Raises ValueError, which says what is wrong in which line and column.
    """
    header, lines = _lines(path)
    time = plain(time)
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
            counts = f"{len(row)} values, not {len(header)}"
            raise ValueError(f"{path}, line {number}: {counts}, one for each name in the first row")
    if time:
        moments(path, time)
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
        reason = "it is not a CSV file in UTF-8; save it so"
        if isinstance(error, OSError):
            reason = f"{error.strerror}; set path to your CSV file"
        raise ValueError(f"{path} cannot be read: {reason}") from error
    header = [plain(name) for name in rows[0]] if rows else []
    return header, [(number, row) for number, row in enumerate(rows[1:], start=2) if any(row)]


def plain(name: str) -> str:
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


def moments(path: str, time: str) -> tuple[list[tuple[int, str]], str, list[Any]]:
    """The line of each row and its time as written; the kind of all times; their values.

    Raises ValueError where a time is not after the one before it.
    """
    header, lines = _lines(path)
    texts = [(number, row[header.index(plain(time))]) for number, row in lines]
    found = [_moment(path, number, time, text) for number, text in texts]
    for (number, text), (was, before), (kind, now) in zip(
        texts[1:], found[:-1], found[1:], strict=True
    ):
        if kind != was:
            raise ValueError(
                f"{path}, line {number}: column {time!r} mixes {was} and {kind}; write all alike"
            )
        if not now > before:
            raise ValueError(
                f"{path}, line {number}: the time {text!r} in column {time!r} is not after the one "
                "before it; sort the rows and keep one of those with the same time"
            )
    return texts, found[0][0] if found else "", [value for _, value in found]


@cache
def gaps_of(path: str, time: str) -> tuple[Array, Array, str]:
    """The rows that come later than usual, every row's step from the row before, and their kind.

    Steps between dates are in microseconds. One is usual if it is at most 1.5 times the median.
    """
    _, kind, values = moments(path, time)
    times = np.array(values, float if kind == "numbers" else "datetime64[us]")
    steps = np.diff(times).astype(float)
    return 1 + np.flatnonzero(steps > 1.5 * np.median(steps)), steps, kind


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
            f"{path}, line {line}, column {column!r}: {text!r} is neither a number nor an ISO "
            "date, such as 2024-03-31 or 2024-03-31T14:00; write it as one"
        ) from None
