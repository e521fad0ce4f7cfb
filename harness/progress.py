"""What a person sees while the pipeline runs, and at its end."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness import preload, records
from harness.errors import UserError
from harness.files import write_text
from harness.records import Record, Run

Plan = dict[str, Any]


def write_plan(
    results: Path, runs: tuple[Run, ...], todo: list[str], cores: int, gate: bool = True
) -> None:
    """Note which runs are asked for and which are still to do, so that each can say
    how many are left; and whether the gate is, or what it once found is not of these.

    ``before`` tells the records that lie there and are to be made again from new ones: by
    when they were written, not by when the plan was, since the clock may be set back.
    """
    written = {name: _written(results, name) for name in todo}
    plan = {
        "runs": [run.name for run in runs],
        "todo": todo,
        "cores": cores,
        "gate": gate,
        "before": {name: at for name, at in written.items() if at is not None},
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


def _written(results: Path, name: str) -> int | None:
    """When the record of the run ``name`` was written, in ns; None where there is none."""
    try:
        return (results / "runs" / f"{name}.json").stat().st_mtime_ns
    except OSError:
        return None


def complain(error: UserError, to_log_only: bool = False) -> None:
    """Print what is wrong; a pipeline's job to the person too, for its log may be unwritable."""
    to_person = preload.PIPELINE in os.environ and not to_log_only
    for stream in (sys.stderr, sys.stdout) if to_person else (sys.stderr,):
        with suppress(OSError):
            print(error, file=stream, flush=True)


def finished_line(results: Path | None, record: Record) -> str:
    """One line on a finished run; with ``results``, how many of how many and the time left."""
    run = records.identity(record)
    if record["status"] == "ok":
        solved = ", solved" if record["solved"] else ""
        outcome = f"{record['metric']} {record['score']:.4g}{solved}"
    else:
        outcome = f"{record['status'].upper()}: {record['reason']}"
    line = f"{run.title}: {outcome}, {record['seconds']['total']:.1f} s"
    return line + (_position(results) if results else "")


def _position(results: Path) -> str:
    plan = read_plan(results)
    todo = plan["todo"]
    if not todo:
        return ""
    known = {name: results / "runs" / f"{name}.json" for name in plan["runs"]}
    # A record from before that is to be made again lies there until its run starts.
    left = [name for name in todo if _written(results, name) in (None, plan["before"].get(name))]
    seconds = _expected_seconds(left, known) / plan["cores"]
    counts = f" [{len(todo) - len(left)}/{len(todo)}"
    return f"{counts}, about {_duration(seconds)} left]" if left else f"{counts}]"


def _expected_seconds(left: list[str], done: dict[str, Path]) -> float:
    """What the runs in ``left`` take, judged by the finished runs most like them."""
    known: dict[tuple[str, ...], list[float]] = {}
    for name, path in done.items():
        try:
            total = json.loads(path.read_text(encoding="utf-8"))["seconds"]["total"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for key in _likeness(name):
            known.setdefault(key, []).append(total)
    expected = 0.0
    for name in left:
        values = next((known[key] for key in _likeness(name) if key in known), [0.0])
        expected += sum(values) / len(values)
    return expected


def _likeness(name: str) -> list[tuple[str, ...]]:
    """Keys from the most to the least alike: all but the seed, task and framework, task, any."""
    task, framework, cell, track, _ = name.split("-")
    return [(task, framework, cell, track), (task, framework), (task,), ()]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def summary(results: Path) -> int:
    """Say where the results are and which runs did not end well; 1 when one failed."""
    found = _planned_records(results)
    names = read_plan(results)["runs"]
    wanted = len(names) or len(found)
    print(f"Runs:   {sum(r['status'] == 'ok' for r in found)} of {wanted} well ended")
    tables = sorted(p.name for p in results.glob("*.csv"))
    if tables:
        print(f"Tables: {results}{os.sep}{{{','.join(tables)}}}")
    if (results / "report.html").exists():
        print(f"Report: {results / 'report.html'}")
    for status in ("diverged", "unavailable", "failed"):
        for record in found:
            if record["status"] == status:
                print(f"{status}: {records.identity(record).title}: {record['reason']}")
    if absent := [name for name in names if _written(results, name) is None]:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        print(f"no record: {', '.join(absent[:3])}{more}; the same command makes them")
    sys.stdout.flush()
    return int(failed(results))


def failed(results: Path) -> bool:
    """Whether any of the planned runs failed."""
    return any(r["status"] == "failed" for r in _planned_records(results))


def _planned_records(results: Path) -> list[Record]:
    """The readable records of the plan's runs; of all runs where there is no plan."""
    found = []
    wanted = set(read_plan(results)["runs"])
    for path in sorted((results / "runs").glob("*.json")):
        if not wanted or path.stem in wanted:
            try:
                found.append(records.read(path))
            except UserError as error:
                print(error)
    return found
