"""Tables on sameness: where frameworks agree, where float32 parts them, what defaults change."""

from __future__ import annotations

import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

import cells
from cells import ModelSpec
from harness.conformance import against_reference
from harness.errors import UserError
from harness.plan import asked
from harness.plan.settings import resolve
from harness.plan.tracks import model_spec
from harness.registry import framework as framework_named
from harness.run import records
from harness.run.records import Record
from implementations import FACTORS

Rows = list[dict[str, Any]]
Values = dict[str, dict[int, float]]  # track -> seed -> value

THRESHOLDS = (0.001, 0.01, 0.1)
COLUMNS: dict[str, tuple[str, ...]] = {
    "conformance": against_reference.COLUMNS,
    "conformance_summary": (
        "framework", "cell", "check", "dtype", "checks", "passed", "max_error", "tolerance",
        "detail",
    ),
    "divergence": (
        "task", "cell", "seed", "framework", "other_framework", "threshold", "step", "steps",
    ),
    "divergence_summary": (
        "task", "cell", "framework", "other_framework", "threshold", "seeds", "reached",
        "median_step", "first_step", "last_step", "steps",
    ),
    "parameter_counts": (
        "model", "framework", "track", "cell", "matrices", "biases", "redundant", "total",
        "counted", "agrees", "matrices_to_lstm", "total_to_lstm",
    ),
    "attribution": (
        "task", "framework", "cell", "factor", "what", "n", "censored", "steps_ratio",
        "steps_ratio_low", "steps_ratio_high", "score_change", "score_change_low",
        "score_change_high",
    ),
}  # fmt: skip


def conformance_rows(results: Path, found: list[Record]) -> Rows:
    """The gate's rows for the frameworks that ran; none where the gate is not wanted."""
    rows: Rows = []
    if not asked.read_plan(results)["gate"]:
        return rows
    for framework in sorted({r["framework"] for r in found}):
        path = results / "conformance" / f"{framework}.csv"
        if path.exists():
            table = pd.read_csv(path, dtype={"detail": str}).fillna({"detail": ""})
            rows += table.to_dict("records")  # type: ignore[arg-type]
    return rows


def conformance_summary(rows: Rows) -> Rows:
    """For each framework, cell, kind of check and type: how many passed, and the worst error."""
    groups: dict[tuple[str, ...], Rows] = {}
    for row in rows:
        kind = str(row["check"]).split(" of ")[0].split(",")[0]
        groups.setdefault((row["framework"], row["cell"], kind, row["dtype"]), []).append(row)
    return [
        dict(zip(COLUMNS["conformance_summary"][:4], key, strict=True))
        | {
            "checks": len(group),
            "passed": sum(bool(row["passed"]) for row in group),
            "max_error": max(row["max_error"] for row in group),
            "tolerance": group[0]["tolerance"],
            "detail": "; ".join(
                dict.fromkeys(r["detail"] for r in group if r["detail"] and not r["passed"])
            ),
        }
        for key, group in groups.items()
    ]


def not_comparable(rows: Rows) -> set[tuple[str, str]]:
    """(framework, cell) for which some check did not pass."""
    return {(row["framework"], row["cell"]) for row in rows if not row["passed"]}


def divergence_rows(results: Path, found: list[Record]) -> Rows:
    """The first step at which two frameworks' losses of the same matched run differ by more
    than each threshold, relative to the smaller; no step where they never do.

    Only runs that ended well: what lies beside another's record may be of an earlier run. Losses
    that cannot be read are left out; the table of what is skipped inside the gates says so.
    """
    groups: dict[tuple[str, str, int], dict[str, Any]] = {}
    for record in found:
        path = records.identity(record).path(results).with_suffix(".npz")
        if record["track"] == "matched" and record["status"] == "ok" and path.exists():
            with suppress(UserError):
                losses = records.read_arrays(path, "losses")["losses"]
                key = (record["task"], record["cell"], record["seed"])
                groups.setdefault(key, {})[record["framework"]] = losses
    rows: Rows = []
    for (task, cell, seed), by_framework in groups.items():
        for one, other in itertools.combinations(sorted(by_framework), 2):
            a, b = by_framework[one], by_framework[other]
            count = min(len(a), len(b))
            apart = np.abs(a[:count] - b[:count]) / np.minimum(a[:count], b[:count])
            for threshold in THRESHOLDS:
                places = np.flatnonzero(apart > threshold)
                step = int(places[0]) + 1 if places.size else None
                values = (task, cell, seed, one, other, threshold, step, count)
                rows.append(dict(zip(COLUMNS["divergence"], values, strict=True)))
    return rows


def divergence_summary(rows: Rows) -> Rows:
    """Over the seeds: how many runs parted, and the median, first and last step at which they did.

    The median counts a run that never parted as later than all others, and is missing
    where that is half of them or more.
    """
    names = COLUMNS["divergence_summary"][:5]
    groups: dict[tuple[Any, ...], Rows] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    result: Rows = []
    for key, group in groups.items():
        steps = sorted(row["step"] for row in group if row["step"] is not None)
        middle = (len(group) - 1) // 2
        result.append(dict(zip(names, key, strict=True)) | {
            "seeds": len(group), "reached": len(steps),
            "median_step": steps[middle] if middle < len(steps) else None,
            "first_step": steps[0] if steps else None,
            "last_step": steps[-1] if steps else None,
            "steps": max(row["steps"] for row in group),
        })  # fmt: skip
    return result


