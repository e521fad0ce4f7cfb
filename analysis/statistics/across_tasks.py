"""Scores across tasks, after Agarwal et al. 2021, Deep RL at the edge of the statistical precipice.

``scores`` is a matrix [seeds, tasks] of normalised scores: 0 is a task's baseline, 1 is solved.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from analysis.statistics.intervals import FEWEST, NAN, RESAMPLES, Array, Estimate


def normalised(score: Array, baseline: Array, solved: Array) -> Array:
    """The share of the way from the baseline (0) to solved (1), whichever direction is better."""
    result: Array = (score - baseline) / (solved - baseline)
    return result


def interquartile_mean(scores: Array) -> Any:
    """The mean of the middle half of all runs on all tasks: the last two axes."""
    return stats.trim_mean(scores.reshape(*scores.shape[:-2], -1), 0.25, axis=-1)


def performance_profile(
    scores: Array, thresholds: Array, seed: int = 0
) -> tuple[Array, Array, Array]:
    """For each threshold the share of runs above it, over all tasks, and its 95 % interval.

    Share, low and high, each [thresholds]. The intervals hold for one threshold each, not for
    the whole line; they are those of :func:`stratified_interval`.
    """
    above = (scores.T[:, None, :] > thresholds[:, None]).astype(float)  # [tasks, thresholds, seeds]
    low, high = _bootstrap(list(above), lambda *tasks, axis: np.mean(tasks, axis=(0, axis)), seed)
    return above.mean(axis=(0, 2)), low, high


def stratified_interval(
    scores: Array, statistic: Callable[[Array], Any] = interquartile_mean, seed: int = 0
) -> Estimate:
    """``statistic`` of ``scores`` with its percentile interval by a stratified bootstrap.

    Each task's seeds are resampled apart from the other tasks'; ``statistic``
    takes [.., seeds, tasks]. ``n`` counts seeds; fewer than
    five give no interval.
    """
    low, high = _bootstrap(
        list(scores.T), lambda *tasks, axis: statistic(np.stack(tasks, axis=-1)), seed
    )
    return Estimate(float(statistic(scores)), float(low), float(high), len(scores))


def _bootstrap(tasks: list[Array], statistic: Callable[..., Any], seed: int) -> tuple[Any, Any]:
    """Percentile bounds of ``statistic``; each task's seeds, the last axis, are a stratum."""
    if tasks[0].shape[-1] < FEWEST:
        missing = np.full(tasks[0].shape[:-1], NAN)
        return missing, missing
    found = stats.bootstrap(
        tasks, statistic, axis=-1, vectorized=True, n_resamples=RESAMPLES, method="percentile",
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    return found.confidence_interval.low, found.confidence_interval.high
