"""The tables: everything that the report shows, from the records of a results folder."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import plan_records
from analysis.tables import sameness
from harness.errors import UserError
from harness.files import write_text
from harness.pipeline import scheduler
from harness.plan.settings import Settings, require, resolve
from harness.plan.studies import studies
from harness.registry import ROOT, docstring
from harness.run import records, streams
from harness.run.loop import PHASES
from harness.run.records import Record
from tasks import Split

Rows = list[dict[str, Any]]

IDENTITY = ("task", "framework", "cell", "track", "seed")
COLUMNS: dict[str, tuple[str, ...]] = {
    "runs": (
        *IDENTITY, "status", "error", "parameters", "score", "baseline", "solved_at", "solved",
        "steps", "steps_to_solve", "train_seconds", "step_ms", "total_seconds", "peak_rss_mb",
        "device", "kernel", "threads", "data_sha256", "weights_sha256", "losses_sha256",
        "machine", "git_commit", "finished", "settings", "command",
    ),
    "scores": (
        "task", "framework", "cell", "track", "runs", "ended_well", "median", "lowest", "highest",
        "solved", "progress", "to_best", "state", "median_steps_to_solve", "comparable", "errors",
    ),
    "curves": (*IDENTITY, "step", "seconds", "loss", "score"),
    "curves_summary": (
        *IDENTITY[:-1], "step", "n", "seconds", "median", "lowest", "highest",
    ),
    "tasks": (
        "task", "summary", "metric", "direction", "baseline", "solved", "margin", "settings",
        "references", "documentation",
    ),
    "classical": ("task", "method", "seed", "score"),
    # `machine` numbers a machine with its packages; it is how a run names them.
    "machines": (
        "machine", "framework", "packages", "processor", "generation", "cores", "memory_gb",
        "system", "runs",
    ),
    "frameworks": ("framework", "documentation"),
    "cost": ("phase", "core_seconds", "share"),
    **sameness.COLUMNS,
}  # fmt: skip
NAMES = tuple(COLUMNS)


def write_tables(results: Path) -> None:
    """Write every table of ``results``; raises :class:`UserError` when there is no record."""
    found = plan_records.read(results)
    if not found:
        raise UserError(f"{results}: there is no record to make tables of; run the pipeline.")
    gate = sameness.conformance_rows(results, found)
    divergence = sameness.divergence_rows(results, found)
    curves = [row for record in found for row in _curve_rows(record)]
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys(map(_machine, found)))}
    rows: dict[str, Rows] = {
        "runs": [_run_row(r) | {"machine": kinds[_machine(r)]} for r in found],
        "scores": _score_rows(found, sameness.not_comparable(gate)),
        "curves": curves,
        "curves_summary": _curve_summary(curves),
        "tasks": [_task_row(settings, found) for settings in _settings(found).values()],
        "classical": _classical_rows(found),
        "machines": _machine_rows(found),
        "frameworks": [
            {"framework": name, "documentation": docstring(_init_file(name))}
            for name in sorted({r["framework"] for r in found})
            if _init_file(name).exists()
        ],
        "cost": _cost_rows(results, found),
        "conformance": gate,
        "conformance_summary": sameness.conformance_summary(gate),
        "divergence": divergence,
        "divergence_summary": sameness.divergence_summary(divergence),
        "parameter_counts": sameness.parameter_rows(found, gate),
        "attribution": sameness.attribution_rows(found),
    }
    for name, table in rows.items():
        frame = pd.DataFrame(table, columns=list(COLUMNS[name]))
        write_text(results / f"{name}.csv", frame.to_csv(index=False))


def _init_file(framework: str) -> Path:
    return ROOT / "implementations" / framework / "__init__.py"


def _run_row(record: Record) -> dict[str, Any]:
    seconds = record["seconds"]
    digests = record["data_sha256"]
    data = streams.sha256_of_text(digests["train"], digests["test"])
    step = steady_step_seconds(record)
    return {k: record.get(k) for k in COLUMNS["runs"]} | {
        "error": record["reason"],
        "settings": _words(record["settings"]),
        "parameters": record["parameters"]["total"],
        "train_seconds": round(seconds["first_chunk"] + seconds["training"], 3),
        "step_ms": None if step is None else round(1000 * step, 4),
        "total_seconds": seconds["total"],
        "data_sha256": data,
        "weights_sha256": record["weights_sha256"]["final"],
    }


def _words(settings: dict[str, Any]) -> str:
    return "; ".join(f"{k} {v}" for k, v in settings.items())


def steady_step_seconds(record: Record) -> float | None:
    """Seconds of one training step after the first chunk, in which code is compiled."""
    later = record["steps"] - min(record["steps"], record["settings"]["evaluate_every"])
    return record["seconds"]["training"] / later if later else None


def _curve_rows(record: Record) -> Rows:
    """A run's curve; ``seconds`` of training to each point: the first chunk, then steady steps."""
    step, first = steady_step_seconds(record) or 0.0, record["seconds"]["first_chunk"]
    chunk = min(record["steps"], record["settings"]["evaluate_every"])
    identity = {k: record[k] for k in IDENTITY}
    return [
        identity
        | point
        | {"seconds": round(first + step * (at - chunk), 3) if (at := point["step"]) else 0.0}
        for point in record["curve"]
    ]


