"""What a test finds, how it decides, and how it chooses its rows.

``expect`` says which side of the margin supports a claim: ``above`` or ``below`` its edge,
``equal`` within both edges, ``different``, outside of them, or ``not below``, above the lower edge,
so that what is no worse by more than the margin supports it. The edges are ±margin for a
difference, 1/margin and margin for a ratio. The other side refutes; an interval that crosses an
edge decides nothing. ``p`` is always against the edge that decides: two-sided against the nearest
one, or of two one-sided tests where an effect within both edges is to be equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.statistics import NAN, Student

ALPHA = 0.05
# What makes less than this share of the way from the baseline to solved has not left it.
AT_BASELINE = 0.05
# A control that makes half of the way shows that what is tested can be learned.
CONTROL = 0.5
# Shares of the way from the baseline to solved: beyond either end more is no lead.
PROGRESS = ("progress", "early", "early_seconds")

Parameters = Mapping[str, Any]
Edges = tuple[float, float]


@dataclass(frozen=True)
class Basis:
    """What a decision rests on: Student's t and the edges, on the scale of the test."""

    student: Student
    lower: float
    upper: float
    expect: str

    def seeds(self, alpha: float = ALPHA) -> float:
        """How many seeds would decide at ``alpha``; NaN where that cannot be said."""
        student, edges = self.student, (self.lower, self.upper)
        found = statistics.seeds_to_decide(student, *edges, self.expect, alpha)
        return NAN if found is None else float(found)


@dataclass(frozen=True)
class Finding:
    """What the rows of one case say; ``p`` belongs to the decision, NaN where there is none.

    ``seeds_needed`` is how many seeds would decide it were it the only test, and ``basis`` what
    that follows from, for those who correct for other tests.
    """

    effect: float
    low: float
    high: float
    n: int
    unit: str
    supports: bool = False
    refutes: bool = False
    p: float = NAN
    detail: str = ""
    seeds_needed: float = NAN
    basis: Basis | None = None


def nothing(n: int, unit: str, why: str) -> Finding:
    """A finding that decides nothing."""
    return Finding(NAN, NAN, NAN, n, unit, detail=why)


def edges(scale: str, margin: float) -> Edges:
    """The edges of ``margin``: about 0, or about 1 for a ratio."""
    return (1 / margin, margin) if scale == "ratio" else (-margin, margin)


def decided(
    found: Student, n: int, expect: str, limits: Edges, unit: str, detail: str = ""
) -> Finding:
    """The finding of a t-test. For the unit ``ratio``, ``found`` is of logarithms."""
    ratio = unit == "ratio"
    lower, upper = (float(np.log(limit)) if ratio else limit for limit in limits)
    low, high = found.interval()
    shown = [float(np.exp(x)) if ratio else x for x in (found.mean, low, high)]
    if expect in ("equal", "different") and lower < found.mean < upper:
        p = found.p_equal(lower, upper)
        supports, refutes = (p < ALPHA and expect == word for word in ("equal", "different"))
    else:
        nearest = upper if found.mean >= upper else lower
        p = found.p({"above": upper, "below": lower, "not below": lower}.get(expect, nearest))
        supports, refutes = outside(expect, low, high, lower, upper)
    basis = Basis(found, lower, upper, expect)
    return Finding(
        shown[0], shown[1], shown[2], n, unit, supports, refutes, p, detail, basis.seeds(), basis
    )


def outside(expect: str, low: float, high: float, lower: float, upper: float) -> tuple[bool, bool]:
    """Whether an interval supports and whether it refutes what is expected."""
    if expect == "above":
        return bool(low > upper), bool(high < upper)
    if expect == "below":
        return bool(high < lower), bool(low > lower)
    if expect == "not below":
        return bool(low > lower), bool(high < lower)
    within, apart = low > lower and high < upper, high < lower or low > upper
    return (bool(within), bool(apart)) if expect == "equal" else (bool(apart), bool(within))


def values(rows: pd.DataFrame, column: str) -> "pd.Series[float]":
    """A column's numbers; progress never counts beyond the baseline or beyond solved."""
    found = rows[column].astype(float)
    return found.clip(0, 1) if column in PROGRESS else found


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
            numbers = pd.to_numeric(rows[column], errors="coerce")
            rows = rows[numbers >= wanted["at_least"]]
        else:
            rows = rows[rows[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    return rows


def learned(*parts: pd.DataFrame) -> bool:
    """Whether the runs of some part leave the baseline, by their median progress."""
    return any(bool(part["progress"].median() > AT_BASELINE) for part in parts)


def controlled(rows: pd.DataFrame, parameters: Parameters) -> bool:
    """Whether the runs of ``control`` learn, where a claim has such: by their median progress.

    A claim that something fails says nothing where all that is like it fails too, as a network
    does that was not trained for long enough.
    """
    if "control" not in parameters:
        return True
    control = select(rows, parameters["control"])
    return bool(control["progress"].median() > CONTROL)


def solved(rows: pd.DataFrame) -> int:
    """How many of the runs solve; what has no answer did not."""
    return int((rows["solved"] == True).sum())  # noqa: E712
