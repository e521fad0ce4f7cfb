"""What it takes to solve, in steps, seconds or operations, and two methods compared in it."""

import pandas as pd

from analysis import statistics
from analysis.statistics import Solving, Student

# What takes how much a step, beside steps themselves.
COSTS = {"seconds_to_solve": "step_seconds", "operations_to_solve": "step_gflop"}


def compared(a: pd.DataFrame, b: pd.DataFrame, column: str) -> Solving | None:
    """What the runs ``a`` take to solve over what ``b`` take, the same seeds in the same order.

    A run that did not solve took all that every run had: the least of the runs' budgets.
    """
    a, b = _known(a, b, column)
    x, y = (side[column].to_numpy(float) for side in (a, b))
    most = min((side["budget"] * _each(side, column)).min() for side in (a, b))
    return statistics.solving(x, y, float(most), _resolution(a, b, column))


def alike(a: pd.DataFrame, b: pd.DataFrame, column: str) -> Student | None:
    """The same for a test of equality; see :func:`analysis.statistics.same_solving`."""
    a, b = _known(a, b, column)
    x, y = (side[column].to_numpy(float) for side in (a, b))
    return statistics.same_solving(x, y, _resolution(a, b, column))


def _known(a: pd.DataFrame, b: pd.DataFrame, column: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pairs of which it is known what a step takes: seconds are so of one machine only."""
    if column not in COSTS:
        return a, b
    known = a[COSTS[column]].notna().to_numpy() & b[COSTS[column]].notna().to_numpy()
    return a[known], b[known]


def _resolution(a: pd.DataFrame, b: pd.DataFrame, column: str) -> tuple[float, float]:
    """How much is done between two evaluations, on the mean of each side."""
    every = [
        float((rows["evaluate_every"] * _each(rows, column)).mean())
        if "evaluate_every" in rows else 0.0
        for rows in (a, b)
    ]  # fmt: skip
    return every[0], every[1]


def _each(rows: pd.DataFrame, column: str) -> "pd.Series[float] | float":
    """What a step of each run takes."""
    return rows[COSTS[column]].astype(float) if column in COSTS else 1.0
