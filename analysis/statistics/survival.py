"""Steps to solve: survival data, in which NaN means not solved within the budget."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from analysis.statistics.intervals import FEWEST, NAN, RESAMPLES, Array, Estimate
from analysis.statistics.pairs import Paired, paired_t


def median_steps(steps: Array) -> Any:
    """The median of steps to solve over the last axis; NaN means not solved within the budget.

    All runs of a method have one budget, so no run is censored before another one solves, and
    the Kaplan-Meier median (1958) is the smallest value that at least half of the runs reached:
    infinite when fewer did.
    """
    ordered = np.sort(np.where(np.isnan(steps), np.inf, steps), axis=-1)
    return ordered[..., (ordered.shape[-1] - 1) // 2]


def steps_interval(steps: Array, seed: int = 0) -> Estimate:
    """The median of steps to solve with its percentile bootstrap interval over the seeds."""
    n = len(steps)
    if n == 0:
        return Estimate(NAN, NAN, NAN, 0)
    value = float(median_steps(steps))
    if n < FEWEST:
        return Estimate(value, NAN, NAN, n)
    found = _resampled(lambda x, axis: median_steps(x), seed, steps)
    return Estimate(value, *_percentiles(found), n)


def compare_steps(a: Array, b: Array, budget: float, seed: int = 0) -> tuple[Paired, float]:
    """Steps to solve on the same seeds as survival data: ratio of medians a / b, and log-rank p.

    NaN means censored at ``budget``. The interval resamples seeds, pairs together. The ratio is
    infinite or 0 where one side has no median, missing where neither has one. The p of the
    result is log-rank's when a run is censored; when none is, the paired t-test's of the log
    ratios, which uses the pairing that log-rank cannot.
    """
    n = len(a)
    if n == 0 or (np.isnan(a).all() and np.isnan(b).all()):
        return Paired(NAN, NAN, NAN, n, NAN), NAN
    ratio = float(_ratio(median_steps(a), median_steps(b)))
    # Where all runs solve at one and the same step there is no statistic.
    with np.errstate(invalid="ignore"):
        logrank = float(stats.logrank(_censored(a, budget), _censored(b, budget)).pvalue)
    whole = not (np.isnan(a).any() or np.isnan(b).any())
    p = paired_t(a, b, "ratio").p if whole else logrank
    if n < FEWEST:
        return Paired(ratio, NAN, NAN, n, p), logrank
    ratios = _resampled(lambda x, y, axis: _ratio(median_steps(x), median_steps(y)), seed, a, b)
    return Paired(ratio, *_percentiles(ratios), n, p), logrank


def _censored(steps: Array, budget: float) -> stats.CensoredData:
    missing = np.isnan(steps)
    return stats.CensoredData(uncensored=steps[~missing], right=np.full(missing.sum(), budget))


def _ratio(a: Any, b: Any) -> Any:
    # Infinity over infinity is the missing ratio that is wanted.
    with np.errstate(invalid="ignore"):
        return a / b


def _resampled(statistic: Callable[..., Any], seed: int, *steps: Array) -> Array:
    """``statistic`` of resampled seeds, those of several methods together: [RESAMPLES].

    SciPy's own interval would interpolate between infinite values.
    """
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            [np.where(np.isnan(x), np.inf, x) for x in steps], statistic, paired=True,
            vectorized=True, n_resamples=RESAMPLES, method="percentile",
            rng=np.random.default_rng(seed),
        )  # fmt: skip
    values: Array = found.bootstrap_distribution
    return values


def _percentiles(values: Array) -> tuple[float, float]:
    """The middle 95 %, missing when more than 5 % of the resamples have no value.

    Values may be infinite, so the percentiles are values that occurred.
    """
    found = values[~np.isnan(values)]
    if len(found) < 0.95 * len(values):
        return NAN, NAN
    low, high = np.quantile(found, (0.025, 0.975), method="closest_observation")
    return float(low), float(high)
