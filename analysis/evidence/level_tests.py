"""The tests that look across levels or tracks: how far a cell gets, and whether a gap shrinks."""

import numpy as np
import pandas as pd

from analysis.evidence import costs
from analysis.evidence.finding import Finding, Parameters, decided, edges, select, sides
from analysis.statistics.student import Student, mean_of


def longest(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """``a`` solves higher levels of the column ``difficulty`` than ``b``, by their ratio.

    A seed's value is the highest level that it solves, the lowest less one where it solves none.
    Levels are known from one to the next only, so no interval is narrower than half of the mean
    distance of two. Fewer than three levels that both have say nothing.
    """
    column = parameters["difficulty"]
    both = [select(rows, parameters[side]) for side in ("a", "b")]
    if any(side.empty for side in both):
        return None
    found = [_highest(side, column) for side in both]
    seeds = found[0].index.intersection(found[1].index)
    levels = np.log(np.unique(rows[column].astype(float)))
    if seeds.empty or len(levels) < 3:
        return None
    a, b = (np.log(side.loc[seeds].to_numpy(float)) for side in found)
    apart = float(np.diff(levels).mean())
    top = sum(int((side == levels[-1]).sum()) for side in (a, b))
    medians = " against ".join(f"{np.exp(np.median(side)):g}" for side in (a, b))
    detail = f"median {column} {medians}; {top} of {2 * len(seeds)} solve the highest"
    return decided(
        Student.of(a - b, apart / 2), len(seeds), parameters["expect"], edges("ratio", margin),
        "ratio", detail,
    )  # fmt: skip


def _highest(rows: pd.DataFrame, column: str) -> "pd.Series[float]":
    """The highest level that each seed solves; what is one level below all where it solves none."""
    levels = np.unique(rows[column].astype(float))
    lowest = levels[0] ** 2 / levels[1] if len(levels) > 1 else levels[0]
    values = rows[column].astype(float).where(rows["solved"] == True, lowest)  # noqa: E712
    return values.groupby(rows["seed"]).max()


def gap_shrinks(rows: pd.DataFrame, parameters: Parameters, margin: float) -> Finding | None:
    """The ratio ``a`` / ``b`` of what it takes to solve grows from the rows ``from`` to ``to``.

    So a lead of ``a``, a ratio below 1, shrinks. The effect is the one ratio over the other; they
    count as independent, which is too careful where the two places share their seeds.
    """
    found = []
    for place in ("from", "to"):
        a, b = sides(select(rows, parameters[place]), parameters)
        seeds = a.index.intersection(b.index)
        if seeds.empty:
            return None
        one = costs.compared(a.loc[seeds], b.loc[seeds], parameters["column"])
        if one is None:
            return None
        found.append(one)
    before, after = (one.student for one in found)
    half = mean_of([after, Student(-before.mean, before.sem, before.df)])
    change = Student(2 * half.mean, 2 * half.sem, half.df)
    detail = f"ratio {np.exp(before.mean):.2f} before, {np.exp(after.mean):.2f} after"
    n = min(one.n for one in found)
    return decided(change, n, "above", edges("ratio", margin), "ratio", detail)
