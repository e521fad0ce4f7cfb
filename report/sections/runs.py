"""The section "Runs": each run, what failed, the machines, and where the time went."""

from typing import Any

from report.tables import Tables, rows


def content(tables: Tables) -> dict[str, Any]:
    """How many runs there are, and those that did not end well."""
    runs = tables["runs"]
    return {"count": len(runs), "problems": rows(runs[runs["status"] != "ok"])}
