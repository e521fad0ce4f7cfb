"""The folders that a configuration names: that of the results, and one to compare with."""

import os
import tempfile
from pathlib import Path

from harness.errors import UserError
from harness.layout import FOLDERS
from harness.registry import ROOT

# The project's folders, in which nothing is made.
OWN = (
    "analysis", "benchmarks", "cells", "docs", "harness", "implementations", "profiles", "report",
    "tasks", "tests", "workflows",
)  # fmt: skip
# What of results/ belongs to the project, too.
KEPT = ("reference", "gpu", "machines")


def other(name: str | None) -> Path | None:
    """The results folder to compare with; what it holds is checked when it is read."""
    if not name:
        return None
    folder = Path(os.path.expanduser(name))
    if not os.path.isfile(folder / "runs.csv"):
        raise UserError(
            f"other: {folder} is no results folder: it has no runs.csv; name one whose tables are "
            "made."
        )
    return folder


def results(name: str) -> Path:
    """The results folder, if it can be made and written in: known before anything trains."""
    # Snakemake expands a ~ in what it makes, so it means the home folder everywhere.
    folder = Path(os.path.expanduser(name))
    if bad := sorted({c for c in str(folder) if c in "{}" or not c.isprintable()}):
        raise UserError(f"results: {str(folder)!r} must not have {bad[0]!r} in its name.")
    try:
        _check_place(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def _unwritable(folder: Path, error: OSError) -> UserError:
    why = error.strerror or str(error)
    return UserError(f"results: {folder} cannot be written in ({why}); choose another folder.")


def _check_place(folder: Path) -> None:
    """Refuse the project's own folders, what is no folder and where nothing can be written."""
    place = folder.resolve()
    if ROOT.is_relative_to(place):
        raise UserError(f"results: {folder} holds the project itself; choose a folder in it.")
    own = place.relative_to(ROOT).parts[0] if place.is_relative_to(ROOT) else ""
    kept = any(place.is_relative_to(ROOT / "results" / name) for name in KEPT)
    if own in OWN or own.startswith(".") or kept:
        raise UserError(f"results: {folder} is a part of the project; choose another folder.")
    nearest = folder
    while not _exists(nearest):
        nearest = nearest.parent
    for path in (nearest, *filter(_exists, (folder / part for part in (*FOLDERS, "cache")))):
        if not path.is_dir():
            raise UserError(f"results: {path} is not a folder; choose another one.")
        try:
            tempfile.TemporaryFile(dir=path).close()
        except OSError as error:
            raise _unwritable(path, error) from error


def _exists(path: Path) -> bool:
    """Whether there is something; :class:`OSError` where there cannot be."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
