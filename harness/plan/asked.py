"""What a pipeline was asked for: the plan that its jobs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.files import write_text
from harness.plan.run import Run

Plan = dict[str, Any]


def write_plan(
    results: Path, runs: tuple[Run, ...], todo: list[str], cores: int, gate: bool = True
) -> None:
    """Note which runs are asked for and which are still to do, so that each can say
    how many are left; and whether the gate is, or what it once found is not of these.

    ``before`` tells the records that lie there and are to be made again from new ones: by
    when they were written, not by when the plan was, since the clock may be set back.
    """
    times = {name: written(results, name) for name in todo}
    plan = {
        "runs": [run.name for run in runs],
        "todo": todo,
        "cores": cores,
        "gate": gate,
        "before": {name: at for name, at in times.items() if at is not None},
    }
    write_text(results / "plan.json", json.dumps(plan) + "\n")


def read_plan(results: Path) -> Plan:
    """The plan of a results folder; an empty one when there is none."""
    empty: Plan = {"runs": [], "todo": [], "cores": 1, "gate": True, "before": {}}
    try:
        plan = json.loads((results / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return empty
    return empty | plan if isinstance(plan, dict) else empty


def written(results: Path, name: str) -> int | None:
    """When the record of the run ``name`` was written, in ns; None where there is none."""
    try:
        return (results / "runs" / f"{name}.json").stat().st_mtime_ns
    except OSError:
        return None
