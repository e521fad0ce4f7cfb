"""The tables of a results folder as the page reads them, empty where one is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from harness import advice, claims, comparisons, evidence, insides, published, sides, timing
from harness import tables as harness_tables
from harness.errors import UserError

# What the page needs of a table, so that a missing or older one can stand empty.
COLUMNS: dict[str, tuple[str, ...]] = {
    **harness_tables.COLUMNS,
    **insides.COLUMNS,
    **timing.COLUMNS,
    **comparisons.COLUMNS,
    **published.COLUMNS,
    **dict.fromkeys(sides.NAMES, sides.COLUMNS),
    "claims": claims.COLUMNS,
    "advice": advice.COLUMNS,
    "gradient_norms": (
        "task", "framework", "cell", "track", "seed", "median_norm", "largest_norm", "spike",
    ),
}  # fmt: skip
PAGE = "python -m report --results {folder}"
# What makes the tables that a section is from, for the reader of a page without them.
COMMANDS = {
    **dict.fromkeys(harness_tables.NAMES, "python -m harness tables --results {folder}"),
    **dict.fromkeys(evidence.NAMES, "python -m harness evidence --results {folder}"),
    **dict.fromkeys(published.NAMES, "python -m harness published --results {folder}"),
    **dict.fromkeys(timing.NAMES, "snakemake --cores all timing --config results={folder}"),
    **dict.fromkeys(insides.NAMES, "python -m harness insides --results {folder}"),
    "verify": f"python -m harness verify --results {{folder}} && {PAGE}",
    "compare": f"python -m harness compare --results {{folder}} --other PATH && {PAGE}",
}
NEEDED = ("runs",)


class Tables(dict[str, pd.DataFrame]):
    """Table by name; ``missing`` names those that are not in the folder, which are empty here.

    ``comparisons`` has by name what :func:`harness.sides.load` says; the table of one that is
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
        name: sides.load(results, name) if known else ("missing", {}) for name in sides.NAMES
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
