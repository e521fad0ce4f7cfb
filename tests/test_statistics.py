"""Statistics against published numbers, SciPy's own, and simulations of known truth."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.duration.survfunc import survdiff

from analysis import statistics
from analysis.statistics import across_tasks, pairs

RATIO = np.log(1.3)


def campaign(rng: np.random.Generator, processes: int, rounds: int = 20) -> list[np.ndarray]:
    """Log ratios of two methods by round: a drift of 5 % that both share, process effects of
    2 % and round noise of 3 % in each."""
    drift = np.linspace(0, 0.05, rounds)
    sides = [
        drift + rng.normal(0, 0.02, (processes, 1)) + rng.normal(0, 0.03, (processes, rounds))
        for _ in range(2)
    ]
    return list(RATIO + sides[0] - sides[1])


@pytest.mark.parametrize("processes", [5, 8])
@pytest.mark.parametrize("statistic", [np.mean, np.median])
def test_an_interval_of_a_timing_covers_the_truth(processes, statistic):
    rng = np.random.default_rng(processes)
    found = [statistics.two_level_interval(campaign(rng, processes), statistic) for _ in range(500)]
    covered = np.mean([low <= RATIO <= high for _, low, high in found])
    assert 0.92 <= covered <= 0.98


def test_one_process_has_no_interval():
    estimate, low, high = statistics.two_level_interval([np.array([1.0, 2.0, 9.0])])
    assert estimate == 2.0
    assert np.isnan([low, high]).all()
    with pytest.raises(ValueError, match="at least one round"):
        statistics.two_level_interval([np.array([1.0]), np.array([])])


def test_the_ratio_of_two_campaigns_covers_the_truth():
    """Five processes here, eight there, of unlike scatter; the truth is a ratio of 1.3."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        sides = []
        for n, spread, centre in ((5, 0.05, RATIO), (8, 0.02, 0.0)):
            found = statistics.two_level_interval(list(rng.normal(centre, spread, (n, 1))))
            sides.append(np.exp(found))
        _, low, high = statistics.independent_ratio(*sides)
        covered += low <= np.exp(RATIO) <= high
    assert 0.93 <= covered / 1000 <= 0.98


def test_a_ratio_without_intervals_or_of_nothing_has_none():
    assert statistics.independent_ratio((2, 1, 4), (1, 1, 1)) == pytest.approx((2, 1, 4))
    ratio, *interval = statistics.independent_ratio((2, np.nan, np.nan), (1, 1, 1))
    assert ratio == 2
    assert np.isnan(interval).all()
    assert np.isnan(statistics.independent_ratio((0, 0, 0), (1, 1, 1))).all()


def test_newcombe_gives_the_published_interval():
    """Newcombe 1998, table II, first column: 56/70 against 48/80 by method 10."""
    found = statistics.newcombe(56, 70, 48, 80)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )


def test_wilson_is_that_of_the_formula_and_stays_inside():
    z, k, n = 1.959964, 3, 10
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    found = statistics.wilson(k, n)
    assert (found.low, found.high) == (
        pytest.approx(centre - half, abs=1e-6),
        pytest.approx(centre + half, abs=1e-6),
    )
    assert statistics.wilson(5, 5).high == 1
    assert statistics.wilson(0, 5).low == 0


def test_holm_against_a_worked_example():
    """0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, never falling; what is missing is no test."""
    found = statistics.holm([0.03, 0.01, np.nan, 0.04, 0.02])
    assert found == pytest.approx([0.06, 0.04, np.nan, 0.06, 0.06], nan_ok=True)


def test_few_seeds_have_no_interval_and_equal_ones_no_width():
    assert np.isnan(statistics.over_seeds([1.0, 2.0, 3.0, 4.0]).low)
    same = statistics.over_seeds([2.0] * 6)
    assert (same.low, same.value, same.high) == (2, 2, 2)
    alike = statistics.paired_t(np.array([1.3, 2.3, 3.3]), np.array([1.0, 2.0, 3.0]))
    assert alike.p == 0
    assert alike.high - alike.low == 0


