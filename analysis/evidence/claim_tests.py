"""The tests that a claim can name: a small closed set, each from rows of a table to a finding.

Here are those of one set of rows; those of two sides are in ``paired_tests.py``, and how a test
decides is in ``finding.py``.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis import statistics
from analysis.evidence.finding import (
    ALPHA,
    Finding,
    Parameters,
    controlled,
    decided,
    edges,
    learned,
    outside,
    select,
    values,
)
from analysis.evidence.level_tests import gap_shrinks, longest
from analysis.evidence.paired_tests import agree, paired, solves, sooner, trend
from analysis.statistics import NAN, Student

__all__ = ["ALPHA", "TESTS", "Finding", "Parameters", "select"]

Test = Callable[[pd.DataFrame, Parameters, float], Finding | None]


def equals(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """Every row's ``column`` has ``value``, within the margin."""
    found = rows[parameters["column"]].dropna().to_numpy(float)
    if not len(found):
        return None
    apart = np.abs(found - float(parameters["value"]))
    worst = float(found[apart.argmax()])
    right = int((apart <= margin).sum())
    return Finding(
        worst, float(found.min()), float(found.max()), len(found), "value",
        right == len(found), right < len(found), NAN, f"{right} of {len(found)} as claimed",
    )  # fmt: skip


def interval(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """A ratio whose interval the clock made; undecided where its A/A control failed.

    Its p is Student's t of the logarithm, ``log_se`` on ``df`` degrees of freedom, against the
    edges of the margin. Without these columns the interval decides alone.
    """
    rows = rows.dropna(subset=["ratio"])
    if rows.empty:
        return None
    row, expect, limits = rows.iloc[0], parameters["expect"], edges("ratio", margin)
    count = int(row.get("processes") or 0)
    detail = f"the clock's interval of {row['numerator']} / {row['denominator']}"
    se, df = (float(row.get(name, NAN)) for name in ("log_se", "df"))
    if np.isfinite([se, df]).all():
        clocked = Student(float(np.log(row["ratio"])), se, df)
        found = decided(clocked, count, expect, limits, "ratio", detail)
    else:
        decides = outside(expect, row["low"], row["high"], *limits)
        found = Finding(
            row["ratio"], row["low"], row["high"], count, "ratio", *decides, NAN, detail
        )
    if row["control_ok"]:
        return found
    detail += "; this campaign told one method from itself, so it decides nothing"
    return replace(found, supports=False, refutes=False, p=1.0, detail=detail)


def level(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """The mean over seeds of ``column``, of the rows of ``a`` where that is given.

    By a one-sample t-test against ``value`` (0 where none is given): ``above`` and ``below`` have
    their edge at value + margin, ``equal`` and ``different`` at value ± margin.
    """
    mine = select(rows, parameters.get("a", {})).drop_duplicates("seed")
    mine = mine[mine[parameters["column"]].notna()]
    if mine.empty or not controlled(rows, parameters):
        return None
    if parameters.get("where_learned") and not learned(mine):
        return None
    value, expect = float(parameters.get("value", 0)), parameters["expect"]
    limits = (
        (value - margin if expect in ("equal", "different") else value + margin),
        value + margin,
    )
    found = values(mine, parameters["column"]).to_numpy(float)
    return decided(Student.of(found), len(found), expect, limits, "difference")


def happens(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """``column`` reaches ``at_least`` in more than a share ``margin`` of the runs of ``a``.

    By the binomial test and Wilson's interval; without ``a``, of all runs. Where there are runs
    of ``b``, it has to happen in more of ``a`` than of these, too (Fisher's exact test): the
    larger p counts. Refuted where the interval is below the margin.
    """
    column = parameters["column"]
    mine, other = (
        select(rows, where)[column].dropna().astype(float)
        if (where := parameters.get(side, default)) is not None
        else pd.Series(dtype=float)
        for side, default in (("a", {}), ("b", None))
    )
    if mine.empty:
        return None
    count, against = (int((x >= parameters["at_least"]).sum()) for x in (mine, other))
    n, m = len(mine), len(other)
    share, p = statistics.wilson(count, n), float(stats.binomtest(count, n, margin).pvalue)
    supports, refutes = share.low > margin, share.high < margin
    detail = f"{count} of {n} runs"
    if m:
        fisher = statistics.fisher(count, n, against, m)
        detail += f"; against {against} of {m}, Fisher's p {fisher:.2g}"
        if not refutes:
            p = max(p, fisher)
            supports = supports and count / n > against / m and fisher < ALPHA
    return Finding(
        share.value, share.low, share.high, n, "share", bool(supports), bool(refutes), p, detail
    )


TESTS: dict[str, Test] = {
    test.__name__: test
    for test in (
        equals,
        interval,
        paired,
        solves,
        sooner,
        agree,
        level,
        happens,
        trend,
        longest,
        gap_shrinks,
    )
}
