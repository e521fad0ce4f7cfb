"""What a pipeline was asked for: the plan that its jobs read."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import UserError
from harness.files import digest, write_text
from harness.plan.run import Run
from harness.registry import ROOT

Plan = dict[str, Any]
EMPTY: Plan = {
    "runs": [], "todo": [], "started": 0.0, "conformance": True, "campaigns": [], "studies": {},
    "shard": "", "configuration": {}, "code": "",
}  # fmt: skip

# What decides what a run, a check or a campaign of the clock finds.
CODE = (
    "cells/*.py", "tasks/*.py", "implementations/**/*.py", "harness/run/*.py",
    "harness/plan/*.py", "harness/conformance/*.py", "harness/clock/*.py",
    "workflows/studies.yaml", "workflows/tracks.yaml", "workflows/rates.yaml",
)  # fmt: skip


def code() -> str:
    """The SHA-256 of all files that decide a result: what is made by one version has one."""
    paths = sorted({path for pattern in CODE for path in ROOT.glob(pattern)})
    lines = [f"{path.relative_to(ROOT).as_posix()} {digest(path)}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def need_all_runs(results: Path) -> None:
    """Raise :class:`UserError` where the folder is for a part of the runs: that makes no tables."""
    if part := read_plan(results)["shard"]:
        raise UserError(
            f"{results}: holds part {part} of the runs, and tables of a part would mislead; put "
            "all parts together with python -m analysis merge."
        )


def write_plan(
    results: Path,
    runs: tuple[Run, ...],
    todo: list[str],
    conformance: bool = True,
    campaigns: tuple[str, ...] = (),
    studies: Mapping[str, Iterable[Run]] = MappingProxyType({}),
    about: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Note which runs are asked for, which are still to do and since when, so that each can say
    how many are left; and whether the conformance check is, or what it once found is not of these;
    and the clock's campaigns, and the runs of each study.

    ``about`` is what folders that are merged must share, the ``configuration`` and the ``code``
    (:func:`code`), and the ``shard``, empty where all runs are asked for.
    """
    plan = {"runs": [run.name for run in runs], "todo": todo, "started": time.time()}
    plan |= {"conformance": conformance, "campaigns": campaigns}
    plan["studies"] = {name: [run.name for run in its] for name, its in studies.items()}
    write_text(results / "plan.json", json.dumps(plan | dict(about)) + "\n")


def read_plan(results: Path) -> Plan:
    """The plan of a results folder; an empty one when there is none."""
    try:
        plan = json.loads((results / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return EMPTY
    return EMPTY | plan if isinstance(plan, dict) else EMPTY
