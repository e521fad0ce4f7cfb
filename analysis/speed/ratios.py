"""Methods against each other on the clock, paired by round."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from analysis.speed.measured import Measured, Rows, identity
from harness.clock.pairs import log_ratios, pairs
from harness.clock.stopping import WANTED, LogRatio, over_processes
from harness.plan.campaigns import Method, Shape

Compared = dict[tuple[str, Method, Method], LogRatio]  # by kind, numerator and denominator


def rows(timed: Measured, noise: float) -> Rows:
    """The A/A control and what may be compared: cells, frameworks, kernels.

    ``noise`` is the spread of the machine's A/A ratios, see :func:`noise`.
    """
    result: Rows = []
    for shape in timed.campaign.shapes:
        general = [*timed.notes, control_warning(timed, shape)]
        if control := _control(timed, shape):
            result.append(
                {"shape": shape.name, "kind": "aa", "noise_percent": 100 * noise}
                | _names([m for m in timed.campaign.methods if m.twin], shape)
                | columns(control) | {"warning": joined(general)}
            )  # fmt: skip
        found = _compared(timed, shape)
        slower = _slower_choices(found)
        for (kind, one, other), ratio in found.items():
            texts = [*general, slower.get(one, ""), slower.get(other, "")]
            result.append(
                {"shape": shape.name, "kind": kind, "numerator": one.name,
                 "denominator": other.name, "warning": joined(texts)}
                | columns(ratio) | _side("numerator", one, shape)
                | _side("denominator", other, shape)
            )  # fmt: skip
    return result


def noise(campaigns: Iterable[Measured]) -> float:
    """How far a method's time is from its own in another process: sigma of the log ratio.

    Pooled over the shapes and methods of the A/A pairs, one value of each process, about the
    known mean of 0. NaN without a pair.
    """
    every = [v for timed in campaigns for shape in timed.campaign.shapes for v in _aa(timed, shape)]
    return float(np.sqrt(np.mean(np.square(every)))) if every else math.nan


def control_warning(timed: Measured, shape: Shape) -> str:
    """What is to be known of every ratio when methods against themselves come out apart.

    An interval may leave out 1 by chance, as one in twenty does; it has to lie beyond the 3 %
    that make a difference.
    """
    control = _control(timed, shape)
    if control and abs(control.mean) - control.half > WANTED:
        return "the A/A interval lies beyond 3 %"
    return ""


def _control(timed: Measured, shape: Shape) -> LogRatio | None:
    """The A/A pairs of all methods as one ratio."""
    values = _aa(timed, shape)
    return over_processes(values, timed.campaign.may_go_on) if values else None


def _aa(timed: Measured, shape: Shape) -> list[float]:
    found = [p for p in pairs(timed.campaign, timed.problems) if p[0] == "aa"]
    return [v for _, twin, own in found for v in logs(timed, shape, twin, own)]


def _compared(timed: Measured, shape: Shape) -> Compared:
    found: Compared = {}
    for kind, one, other in pairs(timed.campaign, timed.problems):
        # What a cell saves without training is asked of the forward pass.
        asked = {"aa": (), "cell": (("cell", "step"), ("forward", "forward"))}
        for name, phase in asked.get(kind, ((kind, "step"),)):
            if values := logs(timed, shape, one, other, phase):
                found[name, one, other] = over_processes(values, timed.campaign.may_go_on)
    return _by_the_fastest(found)


def _by_the_fastest(found: Compared) -> Compared:
    """``found`` with frameworks compared by what is fastest of each here, whatever it declares.

    A kernel that another one of its framework is ahead of, on the mean over the processes, stands
    for no framework. Where only one of each was timed, it is that one.
    """
    slower = {
        one if ratio.mean > 0 else other
        for (kind, one, other), ratio in found.items()
        if kind == "kernels" and one.framework == other.framework
    }
    across = {
        key: "framework" if slower.isdisjoint(key[1:]) else "kernels"
        for key in found
        if key[0] in ("framework", "kernels") and key[1].framework != key[2].framework
    }
    return {(across.get(key, key[0]), *key[1:]): ratio for key, ratio in found.items()}


def logs(
    timed: Measured, shape: Shape, one: Method, other: Method, phase: str = "step"
) -> list[float]:
    """The logarithm of a phase's time over another method's, one of each process."""
    return log_ratios(_rounds(timed, shape, one, phase), _rounds(timed, shape, other, phase))


def _rounds(
    timed: Measured, shape: Shape, method: Method, phase: str
) -> dict[tuple[int, int], float]:
    found = timed.of(method, shape.name, phase)
    return dict(zip(zip(found["process"], found["round"], strict=True), found["ms"], strict=True))


def _slower_choices(found: Compared) -> dict[Method, str]:
    """What is to be known of a kernel that was declared the fastest and is not."""
    rated = {m for kind, *both in found if kind == "cell" for m in both}
    slower = {}
    for (kind, *both), ratio in found.items():
        one, other = both if ratio.mean > 0 else both[::-1]
        within = kind == "kernels" and one.framework == other.framework
        if within and one in rated and abs(ratio.mean) - ratio.half > WANTED:
            slower[one] = f"{one.name} was declared the fastest, {other.name} is faster"
    return slower


def columns(ratio: LogRatio) -> dict[str, Any]:
    """A ratio with its interval, as the tables have it."""
    value, low, high = ratio.ratio
    return {
        "ratio": value, "low": low, "high": high, "log_se": ratio.se, "df": ratio.df,
        "processes": ratio.df + 1,
    }  # fmt: skip


def joined(texts: list[str]) -> str:
    """Warnings as one text, each once."""
    return "; ".join(filter(None, dict.fromkeys(texts)))


def _names(twins: list[Method], shape: Shape) -> dict[str, Any]:
    """The names of the A/A pairs together; what they are where there is one."""
    names = {
        "numerator": ", ".join(m.name for m in twins),
        "denominator": ", ".join(m.original.name for m in twins),
    }
    if len(twins) > 1:
        return names
    return names | _side("numerator", twins[0], shape) | _side("denominator", twins[0], shape)


def _side(side: str, method: Method, shape: Shape) -> dict[str, Any]:
    known = identity(method) | {"hidden": shape.units(method.cell)}
    return {f"{side}_{name}": value for name, value in known.items()}
