"""Two methods on the same seeds: differences and ratios, equality, trends."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from analysis.statistics.intervals import FEWEST, NAN, RESAMPLES, Array


@dataclass(frozen=True)
class Paired:
    """Two methods on the same seeds, ``a`` against ``b``.

    ``effect`` is the mean of a - b, or the geometric mean of a / b. ``p`` is two-sided and
    belongs to the interval: both are the paired t-test's.
    """

    effect: float
    low: float
    high: float
    n: int
    p: float


def paired_t(a: Array, b: Array, scale: str = "difference", against: float | None = None) -> Paired:
    """Compare two methods by seed; ``against`` is the value that the test doubts.

    ``scale`` is ``difference`` (doubted: 0) or ``ratio``, on logarithms (doubted: 1). Values
    without any spread have an interval of no width, and p is 0 or 1.
    """
    changes, centre = _changes(a, b, scale), _on_scale(against, scale)
    back = np.exp if scale == "ratio" else float
    n = len(changes)
    if n == 0:
        return Paired(NAN, NAN, NAN, 0, NAN)
    mean = float(changes.mean())
    if n < 2:
        return Paired(float(back(mean)), NAN, NAN, n, NAN)
    if _constant(changes):
        value = float(back(mean))
        return Paired(value, value, value, n, float(np.isclose(mean, centre)))
    test = stats.ttest_1samp(changes, centre)
    low, high = test.confidence_interval(0.95)
    return Paired(float(back(mean)), float(back(low)), float(back(high)), n, float(test.pvalue))


def tost(a: Array, b: Array, margin: float, scale: str = "difference") -> float:
    """p of two one-sided paired t-tests (Schuirmann 1987): small when the methods are equal.

    Equal means a difference within ±``margin``, or a ratio within 1/``margin`` and ``margin``.
    """
    changes = _changes(a, b, scale)
    limit = float(np.log(margin)) if scale == "ratio" else margin
    if len(changes) < 2:
        return NAN
    if _constant(changes):
        return float(abs(changes.mean()) >= limit)
    return float(ttost_paired(changes, np.zeros(len(changes)), -limit, limit)[0])


def probability_of_improvement(a: Array, b: Array, higher_is_better: bool) -> float:
    """The share of seeds on which ``a`` is better than ``b``; ties count half."""
    a, b = np.asarray(a), np.asarray(b)
    better = (np.greater(a, b) * 1 - np.less(a, b)) * (1 if higher_is_better else -1)
    return float(np.mean((better + 1) / 2)) if len(better) else NAN


def rank_trend(difficulty: Array, gaps: Array, seed: int = 0) -> Paired:
    """Spearman's correlation of ``gaps`` [seeds, levels] with ``difficulty`` [levels].

    The interval resamples seeds, since the levels of one seed are not independent of it. p is
    two-sided and Page's (1963): whether the ranks of the levels within the seeds follow the
    difficulty, exact for few seeds. Its statistic is the mean of the seeds' own correlations.
    """
    n = len(gaps)

    def correlation(seeds: Array, axis: int = -1) -> Array:
        rows = gaps[seeds].reshape(*seeds.shape[:-1], -1)
        # Gaps that are all the same have no correlation; it counts as 0.
        with warnings.catch_warnings(action="ignore", category=stats.ConstantInputWarning):
            found = stats.spearmanrho(rows, np.tile(difficulty, n), axis=axis).statistic
        values: Array = np.nan_to_num(found)
        return values

    if n < FEWEST:
        return Paired(float(correlation(np.arange(n))) if n else NAN, NAN, NAN, n, NAN)
    found = stats.bootstrap(
        (np.arange(n),), correlation, vectorized=True, n_resamples=RESAMPLES, method="percentile",
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    low, high = found.confidence_interval
    ranks = stats.rankdata(difficulty)
    sides = [
        float(stats.page_trend_test(gaps, predicted_ranks=order).pvalue)
        for order in (ranks, len(ranks) + 1 - ranks)
    ]
    value = float(correlation(np.arange(n)))
    return Paired(value, float(low), float(high), n, min(1.0, 2 * min(sides)))


def _changes(a: Array, b: Array, scale: str) -> Array:
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    changes: Array = np.log(a) - np.log(b) if scale == "ratio" else a - b
    return changes


def _on_scale(against: float | None, scale: str) -> float:
    if against is None:
        return 0.0
    return float(np.log(against)) if scale == "ratio" else against


def _constant(values: Array) -> bool:
    """Whether rounding alone tells the values apart, which a t-test would take for precision."""
    return bool(np.ptp(values) <= 1e-12 * max(1.0, np.abs(values).max()))
