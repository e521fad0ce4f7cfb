"""The tables of a results folder as the page reads them, empty where one is not there."""

import json
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

import pandas as pd

from harness import layout
from harness.files import digest
from report import words
from report.figures.style import Palette

# The comparisons with another folder: NAME.csv has the rows, NAME.json what they come to.
BESIDE = ("verify", "compare")
BESIDE_SCHEMA = 3
# The stage of the tables that no results folder has: report/site.py shows them.
SITE = "site"
# Messages that come from anywhere, cut to these characters: a record may hold megabytes.
MESSAGES, LONGEST = ("error", "errors", "reason", "detail"), 500


class Tables(dict[str, pd.DataFrame]):
    """Table by name; ``missing`` names those that are not in ``folder``, which are empty here.

    ``beside`` has for each comparison with another folder whether it can be shown (``missing``,
    ``damaged``, ``stale``: not of these very runs, or ``current``) and what it came to; the
    table of one that is not current counts as missing.
    """

    folder: Path
    missing: list[str]
    beside: dict[str, tuple[str, dict[str, Any]]]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table, with None where a value is missing."""
        return rows(self[name])

    @cached_property
    def palette(self) -> Palette:
        """The frameworks and cells of the runs and of the clock."""
        columns = [self[n][["framework", "cell"]] for n in ("runs", "timing", "scaling_points")]
        frameworks, cells = (pd.concat(columns)[name].dropna() for name in ("framework", "cell"))
        lines = self["cells"].dropna(subset="lineage").set_index("cell")["lineage"]
        families = {name: tuple(line.split()) for name, line in lines.items()}
        return Palette.of(frameworks, cells, families)

    @property
    def tasks(self) -> list[str]:
        """The tasks that have figures."""
        return list(self["tasks"]["task"])

    def of_task(self, name: str, task: str) -> pd.DataFrame:
        """The rows of a table that are of ``task``."""
        return self[name][self[name]["task"] == task]

    def command(self, name: str) -> str:
        """What makes the table ``name`` and, of a comparison, the page after it."""
        made = layout.COMMANDS[layout.TABLES[name].stage].format(folder=self.folder)
        page = f" && python -m report --results {self.folder}" if name in BESIDE else ""
        return made + page


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The table's rows, with None where a value is missing."""
    return [
        {str(k): (None if pd.isna(v) else v) for k, v in row.items()}
        for row in frame.to_dict("records")
    ]


def crossed(frame: pd.DataFrame, down: list[str], across: list[str]) -> dict[Any, dict[Any, Any]]:
    """The table's rows by what the columns ``down`` say in them, then by those ``across``."""
    found: dict[Any, dict[Any, Any]] = {}
    place, column = itemgetter(*down), itemgetter(*across)
    for row in rows(frame):
        found.setdefault(place(row), {})[column(row)] = row
    return found


def read(folder: Path) -> Tables:
    """Read every table of ``folder``.

    Raises :class:`UserError` when ``runs.csv`` is missing, or a table is damaged or too old.
    """
    tables = Tables()
    tables.folder, tables.missing = folder, []
    tables.beside = {name: _beside(folder, name) for name in BESIDE}
    for name in (one for one, table in layout.TABLES.items() if table.stage != SITE):
        stale = tables.beside.get(name, ("current", {}))[0] != "current"
        if name != "runs" and (stale or not layout.path(folder, name).exists()):
            tables.missing.append(name)
            tables[name] = pd.DataFrame(columns=list(layout.TABLES[name].columns))
            continue
        tables[name] = layout.read(folder, name)
        for message in set(MESSAGES) & set(tables[name]):
            tables[name][message] = tables[name][message].map(_cut, na_action="ignore")
    titles = tables["cells"].dropna(subset="title")
    words.entitle(
        dict(zip(titles["cell"], titles["title"], strict=True)),
        dict(zip(tables["tracks"]["track"], tables["tracks"]["what"], strict=True)),
    )
    return tables


def _cut(text: str) -> str:
    left = len(text) - LONGEST
    return text if left <= 0 else f"{text[:LONGEST]} … ({left:,} more characters in the file)"


def _beside(folder: Path, name: str) -> tuple[str, dict[str, Any]]:
    """Whether the comparison ``name`` can be shown, and what it came to."""
    path, runs = folder / f"{name}.json", folder / "runs.csv"
    if not path.exists() or not runs.exists():
        return "missing", {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] == BESIDE_SCHEMA:
            return ("current" if found["runs_sha256"] == digest(runs) else "stale"), found
    except (OSError, ValueError, LookupError, TypeError):
        pass
    return "damaged", {}
