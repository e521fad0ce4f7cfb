"""What a pipeline was asked for: the plan that its jobs read."""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.files import write_text
from harness.plan.run import Run

Plan = dict[str, Any]
EMPTY: Plan = {
    "runs": [], "todo": [], "started": 0.0, "conformance": True, "campaigns": [], "studies": {},
}  # fmt: skip


def write_plan(
    results: Path,
    runs: tuple[Run, ...],
    todo: list[str],
    conformance: bool = True,
    campaigns: tuple[str, ...] = (),
    studies: Mapping[str, Iterable[Run]] = MappingProxyType({}),
) -> None:
    """Note which runs are asked for, which are still to do and since when, so that each can say
    how many are left; and whether the conformance check is, or what it once found is not of these;
    and the clock's campaigns, and the runs of each study.
    """
    plan = {"runs": [run.name for run in runs], "todo": todo, "started": time.time()}
    plan |= {"conformance": conformance, "campaigns": campaigns}
    plan["studies"] = {name: [run.name for run in its] for name, its in studies.items()}
    write_text(results / "plan.json", json.dumps(plan) + "\n")


def read_plan(results: Path) -> Plan:
    """The plan of a results folder; an empty one when there is none."""
    try:
        plan = json.loads((results / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return EMPTY
    return EMPTY | plan if isinstance(plan, dict) else EMPTY
