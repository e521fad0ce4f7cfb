"""Where the time of a results folder went."""

import csv
from pathlib import Path
from statistics import median

import numpy as np

from analysis.tables.groups import Rows
from analysis.tables.runs import first_chunk, steady_step_seconds
from harness.pipeline import scheduler
from harness.run import records
from harness.run.loop import PHASES
from harness.run.records import Record


def rows(results: Path, found: list[Record]) -> Rows:
    """Core-seconds by phase, over the processes of all runs as Snakemake timed them.

    What the first chunk took beyond a steady chunk is compilation. What
    Snakemake saw beyond the record's own total is the shell and the process's
    end; it is zero for runs made without Snakemake. Its clock is the calendar's, which may
    jump, so the median stands for every run. The pipeline is Snakemake's own process, up to
    the moment when this is written.
    """
    phases = [phase for phase in PHASES if phase not in ("training", "first_chunk")]
    costs = dict.fromkeys(("training", "compile", *phases, "rest", "shell"), 0.0)
    beyond = []
    for record in found:
        threads, seconds = record["threads"], record["seconds"]
        chunk = (steady_step_seconds(record) or 0.0) * first_chunk(record)
        steady = min(seconds["first_chunk"], chunk)
        parts = {phase: seconds[phase] for phase in phases} | {
            "training": seconds["training"] + steady,
            "compile": seconds["first_chunk"] - steady,
            "rest": max(0.0, seconds["total"] - sum(seconds[p] for p in PHASES)),
        }
        name = records.identity(record).name
        wall = _benchmark_seconds(results / "benchmarks" / f"{name}.tsv")
        if wall is not None:
            beyond.append(threads * max(0.0, wall - seconds["total"]))
        for phase, value in parts.items():
            costs[phase] += threads * value
    costs["shell"] = len(beyond) * float(np.median(beyond)) if beyond else 0.0
    for path in (results / "benchmarks").glob("preload-*.tsv"):
        costs["import"] += _benchmark_seconds(path) or 0.0
    costs["pipeline"] = scheduler.cost(results)
    total = sum(costs.values())
    return [
        {"phase": phase, "core_seconds": round(value, 2), "share": round(value / total, 4)}
        for phase, value in sorted(costs.items(), key=lambda item: -item[1])
    ]


def _benchmark_seconds(path: Path) -> float | None:
    # Not by pandas, which takes half a millisecond for each of these small files.
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        seconds = [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
    return median(seconds) if seconds else None
