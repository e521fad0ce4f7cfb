"""Student's t from a mean, its standard error and its degrees of freedom.

One object gives the interval, the p against any edge and the p of equality, so that what is shown
and what decides cannot part.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.statistics.intervals import NAN, Array


@dataclass(frozen=True)
class Student:
    """A mean with its standard error ``sem`` on ``df`` degrees of freedom; NaN where unknown."""

    mean: float
    sem: float
    df: float

    @classmethod
    def of(cls, values: Array, least: float = 0.0) -> "Student":
        """Of independent values [n].

        ``least`` is half the width below which no interval of 95 % is: what is known of the
        values is not finer than that, however much alike they are.
        """
        x = np.asarray(values, dtype=float)
        if len(x) < 2:
            return cls(float(x.mean()) if len(x) else NAN, NAN, max(len(x) - 1, 0))
        sem = 0.0 if constant(x) else float(stats.sem(x))
        return cls(float(x.mean()), sem, len(x) - 1).widened(least)

    def widened(self, least: float) -> "Student":
        """The same with an interval of 95 % that reaches at least ``least`` to each side."""
        if not (self.df > 0 and least > 0):
            return self
        return Student(self.mean, max(self.sem, least / float(_quantile(0.975, self.df))), self.df)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The two-sided interval of the mean."""
        if not self.df > 0:
            return NAN, NAN
        half = float(_quantile(0.5 + confidence / 2, self.df)) * self.sem
        return self.mean - half, self.mean + half

    def p(self, edge: float) -> float:
        """Two-sided: how well the mean could be ``edge``. Without any spread 0 or 1."""
        if not (self.df > 0 and np.isfinite(self.sem)):
            return NAN
        if self.sem == 0:
            return float(np.isclose(self.mean, edge))
        return float(2 * stats.t.sf(abs(self.mean - edge) / self.sem, self.df))

    def p_equal(self, lower: float, upper: float) -> float:
        """Of two one-sided tests (Schuirmann 1987): small when the mean is within the edges."""
        if not (self.df > 0 and np.isfinite(self.sem)):
            return NAN
        room = min(self.mean - lower, upper - self.mean)
        if self.sem == 0:
            return float(room <= 0)
        return float(stats.t.sf(room / self.sem, self.df))


def constant(values: Array) -> bool:
    """Whether rounding alone tells the values apart, which a t-test would take for precision."""
    return bool(np.ptp(values) <= 1e-12 * max(1.0, np.abs(values).max()))


def mean_of(parts: list[Student]) -> Student:
    """The mean of independent means, each of the same weight.

    The degrees of freedom are Welch's and Satterthwaite's (1946).
    """
    variances = np.array([part.sem**2 for part in parts])
    mean, total = float(np.mean([part.mean for part in parts])), float(variances.sum())
    if not total > 0:  # or unknown
        return Student(mean, total, min(part.df for part in parts))
    df = total**2 / sum(v**2 / part.df for v, part in zip(variances, parts, strict=True))
    return Student(mean, total**0.5 / len(parts), float(df))


def _quantile(share: float, df: float) -> float:
    return float(stats.t.ppf(share, df))
