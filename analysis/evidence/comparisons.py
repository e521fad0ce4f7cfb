"""Comparisons of methods, and what each method reaches: tables that the report shows as they are.

A family of tests, for Holm's correction, is one question: one kind of comparison (cells within a
framework, frameworks within a cell, another track against matched), one metric, one track, all
tasks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.evidence.claim_tests import ALPHA
from analysis.evidence.claims import Margin, margin_of
from analysis.statistics import across_tasks
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

    ``effect`` is a - b or a / b; ``probability_of_improvement`` is the share of seeds on which
    a is better. ``equivalent`` is whether TOST, after Holm over the same family, puts the effect
    within ``margin``; it is empty where no margin is set. A comparison of fewer than five seeds
    has no interval and no p. Steps to solve have log-rank's p beside the one of the paired test.
    A track is compared with matched where both had the same data.
    """
    rows: Rows = []
    methods = {key: group.set_index("seed").sort_index() for key, group in runs.groupby(METHOD)}
    for kind, one, other in _pairs([tuple(map(str, key)) for key in methods]):
        task = one[0]
        seeds = methods[one].index.intersection(methods[other].index)
        a, b = methods[one].loc[seeds], methods[other].loc[seeds]
        if kind == "tracks" and not _same_data(a, b):
            continue
        for metric in METRICS:
            found = _compare(a, b, metric, higher_is_better[task], margin_of(
                margins.get(metric, {}), task))  # fmt: skip
            if found:
                track = one[3] if one[3] == other[3] else f"{one[3]}, {other[3]}"
                names = [f"{m[1]}/{m[2]}" for m in (one, other)]
                rows.append(
                    {"kind": kind, "task": task, "metric": metric, "track": track,
                     "a": names[0], "b": names[1]} | found
                )  # fmt: skip
    families: dict[tuple[str, ...], Rows] = {}
    for row in rows:
        families.setdefault((row["kind"], row["metric"], row["track"]), []).append(row)
    for family in families.values():
        for name in ("p", "p_equal"):
            adjusted = statistics.holm([row.get(name, statistics.NAN) for row in family])
            for row, p in zip(family, adjusted, strict=True):
                if name == "p":
                    row["p_holm"] = p
                elif not np.isnan(p):
                    row["equivalent"] = bool(p < ALPHA)
    return pd.DataFrame(rows, columns=list(layout.TABLES["comparisons"].columns))


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


