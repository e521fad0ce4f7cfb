"""The records of a results folder's plan, each run's, whether its record can be read or not."""

import sys
from pathlib import Path

from harness.errors import UserError
from harness.plan import asked
from harness.plan.run import run_named
from harness.plan.settings import resolve
from harness.registry import framework
from harness.run import records
from harness.run.loop import Progress, describe
from harness.run.records import Record

UNKNOWN: Record = {
    "machine": {}, "versions": {}, "gatebench": "unknown", "git_commit": "unknown",
    "finished": "", "peak_rss_mb": None,
}  # fmt: skip


def read(results: Path) -> list[Record]:
    """The records of the runs that the folder's plan asks for; of all where there is no plan.

    A record that is damaged or of another version is named, and in its place stands that of a
    run which failed for that reason; the pipeline makes it again.
    """
    names = asked.read_plan(results)["runs"]
    folder = results / "runs"
    paths = [folder / f"{n}.json" for n in names] if names else sorted(folder.glob("*.json"))
    found: dict[Path, Record] = {}
    unread: dict[Path, str] = {}
    for path in paths:
        try:
            if path.exists():
                found[path] = records.read(path)
        except UserError as error:
            print(f"{error} The pipeline makes it again.", file=sys.stderr)
            unread[path] = str(error)
    whole = list(found.values())
    for path, reason in unread.items():
        if (record := _in_place_of(path, reason.rstrip("."), whole)) is not None:
            found[path] = record
    return [found[path] for path in paths if path in found]


def _in_place_of(path: Path, reason: str, others: list[Record]) -> Record | None:
    """The record of a failed run, with settings of a run most like it; None if it is not known."""
    run = run_named(path.stem)
    if run is None:
        return None
    alike = sorted(
        (r for r in others if r["task"] == run.task),
        key=lambda r: (r["cell"] != run.cell, r["track"] != run.track),
    )
    values = alike[0]["settings"] if alike else {}
    try:
        settings = resolve(run.task, values, f"the record of {run.title}")
        found = describe(framework(run.framework), run, settings, 1, Progress(), "failed", reason)
    except UserError:  # a task or a framework that is no longer there
        return None
    # Where, when and by what it was made, and what it took, is lost: it was not here and now.
    seconds = dict.fromkeys(found["seconds"], 0.0)
    return found | UNKNOWN | {"seconds": seconds}
