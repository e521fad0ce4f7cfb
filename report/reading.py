"""The tables of a results folder as the page reads them, empty where one is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from analysis.folders import pairing
from harness import layout

COLUMNS = {name: tuple(table.columns) for name, table in layout.TABLES.items()}
# What makes the tables that a section is from, for the reader of a page without them.
COMMANDS = {name: layout.COMMANDS[table.stage] for name, table in layout.TABLES.items()}
NEEDED = ("runs",)


class Tables(dict[str, pd.DataFrame]):
    """Table by name; ``missing`` names those that are not in the folder, which are empty here.

    ``comparisons`` has by name what :func:`.pairing.load` says; the table of one that is
    not of these runs counts as missing.
    """

    missing: list[str]
    comparisons: dict[str, tuple[str, dict[str, Any]]]


def read(results: Path) -> Tables:
    """Read every table of ``results``.

    Raises :class:`UserError` when ``runs.csv`` is missing or any table is damaged.
    """
    tables = Tables()
    tables.missing = []
    known = (results / "runs.csv").is_file()
    tables.comparisons = {
        name: pairing.load(results, name) if known else ("missing", {}) for name in pairing.NAMES
    }
    for name in COLUMNS:
        stale = tables.comparisons.get(name, ("current", {}))[0] != "current"
        if stale or (name not in NEEDED and not layout.path(results, name).exists()):
            tables.missing.append(name)
            tables[name] = pd.DataFrame(columns=list(COLUMNS[name]))
        else:
            tables[name] = layout.read(results, name)
    return tables