def _compare(
    a: pd.DataFrame, b: pd.DataFrame, metric: str, higher: bool, margin: float | None
) -> dict[str, Any] | None:
    """One comparison of two methods on the same seeds, in the same order."""
    better = higher if metric == "score" else metric == "solved"
    row: dict[str, Any] = {"better": "higher" if better else "lower", "margin": margin}
    if metric == "solved":
        counts = [int((side["solved"].astype(str) == "True").sum()) for side in (a, b)]
        if not len(a):
            return None
        rate = statistics.newcombe(counts[0], len(a), counts[1], len(b))
        return row | {
            "n": len(a), "effect": rate.value, "low": rate.low, "high": rate.high,
            "unit": "difference",
        }  # fmt: skip
    x, y = a[metric].to_numpy(float), b[metric].to_numpy(float)
    if metric == "steps_to_solve":
        if not len(x) or (np.isnan(x).all() and np.isnan(y).all()):
            return None
        budget = float(max(a["budget"].max(), b["budget"].max()))
        found, logrank = statistics.compare_steps(x, y, budget)
        row["p_logrank"] = logrank if found.n >= statistics.FEWEST else statistics.NAN
        # Not to have solved is worse than to have solved at the last step.
        x, y = (np.where(np.isnan(side), np.inf, side) for side in (x, y))
        whole = bool(np.isfinite(x).all() and np.isfinite(y).all())
        unit = "ratio"
    else:
        both = ~(np.isnan(x) | np.isnan(y))
        x, y, whole = x[both], y[both], True
        unit = "difference" if metric == "score" else "ratio"
        found = statistics.paired_t(x, y, unit)
        if not found.n:
            return None
    enough = found.n >= statistics.FEWEST
    row |= {
        "n": found.n, "effect": found.effect, "unit": unit,
        "probability_of_improvement": statistics.probability_of_improvement(x, y, better),
    }  # fmt: skip
    if enough:
        row |= {"low": found.low, "high": found.high, "p": found.p}
        if margin is not None and whole:
            row["p_equal"] = statistics.tost(x, y, margin, unit)
    return row


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """What each method reaches, with intervals over its seeds; ``n`` counts scored runs.

    A diverged run has no score, but it counts as one that did not solve.
    """
    rows = []
    for key, group in runs.groupby(METHOD):
        scores = group["score"].dropna().to_numpy(float)
        solved = int((group["solved"].astype(str) == "True").sum())
        mean = statistics.over_seeds(scores, np.mean)
        median = statistics.over_seeds(scores, np.median)
        rate = statistics.wilson(solved, len(group))
        steps = statistics.steps_interval(group["steps_to_solve"].to_numpy(float))
        rows.append(dict(zip(METHOD, key, strict=True)) | {
            "n": len(scores), "diverged": int((group["status"] == "diverged").sum()),
            "mean": mean.value, "mean_low": mean.low, "mean_high": mean.high,
            "median": median.value, "median_low": median.low, "median_high": median.high,
            "lowest": scores.min(initial=np.inf) if len(scores) else None,
            "highest": scores.max(initial=-np.inf) if len(scores) else None,
            "solved": solved, "solve_rate": rate.value, "rate_low": rate.low,
            "rate_high": rate.high, "steps": steps.value, "steps_low": steps.low,
            "steps_high": steps.high,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=list(layout.TABLES["summary"].columns))


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
            seeds = methods[one].index.intersection(methods[other].index)
            a, b = methods[one].loc[seeds], methods[other].loc[seeds]
            for metric in RATIOS:
                x, y = a[metric].to_numpy(float), b[metric].to_numpy(float)
                if metric == "steps_to_solve" and len(x):
                    budget = float(max(a["budget"].max(), b["budget"].max()))
                    found, _ = statistics.compare_steps(x, y, budget)
                else:
                    known = ~(np.isnan(x) | np.isnan(y))
                    x, y = x[known], y[known]
                    if not len(x) or min(x.min(), y.min()) <= 0:
                        continue
                    found = statistics.paired_t(x, y, "ratio")
                if not found.effect > 0:
                    continue
                low, high = found.low, found.high
                if found.n < statistics.FEWEST:
                    low = high = statistics.NAN
                # 1 over a bound that is zero or infinite is a bound too.
                with np.errstate(divide="ignore"):
                    ways = (
                        (one, other, (found.effect, low, high)),
                        (other, one, tuple(1 / np.array([found.effect, high, low]))),
                    )
                for (framework, cell), against, values in ways:
                    rows.append(
                        {"task": task, "track": track, "metric": metric, "framework": framework,
                         "cell": cell, "baseline": "/".join(against), "n": found.n}
                        | dict(zip(("ratio", "low", "high"), values, strict=True))
                    )  # fmt: skip
    return pd.DataFrame(rows, columns=list(layout.TABLES["ratios"].columns))


def aggregate(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Across tasks, for each framework and cell: interquartile means and performance profiles.

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
        found = across_tasks.stratified_interval(matrix)
        names |= {"tasks": matrix.shape[1], "n": found.n}
        means.append(names | {"iqm": found.value, "low": found.low, "high": found.high})
        profile = across_tasks.performance_profile(matrix, THRESHOLDS)
        profiles += [
            names | dict(zip(("threshold", "share", "low", "high"), values, strict=True))
            for values in zip(THRESHOLDS.round(4), *profile, strict=True)
        ]
    return (
        pd.DataFrame(means, columns=list(layout.TABLES["aggregate"].columns)),
        pd.DataFrame(profiles, columns=list(layout.TABLES["profiles"].columns)),
    )
