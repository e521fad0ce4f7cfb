"""What the checks of the implementations against the reference model found."""

from pathlib import Path

import pandas as pd

from analysis.tables.groups import Rows, grouped
from harness.plan import asked
from harness.run.records import Record
from implementations import lacking


def rows(results: Path, found: list[Record]) -> Rows:
    """The checks of the frameworks that ran; none where they are not wanted."""
    result: Rows = []
    if not asked.read_plan(results)["conformance"]:
        return result
    for framework in sorted({r["framework"] for r in found}):
        path = results / "conformance" / f"{framework}.csv"
        if path.exists():
            table = pd.read_csv(path, dtype={"detail": str}).fillna({"detail": ""})
            result += table.to_dict("records")  # type: ignore[arg-type]
    return result


def summary(rows: Rows) -> Rows:
    """For each framework, cell, kind of check and type: how many passed, and the worst error.

    A kernel that an environment lacks was not checked.
    """
    kinds = (
        row | {"check": row["check"].split(" of ")[0].split(",")[0]}
        for row in rows
        if row["check"] != lacking.CHECK
    )
    return [
        key
        | {
            "checks": len(group),
            "passed": sum(bool(row["passed"]) for row in group),
            "max_error": max(row["max_error"] for row in group),
            "tolerance": group[0]["tolerance"],
            "detail": "; ".join(
                dict.fromkeys(r["detail"] for r in group if r["detail"] and not r["passed"])
            ),
        }
        for key, group in grouped(kinds, ("framework", "cell", "check", "dtype"))
    ]


def not_comparable(rows: Rows) -> set[tuple[str, str]]:
    """(framework, cell) for which some check did not pass; what is lacking computed nothing."""
    return {
        (row["framework"], row["cell"])
        for row in rows
        if not row["passed"] and row["check"] != lacking.CHECK
    }
