"""Intervals and tests on runs and timings; knows no table, no file and no method of the house."""

from analysis.statistics.intervals import (
    FEWEST,
    NAN,
    Array,
    Estimate,
    holm,
    independent_ratio,
    newcombe,
    over_seeds,
    two_level_interval,
    wilson,
)
from analysis.statistics.pairs import (
    Paired,
    paired_t,
    probability_of_improvement,
    rank_trend,
    tost,
)
from analysis.statistics.survival import compare_steps, median_steps, steps_interval

__all__ = [
    "FEWEST", "NAN", "Array", "Estimate", "Paired", "compare_steps", "holm", "independent_ratio",
    "median_steps", "newcombe", "over_seeds", "paired_t", "probability_of_improvement",
    "rank_trend", "steps_interval", "tost", "two_level_interval", "wilson",
]  # fmt: skip
