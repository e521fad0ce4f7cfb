"""Statistics against published numbers, SciPy's own, and simulations of known truth."""

import numpy as np
import pytest
from scipy import stats

from analysis import statistics
from analysis.statistics import Student, across_tasks, seeds_to_decide

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


def test_the_rise_of_a_gap_is_of_seeds_not_of_levels():
    """Three levels, gaps 0, 1 and 2 with a seed's own level: a rise of 2 over the range."""
    own = np.arange(6.0)[:, None]
    assert statistics.slopes(own + np.array([0.0, 1, 2])) == pytest.approx(2)
    assert statistics.slopes(own + np.array([3.0, 2, 1, 0])) == pytest.approx(-3)
    assert statistics.slopes(np.array([[0.0, 0.3, 0.9]])) == pytest.approx(0.9)


@pytest.mark.parametrize("n", [5, 10])
def test_a_rise_that_is_none_is_rarely_found(n):
    """Whatever a seed's own level is, with three levels as with four; and its interval covers."""
    rng = np.random.default_rng(n)
    for levels in (3, 4):
        gaps = rng.normal(0, 5, (2000, n, 1)) + rng.normal(0, 1, (2000, n, levels))
        found = [Student.of(statistics.slopes(rows)) for rows in gaps]
        # Within three standard errors of 5 %.
        assert np.mean([one.p(0) < 0.05 for one in found]) <= 0.065
        covered = [low <= 0 <= high for low, high in (one.interval() for one in found)]
        assert np.mean(covered) >= 0.935


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


@pytest.mark.parametrize("n", [5, 10, 20])
def test_intervals_of_means_over_seeds_cover_the_truth(n):
    rng = np.random.default_rng(n)
    found = [statistics.over_seeds(rng.normal(size=n)) for _ in range(1000)]
    assert 0.93 < np.mean([e.low <= 0 <= e.high for e in found]) < 0.97


def test_counts_by_fisher_and_their_p_against_an_edge():
    """Five of five against none of five: 2 / C(10, 5); ten against ten 2 / C(20, 10)."""
    assert statistics.fisher(5, 5, 0, 5) == pytest.approx(2 / 252)
    assert statistics.fisher(10, 10, 0, 10) == pytest.approx(2 / 184756)
    assert statistics.fisher(3, 5, 3, 5) == pytest.approx(1)
    counts = 56, 70, 48, 80
    found = statistics.newcombe(*counts)
    for edge in (found.low, found.high):
        assert statistics.newcombe_p(counts, edge) == pytest.approx(0.05, abs=1e-6)
    assert statistics.newcombe_p(counts, found.value) == 1
    assert statistics.newcombe_p(counts, 0.9) < 1e-6


@pytest.mark.parametrize(
    ("mean", "expect", "edges"),
    [(0.8, "above", (-0.5, 0.5)), (0.1, "equal", (-1.0, 1.0)), (1.4, "equal", (-1.0, 1.0))],
)
def test_so_many_seeds_do_decide(mean, expect, edges):
    """Of worlds with the mean and the spread that were found, four in five are decided."""
    rng = np.random.default_rng(0)
    needed = seeds_to_decide(Student(mean, 1 / 5**0.5, 4), *edges, expect, 0.05)
    if mean == 0.8:
        assert needed is None, "within a standard error of the edge"
        needed = seeds_to_decide(Student(mean, 0.5 / 5**0.5, 4), *edges, expect, 0.05)
    if mean == 1.4:
        assert needed is None
        return
    sd = 0.5 if mean == 0.8 else 1

    def decided(n):
        found = [Student.of(rng.normal(mean, sd, n)) for _ in range(1000)]
        if expect == "equal":
            return np.mean([one.p_equal(*edges) < 0.05 for one in found])
        return np.mean([one.p(edges[1]) < 0.05 for one in found])

    assert 0.77 < decided(needed) < 0.87
    assert decided(max(2, needed // 2)) < 0.7


def test_where_no_number_of_seeds_can_be_said_none_is():
    assert seeds_to_decide(Student(0.5, np.nan, 0), -1, 1, "above", 0.05) is None
    assert seeds_to_decide(Student(0.001, 1e-4, 4), -0.00101, 0.00101, "above", 0.05) is None
    assert seeds_to_decide(Student(5.0, 0.0, 4), -1, 1, "above", 0.05) == 2
    assert seeds_to_decide(Student(1e6, 1.0, 4), -1, 1, "above", 0.05) <= 5


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


def test_the_profile_is_rliables_and_its_intervals_are_newcombes():
    """The share as Agarwal et al. 2021 have it; the interval, of two tasks, from Wilson's two."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0.5, 0.3, (8, 3))
    thresholds = np.linspace(0, 1, 5)
    share, low, high = across_tasks.performance_profile(scores, thresholds)
    assert share == pytest.approx([np.mean(scores > t) for t in thresholds])
    assert ((low <= share) & (share <= high)).all()
    pair = scores[:, :2]
    share, low, high = across_tasks.performance_profile(pair, np.array([0.5]))
    counts = (pair > 0.5).sum(axis=0)
    difference = statistics.newcombe(counts[0], 8, 8 - counts[1], 8)  # p - (1 - q) = p + q - 1
    assert (low[0], high[0]) == pytest.approx(((difference.low + 1) / 2, (difference.high + 1) / 2))
    few = across_tasks.performance_profile(scores[:4], thresholds)
    assert np.isnan(few[1:]).all(), "fewer than five seeds have no interval"
    normal = across_tasks.normalised(np.array([0.01, 1 / 6]), np.array(1 / 6), np.array(0.01))
    assert list(normal) == [1, 0]


@pytest.mark.parametrize("n", [5, 10])
def test_across_tasks_intervals_cover_the_truth(n):
    """Three tasks of unlike spread: the mean over them, and the share above a threshold."""
    rng = np.random.default_rng(n)
    centres, spreads, threshold = np.array([0.9, 0.3, 0.6]), np.array([0.02, 0.3, 0.1]), 0.55
    truth = stats.norm.sf(threshold, centres, spreads).mean()
    means, shares = [], []
    for _ in range(800):
        scores = rng.normal(centres, spreads, (n, 3))
        found = across_tasks.mean_over_tasks(scores)
        means.append(found.low <= centres.mean() <= found.high)
        _, low, high = across_tasks.performance_profile(scores, np.array([threshold]))
        shares.append(low[0] <= truth <= high[0])
    assert 0.93 < np.mean(means) < 0.975
    assert np.mean(shares) > 0.93
    assert np.isnan(across_tasks.mean_over_tasks(scores[:4]).low)
