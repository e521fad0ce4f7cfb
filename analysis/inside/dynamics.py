"""The gradient's norms while a run trained, before clipping, and their spikes."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analysis.inside.rows import Rows, quantiles, short
from cells import Array

MOST_WINDOWS = 20
# A spike is a gradient norm more than so many times the median of so many steps before it.
SPIKE_FACTOR = 10
SPIKE_STEPS = 50


def rows(norms: Array, clip: float) -> Rows:
    """Gradient norms of a run's steps in windows of equal length, before clipping.

    ``over_limit`` is the share of steps whose global norm is above ``clip``. Where all variables
    are clipped together this is the share of clipped steps. ``spikes`` counts the steps of
    :func:`spikes`. Norms that are not finite are spikes and over any limit.
    """
    norms = norms.astype(np.float64)
    strange = spikes(norms)
    result: Rows = []
    for steps in np.array_split(np.arange(len(norms)), min(MOST_WINDOWS, len(norms)) or 1):
        if not len(steps):
            continue
        mine = norms[steps]
        finite = mine[np.isfinite(mine)]
        row: dict[str, Any] = {"first_step": int(steps[0]) + 1, "last_step": int(steps[-1]) + 1}
        row |= quantiles("norm", finite, (10, 50, 90)) if len(finite) else {}
        row["norm_most"] = short(mine.max())
        row["limit"] = clip or None
        row["over_limit"] = short(np.mean(~(mine <= clip))) if clip else None
        row["spikes"] = int(strange[steps].sum())
        result.append(row)
    return result


def spikes(norms: Array) -> Array:
    """Which steps have a norm above ten times the median of the 50 steps before it."""
    found: Array = ~np.isfinite(norms) | (jumps(norms) > SPIKE_FACTOR)
    return found


def jumps(norms: Array) -> Array:
    """Each norm over the median of the 50 steps before it; NaN where there are none, or zero."""
    ratios = np.full(len(norms), np.nan)
    if len(norms) > SPIKE_STEPS:
        before = np.median(sliding_window_view(norms[:-1], SPIKE_STEPS), axis=-1)
        with np.errstate(invalid="ignore"):  # infinity over infinity
            ratios[SPIKE_STEPS:] = norms[SPIKE_STEPS:] / np.where(before > 0, before, np.nan)
    return ratios


def gradient_norms(norms: Array) -> dict[str, float] | None:
    """The median and the largest norm of a run, and its spike; None for 50 steps or fewer.

    A spike is the largest norm over the median of the 50 steps before it: over the median of
    the whole run, a network that learned would seem to have exploded at its start. A norm that
    overflowed is the largest there is; infinite, no mean could hold it, so it counts as
    float32's largest number.
    """
    norms = np.where(np.isfinite(norms), norms, np.finfo(np.float32).max).astype(float)
    ratios = jumps(norms)
    if np.isnan(ratios).all():
        return None
    return {
        "median_norm": float(np.median(norms)),
        "largest_norm": float(norms.max()),
        "spike": float(np.nanmax(ratios)),
    }