def parameter_rows(found: list[Record], gate: Rows) -> Rows:
    """Weights and biases by cell and convention: the article's model and each task's.

    ``redundant`` biases are those beyond the cell's own, which are one for each gate and one for
    each inside a product, as the GRU's; ``counted`` is the framework's own total, ``total`` the
    formula's.
    """
    counted: dict[tuple[str, str, str, str], tuple[ModelSpec, int, str]] = {}
    for row in gate:
        if row["check"].startswith("parameters of") and not pd.isna(row["counted"]):
            spec = against_reference.article(row["cell"])
            key = ("the article's", row["framework"], row["track"], row["cell"])
            counted[key] = spec, int(row["counted"]), row["kernel"]
    for r in found:
        if r["track"] in ("matched", "native") and r["parameters"]["total"]:
            settings = resolve(r["task"], r["settings"], "a record")
            key = (r["task"], r["framework"], r["track"], r["cell"])
            spec = model_spec(r["cell"], settings)
            counted.setdefault(key, (spec, r["parameters"]["total"], r["kernel"]))
    rows: Rows = []
    for (model, framework, track, cell), (spec, count, kernel) in counted.items():
        its = framework_named(framework)
        layer = against_reference.biases(its, track, cell, kernel)
        total = against_reference.formula(its, track, spec, kernel=kernel)
        biases = spec.layers * layer * spec.hidden + spec.outputs
        redundant = max(0, layer - cells.cell(cell).biases)
        rows.append({
            "model": model, "framework": framework, "track": track, "cell": cell,
            "matrices": total - biases, "biases": biases,
            "redundant": spec.layers * redundant * spec.hidden,
            "total": total, "counted": count, "agrees": count == total,
        })  # fmt: skip
    lstm = {(r["model"], r["framework"], r["track"]): r for r in rows if r["cell"] == "lstm"}
    for row in rows:
        model, framework, track = row["model"], row["framework"], row["track"]
        base = lstm.get((model, framework, track))
        spec = counted[model, framework, track, row["cell"]][0]
        # Ratios are those at equal hidden size; a configuration may give each cell its own.
        if base is not None and spec.hidden == counted[model, framework, track, "lstm"][0].hidden:
            # The output layer is no part of the cell.
            output = spec.hidden * spec.outputs
            ratio = (row["matrices"] - output) / (base["matrices"] - output)
            row |= {"matrices_to_lstm": ratio, "total_to_lstm": row["total"] / base["total"]}
    return rows


def attribution_rows(found: list[Record]) -> Rows:
    """What each default changes, alone, against matched; and all together, natively.

    Paired by seed: the geometric mean of the ratios of steps to solve and the mean
    difference of scores, each with the 95 % interval of the paired t-test (of the
    logarithms for the ratio). A run that did not solve counts with its whole budget,
    and ``censored`` says how many did not, of both; where more than half of them did
    not, there is no ratio. ``left over`` is what native changes beyond the product (or
    sum) of the single factors.
    """
    runs = {records.identity(r): r for r in found if r["status"] == "ok"}
    keys = sorted({(r["task"], r["framework"], r["cell"]) for r in found if r["track"] in FACTORS})
    rows: Rows = []
    for key in keys:
        logs: Values = {}
        scores: Values = {}
        unsolved = set()
        for run, r in runs.items():
            if (run.task, run.framework, run.cell) == key:
                logs.setdefault(run.track, {})[run.seed] = np.log(r["steps_to_solve"] or r["steps"])
                scores.setdefault(run.track, {})[run.seed] = r["score"]
                if r["steps_to_solve"] is None:
                    unsolved.add((run.track, run.seed))
        if "matched" not in logs:
            continue
        factors = [f for f in FACTORS if f in logs]
        whole = ["native", "left over"] if "native" in logs else []
        for track in [*factors, *whole]:
            needed = [*factors, "native"] if track == "left over" else [track]
            seeds = sorted(set(logs["matched"]).intersection(*(logs[t] for t in needed)))
            censored = sum((t, seed) in unsolved for t in ("matched", *needed) for seed in seeds)
            ratio = _interval([_change(logs, track, factors, seed) for seed in seeds])
            if 2 * censored > len(seeds) * (1 + len(needed)):
                # Budgets over budgets: a ratio of 1 without width, which would look certain.
                ratio = (float("nan"),) * 3
            difference = _interval([_change(scores, track, factors, seed) for seed in seeds])
            default = framework_named(key[1]).default(track, key[2])
            what = {"native": "all defaults at once", "left over": "native beyond its factors"}
            rows.append(dict(zip(("task", "framework", "cell"), key, strict=True)) | {
                "factor": track, "what": default.what if default else what[track],
                "n": len(seeds), "censored": censored,
                **dict(zip(COLUMNS["attribution"][7:10], np.exp(ratio), strict=True)),
                **dict(zip(COLUMNS["attribution"][10:], difference, strict=True)),
            })  # fmt: skip
    return rows


def _change(values: Values, track: str, factors: list[str], seed: int) -> float:
    """The change against matched for one seed."""
    base = values["matched"][seed]
    if track != "left over":
        return values[track][seed] - base
    return values["native"][seed] - base - sum(values[f][seed] - base for f in factors)


def _interval(values: list[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval of Student's t: missing for one value, of no width for equal ones."""
    mean = float(np.mean(values)) if values else float("nan")
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    if np.ptp(values) == 0:
        return mean, mean, mean
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return mean, float(low), float(high)
