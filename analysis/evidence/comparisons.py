"""Comparisons of methods, and what each method reaches: tables that the report shows as they are.

A family of tests, for Holm's correction, is one question: one kind of comparison (cells within a
framework, frameworks within a cell, another track against matched), one metric, one track, all
tasks.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.evidence import costs
from analysis.evidence.claims import Margin, margin_of
from analysis.evidence.finding import ALPHA
from analysis.statistics import Student, across_tasks
from harness import layout

Rows = list[dict[str, Any]]

METHOD = ["task", "framework", "cell", "track"]
TRACKS = ("matched", "native")
METRICS = ("score", "steps_to_solve", "train_seconds", "solved")
# What a run measures, each as a ratio to a baseline of the reader's choice.
RATIOS = ("score", "steps_to_solve", "train_seconds", "step_ms", "peak_rss_mb")
THRESHOLDS = np.linspace(0, 1, 21)


def compare_methods(
    runs: pd.DataFrame, higher_is_better: Mapping[str, bool], margins: Mapping[str, Margin]
) -> pd.DataFrame:
    """Every comparison: paired by seed, with interval, p after Holm, and equality by TOST.

    All pairs that differ in cell, framework or track alone, however many cells there are (of 21
    a task has 210): pairs that are chosen by the scores, such as each cell with the best, would
    make p too small.

    ``effect`` is a - b or a / b; ``probability_of_improvement`` is the share of seeds on which
    a is better. ``equivalent`` is whether TOST, after Holm over the same family, puts the effect
    within ``margin``; it is empty where no margin is set. ``p_margin``, and ``p_margin_holm``
    after Holm over the same family, is that of an effect beyond the margin: two-sided against its
    nearest edge, 1 for an effect within, and ``p`` where no margin is set. A comparison of fewer
    than five seeds has no interval and no p. Steps to solve are compared as
    :func:`analysis.statistics.solving` does, with log-rank's p beside.
    A track is compared with matched where both had the same data.
    """
    rows: Rows = []
    methods = {key: group.set_index("seed").sort_index() for key, group in runs.groupby(METHOD)}
    for kind, one, other in _pairs([tuple(map(str, key)) for key in methods]):
        task = one[0]
        a, b = same_seeds(methods[one], methods[other])
        if kind == "tracks" and not _same_data(a, b):
            continue
        about = {
            "kind": kind, "task": task, "a": f"{one[1]}/{one[2]}", "b": f"{other[1]}/{other[2]}",
            "track": one[3] if one[3] == other[3] else f"{one[3]}, {other[3]}",
        }  # fmt: skip
        for metric in METRICS:
            margin = margin_of(margins.get(metric, {}), task)
            if found := compare_runs(a, b, metric, higher_is_better[task], margin):
                rows.append(about | {"metric": metric} | found)
    table = _table("comparisons", rows)
    adjusted = pd.DataFrame(np.nan, index=table.index, columns=["p", "p_margin", "p_equal"])
    for _, family in table.groupby(["kind", "metric", "track"]):
        for name in adjusted:
            adjusted.loc[family.index, name] = statistics.holm(family[name].to_numpy(float))
    equal = adjusted["p_equal"]
    table["p_holm"], table["p_margin_holm"] = adjusted["p"], adjusted["p_margin"]
    table["equivalent"] = (equal < ALPHA).astype(object).where(equal.notna(), None)
    return table


def _table(name: str, rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(layout.TABLES[name].columns))


def same_seeds(a: pd.DataFrame, b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the seeds that both have, which are their index."""
    seeds = a.index.intersection(b.index)
    return a.loc[seeds], b.loc[seeds]


