"""The section "Tables": every table that the page carries inside, to sort, search and keep."""

from typing import Any

import pandas as pd

from report import embed
from report.tables import Tables

# What the page shows in its own way, or is too long for its use as a table.
BESIDE = ("frameworks", "gate_examples")


def content(tables: Tables) -> dict[str, Any]:
    """The data, which tables of it have rows, and which are too long or not there."""
    carried = _carried(tables)
    data, embedded = embed.data_block(carried)
    return {
        "data": data,
        "embedded": [name for name in embedded if len(carried[name])],
        "names": [f"{name}.csv" for name in tables if name not in tables.missing],
        "long": sorted(set(carried) - set(embedded)),
    }


def _carried(tables: Tables) -> dict[str, pd.DataFrame]:
    """What the page would carry inside; methods are summaries with their scores' states."""
    method = ["task", "framework", "cell", "track"]
    states = [*method, "state", "to_best", "comparable"]
    summary = tables["summary"] if len(tables["summary"]) else tables["scores"]
    methods = summary.drop(columns=["state", "to_best", "comparable"], errors="ignore").merge(
        tables["scores"][states], how="outer", on=method
    )
    first = [*method, "state", "n", "median", "to_best", "solve_rate", "steps"]
    first = [name for name in first if name in methods]
    methods = methods[[*first, *(name for name in methods if name not in first)]]
    return {"methods": methods} | {n: t for n, t in tables.items() if n not in BESIDE}
