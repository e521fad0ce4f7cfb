"""Two environments of one framework against each other on the clock, paired by round."""

from collections.abc import Iterable
from itertools import combinations

from analysis.speed import ratios
from analysis.speed.measured import Measured, Rows
from harness.clock.stopping import WANTED, LogRatio, over_processes
from harness.plan.campaigns import PHASES, Method
from harness.registry import implementation

# What takes part of a framework's computing: handing over the data is not of its version.
COMPUTED = tuple(phase for phase in PHASES if phase != "data")


def rows(timed: Measured) -> Rows:
    """A row for each pair and phase that was timed; sweeps compare nothing."""
    if timed.campaign.sweeps:
        return []
    result: Rows = []
    for shape in timed.campaign.shapes:
        warning = ratios.joined([*timed.notes, ratios.control_warning(timed, shape)])
        for one, other in _pairs(timed.campaign.methods):
            for phase in COMPUTED:
                if values := ratios.logs(timed, shape, one, other, phase):
                    ratio = over_processes(values, timed.campaign.may_go_on)
                    result.append(
                        {"shape": shape.name, "cell": one.cell, "phase": phase}
                        | {"framework": one.framework, "other_framework": other.framework}
                        | {"kernel": one.kernel, "other_kernel": other.kernel}
                        | ratios.columns(ratio) | {"verdict": verdict(ratio), "warning": warning}
                    )  # fmt: skip
    return result


def verdict(ratio: LogRatio) -> str:
    """``apart`` where the whole interval is beyond 3 %, ``alike`` where it is within.

    As the advice and the control have it: of many ratios that are 1 one in twenty leaves out 1.
    """
    low, high = ratio.mean - ratio.half, ratio.mean + ratio.half
    if max(-low, high) < WANTED:
        return "alike"
    return "apart" if max(low, -high) > WANTED else "open"


def _pairs(methods: Iterable[Method]) -> list[tuple[Method, Method]]:
    """The methods of two environments: those of one kernel, and what each declares fastest."""
    single = [method for method in methods if not method.twin]
    fastest: dict[tuple[str, str], Method] = {}
    for method in single:
        fastest.setdefault((method.framework, method.cell), method)
    return [
        (one, other)
        for one, other in combinations(single, 2)
        if one.framework != other.framework and one.cell == other.cell
        and implementation(one.framework) == implementation(other.framework)
        and (one.kernel == other.kernel or {one, other} <= set(fastest.values()))
    ]  # fmt: skip
