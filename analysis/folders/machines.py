"""Results folders of other people's machines: ``results/machines/NAME/``, tables only.

Such a folder is foreign input, when it is put there and whenever it is read: its name is checked
before it becomes a path, it holds tables of known names alone, together of at most
``MOST_BYTES``, and of these only known columns are read, every value by its kind.
"""

import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.folders import foreign
from harness import layout
from harness.errors import UnwritableError, UserError
from harness.files import digest
from harness.registry import ROOT

FOLDER = ROOT / "results" / "machines"
ABOUT = "README.md"
MOST_BYTES = 2_000_000
NAME = r"[a-z0-9][a-z0-9-]{0,39}"
SIDES = ("numerator", "denominator")
# What is kept of a folder: what a comparison reads, and what tells who is fastest and by how much.
TABLES = foreign.TABLES | {
    "runs": (*foreign.TABLES["runs"], "gatebench"),
    "scores": (*layout.METHOD, "runs", "ended_well", "median", "solved", "comparable"),
    "claims": (*foreign.TABLES["claims"], "low", "high", "unit", "n"),
    "speed_ratios": (
        "machine", *foreign.TABLES["speed_ratios"], "log_se", "df", "processes",
        *(f"{side}_{name}" for side in SIDES for name in ("framework", "kernel", "cell", "hidden")),
    ),
    "timing": ("machine", *foreign.TABLES["timing"]),
}  # fmt: skip
# Whether a method passed the checks is in its scores.
NEEDED = (*foreign.NEEDED, "scores")
# A value with its interval; the clock's are above 0.
TIMES = {"speed_ratios": ("ratio", "low", "high"), "timing": ("median_ms", "low_ms", "high_ms")}
Tables = dict[str, pd.DataFrame]


def contribute(results: Path, name: str, target: Path = FOLDER) -> Path:
    """Copy the tables of ``results`` to the folder ``name`` in ``target``, which is returned.

    Only columns of ``TABLES`` are copied, and settings: what is not checked stays at home. Raises
    :class:`UserError` for the first thing that is wrong; then nothing is there.
    """
    place = target / checked_name(name, "--name")
    if place.exists() or place.is_symlink():
        raise UserError(f"{place}: is there already; choose another name, or remove it.")
    tables = foreign.read(results, TABLES, NEEDED)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=target) as beside:
            made = Path(beside) / name
            for table, rows in tables.items():
                if len(rows):
                    layout.write(made, table, rows)
            # As everyone will read it.
            read_folder(made)
            made.replace(place)
    except OSError as error:
        raise UnwritableError(target, error) from error
    return place


def checked_name(name: str, where: str) -> str:
    """``name``, if it can be a contributed folder's; :class:`UserError` where it cannot."""
    if not re.fullmatch(NAME, name):
        raise UserError(
            f"{where}: {name!r} cannot be a folder's name; use at most 40 small letters, digits "
            "and hyphens, such as my-laptop-2026."
        )
    return name


def read_folder(folder: Path) -> Tables:
    """The tables of one contributed folder; :class:`UserError` for the first thing wrong."""
    known = {f"{name}.csv" for name in TABLES}
    size = 0
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            raise UserError(f"{path}: is no table of a contributed folder; remove it.")
        size += path.lstat().st_size
    if size > MOST_BYTES:
        raise UserError(
            f"{folder}: its tables have {size / 1e6:.1f} MB, a contributed folder at most "
            f"{MOST_BYTES / 1e6:g}; contribute a run of fewer studies or seeds."
        )
    tables = foreign.read(folder, TABLES, NEEDED)
    for name, columns in TIMES.items():
        _check_times(layout.path(folder, name), tables[name], *columns)
    return tables


def _check_times(path: Path, table: pd.DataFrame, value: str, low: str, high: str) -> None:
    """Refuse a ratio or a time that is not above 0, or lies outside its interval."""
    middle, least, most = (table[name].astype(float).to_numpy() for name in (value, low, high))
    # What has no interval, or was not timed, is missing.
    wrong = np.any([(v <= 0) | np.isinf(v) for v in (middle, least, most)], axis=0)
    wrong |= (least > middle) | (middle > most)
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(
            f"{path}: row {row + 2}, {value}: {middle[row]:g} with the interval {least[row]:g} to "
            f"{most[row]:g}, where all must be finite and above 0, the first between the "
            f"others; {foreign.ANEW}."
        )


def read_all(folder: Path = FOLDER) -> dict[str, Tables]:
    """The tables of every folder in ``folder`` by name; none where nobody has contributed.

    Raises :class:`UserError` for the first thing that does not belong there.
    """
    if not folder.is_dir():
        return {}
    found: dict[str, Tables] = {}
    known: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name == ABOUT:
            continue
        if path.is_symlink() or not path.is_dir():
            only = f"{folder.name}/ holds only folders of tables"
            raise UserError(f"{path}: is not a folder; remove it, since {only}.")
        found[checked_name(path.name, str(folder))] = read_folder(path)
        # Twice the same would count as two machines that agree.
        before = known.setdefault(digest(layout.path(path, "runs")), path)
        if before != path:
            raise UserError(f"{path}: has the same runs as {before}; remove one of the two.")
    return found
