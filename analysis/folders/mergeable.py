"""What several results folders hold, and whether it belongs together: see :mod:`.merge`.

Nothing is written here. Every refusal is one sentence that names both places.
"""

import filecmp
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from harness import layout
from harness.clock.samples import Samples
from harness.errors import UserError
from harness.pipeline import again
from harness.plan import asked, configuration
from harness.run import records
from harness.run.records import Record

# May differ: a bound decides only what is stopped.
FREE = ("limits",)
AGAIN = "the same command makes it again"


@dataclass
class Found:
    """What was found in the folders, each thing once, by where it lies."""

    plan: asked.Plan
    asked_for: configuration.Configuration
    # The record of each run, by its name, and whether it is finished.
    runs: dict[str, tuple[Path, bool]] = field(default_factory=dict)
    # By campaign and machine.
    campaigns: dict[tuple[str, str], Path] = field(default_factory=dict)
    # The rows of each framework's check, of every machine, as text.
    checks: dict[str, list[pd.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    # Of each framework the packages, and a run that was made with them.
    versions: dict[str, tuple[Mapping[str, str], Path]] = field(default_factory=dict)


def read(sources: list[Path], results: Path) -> Found:
    """What the folders ``sources`` hold of what they were asked for, to be put in ``results``.

    Raises :class:`UserError` for the first thing that does not belong together.
    """
    plans = {folder: _plan(folder) for folder in sources}
    first = sources[0]
    for folder, plan in plans.items():
        _alike(first, plans[first], folder, plan)
    places = {"results": str(results), "other": "", "shard": ""}
    asked_for = configuration.load(plans[first]["configuration"] | places, [])
    found = Found(plans[first], asked_for)
    for folder, plan in plans.items():
        take_runs(found, folder, plan)
        take_campaigns(found, folder)
        take_checks(found, folder)
    return found


def _plan(folder: Path) -> asked.Plan:
    if not (folder / "plan.json").is_file():
        raise UserError(
            f"{folder}: has no plan.json, so it is no folder of a pipeline's results; name another."
        )
    plan = asked.read_plan(folder)
    if not plan["configuration"]:
        raise UserError(
            f"{folder / 'plan.json'}: does not say what was asked for; run the same command there "
            "again, which makes nothing anew."
        )
    return plan


def _alike(one: Path, first: asked.Plan, other: Path, plan: asked.Plan) -> None:
    """Refuse folders that were asked for different things, or made by different code."""
    mine, theirs = first["configuration"], plan["configuration"]
    for key in sorted({*mine, *theirs} - {*FREE}):
        if mine.get(key) != theirs.get(key):
            raise UserError(
                f"{other}: was asked for something else than {one}: {key} is "
                f"{_shown(theirs.get(key))} there and {_shown(mine.get(key))} here; merge folders "
                "of one configuration."
            )
    if first["code"] != plan["code"]:
        raise UserError(
            f"{other}: was made by another version of the code than {one}; run the same command "
            "in both with one version, which makes again what it changes."
        )


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def take_runs(found: Found, folder: Path, plan: asked.Plan) -> None:
    """Add the runs of a folder; what was to be made again and is not yet made is left out."""
    wanted, todo = {run.name for run in found.asked_for.runs}, set(plan["todo"])
    for path in sorted((folder / "runs").glob("*.json")):
        if path.stem not in wanted:
            continue
        try:
            record = records.read(path)
        except UserError as error:
            raise UserError(f"{str(error).rstrip('.')}; in {folder} {AGAIN}.") from error
        if path.stem in todo and _ended(record) < int(plan["started"]):
            continue
        _same_versions(found, path, record)
        finished = record["status"] in ("ok", "diverged") and _whole(path.with_suffix(".npz"))
        before, stands = found.runs.get(path.stem, (path, False))
        if stands and finished and not same(before, path):
            raise UserError(
                f"{path}: differs from {before}, which is of the same run; remove one of the two."
            )
        # Of two that are the same, the one that still has its weights.
        better = finished and path.with_suffix(".npz").exists()
        if better or path.stem not in found.runs or (finished and not stands):
            found.runs[path.stem] = (path, finished)


def _ended(record: Record) -> float:
    """When a run ended, in seconds since 1970."""
    try:
        return datetime.fromisoformat(record["finished"]).timestamp()
    except ValueError:
        return 0.0


def _whole(weights: Path) -> bool:
    """Weights that were taken away do no harm; those that are cut off do."""
    return not weights.exists() or zipfile.is_zipfile(weights)


def same(one: Path, other: Path) -> bool:
    """Whether two records are the same, and their weights where both have some."""
    if not filecmp.cmp(one, other, shallow=False):
        return False
    weights = one.with_suffix(".npz"), other.with_suffix(".npz")
    return not all(path.exists() for path in weights) or filecmp.cmp(*weights, shallow=False)


def _same_versions(found: Found, path: Path, record: Record) -> None:
    if record["status"] not in ("ok", "diverged"):
        return
    mine = record["versions"]
    known, where = found.versions.setdefault(record["framework"], (mine, path))
    for name in sorted({*known, *mine}):
        if known.get(name) != mine.get(name):
            raise UserError(
                f"{path}: was made {_with(name, mine)}, and {where} {_with(name, known)}; merge "
                "runs of the same packages."
            )


def _with(name: str, versions: Mapping[str, str]) -> str:
    return f"with {name} {versions[name]}" if name in versions else f"without {name}"


def take_campaigns(found: Found, folder: Path) -> None:
    """Add the clock's campaigns of a folder, which may be of one machine or of several."""
    for campaign in found.asked_for.campaigns:
        for path in layout.timed(folder, campaign.name):
            if not path.exists():
                continue
            machine = Samples.read(path).machine
            before = found.campaigns.setdefault((campaign.name, machine), path)
            if not filecmp.cmp(before, path, shallow=False):
                raise UserError(
                    f"{path}: times once more what {before} timed on the same kind of machine "
                    f"({machine}); remove one of the two."
                )


def take_checks(found: Found, folder: Path) -> None:
    """Add the conformance checks of a folder; one that was stopped says nothing yet."""
    for path in sorted((folder / "conformance").glob("*.csv")):
        if reason := again.stopped(path):
            raise UserError(f"{path}: the check was stopped ({reason}); in {folder} {AGAIN}.")
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        found.checks[path.stem].append(table)
