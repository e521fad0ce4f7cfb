"""Steps to solve, and what else it takes: survival data, in which NaN means not solved."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from analysis.statistics.intervals import FEWEST, NAN, RESAMPLES, Array, Estimate
from analysis.statistics.student import Student

EXACT = (0.0, 0.0)


@dataclass(frozen=True)
class Solving:
    """How much ``a`` takes to solve, over ``b``: Student's t of the logarithm of the ratio.

    ``logrank`` is the p of the log-rank test beside it, ``censored`` how many of the 2n runs did
    not solve.
    """

    student: Student
    n: int
    censored: int
    logrank: float


def median_steps(steps: Array) -> Any:
    """The median of steps to solve over the last axis; NaN means not solved within the budget.

    All runs of a method have one budget, so no run is censored before another one solves, and
    the Kaplan-Meier median (1958) is the smallest value that at least half of the runs reached:
    infinite when fewer did.
    """
    ordered = np.sort(np.where(np.isnan(steps), np.inf, steps), axis=-1)
    return ordered[..., (ordered.shape[-1] - 1) // 2]


def steps_interval(steps: Array, seed: int = 0) -> Estimate:
    """The median of steps to solve with its percentile bootstrap interval over the seeds.

    SciPy's own interval would interpolate between infinite values.
    """
    n = len(steps)
    if n == 0:
        return Estimate(NAN, NAN, NAN, 0)
    value = float(median_steps(steps))
    if n < FEWEST:
        return Estimate(value, NAN, NAN, n)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            [np.where(np.isnan(steps), np.inf, steps)], lambda x, axis: median_steps(x),
            vectorized=True,
            n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(seed),
        )  # fmt: skip
    # Values may be infinite, so the percentiles are values that occurred.
    ends = np.quantile(found.bootstrap_distribution, (0.025, 0.975), method="closest_observation")
    return Estimate(value, float(ends[0]), float(ends[1]), n)


def solving(
    a: Array, b: Array, budget: float, resolution: tuple[float, float] = EXACT
) -> Solving | None:
    """What ``a`` and ``b`` [seeds] take to solve, paired by seed; None when no run solves.

    Where all solve, the ratio is that of the geometric means, by the paired t-test. Where some
    do not, it is that of the means within ``budget``, up to which all were observed: a run that
    did not solve took all of it (restricted mean survival time, Royston & Parmar 2013, BMC
    Medical Research Methodology 13). Its logarithm has the delta method's standard error, from
    the seeds' a / mean(a) - b / mean(b). This is nearer to 1 than the ratio of what solving would
    take without a limit.

    A run solves somewhere in the ``resolution`` (of a, of b) before what is recorded. No interval
    is narrower than that leaves open: half of the resolution, as a share of each side's values.
    """
    n, missing = len(a), [_late(side, budget) for side in (a, b)]
    if n == 0 or all(side.all() for side in missing):
        return None
    censored = int(sum(side.sum() for side in missing))
    if not np.isnan(a).any() and not np.isnan(b).any():
        logs, censored = np.log(a) - np.log(b), 0
        least = sum(r / 2 * np.mean(1 / x) for r, x in zip(resolution, (a, b), strict=True))
        student = Student.of(logs, float(least))
    else:
        x, y = (np.where(late, budget, side) for side, late in zip((a, b), missing, strict=True))
        least = sum(
            r / 2 * (1 - late.mean()) / side.mean()
            for r, late, side in zip(resolution, missing, (x, y), strict=True)
        )
        student = Student.of(x / x.mean() - y / y.mean(), float(least))
        student = Student(float(np.log(x.mean() / y.mean())), student.sem, student.df)
    return Solving(student, n, censored, _logrank(a, b, missing, budget))


def same_solving(a: Array, b: Array, resolution: tuple[float, float] = EXACT) -> Student | None:
    """The logarithm of the ratio for a test of equality; None where one side only solves a seed.

    A seed on which neither solves counts as equal: both took more than there was.
    """
    both = np.isnan(a) & np.isnan(b)
    if (np.isnan(a) != np.isnan(b)).any() or both.all():
        return None
    logs = np.where(both, 0.0, np.log(a) - np.log(b))
    sides = zip(resolution, (a[~both], b[~both]), strict=True)
    return Student.of(logs, float(sum(r / 2 * np.mean(1 / x) for r, x in sides)))


def _late(steps: Array, budget: float) -> Array:
    found: Array = np.isnan(steps) | (steps > budget)
    return found


def _logrank(a: Array, b: Array, missing: list[Array], budget: float) -> float:
    sides = [
        stats.CensoredData(uncensored=side[~late], right=np.full(late.sum(), budget))
        for side, late in zip((a, b), missing, strict=True)
    ]
    # Where all runs solve at one and the same step there is no statistic.
    with np.errstate(invalid="ignore"):
        return float(stats.logrank(*sides).pvalue)
