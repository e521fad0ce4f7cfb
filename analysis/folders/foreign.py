"""Reading tables that others made: a results folder from another machine, or the reference.

Such a folder is foreign input. Only files of known names are opened, none through a link and
none beyond a size; only known columns are kept, and every value is checked for its kind.
"""

import csv
import io
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from harness import layout
from harness.errors import UserError
from harness.layout import Column, Table

MOST_BYTES = 20_000_000
MOST_ROWS = 200_000
SETTING = Column("text")
ANEW = "make the tables anew"
# The columns that are compared, by table; a folder needs the tables of NEEDED, with all of these.
TABLES = {
    "runs": (
        *layout.RUN, "status", "parameters", "score", "steps", "steps_to_solve", "train_seconds",
        "device", "kernel", "threads", "data_sha256", "losses_sha256", "machine", "git_commit",
        "finished",
    ),
    "losses": (*layout.RUN, "step", "loss"),
    "machines": (
        "machine", "framework", "packages", "processor", "generation", "cores", "memory_gb",
        "system",
    ),
    "tasks": ("task", "metric", "direction"),
    "claims": ("claim", "verdict", "framework", "task", "case", "effect"),
    "speed_ratios": ("shape", "kind", "numerator", "denominator", "ratio", "low", "high"),
    "timing": (
        "shape", "batch", "sequence_length", "input_size", "hidden", "layers", "framework",
        "kernel", "cell", "phase", "median_ms", "low_ms", "high_ms",
    ),
}  # fmt: skip
NEEDED = ("runs", "machines", "tasks")


def read(
    folder: Path,
    wanted: Mapping[str, tuple[str, ...]] = TABLES,
    needed: tuple[str, ...] = NEEDED,
) -> dict[str, pd.DataFrame]:
    """The ``wanted`` columns of ``folder`` by table, checked; a table not ``needed`` may be empty.

    Raises :class:`UserError` for the first thing that is wrong, with file, row and column.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: is not a folder; name a results folder.")
    tables = {}
    for name, columns in wanted.items():
        path = layout.path(folder, name)
        if not os.path.lexists(path) and name not in needed:
            tables[name] = pd.DataFrame(columns=list(columns))
            continue
        tables[name] = _table(path, layout.TABLES[name], columns)
        if tables[name].empty and name in needed:
            raise UserError(f"{path}: has no rows; run the pipeline first.")
    for column, table in (("machine", "machines"), ("task", "tasks")):
        known = set(tables[table][column])
        for row, value in enumerate(tables["runs"][column], start=2):
            if value not in known:
                where = f"{folder / 'runs.csv'}: row {row}, {column}"
                raise UserError(f"{where}: {value} is not in {table}.csv; {ANEW}.")
    return tables


def read_other(results: Path, other: Path) -> dict[str, pd.DataFrame]:
    """The tables of ``other``, with which ``results`` are to be compared; see :func:`read`."""
    if other.exists() and results.exists() and other.samefile(results):
        raise UserError(f"{other}: is the results folder itself; name another one to compare with.")
    return read(other)


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a regular file of at most ``most`` bytes that is not a link."""
    try:
        # Not to follow a link, nor to wait for a pipe's other end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise UserError(
            f"{path}: is not there; name a results folder whose tables are made."
        ) from None
    except OSError as error:
        why = "is a link, which is not followed" if path.is_symlink() else error.strerror
        raise UserError(f"{path}: cannot be read ({why}).") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UserError(f"{path}: is not a regular file.")
        content = file.read(most + 1)
    if len(content) > most:
        raise UserError(f"{path}: is larger than {most / 1e6:g} MB, as no such table is; {ANEW}.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start}); {ANEW}.") from error


def _table(path: Path, table: Table, wanted: tuple[str, ...]) -> pd.DataFrame:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        columns = {name: table.columns[name] for name in wanted}
        late = [name for name in columns if columns[name].late and name not in header]
        columns = {name: columns[name] for name in columns if name not in late}
        # Settings stay text: they are only compared, and shown.
        columns |= dict.fromkeys(layout.setting_columns(header, table, path), SETTING)
        for name in columns:
            if header.count(name) != 1:
                how = "there twice" if name in header else "missing"
                raise UserError(f"{path}: the column {name} is {how}; {ANEW}.")
        rows = []
        for row in reader:
            if len(row) != len(header):
                counts = f"has {len(row)} values, not {len(header)}"
                raise UserError(f"{path}: row {reader.line_num} {counts}; {ANEW}.")
            rows.append(row)
            if len(rows) > MOST_ROWS:
                raise UserError(f"{path}: has more than {MOST_ROWS} rows; compare fewer runs.")
    except csv.Error as error:
        raise UserError(f"{path}: row {reader.line_num} is not CSV ({error}); {ANEW}.") from error
    frame = pd.DataFrame()
    for name, column in columns.items():
        values = _column([row[header.index(name)] for row in rows], column, path, name)
        frame[name] = pd.Series(values, dtype=object if column.kind == "text" else None)
    frame[late] = ""
    key = list(table.key)
    if key and frame.duplicated(key).any():
        place = int(frame.duplicated(key).to_numpy().argmax())
        twice = f"the same {', '.join(key)} stands twice"
        raise UserError(f"{path}: row {place + 2}: {twice}; {ANEW}.")
    return frame


def _column(values: list[str], column: Column, path: Path, name: str) -> list[object]:
    found: list[object] = []
    for row, text in enumerate(values, start=2):
        try:
            found.append(column.value(text))
        except ValueError as error:
            shown = text[:40] + ("…" if len(text) > 40 else "")
            where = f"{path}: row {row}, {name}"
            raise UserError(f"{where}: {shown!r} is not {error}; {ANEW}.") from None
    return found