def _curve_summary(curves: Rows) -> Rows:
    """The score at each step over a method's seeds, median and range, and the median seconds."""
    groups: dict[tuple[Any, ...], Rows] = {}
    for row in curves:
        if row["score"] is not None:
            groups.setdefault(tuple(row[k] for k in (*IDENTITY[:-1], "step")), []).append(row)
    return [
        dict(zip((*IDENTITY[:-1], "step"), key, strict=True))
        | {
            "n": len(group),
            "seconds": statistics.median(row["seconds"] for row in group),
            "median": statistics.median(scores := [row["score"] for row in group]),
            "lowest": min(scores),
            "highest": max(scores),
        }
        for key, group in groups.items()
    ]


def _score_rows(found: list[Record], not_comparable: set[tuple[str, str]]) -> Rows:
    """Each method's scores over its seeds: median and range.

    ``progress`` is the median's place between the baseline (0) and the solved
    value (1); below 0.05 the method counts as being at the baseline. ``to_best`` is how
    many times worse the median is than the best one of the same task and track.
    """
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in found:
        groups.setdefault(tuple(record[k] for k in IDENTITY[:-1]), []).append(record)
    rows = []
    for key, group in groups.items():
        first = group[0]
        row: dict[str, Any] = dict(zip(IDENTITY, key, strict=False)) | {
            "runs": len(group),
            "comparable": (first["framework"], first["cell"]) not in not_comparable,
            "errors": "; ".join(
                f"seed {r['seed']} {r['status']}: {r['reason']}" for r in group if r["reason"]
            ),
        }
        scores = [r["score"] for r in group if r["status"] == "ok"]
        row |= {"ended_well": len(scores), "state": "failed"}
        if scores:
            median = statistics.median(scores)
            gap = first["solved_at"] - first["baseline"]
            progress_made = (median - first["baseline"]) / gap
            state = "above baseline" if progress_made > 0.05 else "at baseline"
            steps = [r["steps_to_solve"] for r in group if r["steps_to_solve"] is not None]
            row |= {
                "median": median,
                "lowest": min(scores),
                "highest": max(scores),
                "solved": sum(bool(r["solved"]) for r in group),
                "progress": round(progress_made, 4),
                "state": "solved" if progress_made >= 1 else state,
                # Censored at the budget: a median exists when more than half got there.
                "median_steps_to_solve": (
                    statistics.median_low(sorted(steps + [2**62] * (len(scores) - len(steps))))
                    if 2 * len(steps) > len(scores)
                    else None
                ),
            }
        rows.append(row)
    _add_ratio_to_best(rows, {r["task"]: bool(r["higher_is_better"]) for r in found})
    return rows


def _add_ratio_to_best(rows: Rows, higher_is_better: dict[str, bool]) -> None:
    """Add ``to_best``, 1 for the best; none where medians are not positive."""
    groups: dict[tuple[str, str], Rows] = {}
    for row in rows:
        if row.get("median") is not None:
            groups.setdefault((row["task"], row["track"]), []).append(row)
    for (task, _), group in groups.items():
        medians = [row["median"] for row in group]
        for row in group if min(medians) > 0 else []:
            ratio = max(medians) / row["median"]
            row["to_best"] = ratio if higher_is_better[task] else row["median"] / min(medians)


def _settings(found: list[Record]) -> dict[str, Settings]:
    """The settings of each task, from the first record of it outside the studies."""
    firsts: dict[str, Record] = {}
    for record in sorted(found, key=lambda r: r["track"] in studies()):
        firsts.setdefault(record["task"], record)
    settings = {}
    for name, record in firsts.items():
        where = f"the record of {records.identity(record).title}"
        settings[name] = resolve(name, record["settings"], where)
        require(settings[name].task, where)
    return settings


