"""Milliseconds of each method at each shape, and how far that is from the hardware."""

import math
from typing import Any

import numpy as np
import pandas as pd

from analysis.speed.measured import FEWEST, Measured, Rows, geometric, identity
from analysis.speed.peaks import attainable
from analysis.speed.ratios import control_warning
from harness.plan.campaigns import PHASES, Method, Shape

START = ("import", "build", "first_step", "first_step_cached")


def rows(timed: Measured, peaks: Rows) -> Rows:
    """A row for each shape, method and phase; one with the reason where there is no time.

    ``peaks`` are the frameworks' own products at these shapes.
    """
    result: Rows = []
    phases = (*(START if timed.campaign.peak else ()), *timed.campaign.phases)
    for shape in timed.campaign.shapes:
        for method in timed.campaign.methods:
            for phase in phases if not method.twin else ():
                samples = timed.of(method, "" if phase == "import" else shape.name, phase)
                if samples.empty and phase != "step":
                    continue
                row = {"shape": shape.name} | _sizes(shape, method.cell) | identity(method)
                row |= {"phase": phase}
                row["warning"] = "; ".join(_warnings(timed, shape, method, phase, samples))
                if not samples.empty:
                    row |= _times(timed, shape, method, samples)
                    row |= _speed(shape, method, phase, row["median_ms"], peaks)
                result.append(row)
    return result


def _sizes(shape: Shape, cell: str) -> dict[str, Any]:
    return {k: v for k, v in vars(shape).items() if k != "name"} | {"hidden": shape.units(cell)}


def _times(timed: Measured, shape: Shape, method: Method, samples: pd.DataFrame) -> dict[str, Any]:
    values = [np.asarray(own["ms"]) for _, own in samples.groupby("process")]
    median, low, high = geometric(values)
    first = [timed.of(method, shape.name, p) for p in ("first_step", "first_step_cached")]
    return {
        "median_ms": median, "low_ms": low, "high_ms": high, "processes": len(values),
        "rounds": len(values[0]), "other_cpu_percent": _other_cpu(samples),
        "peak_rss_mb": pd.to_numeric(pd.concat(first)["rss_mb"]).median(),
    }  # fmt: skip


def _other_cpu(samples: pd.DataFrame) -> float:
    """What other processes worked meanwhile, in percent of one core, over all blocks together.

    The kernel counts in hundredths of a second, a quarter of a block: of such counts the median
    would be 0 or far too much, and some blocks' are below what they worked themselves.
    """
    return float(max(0.0, 100 * samples["other_s"].sum(min_count=1) / samples["wall_s"].sum()))


def _speed(
    shape: Shape, method: Method, phase: str, median: float, peaks: Rows
) -> dict[str, float]:
    """Operations a second, beside the peak and beside the products' own time."""
    if phase not in ("step", "gradient", "forward"):
        return {}
    flop = (shape.forward_flop if phase == "forward" else shape.step_flop)(method.cell)
    peak, products = attainable(peaks, shape.name), _products_ms(shape, method, phase, peaks)
    return {
        "flop": flop, "gflops": flop / median / 1e6, "peak_fraction": flop / median / 1e6 / peak,
        "products_ms": products, "products_fraction": flop / products / 1e6 / peak,
    }  # fmt: skip


def _products_ms(shape: Shape, method: Method, phase: str, peaks: Rows) -> float:
    """What the matrix products of a phase would take at the speed of the framework's own.

    The weights' gradients have as many operations as the forward pass; the rest of a
    step's are those of the states' gradients. NaN where no product was timed.
    """
    own = (shape.name, method.framework, method.cell)
    speeds = {
        row["product"]: row["gflops"]
        for row in peaks
        if (row["shape"], row["framework"], row["cell"]) == own
    }
    if not speeds:
        return math.nan
    forward = shape.forward_flop(method.cell)
    time = forward / speeds["step"]
    if phase != "forward":
        states = shape.step_flop(method.cell) - 2 * forward
        time += forward / speeds["weights"] + states / speeds["back"]
    return float(time / 1e6)


def _warnings(
    timed: Measured, shape: Shape, method: Method, phase: str, samples: pd.DataFrame
) -> list[str]:
    """What is to be known of a row, as pyperf warns, and what went wrong."""
    texts = [timed.problems[method.name]] if method.name in timed.problems else []
    texts += timed.notes
    if samples.empty:
        return texts
    processes = samples["process"].nunique()
    if phase != "first_step" and processes < FEWEST:
        texts.append(f"{processes} process{'es' * (processes > 1)} only")
    if len(samples) > 1 and samples["ms"].std() >= 0.1 * samples["ms"].mean():
        texts.append(f"deviation {100 * samples['ms'].std() / samples['ms'].mean():.0f} %")
    if phase in PHASES and samples["wall_s"].median() < 1e-3:
        texts.append("blocks under 1 ms")
    for kind in ("disturbed", "suspended"):
        count = int((samples["mark"] == kind).sum())
        if count and phase in PHASES:
            texts.append(f"{count} of {len(samples)} blocks {kind}")
    if phase == PHASES[0] and (control := control_warning(timed, shape)):
        texts.append(control)
    return texts
