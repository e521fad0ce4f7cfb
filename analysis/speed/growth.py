"""How cost grows: time = a + b · work along one axis, fitted for each process of a method."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import optimize, stats

from analysis.speed.measured import FEWEST, Measured, Rows, identity
from analysis.statistics import two_level_interval
from cells import Array
from harness.plan.campaigns import Method, Shape, Sweep

# Where a call's cost is that of its time steps, whose number is not among what stays: b · work
# holds it, and a is no overhead of a step's work.
WITHOUT_OVERHEAD = "sequence_length"


def fit(work: Sequence[float], times: Sequence[float]) -> tuple[float, float]:
    """a and b of time = a + b · work, by least squares of the relative errors.

    Sizes differ by powers of two and a clock's error is a share of what it measures, so
    every size counts alike.
    """
    t = np.asarray(times, float)
    design = np.stack([np.ones_like(t), np.asarray(work, float)], axis=1) / t[:, None]
    a, b = optimize.lsq_linear(design, np.ones_like(t)).x
    return float(a), float(b)


def even_point(flop: Callable[[float], float], even: float) -> float:
    """Where on the axis the work is ``even``, a / b, and so takes as long as the overhead.

    ``flop`` gives the work at a value of the axis, which grows with it. NaN where there is none.
    """
    if not flop(0.0) < even < np.inf:  # no overhead, or a first layer with more inputs
        return float("nan")
    high = 1.0
    while flop(high) < even:
        high *= 2
    return float(optimize.brentq(lambda value: flop(value) - even, 0.0, high))


def fieller(a: Array, b: Array) -> tuple[float, float]:
    """The 95 % interval of mean(a) / mean(b), paired by process (Fieller 1954).

    Those r for which mean(a - r·b) is within t standard errors of 0. NaN where b's own interval
    has 0 in it, for then r has no bounds.
    """
    n = len(a)
    square = stats.t.ppf(0.975, n - 1) ** 2 / n
    (aa, ab), (_, bb) = square * np.cov(a, b)
    roots = np.roots([b.mean() ** 2 - bb, 2 * (ab - a.mean() * b.mean()), a.mean() ** 2 - aa])
    if b.mean() ** 2 <= bb or np.iscomplexobj(roots):
        return float("nan"), float("nan")
    return float(roots.min()), float(roots.max())


def rows(timed: Measured) -> tuple[Rows, Rows]:
    """A row for each sweep and method, and one for each of its sizes."""
    campaign, warnings = timed.campaign, list(timed.notes)
    if campaign.processes < FEWEST:
        warnings.append(f"{campaign.processes} processes only, so no intervals")
    shapes = {shape.name: shape for shape in campaign.shapes}
    fits: Rows = []
    points: Rows = []
    for sweep in campaign.sweeps:
        fitted, held_out = [shapes[name] for name in sweep.shapes], shapes[sweep.held_out]
        for method in campaign.methods:
            if all(timed.values(method, s) for s in (*fitted, held_out)):
                row, (a, b) = _row(sweep, method, fitted, held_out, timed.values)
                fits.append(row | {"warning": "; ".join(warnings)})
                for shape in (*fitted, held_out):
                    points.append(identity(method) | {
                        "axis": sweep.axis,
                        "value": getattr(shape, sweep.axis),
                        "median_ms": _median(timed.values(method, shape)),
                        "fitted_ms": a + b * shape.step_flop(method.cell) / 1e9,
                        "held_out": shape is held_out,
                    })  # fmt: skip
    return fits, points


def _median(values: list[Array]) -> float:
    """The mean of the processes' medians, as the fit's constants are means of theirs."""
    return float(np.mean([np.median(v) for v in values]))


def _row(
    sweep: Sweep,
    method: Method,
    fitted: list[Shape],
    held_out: Shape,
    values: Callable[[Method, Shape], list[Array]],
) -> tuple[dict[str, Any], tuple[float, float]]:
    """The row of a fit, and its a (ms) and b (ms per GFLOP)."""
    work = [shape.step_flop(method.cell) / 1e9 for shape in fitted]
    medians = [[float(np.median(v)) for v in values(method, s)] for s in fitted]
    a, b = np.array([fit(work, times) for times in zip(*medians, strict=True)]).T
    row: dict[str, Any] = {"axis": sweep.axis, "processes": len(a)} | identity(method)
    row |= _constant("ms_per_gflop", "ms_per_gflop", b)
    if sweep.axis != WITHOUT_OVERHEAD:
        row |= _constant("overhead_ms", "overhead", a) | _even(sweep, method, held_out, a, b)
    sizes = [getattr(shape, sweep.axis) for shape in fitted]
    measured = _median(values(method, held_out))
    predicted = float(a.mean() + b.mean() * held_out.step_flop(method.cell) / 1e9)
    return row | {
        "from_value": min(sizes),
        "to_value": max(sizes),
        "held_out": getattr(held_out, sweep.axis),
        "measured_ms": measured,
        "predicted_ms": predicted,
        "prediction_error": predicted / measured - 1,
    }, (float(a.mean()), float(b.mean()))  # fmt: skip


def _constant(key: str, name: str, values: Array) -> dict[str, float]:
    """The mean over processes; its interval where there are processes enough for one."""
    estimate, low, high = two_level_interval([np.array([v]) for v in values])
    found = {key: estimate}
    return found | ({f"{name}_low": low, f"{name}_high": high} if len(values) >= FEWEST else {})


def _even(sweep: Sweep, method: Method, shape: Shape, a: Array, b: Array) -> dict[str, float]:
    """Where overhead and work take as long, from the means of all processes."""

    def flop(value: float) -> float:
        # The work is linear or quadratic in every axis, so it is known between whole sizes too.
        points = [1, 2, 3]
        known = [_resized(shape, sweep.axis, p).step_flop(method.cell) / 1e9 for p in points]
        return float(np.polyval(np.polyfit(points, known, 2), value))

    found = {"even_at": even_point(flop, float(a.mean() / b.mean()))}
    if len(a) >= FEWEST and np.isfinite(found["even_at"]):
        low, high = fieller(a, b)
        # An overhead that may be none, or less, is as long as no work at all.
        found["even_at_low"] = 0.0 if low <= flop(0.0) else even_point(flop, low)
        found["even_at_high"] = even_point(flop, high)
    return found


def _resized(shape: Shape, axis: str, value: int) -> Shape:
    return replace(shape, **{axis: value})  # type: ignore[arg-type]
