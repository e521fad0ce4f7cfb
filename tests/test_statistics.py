"""Statistics against published numbers, SciPy's own, and simulations of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from harness import statistics

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
