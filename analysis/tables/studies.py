"""The studies that a results folder was asked for, and what their runs cost."""

from pathlib import Path

from analysis.tables.groups import Rows
from harness.plan.asked import read_plan
from harness.plan.studies import studies
from harness.run import records
from harness.run.records import Record


def rows(results: Path, found: list[Record]) -> Rows:
    """Each study with its runs, shared ones counted in each; core-minutes are those of its runs."""
    by_name = {records.identity(record).name: record for record in found}
    table = []
    for study, names in read_plan(results)["studies"].items():
        mine = [by_name[name] for name in names if name in by_name]
        seconds = sum(record["threads"] * record["seconds"]["total"] for record in mine)
        table.append({
            "study": study,
            "question": studies()[study].question if study in studies() else "",
            "runs": len(names),
            "ended_well": sum(record["status"] == "ok" for record in mine),
            "core_minutes": round(seconds / 60, 2),
        })  # fmt: skip
    return table
