"""The gradient's norms while a run trained, before clipping: spikes, and what explodes."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analysis.inside.rows import Rows, quantiles, short
from cells import Array

MOST_WINDOWS = 20
# A spike is a gradient norm more than so many times the median of so many steps before it.
SPIKE_FACTOR = 10
SPIKE_STEPS = 50
# An explosion is a spike of so many times that median, after which the loss of the next so many
# steps has risen so many times, by so large a share of what had been learned.
EXPLOSION = 100
AFTER_STEPS = 10
LOSS_RISE = 2
UNLEARNED = 0.1


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


def explosions(norms: Array, losses: Array) -> Array:
    """At which steps the gradient exploded: a spike, and the loss rose after it.

    A spike alone is none: where the loss is small, so is the gradient, and any bump is many times
    its median. So the median loss of the 10 steps after it has to be at least twice that of the
    50 steps before it, and the rise at least a tenth of what had been learned until then, which
    is how far the loss had come down from the median of the first 10 steps, or of that median
    where nothing had been. A loss that is not finite is the highest.
    """
    losses = np.where(np.isfinite(losses), losses, np.inf).astype(float)
    sharp = ~np.isfinite(norms) | (jumps(norms) >= EXPLOSION)
    found = np.zeros(len(norms), dtype=bool)
    start = np.median(losses[:AFTER_STEPS])
    for step in np.flatnonzero(sharp[SPIKE_STEPS:]) + SPIKE_STEPS:
        before = np.median(losses[step - SPIKE_STEPS : step])
        # A run that diverged may end with the spike itself.
        first = min(step + 1, len(losses) - 1)
        after = np.median(losses[first : step + 1 + AFTER_STEPS])
        learned = start - before if start > before else start
        found[step] = after >= LOSS_RISE * before and after >= before + UNLEARNED * learned
    return found


def gradient_norms(norms: Array, losses: Array) -> dict[str, float | bool] | None:
    """The median and the largest norm of a run, its spike, and whether its gradient exploded.

    None for 50 steps or fewer.

    A spike is the largest norm over the median of the 50 steps before it: over the median of
    the whole run, a network that learned would seem to have exploded at its start. A norm that
    overflowed is the largest there is; infinite, no mean could hold it, so it counts as
    float32's largest number.
    """
    exploded = bool(explosions(norms, losses).any())
    norms = np.where(np.isfinite(norms), norms, np.finfo(np.float32).max).astype(float)
    ratios = jumps(norms)
    if np.isnan(ratios).all():
        return None
    return {
        "exploded": exploded,
        "median_norm": float(np.median(norms)),
        "largest_norm": float(norms.max()),
        "spike": float(np.nanmax(ratios)),
    }
