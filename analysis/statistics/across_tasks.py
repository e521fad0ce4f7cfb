"""Scores across tasks, as shares of the way from each task's baseline (0) to solved (1).

The interquartile mean of Agarwal et al. 2021 (Deep RL at the edge of the statistical precipice) is
for dozens of tasks: of three it is the task in the middle, and with five seeds its bootstrap's
interval of 95 % covered the truth in three cases of four. So the mean over the tasks stands here,
with Student's t, and of their performance profiles Newcombe's intervals instead of a bootstrap's.
"""

import numpy as np

from analysis import statistics
from analysis.statistics.intervals import FEWEST, NAN, Array, Estimate
from analysis.statistics.student import Student, mean_of


def normalised(score: Array, baseline: Array, solved: Array) -> Array:
    """The share of the way from the baseline (0) to solved (1), whichever direction is better."""
    result: Array = (score - baseline) / (solved - baseline)
    return result


def mean_over_tasks(scores: Array) -> Estimate:
    """The mean over tasks of ``scores`` [seeds, tasks], each task's seeds apart from the others'.

    ``n`` counts seeds; fewer than five give no interval.
    """
    found = mean_of([Student.of(task) for task in scores.T])
    low, high = found.interval() if len(scores) >= FEWEST else (NAN, NAN)
    return Estimate(float(scores.mean()), low, high, len(scores))


def performance_profile(scores: Array, thresholds: Array) -> tuple[Array, Array, Array]:
    """For each threshold the share of runs above it, over all tasks, and its 95 % interval.

    ``scores`` is [seeds, tasks]; share, low and high are each [thresholds]. The interval of the
    mean of the tasks' shares is put together from Wilson's of each task by the method of
    variance estimates recovery (Newcombe 1998 has it for two). It holds for one threshold, not
    for the whole line; fewer than five seeds give none.
    """
    n, tasks = scores.shape
    counts = (scores[None] > thresholds[:, None, None]).sum(axis=1)  # [thresholds, tasks]
    share = counts.mean(axis=1) / n
    if n < FEWEST:
        return share, np.full_like(share, NAN), np.full_like(share, NAN)
    known = [statistics.wilson(count, n) for count in range(n + 1)]
    below, above = (
        np.array([abs(end - one.value) for one, end in zip(known, ends, strict=True)])
        for ends in ([one.low for one in known], [one.high for one in known])
    )
    low, high = (np.sqrt((side[counts] ** 2).sum(axis=1)) / tasks for side in (below, above))
    return share, share - low, share + high
