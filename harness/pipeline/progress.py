"""What a person sees while the pipeline runs, and at its end."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from harness.errors import UserError
from harness.plan import asked
from harness.run import records
from harness.run.records import Record


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
    plan = asked.read_plan(results)
    todo = plan["todo"]
    if not todo:
        return ""
    known = {name: results / "runs" / f"{name}.json" for name in plan["runs"]}
    # A record from before that is to be made again lies there until its run starts.
    left = [
        name for name in todo if asked.written(results, name) in (None, plan["before"].get(name))
    ]
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
    names = asked.read_plan(results)["runs"]
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
    if absent := [name for name in names if asked.written(results, name) is None]:
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
    wanted = set(asked.read_plan(results)["runs"])
    for path in sorted((results / "runs").glob("*.json")):
        if not wanted or path.stem in wanted:
            try:
                found.append(records.read(path))
            except UserError as error:
                print(error)
    return found
