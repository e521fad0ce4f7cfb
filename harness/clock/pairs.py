"""What a campaign compares: its pairs of methods by kind, and their times paired by round."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import combinations

import numpy as np

from cells import STANDARD
from harness.plan.campaigns import Campaign, Method
from implementations import STOCK

Pair = tuple[str, Method, Method]  # kind, numerator, denominator
Times = Mapping[tuple[int, int], float]  # by process and round


def pairs(campaign: Campaign, failed: Collection[str] = ()) -> list[Pair]:
    """The pairs of the methods whose names are not among the ``failed`` ones.

    ``aa`` a method and its twin; ``cell`` each other cell against the standard one, within a
    framework; ``framework`` two frameworks' ways to compute a cell; ``kernels`` every other pair of
    kernels of a cell, with the framework's own layer as the denominator where it is one of them. In
    the second and third, a framework stands with the kernel that it declares fastest, a choice made
    before the campaign: one made on the times that rate it would flatter it.

    Sweeps compare nothing: few processes at many sizes show how cost grows and rank nothing.
    """
    if campaign.sweeps:
        return []
    measured = [m for m in campaign.methods if m.name not in failed]
    single = [m for m in measured if not m.twin]
    chosen: dict[tuple[str, str], Method] = {}
    for method in single:
        chosen.setdefault((method.framework, method.cell), method)
    found = [("aa", m, m.original) for m in measured if m.twin and m.original in measured]
    for (framework, cell), method in chosen.items():
        if cell != STANDARD and (framework, STANDARD) in chosen:
            found.append(("cell", method, chosen[framework, STANDARD]))
    for one, other in combinations(single, 2):
        if one.cell != other.cell:
            continue
        if one.framework != other.framework and {one, other} <= set(chosen.values()):
            found.append(("framework", one, other))
        elif one.framework == other.framework and one.kernel == STOCK:
            found.append(("kernels", other, one))
        else:
            found.append(("kernels", one, other))
    return found


def log_ratios(one: Times, other: Times) -> list[float]:
    """The logarithm of one / other for each process: the median of its rounds' own."""
    rounds: dict[int, list[float]] = defaultdict(list)
    for key in sorted(one.keys() & other.keys()):
        rounds[key[0]].append(float(np.log(one[key] / other[key])))
    return [float(np.median(values)) for values in rounds.values()]
