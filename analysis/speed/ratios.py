"""Methods against each other on the clock, paired by round."""

import math
from itertools import combinations
from typing import Any

import numpy as np

from analysis.speed.measured import Measured, Rows, geometric, identity
from analysis.statistics import two_level_interval
from harness.plan.campaigns import Method, Shape
from implementations import STOCK


def rows(timed: Measured) -> Rows:
    """The A/A control and what may be compared: cells, frameworks, kernels."""
    result: Rows = []
    for shape in timed.campaign.shapes:
        warning = control_warning(timed, shape)
        for kind, one, other in _pairs(timed, shape):
            ratio, low, high, processes = _ratio(timed, shape, one, other)
            if processes:
                result.append(
                    {"shape": shape.name, "kind": kind, "numerator": one.name,
                     "denominator": other.name, "ratio": ratio, "low": low, "high": high,
                     "processes": processes, "warning": warning}
                    | _side("numerator", one, shape) | _side("denominator", other, shape)
                )  # fmt: skip
    return result


def control_warning(timed: Measured, shape: Shape) -> str:
    """What is to be known of every ratio when the same method twice does not come out even."""
    for twin in (m for m in timed.campaign.methods if m.twin):
        _, low, high, _ = _ratio(timed, shape, twin, twin.original)
        if not low <= 1 <= high and not math.isnan(low):
            return "the A/A interval leaves out 1"
    return ""


def _ratio(
    timed: Measured, shape: Shape, one: Method, other: Method
) -> tuple[float, float, float, int]:
    """The ratio of two methods' times paired by round, its interval, and the processes."""
    a, b = (
        timed.of(method, shape.name, "step").set_index(["process", "round"])["ms"]
        for method in (one, other)
    )
    logs = (a / b).dropna().map(np.log)
    samples = [np.asarray(v) for _, v in logs.groupby("process")]
    if not samples:
        return math.nan, math.nan, math.nan, 0
    ratio, low, high = np.exp(two_level_interval(samples))
    return float(ratio), float(low), float(high), len(samples)


def _pairs(timed: Measured, shape: Shape) -> list[tuple[str, Method, Method]]:
    methods = timed.campaign.methods
    pairs = [("aa", m, m.original) for m in methods if m.twin]
    if timed.campaign.sweeps:
        return pairs  # few processes at many sizes: they show how cost grows and rank nothing
    best = _best(timed, shape)
    for (framework, cell), method in best.items():
        if cell != "lstm" and (framework, "lstm") in best:
            pairs.append(("cell", method, best[framework, "lstm"]))
    for (one, first), (other, second) in combinations(best, 2):
        if first == second:
            pairs.append(("framework", best[one, first], best[other, second]))
    for method in methods:
        stock = Method(method.framework, STOCK, method.cell)
        if not method.twin and method != stock and stock in methods:
            pairs.append(("kernel", method, stock))
    return pairs


def _best(timed: Measured, shape: Shape) -> dict[tuple[str, str], Method]:
    """The fastest method of each framework and cell, as measured at this shape."""
    times: dict[tuple[str, str], dict[Method, float]] = {}
    for method in timed.campaign.methods:
        if not method.twin and (values := timed.values(method, shape)):
            own = times.setdefault((method.framework, method.cell), {})
            own[method] = geometric(values)[0]
    return {key: min(own, key=own.__getitem__) for key, own in times.items()}


def _side(side: str, method: Method, shape: Shape) -> dict[str, Any]:
    known = identity(method) | {"hidden": shape.units(method.cell)}
    return {f"{side}_{name}": value for name, value in known.items()}