def test_pairing_by_seed_and_its_scales():
    seeds = np.array([1.0, 10.0, 100.0, 1000.0, 10000.0])
    ratio = statistics.paired_t(seeds * [0.5, 0.55, 0.45, 0.5, 0.52], seeds, "ratio")
    assert ratio.low < 0.5 < ratio.high < 0.6
    assert ratio.p < 1e-3
    assert statistics.paired_t(seeds, seeds[::-1]).p > 0.5
    doubted = statistics.paired_t(np.array([1.1, 1.2, 1.0]), np.zeros(3), against=1.1)
    assert doubted.p == pytest.approx(1)


def test_ties_count_half():
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 4.0, 0.0])
    assert statistics.probability_of_improvement(a, b, True) == 0.625
    assert statistics.probability_of_improvement(a, b, False) == 0.375


def test_over_all_pairings_the_probability_of_improvement_is_rliables():
    """Agarwal et al. 2021 compare every run with every other: Mann and Whitney's U, as a share."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 8).astype(float), rng.integers(2, 9, 8).astype(float)
    paired = [statistics.probability_of_improvement(a, np.roll(b, i), True) for i in range(8)]
    assert np.mean(paired) == pytest.approx(stats.mannwhitneyu(a, b).statistic / 64)


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
    ratio, logrank = statistics.compare_steps(solved, later, 1200)
    assert ratio.effect == 310 / 850
    assert ratio.low < ratio.effect < ratio.high < 0.6
    assert ratio.p == logrank < 0.01
    never = np.full(5, np.nan)
    ratio, _ = statistics.compare_steps(solved, never, 1200)
    assert (ratio.effect, ratio.high) == (0, 0)
    ratio, _ = statistics.compare_steps(never, never, 1200)
    assert np.isnan(ratio.effect)
    assert np.isnan(ratio.p)
    whole, logrank = statistics.compare_steps(solved, solved * 2, 1200)
    assert whole.p < logrank


def test_a_trend_is_of_seeds_not_of_levels():
    difficulty = np.array([50.0, 100.0, 200.0])
    rng = np.random.default_rng(0)
    rising = rng.normal(0, 0.1, (6, 3)) + difficulty / 100
    found = statistics.rank_trend(difficulty, rising)
    assert found.low > 0.5
    assert found.p == pytest.approx(2 / 6**6), "all six seeds in one of the 3! orders of levels"
    falling = statistics.rank_trend(difficulty, -rising)
    assert falling.high < -0.5
    assert falling.p == pytest.approx(found.p)


def test_a_trend_that_is_none_is_rarely_found(monkeypatch):
    """Whatever a seed's own level is, with three levels as with four."""
    monkeypatch.setattr(pairs, "RESAMPLES", 10)  # p needs none
    rng = np.random.default_rng(0)
    for levels in (3, 4):
        gaps = rng.normal(0, 5, (300, 10, 1)) + rng.normal(0, 1, (300, 10, levels))
        p = [statistics.rank_trend(np.arange(levels), rows).p for rows in gaps]
        assert np.mean(np.array(p) < 0.05) < 0.08
    assert statistics.rank_trend(np.arange(3), np.ones((6, 3))).p > 0.5


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
        p.append(statistics.compare_steps(steps[0], steps[1], 800)[1])
        assert p[-1] == pytest.approx(expected)
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_the_ratio_of_medians_covers_the_truth():
    """Ten seeds that share half of their spread, a true ratio of 0.5, an eighth censored."""
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(200):
        seeds = rng.normal(0, 0.2, 10)
        b = 1000 * np.exp(seeds + rng.normal(0, 0.2, 10))
        a = 500 * np.exp(seeds + rng.normal(0, 0.2, 10))
        found, _ = statistics.compare_steps(a, np.where(b > 1400, np.nan, b), 1400)
        covered.append(found.low <= 0.5 <= found.high)
    assert 0.9 < np.mean(covered) < 0.99


