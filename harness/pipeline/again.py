"""What lies in a results folder but must be made again: damaged, failed, or stopped half-way."""

import csv
from collections.abc import Iterable
from pathlib import Path

from harness.errors import UserError
from harness.run import records

# Stands in place of a check's name where the process that checks was stopped or died.
STOPPED = "process"


def of_a_run(path: Path) -> str:
    """Why the run with the record ``path`` must be done again; empty when its record stands."""
    return records.unfinished(path) if path.exists() else _set_aside(path)


def of_a_campaign(path: Path) -> str:
    """Why a campaign of the clock must be timed again; empty when it stands or never was."""
    if not path.exists():
        return _set_aside(path)
    # Only for those that plan: the samples are tables of pandas, which a run need not wait for.
    from harness.clock.samples import Samples

    try:
        Samples.read(path)
    except UserError as error:
        return str(error)
    return ""


def of_a_check(path: Path) -> str:
    """Why a framework's conformance must be checked again; empty when what was found stands."""
    return f"{path}: {reason}." if (reason := stopped(path)) else _set_aside(path)


def stopped(path: Path) -> str:
    """By what the check in the table ``path`` was stopped; empty where it came to its end."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            found = [row["detail"] for row in csv.DictReader(file) if row["check"] == STOPPED]
    except (OSError, ValueError, KeyError):
        return ""
    return found[0] if found else ""


def set_aside(paths: Iterable[Path]) -> None:
    """Rename what is made again, so that nobody takes it for what comes."""
    for path in paths:
        if path.exists():
            path.replace(_old(path))


def _set_aside(path: Path) -> str:
    gone = not path.exists() and _old(path).exists()
    return f"{path}: was set aside and has not been made again." if gone else ""


def _old(path: Path) -> Path:
    return path.with_suffix(f"{path.suffix}.old")
