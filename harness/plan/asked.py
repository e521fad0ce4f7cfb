"""What a pipeline was asked for: the plan that its jobs read."""

import json
import time
from pathlib import Path
from typing import Any

from harness.files import write_text
from harness.plan.run import Run

Plan = dict[str, Any]
EMPTY: Plan = {"runs": [], "todo": [], "started": 0.0, "conformance": True, "campaigns": []}


def write_plan(
    results: Path,
    runs: tuple[Run, ...],
    todo: list[str],
    conformance: bool = True,
    campaigns: tuple[str, ...] = (),
) -> None:
    """Note which runs are asked for, which are still to do and since when, so that each can say
    how many are left; and whether the conformance check is, or what it once found is not of these;
    and the clock's campaigns.
    """
    plan = {"runs": [run.name for run in runs], "todo": todo, "started": time.time()}
    plan |= {"conformance": conformance, "campaigns": campaigns}
    write_text(results / "plan.json", json.dumps(plan) + "\n")


def read_plan(results: Path) -> Plan:
    """The plan of a results folder; an empty one when there is none."""
    try:
        plan = json.loads((results / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return EMPTY
    return EMPTY | plan if isinstance(plan, dict) else EMPTY
