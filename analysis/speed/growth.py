"""How cost grows: time = a + b · work along one axis, fitted for each process of a method."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import optimize

from analysis.speed.measured import FEWEST, Measured, Rows, identity
from analysis.statistics import two_level_interval
from cells import Array
from harness.plan.campaigns import Method, Shape, Sweep


def fit(work: Sequence[float], times: Sequence[float]) -> tuple[float, float]:
    """a and b of time = a + b · work, by least squares of the relative errors.

    Sizes differ by powers of two and a clock's error is a share of what it measures, so
    every size counts alike.
    """
    t = np.asarray(times, float)
    design = np.stack([np.ones_like(t), np.asarray(work, float)], axis=1) / t[:, None]
    a, b = optimize.lsq_linear(design, np.ones_like(t)).x
    return float(a), float(b)


def even_point(flop: Callable[[float], float], overhead: float, slope: float) -> float:
    """Where on the axis the work takes as long as the overhead; NaN where there is none.

    ``flop`` gives the work at a value of the axis, which grows with it.
    """
    if overhead <= 0 or slope <= 0:
        return float("nan")
    target = overhead / slope
    if flop(0.0) >= target:  # a first layer with more inputs than the others
        return float("nan")
    high = 1.0
    while flop(high) < target:
        high *= 2
    return float(optimize.brentq(lambda value: flop(value) - target, 0.0, high))


def rows(timed: Measured) -> tuple[Rows, Rows]:
    """A row for each sweep and method, and one for each of its sizes."""
    campaign, warnings = timed.campaign, list(timed.notes)
    if campaign.processes < FEWEST:
        warnings.append(f"{campaign.processes} processes only")
    shapes = {shape.name: shape for shape in campaign.shapes}
    fits: Rows = []
    points: Rows = []
    for sweep in campaign.sweeps:
        fitted, held_out = [shapes[name] for name in sweep.shapes], shapes[sweep.held_out]
        for method in campaign.methods:
            if not method.twin and all(timed.values(method, s) for s in (*fitted, held_out)):
                row = _row(sweep, method, fitted, held_out, timed.values)
                fits.append(row | {"warning": "; ".join(warnings)})
                for shape in (*fitted, held_out):
                    work = shape.step_flop(method.cell) / 1e9
                    points.append(identity(method) | {
                        "axis": sweep.axis,
                        "value": getattr(shape, sweep.axis),
                        "median_ms": _median(timed.values(method, shape)),
                        "fitted_ms": row["overhead_ms"] + row["ms_per_gflop"] * work,
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
) -> dict[str, Any]:
    work = [shape.step_flop(method.cell) / 1e9 for shape in fitted]
    medians = [[float(np.median(v)) for v in values(method, s)] for s in fitted]
    fits = np.array([fit(work, times) for times in zip(*medians, strict=True)])

    def flop(value: float) -> float:
        # The work is linear or quadratic in every axis, so it is known between whole sizes too.
        points = [1, 2, 3]
        known = [_resized(held_out, sweep.axis, p).step_flop(method.cell) / 1e9 for p in points]
        return float(np.polyval(np.polyfit(points, known, 2), value))

    row: dict[str, Any] = {"axis": sweep.axis, "processes": len(fits)}
    row |= identity(method)
    for name, column in (("overhead", 0), ("ms_per_gflop", 1)):
        estimate, low, high = two_level_interval([np.array([v]) for v in fits[:, column]])
        key = "overhead_ms" if name == "overhead" else name
        row |= {key: estimate, f"{name}_low": low, f"{name}_high": high}
    even = [even_point(flop, a, b) for a, b in fits]
    if np.isfinite(even).all():
        logs = [np.array([np.log(v)]) for v in even]
        keys = ("even_at", "even_at_low", "even_at_high")
        row |= dict(zip(keys, np.exp(two_level_interval(logs)), strict=True))
    sizes = [getattr(shape, sweep.axis) for shape in fitted]
    measured = _median(values(method, held_out))
    held_work = held_out.step_flop(method.cell) / 1e9
    predicted = row["overhead_ms"] + row["ms_per_gflop"] * held_work
    return row | {
        "from_value": min(sizes),
        "to_value": max(sizes),
        "held_out": getattr(held_out, sweep.axis),
        "measured_ms": measured,
        "predicted_ms": predicted,
        "prediction_error": predicted / measured - 1,
    }


def _resized(shape: Shape, axis: str, value: int) -> Shape:
    return replace(shape, **{axis: value})  # type: ignore[arg-type]
