"""The tests that a claim can name: a small closed set, each from rows of a table to a finding.

``expect`` says which side of the margin supports a claim: ``above`` or ``below`` its edge,
``equal`` within both edges, or ``different``, outside of them. The edges are ±margin for a
difference, 1/margin and margin for a ratio. The other side refutes; an interval that crosses an
edge decides nothing.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.statistics import NAN, Paired

ALPHA = 0.05
# What makes less than this share of the way from the baseline to solved has not left it.
AT_BASELINE = 0.05


@dataclass(frozen=True)
class Finding:
    """What the rows of one case say; ``p`` belongs to the decision, NaN where there is none."""

    effect: float
    low: float
    high: float
    n: int
    unit: str
    supports: bool = False
    refutes: bool = False
    p: float = NAN
    detail: str = ""


Parameters = Mapping[str, Any]
Test = Callable[[pd.DataFrame, Parameters, float], Finding | None]


def equals(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """Every row's ``column`` has ``value``, within the margin."""
    values = rows[parameters["column"]].dropna().to_numpy(float)
    if not len(values):
        return None
    apart = np.abs(values - float(parameters["value"]))
    worst = float(values[apart.argmax()])
    right = int((apart <= margin).sum())
    return Finding(
        worst, float(values.min()), float(values.max()), len(values), "value",
        right == len(values), right < len(values), NAN, f"{right} of {len(values)} as claimed",
    )  # fmt: skip


