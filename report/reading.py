"""The tables of a results folder as the page reads them, empty where one is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from analysis.evidence import advice, claims, comparisons, evidence_tables, published
from analysis.folders import pairing
from analysis.inside import look
from analysis.speed import times
from analysis.tables import run_tables
from harness.errors import UserError

# What the page needs of a table, so that a missing or older one can stand empty.
COLUMNS: dict[str, tuple[str, ...]] = {
    **run_tables.COLUMNS,
    **look.COLUMNS,
    **times.COLUMNS,
    **comparisons.COLUMNS,
    **published.COLUMNS,
    **dict.fromkeys(pairing.NAMES, pairing.COLUMNS),
    "claims": claims.COLUMNS,
    "advice": advice.COLUMNS,
    "gradient_norms": (
        "task", "framework", "cell", "track", "seed", "median_norm", "largest_norm", "spike",
    ),
}  # fmt: skip
PAGE = "python -m report --results {folder}"
# What makes the tables that a section is from, for the reader of a page without them.
COMMANDS = {
    **dict.fromkeys(run_tables.NAMES, "python -m analysis tables --results {folder}"),
    **dict.fromkeys(evidence_tables.NAMES, "python -m analysis evidence --results {folder}"),
    **dict.fromkeys(published.NAMES, "python -m analysis published --results {folder}"),
    **dict.fromkeys(times.NAMES, "snakemake --cores all timing --config results={folder}"),
    **dict.fromkeys(look.NAMES, "python -m analysis insides --results {folder}"),
    "verify": f"python -m analysis verify --results {{folder}} && {PAGE}",
    "compare": f"python -m analysis compare --results {{folder}} --other PATH && {PAGE}",
}
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
    for name, columns in COLUMNS.items():
        path = results / f"{name}.csv"
        stale = tables.comparisons.get(name, ("current", {}))[0] != "current"
        if stale or (not path.exists() and name not in NEEDED):
            tables.missing.append(name)
            tables[name] = pd.DataFrame(columns=list(columns))
            continue
        try:
            frame = pd.read_csv(path, dtype=dict.fromkeys(("error", "detail", "errors"), str))
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); run the pipeline first.") from error
        absent = [c for c in columns if c not in frame]
        tables[name] = frame.reindex(columns=[*frame.columns, *absent])
    return tables
