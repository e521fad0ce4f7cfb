"""What a person sees while the pipeline runs, and at its end."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from harness.errors import UserError
from harness.files import write_text
from harness.pipeline import again
from harness.plan import asked
from harness.plan.run import run_named
from harness.run import records
from harness.run.records import Record

# Counts the runs of a pipeline that have ended; see :func:`begin`.
COUNT = ".count"


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


def begin(results: Path, count: int) -> None:
    """Begin to count the runs of a pipeline that has ``count`` of them to do.

    The plan names them all, and to look for each at every run's end would take longer the more
    there are. So there is a file of one line, and a dot behind it for each run that has ended.
    """
    write_text(results / COUNT, f"{count} {time.time():.3f}\n")


def count(results: Path | None) -> None:
    """Count a run of a pipeline that has ended."""
    if results is not None:
        with suppress(OSError), (results / COUNT).open("ab", buffering=0) as file:
            file.write(b".")


def _position(results: Path) -> str:
    try:
        first, _, dots = (results / COUNT).read_text(encoding="ascii").partition("\n")
        count, started = int(first.split()[0]), float(first.split()[1])
    except (OSError, ValueError, IndexError):
        return ""
    if not (done := min(len(dots), count)):
        return ""
    left = max(0.0, time.time() - started) / done * (count - done)
    return f" [{done}/{count}" + (f", about {_duration(left)} left]" if done < count else "]")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _written(folder: Path, end: str = ".json") -> set[str]:
    """The names of the files in a folder that end so, without that end."""
    try:
        return {name.removesuffix(end) for name in os.listdir(folder) if name.endswith(end)}
    except OSError:
        return set()


def summary(results: Path) -> int:
    """Say where the results are and which runs did not end well; 1 when one failed."""
    if not results.is_dir():
        raise UserError(f"{results}: there is no such results folder; name one with --results.")
    plan = asked.read_plan(results)
    found, damaged = _planned_records(results, plan)
    wanted = len(plan["runs"]) or len(found) + len(damaged)
    print(f"Runs:   {sum(r['status'] == 'ok' for r in found)} of {wanted} ended well")
    tables = sorted(p.name for p in results.glob("*.csv"))
    if tables:
        print(f"Tables: {results}{os.sep}{{{','.join(tables)}}}")
    if (results / "report.html").exists():
        print(f"Report: {results / 'report.html'}")
    if plan["shard"]:
        print(
            f"Part:   {plan['shard']}; when all are made: "
            f"python -m analysis merge {results} OTHERS --results ALL"
        )
    for sentence in damaged:
        print(f"{sentence} The pipeline makes it again.")
    for status in ("diverged", "unavailable", "failed"):
        for record in found:
            if record["status"] == status:
                print(f"{status}: {records.identity(record).title}: {record['reason']}")
    stopped = _stopped_checks(results, plan)
    for name, why in stopped.items():
        print(f"failed: the conformance check of {name}: {why}; the pipeline makes it again")
    for kind, of, there in (
        ("record", plan["runs"], _written(results / "runs")),
        ("conformance check", sorted(_checked(plan)), _written(results / "conformance", ".csv")),
        ("timing", plan["campaigns"], _written(results / "timing")),
    ):
        if absent := [name for name in of if name not in there]:
            more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
            names = f"{', '.join(absent[:3])}{more}"
            print(f"no {kind}: {names}; the same snakemake command makes them")
    sys.stdout.flush()
    return int(_failed(found, damaged, stopped))


def failed(results: Path) -> bool:
    """Whether a planned run failed or a framework's conformance check was stopped."""
    plan = asked.read_plan(results)
    return _failed(*_planned_records(results, plan), _stopped_checks(results, plan))


def _failed(found: list[Record], damaged: list[str], stopped: dict[str, str]) -> bool:
    return bool(damaged or stopped) or any(r["status"] == "failed" for r in found)


def _planned_records(results: Path, plan: asked.Plan) -> tuple[list[Record], list[str]]:
    """The records of the plan's runs, of all where there is no plan; a sentence on each damaged."""
    found, damaged = [], []
    wanted = set(plan["runs"])
    for path in sorted((results / "runs").glob("*.json")):
        if not wanted or path.stem in wanted:
            try:
                found.append(records.read(path))
            except UserError as error:
                damaged.append(str(error))
    return found, damaged


def _checked(plan: asked.Plan) -> set[str]:
    """The frameworks whose conformance the plan asks for."""
    runs = (run_named(name) for name in plan["runs"])
    return {run.framework for run in runs if run} if plan["conformance"] else set()


def _stopped_checks(results: Path, plan: asked.Plan) -> dict[str, str]:
    """Why the conformance check of a framework that the plan needs did not come to its end."""
    needed, tables = _checked(plan), sorted((results / "conformance").glob("*.csv"))
    reasons = {path.stem: again.stopped(path) for path in tables if path.stem in needed}
    return {framework: reason for framework, reason in reasons.items() if reason}
