"""Scores across tasks, after Agarwal et al. 2021, Deep RL at the edge of the statistical precipice.

``scores`` is a matrix [seeds, tasks] of normalised scores: 0 is a task's baseline, 1 is solved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from harness.statistics import FEWEST, NAN, RESAMPLES, Array, Estimate


def normalised(score: Array, baseline: Array, solved: Array) -> Array:
    """The share of the way from the baseline (0) to solved (1), whichever direction is better."""
    result: Array = (score - baseline) / (solved - baseline)
    return result


def interquartile_mean(scores: Array) -> Any:
    """The mean of the middle half of all runs on all tasks: the last two axes."""
    return stats.trim_mean(scores.reshape(*scores.shape[:-2], -1), 0.25, axis=-1)


def performance_profile(scores: Array, thresholds: Array) -> Array:
    """For each threshold the share of runs above it, over all tasks: [thresholds]."""
    return np.array([np.mean(scores > threshold) for threshold in thresholds])


def stratified_interval(
    scores: Array, statistic: Callable[[Array], Any] = interquartile_mean, seed: int = 0
) -> Estimate:
    """``statistic`` of ``scores`` with its percentile interval by a stratified bootstrap.

    Each task's seeds are resampled apart from the other tasks'; ``statistic``
    takes [.., seeds, tasks]. ``n`` counts seeds; fewer than
    five give no interval.
    """
    seeds, tasks = scores.shape
    value = float(statistic(scores))
    if seeds < FEWEST:
        return Estimate(value, NAN, NAN, seeds)
    rng = np.random.default_rng(seed)
    places = rng.integers(0, seeds, (RESAMPLES, seeds, tasks))
    values = statistic(np.take_along_axis(scores[None], places, axis=1))
    low, high = np.quantile(values, (0.025, 0.975))
    return Estimate(value, float(low), float(high), seeds)