def _pairs(
    methods: list[tuple[str, ...]],
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    for one, other in itertools.combinations(sorted(methods), 2):
        same = [x == y for x, y in zip(one, other, strict=True)]
        if same == [True, True, False, True] and one[3] in TRACKS:
            yield "cells", one, other
        elif same == [True, False, True, True] and one[3] in TRACKS:
            yield "frameworks", one, other
        elif same == [True, True, True, False] and "matched" in (one[3], other[3]):
            yield "tracks", *((other, one) if one[3] == "matched" else (one, other))


def _same_data(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether all runs that came to their end were on the same data, seed by seed."""
    ended = (a["status"] == "ok") & (b["status"] == "ok")
    return bool((a["data_sha256"] == b["data_sha256"])[ended].all())


def compare_runs(
    a: pd.DataFrame, b: pd.DataFrame, metric: str, higher: bool, margin: float | None
) -> dict[str, Any] | None:
    """One comparison of two methods on the same seeds, in the same order."""
    better = higher if metric == "score" else metric == "solved"
    row: dict[str, Any] = {"better": "higher" if better else "lower", "margin": margin}
    if metric == "solved":
        if a.empty:
            return None
        rate = statistics.newcombe(_solved(a), len(a), _solved(b), len(b))
        return row | {"n": len(a), "unit": "difference", **_interval("effect", rate)}
    x, y = a[metric].to_numpy(float), b[metric].to_numpy(float)
    equal: Student | None
    if metric == "steps_to_solve":
        found = costs.compared(a, b, metric)
        if found is None:
            return None
        change, n, unit, equal = found.student, found.n, "ratio", costs.alike(a, b, metric)
        row["p_logrank"] = found.logrank if n >= statistics.FEWEST else statistics.NAN
        # Not to have solved is worse than to have solved at the last step.
        x, y = (np.where(np.isnan(side), np.inf, side) for side in (x, y))
    else:
        both = ~(np.isnan(x) | np.isnan(y))
        x, y, n = x[both], y[both], int(both.sum())
        unit = "difference" if metric == "score" else "ratio"
        if not n:
            return None
        change = equal = Student.of(statistics.changes(x, y, unit))
    shown = statistics.Paired.of(change, n, unit)
    improved = statistics.probability_of_improvement(x, y, better)
    row |= {"n": n, "effect": shown.effect, "unit": unit, "probability_of_improvement": improved}
    if n >= statistics.FEWEST:
        row |= {"low": shown.low, "high": shown.high, "p": shown.p}
        row["p_margin"] = shown.p if margin is None else _beyond(change, _limit(margin, unit))
        if margin is not None and equal is not None:
            row["p_equal"] = equal.p_equal(-_limit(margin, unit), _limit(margin, unit))
    return row


def _limit(margin: float, unit: str) -> float:
    return float(np.log(margin)) if unit == "ratio" else margin


def _beyond(found: Student, limit: float) -> float:
    """p of an effect beyond ±``limit``."""
    return found.p(np.copysign(limit, found.mean)) if abs(found.mean) > limit else 1.0


def _interval(name: str, found: statistics.Estimate, prefix: str = "") -> dict[str, float]:
    return {name: found.value, f"{prefix}low": found.low, f"{prefix}high": found.high}


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """What each method reaches, with intervals over its seeds; ``n`` counts scored runs.

    A diverged run has no score, but it counts as one that did not solve.
    """
    rows = []
    for key, group in runs.groupby(METHOD):
        scores = group["score"].dropna().to_numpy(float)
        steps = group["steps_to_solve"].to_numpy(float)
        solved = _solved(group)
        rows.append(
            dict(zip(METHOD, key, strict=True))
            | {"n": len(scores), "diverged": int((group["status"] == "diverged").sum())}
            | _interval("mean", statistics.over_seeds(scores, np.mean), "mean_")
            | _interval("median", statistics.over_seeds(scores, np.median), "median_")
            | {"lowest": min(scores, default=None), "highest": max(scores, default=None)}
            | {"solved": solved}
            | _interval("solve_rate", statistics.wilson(solved, len(group)), "rate_")
            | _interval("steps", statistics.steps_interval(steps), "steps_")
        )
    return _table("summary", rows)


def _solved(runs: pd.DataFrame) -> int:
    return int((runs["solved"].astype(str) == "True").sum())


def ratios(runs: pd.DataFrame) -> pd.DataFrame:
    """Every method as a ratio to every other one of its task and track, paired by seed.

    For a reader who chooses a baseline: 95 % intervals that are not corrected for their number.
    A score that is not positive has no ratio; fewer than five seeds have no interval.
    """
    rows: Rows = []
    for (task, track), group in runs[runs["track"].isin(TRACKS)].groupby(["task", "track"]):
        methods = {
            (str(framework), str(cell)): part.set_index("seed").sort_index()
            for (framework, cell), part in group.groupby(["framework", "cell"])
        }
        for one, other in itertools.combinations(methods, 2):
            a, b = same_seeds(methods[one], methods[other])
            for metric in RATIOS:
                x, y = a[metric].to_numpy(float), b[metric].to_numpy(float)
                if metric == "steps_to_solve":
                    solving = costs.compared(a, b, metric)
                    if solving is None:
                        continue
                    found = statistics.Paired.of(solving.student, solving.n, "ratio")
                else:
                    known = ~(np.isnan(x) | np.isnan(y))
                    x, y = x[known], y[known]
                    if not len(x) or min(x.min(), y.min()) <= 0:
                        continue
                    found = statistics.paired_t(x, y, "ratio")
                ratio = np.array([found.effect, found.low, found.high])
                if found.n < statistics.FEWEST:
                    ratio[1:] = np.nan
                turned = 1 / ratio[[0, 2, 1]]
                for mine, against, values in ((one, other, ratio), (other, one, turned)):
                    rows.append(
                        {"task": task, "track": track, "metric": metric, "n": found.n}
                        | {"framework": mine[0], "cell": mine[1], "baseline": "/".join(against)}
                        | dict(zip(("ratio", "low", "high"), values, strict=True))
                    )
    return _table("ratios", rows)


def aggregate(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Across tasks, for each framework and cell: means over the tasks and performance profiles.

    Scores are ``progress``, 0 at a task's baseline and 1 at its solved value. Only seeds with a
    value on every task count.
    """
    means: Rows = []
    profiles: Rows = []
    for key, group in runs[runs["track"].isin(TRACKS)].groupby(["framework", "cell", "track"]):
        matrix = group.pivot(index="seed", columns="task", values="progress").dropna().to_numpy()
        if not len(matrix):
            continue
        names = dict(zip(("framework", "cell", "track"), key, strict=True))
        found = across_tasks.mean_over_tasks(matrix)
        names |= {"tasks": matrix.shape[1], "n": found.n}
        means.append(names | _interval("mean", found))
        profile = across_tasks.performance_profile(matrix, THRESHOLDS)
        profiles += [
            names | dict(zip(("threshold", "share", "low", "high"), values, strict=True))
            for values in zip(THRESHOLDS.round(4), *profile, strict=True)
        ]
    return _table("aggregate", means), _table("profiles", profiles)