def interval(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """A ratio whose interval the clock made; undecided where its A/A control leaves out 1."""
    rows = rows.dropna(subset=["ratio"])
    if rows.empty:
        return None
    row = rows.iloc[0]
    clocked = Paired(row["ratio"], row["low"], row["high"], int(row.get("processes") or 0), NAN)
    detail = f"{row['numerator']} / {row['denominator']}, from the clock's interval"
    found = _decided(clocked, parameters["expect"], *_edges("ratio", margin), "ratio", detail)
    if row["control_ok"]:
        return found
    detail += "; this campaign told one method from itself, so it decides nothing"
    return replace(found, supports=False, refutes=False, detail=detail)


def paired(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """Two sides ``a`` and ``b`` compared seed by seed (t-test; TOST for ``equal``)."""
    column, scale = parameters["column"], parameters.get("scale", "difference")
    a, b = sides(rows, parameters)
    pairs = pd.DataFrame({"a": a[column], "b": b[column]}).dropna()
    if pairs.empty:
        return None
    if parameters.get("where_learned"):
        progress = max(side.loc[pairs.index, "progress"].median() for side in (a, b))
        if progress <= AT_BASELINE:
            return None
    finding = _compared(pairs, parameters["expect"], margin, scale)
    if "solved" not in rows:
        return finding
    n = len(pairs)
    one, other = (int((s.loc[pairs.index, "solved"] == True).sum()) for s in (a, b))  # noqa: E712
    if parameters.get("where_solved") and 2 * one <= n:
        return None
    rates = statistics.newcombe(one, n, other, n)
    interval = f"{rates.value:.2f} [{rates.low:.2f}, {rates.high:.2f}]"
    detail = f"solved on {one} against {other} of {n} seeds, difference {interval}"
    return replace(finding, detail=detail)


def sooner(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """``a`` reaches the solved value in fewer steps than ``b``: survival data, paired by seed."""
    a, b = (s[s["status"].isin(["ok", "diverged"])] for s in sides(rows, parameters))
    seeds = a.index.intersection(b.index)
    if seeds.empty:
        return None
    steps = [side.loc[seeds, "steps_to_solve"].to_numpy(float) for side in (a, b)]
    budget = float(max(a.loc[seeds, "budget"].max(), b.loc[seeds, "budget"].max()))
    found, logrank = statistics.compare_steps(steps[0], steps[1], budget)
    if np.isnan(found.effect):
        return _nothing(len(seeds), "ratio", "neither side solves on half of the seeds")
    censored = sum(int(np.isnan(s).sum()) for s in steps)
    detail = f"{censored} of {2 * len(seeds)} runs did not solve; log-rank p {logrank:.2g}"
    return _decided(found, "below", 1 / margin, margin, "ratio", detail)


def agree(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """All pairs of frameworks are equal (``expect: equal``), or some pair differs.

    Equal needs every pair's TOST, so the largest p is the family's and needs no correction; to
    differ needs one pair, so the smallest p is multiplied by their number. The effect shown is
    that of the pair furthest apart.
    """
    column, scale = parameters["column"], parameters.get("scale", "difference")
    values = rows.pivot(index="seed", columns="framework", values=column)
    if values.shape[1] < 2 or values.isna().all(axis=None):
        return None
    if values.isna().any(axis=None) and column == "steps_to_solve":
        missing = int(values.isna().sum().sum())
        return _nothing(len(values), scale, f"{missing} of {values.size} did not solve")
    found = {}
    for pair in itertools.combinations(values.columns, 2):
        both = values[list(pair)].dropna().set_axis(["a", "b"], axis=1)
        if not both.empty:
            found[pair] = _compared(both, "equal", margin, scale)
    if not found:
        return None
    centre = np.log if scale == "ratio" else float
    pair, worst = max(found.items(), key=lambda item: abs(centre(item[1].effect)))
    apart = [f.p for f in found.values() if f.refutes]
    equal = all(f.supports for f in found.values())
    different = bool(apart) and min(apart) * len(found) < ALPHA
    p = min(apart) * len(found) if different else max(f.p for f in found.values())
    if parameters["expect"] == "different":
        equal, different = different, equal
    detail = f"furthest apart of {len(found)} pairs: {pair[0]} and {pair[1]}"
    return replace(worst, supports=equal, refutes=different, p=min(1.0, p), detail=detail)


def level(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """The mean over seeds of ``column`` is above or below the margin (one-sample t-test)."""
    values = rows.drop_duplicates("seed")[parameters["column"]].dropna().to_numpy(float)
    if not len(values):
        return None
    found = statistics.paired_t(values, np.zeros(len(values)), against=margin)
    return _decided(found, parameters["expect"], margin, margin, "difference")


def happens(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """``column`` reaches ``at_least`` in some run. One run shows that it happens; that it
    happens in fewer than a share ``margin`` of the runs (Wilson) refutes it."""
    values = rows[parameters["column"]].dropna()
    if values.empty:
        return None
    count = int((values >= parameters["at_least"]).sum())
    share = statistics.wilson(count, len(values))
    return Finding(
        share.value, share.low, share.high, share.n, "share", count > 0,
        count == 0 and share.high < margin, NAN, f"{count} of {len(values)} runs",
    )  # fmt: skip


def trend(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """``a`` - ``b`` in ``column`` rises with the column ``difficulty``, by Spearman.

    Fewer than three levels of difficulty are no trend.
    """
    column, gaps = parameters["column"], {}
    for level, same in rows.groupby(parameters["difficulty"]):
        a, b = sides(same, parameters)
        gaps[level] = a[column] - b[column]
    table = pd.DataFrame(gaps).dropna()
    if table.empty or table.shape[1] < 3:
        return None
    found = statistics.rank_trend(table.columns.to_numpy(float), table.to_numpy(float))
    means = ", ".join(f"{level:g}: {gap:.2g}" for level, gap in table.mean().items())
    detail = f"mean gap by difficulty {means}"
    return _decided(found, "above", -margin, margin, "correlation", detail)


TESTS: dict[str, Test] = {
    test.__name__: test for test in (equals, interval, paired, sooner, agree, level, happens, trend)
}


def sides(rows: pd.DataFrame, parameters: Parameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of ``a`` and of ``b``, one a seed, by seed."""
    a, b = (select(rows, parameters[side]).drop_duplicates("seed") for side in ("a", "b"))
    return a.set_index("seed").sort_index(), b.set_index("seed").sort_index()


def select(rows: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """The rows whose columns have the values of ``where``: one, a list, or {at_least: x}.

    A column that the table lacks selects nothing.
    """
    for column, wanted in where.items():
        if column not in rows:
            return rows.iloc[:0]
        if isinstance(wanted, dict):
            values = pd.to_numeric(rows[column], errors="coerce")
            rows = rows[values >= wanted["at_least"]]
        else:
            rows = rows[rows[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    return rows


def _compared(pairs: pd.DataFrame, expect: str, margin: float, scale: str) -> Finding:
    a, b = pairs["a"].to_numpy(float), pairs["b"].to_numpy(float)
    lower, upper = _edges(scale, margin)
    found = statistics.paired_t(a, b, scale)
    if expect in ("equal", "different") and lower < found.effect < upper:
        p = statistics.tost(a, b, margin, scale)
        decides = (p < ALPHA and expect == "equal", p < ALPHA and expect == "different")
        return Finding(found.effect, found.low, found.high, found.n, scale, *decides, p)
    edge = upper if found.effect >= upper or expect == "above" else lower
    p = statistics.paired_t(a, b, scale, against=edge).p
    return _decided(replace(found, p=p), expect, lower, upper, scale)


def _nothing(n: int, unit: str, why: str) -> Finding:
    return Finding(NAN, NAN, NAN, n, unit, detail=why)


def _decided(
    found: Paired, expect: str, lower: float, upper: float, unit: str, detail: str = ""
) -> Finding:
    decides = _outside(expect, found.low, found.high, lower, upper)
    return Finding(found.effect, found.low, found.high, found.n, unit, *decides, found.p, detail)


def _outside(expect: str, low: float, high: float, lower: float, upper: float) -> tuple[bool, bool]:
    """Whether an interval supports and whether it refutes what is expected."""
    if expect == "above":
        return bool(low > upper), bool(high < upper)
    if expect == "below":
        return bool(high < lower), bool(low > lower)
    inside, outside = low > lower and high < upper, high < lower or low > upper
    return (bool(inside), bool(outside)) if expect == "equal" else (bool(outside), bool(inside))


def _edges(scale: str, margin: float) -> tuple[float, float]:
    return (1 / margin, margin) if scale == "ratio" else (-margin, margin)