def _task_row(settings: Settings, found: list[Record]) -> dict[str, Any]:
    task = settings.task
    # What a configuration gives each cell apart is said by cell.
    by_cell = {
        r["cell"]: r["settings"]
        for r in found
        if r["task"] == task.name and r["track"] not in studies()
    }
    shown = {}
    for key, value in settings.as_dict().items():
        values = {cell: own.get(key, value) for cell, own in sorted(by_cell.items())}
        apart = len(set(values.values())) > 1
        shown[key] = ", ".join(f"{v} ({c})" for c, v in values.items()) if apart else value
    return {
        "task": task.name,
        "summary": task.summary,
        "metric": task.metric,
        "direction": "higher" if task.higher_is_better else "lower",
        "baseline": task.baseline,
        "solved": task.solved,
        "margin": task.margin,
        "settings": _words(shown),
        "references": "; ".join(task.references),
        "documentation": docstring(ROOT / "tasks" / f"{task.name}.py"),
    }


def _classical_rows(found: list[Record]) -> Rows:
    """What methods without a network reach on each seed's own test data."""
    rows = []
    for name, settings in _settings(found).items():
        budget, task = settings.budget, settings.task
        sizes: tuple[tuple[Split, int], ...] = (
            ("train", budget.train_examples or 1024),
            ("test", budget.test_examples),
        )
        for seed in sorted({r["seed"] for r in found if r["task"] == name}):
            train, test = (streams.examples(task, split, seed, n) for split, n in sizes)
            for method, score in task.classical_scores(train, test).items():
                rows.append({"task": name, "method": method, "seed": seed, "score": score})
    return rows


def _machine(record: Record) -> tuple[Any, ...]:
    """What a run's numbers hang on beside its settings: packages and machine."""
    packages = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    names = ("processor", "generation", "cores", "memory_gb", "system")
    return record["framework"], packages, *(record["machine"].get(name, "") for name in names)


def _machine_rows(found: list[Record]) -> Rows:
    return [
        dict(zip(COLUMNS["machines"], (place, *kind, n), strict=True))
        for place, (kind, n) in enumerate(Counter(map(_machine, found)).items())
    ]


def _cost_rows(results: Path, found: list[Record]) -> Rows:
    """Core-seconds by phase, over the processes of all runs as Snakemake timed them.

    What the first chunk took beyond a steady chunk is compilation. What
    Snakemake saw beyond the record's own total is the shell and the process's
    end; it is zero for runs made without Snakemake. Its clock is the calendar's, which may
    jump, so the median stands for every run. The pipeline is Snakemake's own process, up to
    the moment when this is written.
    """
    costs = dict.fromkeys(
        ("training", "compile", *(p for p in PHASES if p not in ("training", "first_chunk")),
         "rest", "shell"), 0.0,
    )  # fmt: skip
    beyond = []
    for record in found:
        threads, seconds = record["threads"], record["seconds"]
        step = steady_step_seconds(record)
        chunk = min(record["steps"], record["settings"]["evaluate_every"])
        steady = min(seconds["first_chunk"], (step or 0.0) * chunk)
        parts = {p: seconds[p] for p in PHASES if p != "first_chunk"}
        parts["training"] += steady
        parts["compile"] = seconds["first_chunk"] - steady
        parts["rest"] = max(0.0, seconds["total"] - sum(seconds[p] for p in PHASES))
        name = records.identity(record).name
        wall = _benchmark_seconds(results / "benchmarks" / f"{name}.tsv")
        if wall is not None:
            beyond.append(threads * max(0.0, wall - seconds["total"]))
        for phase, value in parts.items():
            costs[phase] += threads * value
    costs["shell"] = len(beyond) * statistics.median(beyond) if beyond else 0.0
    for path in (results / "benchmarks").glob("preload-*.tsv"):
        costs["import"] += _benchmark_seconds(path) or 0.0
    costs["pipeline"] = scheduler.cost(results)
    total = sum(costs.values())
    return [
        {"phase": phase, "core_seconds": round(value, 2), "share": round(value / total, 4)}
        for phase, value in sorted(costs.items(), key=lambda item: -item[1])
    ]


def _benchmark_seconds(path: Path) -> float | None:
    if not path.exists():
        return None
    return statistics.median(pd.read_csv(path, sep="\t")["s"].astype(float))
