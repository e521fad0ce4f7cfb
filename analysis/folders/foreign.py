"""Reading tables that others made: a results folder from another machine, or the reference.

Such a folder is foreign input. Only files of known names are opened, none through a link and
none beyond a size; only known columns are kept, and every value is checked for its kind.
"""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.errors import UserError

MOST_BYTES = 20_000_000
MOST_ROWS = 200_000
MOST_CHARACTERS = 10_000


@dataclass(frozen=True)
class Kind:
    """What a column may hold: text that ``pattern`` matches whole, as what it is read."""

    words: str
    pattern: str
    read: Callable[[str], object] = str
    empty: bool = False


_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf|nan"
NAME = Kind("a name of small letters, digits and underscores", r"[a-z][a-z0-9_]{0,63}")
CASE = Kind("a word", r"[\w ./,:+()=-]{0,200}", empty=True)
# Letters of any language, but nothing that a page or a terminal would act on.
TEXT = Kind("text of one line", rf"[^\x00-\x1f\x7f]{{0,{MOST_CHARACTERS}}}", empty=True)
DIGEST = Kind("a SHA-256 digest", r"[0-9a-f]{64}|", empty=True)
COUNT = Kind("a whole number", r"\d{1,15}", int)
SOME_COUNT = Kind("a whole number or nothing", r"\d{1,15}(\.0)?|", float, empty=True)
NUMBER = Kind("a number", _NUMBER, float, empty=True)
TRUTH = Kind("True or False", r"True|False|", empty=True)
STATUS = Kind("ok, diverged, failed or unavailable", r"ok|diverged|failed|unavailable")
VERDICT = Kind("a verdict", r"supported|refuted|inconclusive|not tested")
DIRECTION = Kind("lower or higher", r"lower|higher")

_METHOD = {"task": NAME, "framework": NAME, "cell": NAME, "track": NAME}
# The columns that are read, by table; a folder needs the tables of NEEDED, with all their columns.
TABLES: dict[str, dict[str, Kind]] = {
    "runs": {
        **_METHOD, "seed": COUNT, "status": STATUS, "parameters": SOME_COUNT, "score": NUMBER,
        "steps": COUNT, "steps_to_solve": NUMBER, "train_seconds": NUMBER, "device": TEXT,
        "kernel": CASE, "threads": COUNT, "data_sha256": DIGEST, "losses_sha256": DIGEST,
        "machine": COUNT, "git_commit": CASE, "finished": CASE, "settings": TEXT,
    },
    "machines": {
        "machine": COUNT, "framework": NAME, "packages": TEXT, "processor": TEXT,
        "generation": TEXT, "cores": NUMBER, "memory_gb": NUMBER, "system": TEXT,
    },
    "tasks": {"task": NAME, "metric": TEXT, "direction": DIRECTION},
    "claims": {
        "claim": Kind("a claim's id", r"[a-z][a-z0-9-]{0,99}"), "verdict": VERDICT,
        "framework": CASE, "task": CASE, "case": CASE, "effect": NUMBER,
    },
    "speed_ratios": {
        "shape": CASE, "kind": CASE, "numerator": CASE, "denominator": CASE, "ratio": NUMBER,
        "low": NUMBER, "high": NUMBER,
    },
    "timing": {
        "shape": CASE, "batch": COUNT, "sequence_length": COUNT, "input_size": COUNT,
        "hidden": COUNT, "layers": COUNT, "framework": NAME, "kernel": CASE, "cell": NAME,
        "phase": NAME, "median_ms": NUMBER, "low_ms": NUMBER, "high_ms": NUMBER,
    },
}  # fmt: skip
NEEDED = ("runs", "machines", "tasks")
KEYS = {"runs": [*_METHOD, "seed"], "machines": ["machine"], "tasks": ["task"]}


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of ``folder``, checked; empty ones for those that it need not have.

    Raises :class:`UserError` for the first thing that is wrong, with file, row and column.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: is not a folder; name a results folder.")
    tables = {}
    for name, columns in TABLES.items():
        path = folder / f"{name}.csv"
        if not os.path.lexists(path) and name not in NEEDED:
            tables[name] = pd.DataFrame(columns=list(columns))
        else:
            tables[name] = _table(path, columns, KEYS.get(name, []))
    for name in NEEDED:
        if tables[name].empty:
            raise UserError(f"{folder / f'{name}.csv'}: has no rows; run the pipeline first.")
    known = set(tables["machines"]["machine"])
    for place, number in enumerate(tables["runs"]["machine"]):
        if number not in known:
            raise UserError(
                f"{folder / 'runs.csv'}: row {place + 2}, machine: {number} is not in machines.csv."
            )
    for place, task in enumerate(tables["runs"]["task"]):
        if task not in set(tables["tasks"]["task"]):
            raise UserError(
                f"{folder / 'runs.csv'}: row {place + 2}, task: {task} is not in tasks.csv."
            )
    return tables


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a regular file of at most ``most`` bytes that is not a link."""
    try:
        # Not to follow a link, nor to wait for a pipe's other end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise UserError(f"{path}: is not there; is this a results folder?") from None
    except OSError as error:
        why = "is a link, which is not followed" if path.is_symlink() else error.strerror
        raise UserError(f"{path}: cannot be read ({why}).") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UserError(f"{path}: is not a regular file.")
        content = file.read(most + 1)
    if len(content) > most:
        raise UserError(f"{path}: is larger than {most / 1e6:g} MB, which no such table is.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start}).") from error


def _table(path: Path, columns: dict[str, Kind], key: list[str]) -> pd.DataFrame:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        for name in columns:
            if header.count(name) != 1:
                how = "there twice" if name in header else "missing"
                raise UserError(f"{path}: the column {name} is {how}; make the tables anew.")
        rows = []
        for row in reader:
            if len(row) != len(header):
                raise UserError(
                    f"{path}: row {reader.line_num} has {len(row)} values, not {len(header)}."
                )
            rows.append(row)
            if len(rows) > MOST_ROWS:
                raise UserError(f"{path}: has more than {MOST_ROWS} rows.")
    except csv.Error as error:
        raise UserError(f"{path}: row {reader.line_num} is not CSV ({error}).") from error
    frame = pd.DataFrame(
        {
            name: pd.Series(
                _column([row[header.index(name)] for row in rows], kind, path, name),
                dtype=None if kind.read is not str else object,
            )
            for name, kind in columns.items()
        }
    )
    if key and frame.duplicated(key).any():
        place = int(frame.duplicated(key).to_numpy().argmax())
        raise UserError(f"{path}: row {place + 2}: the same {', '.join(key)} stands twice.")
    return frame


def _column(values: list[str], kind: Kind, path: Path, name: str) -> list[object]:
    pattern = re.compile(kind.pattern)
    found: list[object] = []
    for place, text in enumerate(values):
        if not pattern.fullmatch(text) and not (kind.empty and not text):
            shown = text[:40] + ("…" if len(text) > 40 else "")
            raise UserError(f"{path}: row {place + 2}, {name}: {shown!r} is not {kind.words}.")
        # float reads what was written bit for bit, which a faster parser does not.
        found.append(float("nan") if kind.read is not str and not text else kind.read(text))
    return found
