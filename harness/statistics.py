"""Statistics on runs and timings: intervals, paired comparisons, equivalence, families of tests.

Whatever SciPy has is SciPy's. Every interval is two-sided and of 95 % unless a caller says
otherwise, and is missing (NaN) where the data cannot carry one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[Any]
NAN = float("nan")


def two_level_interval(
    samples: Sequence[Array],
    statistic: Callable[[Array], Any] = np.median,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """A timing with its interval over processes: estimate, low, high.

    ``samples`` holds one array of per-round values for each process; for a ratio, the logarithms
    of the ratios paired by round, one array for each pair of processes. The rounds of a process
    share its memory layout, so they are no replicates of each other: ``statistic`` makes one
    value of each process, the estimate is their mean, and the interval is Student's t over the
    processes. The scatter of those values holds both levels, the process's own effect and the
    rounds' noise that is left in its statistic.

    A percentile bootstrap over processes and rounds is not used: with 5 processes it covered the
    truth in 90 % of simulated campaigns. Expanding its percentiles after Hesterberg (2015) or
    studentising it reaches 94-97 %, and neither is narrower than t, which covers 94-96 %.

    One process gives no interval. Raises ValueError without any sample.
    """
    if not samples or any(len(rounds) == 0 for rounds in samples):
        raise ValueError("every process needs at least one round")
    values = np.array([float(statistic(np.asarray(rounds))) for rounds in samples])
    estimate = float(values.mean())
    if len(values) < 2:
        return estimate, NAN, NAN
    half = stats.t.ppf(0.5 + confidence / 2, len(values) - 1) * stats.sem(values)
    return estimate, float(estimate - half), float(estimate + half)
