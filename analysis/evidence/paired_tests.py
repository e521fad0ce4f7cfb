"""The tests of two sides on the same seeds, and of all frameworks with each other."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.evidence import costs
from analysis.evidence.finding import (
    ALPHA,
    PROGRESS,
    Finding,
    Parameters,
    controlled,
    decided,
    edges,
    learned,
    nothing,
    sides,
    solved,
    values,
)
from analysis.statistics import Student

# Solved by at least this share of the runs of one side, and by at most that of the other.
MOST_SOLVE, FEW_SOLVE = 0.75, 0.25


def paired(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """Two sides ``a`` and ``b`` compared seed by seed (t-test; TOST for ``equal``).

    A lead in progress is between the baseline and solved, whatever is beyond these. So most seeds
    may stand at an end of that scale; then they are as good as counts, and the interval is not
    narrower than that of counts.
    """
    column, scale = parameters["column"], parameters.get("scale", "difference")
    a, b = sides(rows, parameters)
    pairs = pd.DataFrame({"a": values(a, column), "b": values(b, column)}).dropna()
    if pairs.empty or not controlled(rows, parameters):
        return None
    a, b, n = a.loc[pairs.index], b.loc[pairs.index], len(pairs)
    if parameters.get("where_learned") and not learned(a, b):
        return None
    found = _changes(pairs, scale, column in PROGRESS)
    finding = decided(found, n, parameters["expect"], edges(scale, margin), scale)
    if column in PROGRESS:
        low, high = np.clip((finding.low, finding.high), -1, 1)
        finding = replace(finding, low=float(low), high=float(high))
    if "solved" not in rows:
        return finding
    one, other = solved(a), solved(b)
    if parameters.get("where_solved") and 2 * one <= n:
        return None
    return replace(finding, detail=_counts(one, other, n))


def solves(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """``a`` solves on most seeds and ``b`` on few, by Fisher's exact test on their counts.

    Most are three quarters of the runs and few are one quarter; where ``a`` does not solve that
    often there is nothing to fail at. That the shares differ by less than the margin refutes
    it: Newcombe's interval, and its own p.
    """
    a, b = sides(rows, parameters)
    seeds = a.index.intersection(b.index)
    n, one, other = len(seeds), solved(a.loc[seeds]), solved(b.loc[seeds])
    if not n or one < MOST_SOLVE * n:
        return None
    if not controlled(rows, parameters):
        return None
    found, p = statistics.newcombe(one, n, other, n), statistics.fisher(one, n, other, n)
    supports = other <= FEW_SOLVE * n and p < ALPHA
    refutes = not supports and found.high < margin
    if refutes:
        p = statistics.newcombe_p((one, n, other, n), margin)
    return Finding(found.value, found.low, found.high, n, "difference", bool(supports),
                   bool(refutes), p, _counts(one, other, n))  # fmt: skip


def sooner(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """``a`` takes less to solve than ``b``: survival data, paired by seed.

    ``column`` is what it takes: steps_to_solve where none is given, seconds_to_solve or
    operations_to_solve.
    """
    column = parameters.get("column", "steps_to_solve")
    a, b = (s[s["status"].isin(["ok", "diverged"])] for s in sides(rows, parameters))
    seeds = a.index.intersection(b.index)
    if seeds.empty or column not in rows:
        return None
    found = costs.compared(a.loc[seeds], b.loc[seeds], column)
    if found is None:
        return nothing(len(seeds), "ratio", "no run solves")
    what = "of the geometric means"
    if found.censored:
        what = f"of the means within the budget: {found.censored} of {2 * found.n} did not solve"
    detail = f"ratio {what}; log-rank p {found.logrank:.2g}"
    expect = parameters.get("expect", "below")
    return decided(found.student, found.n, expect, edges("ratio", margin), "ratio", detail)


def agree(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """All pairs of frameworks are equal (``expect: equal``), or some pair differs.

    Equal needs every pair's TOST, so the largest p is the family's and needs no correction; to
    differ needs one pair, so the smallest p is multiplied by their number. The effect shown is
    that of the pair furthest apart.

    Of steps to solve, a seed that neither solves is equal, and one that only one solves is
    further apart than any margin: such a pair is not equal, and differs where what it takes
    within the budget does.
    """
    column, scale = parameters["column"], parameters.get("scale", "difference")
    parts = {
        str(name): part.drop_duplicates("seed").set_index("seed").sort_index()
        for name, part in rows.groupby("framework")
    }
    if len(parts) < 2 or rows[column].isna().all():
        return None
    if parameters.get("where_learned") and not learned(*parts.values()):
        return None
    found = {}
    for one, other in itertools.combinations(parts, 2):
        seeds = parts[one].index.intersection(parts[other].index)
        pair = _pair(parts[one].loc[seeds], parts[other].loc[seeds], column, scale, margin)
        if pair is not None:
            found[one, other] = pair
    if not found:
        return None
    centre = np.log if scale == "ratio" else float
    names, worst = max(found.items(), key=lambda item: abs(centre(item[1].effect)))
    apart = [f.p for f in found.values() if f.refutes]
    equal = all(f.supports for f in found.values())
    different = bool(apart) and min(apart) * len(found) < ALPHA
    p = min(apart) * len(found) if different else max(f.p for f in found.values())
    if parameters["expect"] == "different":
        equal, different = different, equal
    text = f"furthest apart of {len(found)} pairs: {names[0]} and {names[1]}"
    detail = "; ".join(part for part in (text, worst.detail) if part)
    needed = float(np.max([f.seeds_needed for f in found.values()]))
    return replace(
        worst, supports=equal, refutes=different, p=min(1.0, p), detail=detail, seeds_needed=needed
    )


def trend(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """The lead of ``a`` over ``b`` in ``column`` rises with the column ``difficulty``.

    The rise is that from the easiest to the hardest level, by each seed's least-squares slope,
    and Student's t over the seeds. A level at which neither side leaves the baseline is left out:
    that both fail there is no lead that shrinks. Fewer than three levels are no trend.
    """
    column, gaps, ends = parameters["column"], {}, True
    for level, same in rows.groupby(parameters["difficulty"]):
        a, b = sides(same, parameters)
        if "progress" in rows and not learned(a, b):
            continue
        x, y = values(a, column), values(b, column)
        gaps[level] = x - y
        ends = ends and column in PROGRESS and bool(_at_the_ends(x, y).all())
    table = pd.DataFrame(gaps).dropna()
    if table.empty or table.shape[1] < 3:
        return None
    rises = statistics.slopes(table.to_numpy(float))
    found = Student.of(rises, _of_counts(len(rises)) if ends else 0.0)
    means = ", ".join(f"{level:g}: {gap:.2g}" for level, gap in table.mean().items())
    detail = f"mean lead by {parameters['difficulty']} {means}"
    return decided(found, len(table), "above", (-margin, margin), "slope", detail)


def _changes(pairs: pd.DataFrame, scale: str, bounded: bool) -> Student:
    a, b = pairs["a"], pairs["b"]
    found = statistics.changes(a.to_numpy(float), b.to_numpy(float), scale)
    counts = bounded and bool(_at_the_ends(a, b).mean() > 0.5)
    return Student.of(found, _of_counts(len(found)) if counts else 0.0)


def _at_the_ends(a: "pd.Series[float]", b: "pd.Series[float]") -> "pd.Series[bool]":
    """On which seeds the progress of both sides is none or whole."""
    return a.isin([0, 1]) & b.isin([0, 1])


def _of_counts(n: int) -> float:
    """The least half width of an interval where progress is mostly none or whole: that of counts.

    Seeds that all do the same have no spread, but five of five solved is no certainty: Wilson's
    interval for n of n says how far the share may be from 1.
    """
    return 1 - statistics.wilson(n, n).low


def _pair(
    a: pd.DataFrame, b: pd.DataFrame, column: str, scale: str, margin: float
) -> Finding | None:
    """Whether two frameworks are equal, on the same seeds in the same order."""
    limits = edges(scale, margin)
    if column not in ("steps_to_solve", *costs.COSTS):
        both = pd.DataFrame({"a": values(a, column), "b": values(b, column)}).dropna()
        if both.empty:
            return None
        return decided(_changes(both, scale, False), len(both), "equal", limits, scale)
    if (same := costs.alike(a, b, column)) is not None:
        neither = int((a[column].isna() & b[column].isna()).sum())
        detail = f"{neither} of {len(a)} seeds solved by neither" if neither else ""
        return decided(same, len(a), "equal", limits, scale, detail)
    apart = costs.compared(a, b, column)
    if apart is None:
        return None
    one = int((a[column].isna() != b[column].isna()).sum())
    detail = f"{one} of {len(a)} seeds solved by one only"
    finding = decided(apart.student, apart.n, "equal", limits, scale, detail)
    if finding.refutes:
        return finding
    return replace(finding, supports=False, p=1.0, seeds_needed=statistics.NAN, basis=None)


def _counts(one: int, other: int, n: int) -> str:
    rates = statistics.newcombe(one, n, other, n)
    interval = f"{rates.value:.2f} [{rates.low:.2f}, {rates.high:.2f}]"
    return f"solved on {one} against {other} of {n} seeds, difference {interval}"