@pytest.mark.parametrize(("share", "n"), [(0.1, 10), (0.5, 5), (0.9, 20)])
def test_intervals_of_shares_cover_the_truth(share, n):
    """Exactly, by the binomial's own probabilities: Wilson's and Newcombe's are of 95 % or so."""
    counts = np.arange(n + 1)
    weights = stats.binom.pmf(counts, n, share)
    one = [statistics.wilson(k, n) for k in counts]
    assert 0.92 < sum(weights[[e.low <= share <= e.high for e in one]]) < 0.995
    two = np.array([[statistics.newcombe(a, n, b, n).low <= 0 for a in counts] for b in counts])
    assert weights @ two @ weights > 0.96, "and the other side is as often missed"


def test_two_one_sided_tests_against_a_worked_example():
    """d = 1, 2, 3 with margin 4: t = (2 - 4) / (1/√3) = -3.464, and on 2 degrees p = 0.0371."""
    a, b = np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])
    assert statistics.tost(a, b, 4) == pytest.approx(0.0371, abs=1e-4)
    assert statistics.tost(b, a, 4) == pytest.approx(0.0371, abs=1e-4)
    assert statistics.tost(np.exp(a), np.exp(b), np.exp(4), "ratio") == pytest.approx(
        0.0371, abs=1e-4
    )
    assert statistics.tost(a, b, 1.5) > 0.5
    # Values without any spread: inside, at the edge, outside.
    assert [statistics.tost(b + d, b, 1) for d in (0.5, 1, 2)] == [0, 1, 1]


@pytest.mark.parametrize(("n", "least"), [(5, 0.8), (10, 0.87), (20, 0.9)])
def test_intervals_over_seeds_cover_what_their_text_says(n, least):
    """Too narrow for few seeds, as every bootstrap of the mean is, and not more than said."""
    rng = np.random.default_rng(n)
    found = [statistics.over_seeds(rng.normal(size=n)) for _ in range(400)]
    assert least < np.mean([e.low <= 0 <= e.high for e in found]) < 0.97


def test_how_often_a_difference_and_an_equality_are_false():
    """Both at 5 %: a difference that is none, and an equality at the margin's very edge."""
    rng = np.random.default_rng(0)
    seeds = rng.normal(0, 3, (1000, 6))
    a, b = seeds + rng.normal(0, 1, seeds.shape), seeds + rng.normal(0, 1, seeds.shape)
    differences = [statistics.paired_t(x, y).p < 0.05 for x, y in zip(a, b, strict=True)]
    assert 0.03 < np.mean(differences) < 0.07
    edge = [statistics.tost(x + 4, y, 4) < 0.05 for x, y in zip(a, b, strict=True)]
    assert 0.03 < np.mean(edge) < 0.07
    inside = [statistics.tost(x, y, 4) < 0.05 for x, y in zip(a, b, strict=True)]
    assert np.mean(inside) > 0.9


# rliable's definitions (Agarwal et al. 2021), written out.


def test_across_tasks_as_rliable_has_it():
    rng = np.random.default_rng(0)
    scores = rng.normal(0.5, 0.3, (8, 3))
    ordered = np.sort(scores.ravel())
    assert across_tasks.interquartile_mean(scores) == pytest.approx(ordered[6:18].mean())
    thresholds = np.linspace(0, 1, 5)
    profile = [sum(value > t for value in scores.ravel()) / scores.size for t in thresholds]
    share, low, high = across_tasks.performance_profile(scores, thresholds)
    assert share == pytest.approx(profile)
    interval = across_tasks.stratified_interval(scores)
    means, profiles = [], []
    for _ in range(2000):
        draw = np.concatenate([rng.choice(scores[:, task], 8) for task in range(3)])
        means.append(np.sort(draw)[6:18].mean())
        profiles.append([np.mean(draw > t) for t in thresholds])
    assert [interval.low, interval.high] == pytest.approx(
        np.percentile(means, [2.5, 97.5]), abs=0.02
    )
    # One run of 24 is 0.04: the bounds of a share are steps of it.
    assert np.array([low, high]) == pytest.approx(
        np.percentile(profiles, [2.5, 97.5], axis=0), abs=0.042
    )
    few = across_tasks.performance_profile(scores[:4], thresholds)
    assert np.isnan(few[1:]).all(), "fewer than five seeds have no interval"
    normal = across_tasks.normalised(np.array([0.01, 1 / 6]), np.array(1 / 6), np.array(0.01))
    assert list(normal) == [1, 0]
