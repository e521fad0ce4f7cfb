"""What it takes to solve, where not all runs do: known answers, size, coverage and power."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.duration.survfunc import survdiff

from analysis import statistics
from analysis.statistics import solving


def test_the_median_of_steps_is_kaplan_meiers():
    rng = np.random.default_rng(0)
    for n in range(1, 12):
        steps = rng.permutation(np.arange(1.0, n + 1) * 50)
        steps[rng.random(n) < 0.3] = np.nan
        steps[steps > 400] = np.nan
        missing = np.isnan(steps)
        median = np.inf
        if not missing.all():
            data = stats.CensoredData(steps[~missing], right=np.full(missing.sum(), 400.0))
            curve = stats.ecdf(data).sf
            reached = curve.quantiles[curve.probabilities <= 0.5 + 1e-9]
            median = reached[0] if reached.size else np.inf
        assert statistics.median_steps(steps) == median


def test_steps_to_solve_as_survival():
    solved = np.array([400.0, 300, 300, 350, 310])
    later = np.array([850.0, 800, 750, 900, np.nan])
    found = solving(solved, later, 1200)
    # Means within the budget, where one run did not solve.
    assert np.exp(found.student.mean) == pytest.approx(332 / 900)
    assert (found.n, found.censored) == (5, 1)
    assert found.logrank < 0.01
    assert np.exp(found.student.interval()[1]) < 0.6
    never = np.full(5, np.nan)
    found = solving(solved, never, 1200)
    assert np.exp(found.student.mean) == pytest.approx(332 / 1200)
    assert solving(never, never, 1200) is None
    # Geometric means, where all solve: exactly half, and no more certain than steps are known.
    whole = solving(solved, solved * 2, 1200)
    assert whole.student.interval() == pytest.approx([np.log(0.5)] * 2)
    # Sides that cost unlike much a step are compared up to where both were seen.
    assert solving(solved, later, 320).censored == 2 + 5


def test_steps_between_two_evaluations_are_not_known():
    """Five seeds that all solve at one and the same evaluation are no certainty."""
    a, b = np.full(5, 300.0), np.full(5, 400.0)
    assert solving(a, b, 1200).student.sem == 0
    found = solving(a, b, 1200, (50, 50)).student
    half = 25 / 300 + 25 / 400
    assert found.interval() == pytest.approx((np.log(0.75) - half, np.log(0.75) + half))
    assert 0 < found.p(0) < 0.01
    assert solving(a, a, 1200, (50, 50)).student.p_equal(-np.log(1.1), np.log(1.1)) > 0.05
    # Where the seeds scatter by more, nothing is added.
    scattered = b * [0.5, 0.7, 1, 1.4, 2]
    exact, coarse = (solving(a, scattered, 1200, r).student for r in ((0, 0), (50, 50)))
    assert exact == coarse


def test_equal_steps_and_equally_missing_ones_are_equal():
    a = np.array([800, np.nan, 900, 700, np.nan])
    found = statistics.same_solving(a, a, (50, 50))
    assert found.mean == 0
    assert found.p_equal(-np.log(1.25), np.log(1.25)) < 0.05
    other = np.where(np.isnan(a), 1100, a)
    assert statistics.same_solving(a, other) is None, "one side only solves two seeds"
    assert statistics.same_solving(np.full(5, np.nan), np.full(5, np.nan)) is None


@pytest.mark.parametrize(("n", "power"), [(5, 0.36), (10, 0.75)])
def test_sooner_is_rarely_false_and_mostly_found(n, power):
    """Steps of a spread of 0.2 in logarithms, seen every 50: size, coverage and power at 0.75."""
    rng = np.random.default_rng(n)
    found = {1.0: [], 0.75: []}
    for ratio, p in found.items():
        for _ in range(500):
            sides = 1000 * np.exp(rng.normal(0, 0.2, (2, n))) * [[ratio], [1]]
            a, b = np.ceil(sides / 50) * 50
            p.append(solving(a, b, 5000, (50, 50)).student.p(0))
    assert np.mean(np.array(found[1.0]) < 0.05) <= 0.07
    assert np.mean(np.array(found[0.75]) < 0.05) >= power


@pytest.mark.parametrize(("n", "shared"), [(5, 0.0), (10, 0.0), (10, 0.8)])
def test_where_half_solve_the_ratio_has_an_interval_and_is_rarely_false(n, shared):
    """The same laws on both sides, with half of the runs beyond the budget."""
    rng = np.random.default_rng(n)
    p = []
    for _ in range(400):
        seeds = rng.normal(0, 0.2 * shared**0.5, n)
        sides = 1000 * np.exp(seeds + rng.normal(0, 0.2 * (1 - shared) ** 0.5, (2, n)))
        sides = np.where(sides > 1000, np.nan, np.ceil(sides / 50) * 50)
        if not np.isnan(sides).all():
            p.append(solving(sides[0], sides[1], 1000, (50, 50)).student.p(0))
    assert np.isfinite(p).all()
    assert np.mean(np.array(p) < 0.05) <= 0.07


def test_log_rank_is_that_of_statsmodels_and_rarely_false():
    """Its statistic by another library; no difference in 5 % of 400 comparisons of 10 seeds."""
    rng = np.random.default_rng(0)
    p = []
    for _ in range(400):
        steps = rng.exponential(600, (2, 10)).round(-1) + 10
        steps[steps > 800] = np.nan
        missing = np.isnan(steps)
        times, solved = np.where(missing, 800, steps).ravel(), (~missing).ravel().astype(int)
        _, expected = survdiff(times, solved, np.repeat([0, 1], 10))
        p.append(solving(steps[0], steps[1], 800).logrank)
        assert p[-1] == pytest.approx(expected)
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_the_ratio_of_means_within_the_budget_covers_the_truth():
    """Ten seeds that share half of their spread, a true ratio of 0.5, an eighth censored."""
    rng = np.random.default_rng(0)

    def draw(size):
        seeds = rng.normal(0, 0.2, size)
        a, b = np.array([[500], [1000]]) * np.exp(seeds + rng.normal(0, 0.2, (2, size)))
        return a, np.where(b > 1400, np.nan, b)

    many = [np.fmin(side, 1400).mean() for side in draw(100_000)]
    covered = []
    for _ in range(300):
        low, high = solving(*draw(10), 1400).student.interval()
        covered.append(low <= np.log(many[0] / many[1]) <= high)
    assert 0.91 < np.mean(covered) < 0.99
