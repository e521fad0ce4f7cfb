"""Intervals and tests on runs and timings; knows no table, no file and no method of the house."""

from analysis.statistics.intervals import (
    FEWEST,
    NAN,
    Array,
    Estimate,
    fisher,
    holm,
    independent_ratio,
    newcombe,
    newcombe_p,
    over_seeds,
    two_level_interval,
    wilson,
)
from analysis.statistics.pairs import (
    Paired,
    changes,
    paired_t,
    probability_of_improvement,
    slopes,
    tost,
)
from analysis.statistics.power import seeds_to_decide
from analysis.statistics.student import Student, mean_of
from analysis.statistics.survival import (
    Solving,
    median_steps,
    same_solving,
    solving,
    steps_interval,
)

__all__ = [
    "FEWEST", "NAN", "Array", "Estimate", "Paired", "Solving", "Student", "changes",
    "fisher", "holm", "independent_ratio", "mean_of", "median_steps", "newcombe",
    "newcombe_p", "over_seeds", "paired_t", "probability_of_improvement", "same_solving",
    "seeds_to_decide", "slopes", "solving", "steps_interval", "tost", "two_level_interval",
    "wilson",
]  # fmt: skip
