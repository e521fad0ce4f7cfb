"""How many seeds would decide a claim that its runs leave open."""

import numpy as np
from scipy import stats

from analysis.statistics.student import Student

# More seeds than anyone would run: beyond it the effect is as good as at the edge.
MOST = 2000


def seeds_to_decide(
    found: Student, lower: float, upper: float, expect: str, alpha: float, power: float = 0.8
) -> int | None:
    """The fewest seeds at which a claim would be decided with probability ``power``.

    Were the mean and the spread those that were ``found`` (on its scale, as the edges), a
    two-sided t-test at ``alpha`` against the nearest edge has the power of the noncentral t; two
    one-sided tests have what is left of the one after the other fails (Phillips 1990, Journal of
    Pharmacokinetics and Biopharmaceutics 18). ``expect`` says which edges count, as in a claim.

    None where the mean is within one standard error of the edge, since not even the side is
    known then; where there are fewer than two seeds; and where it would take more than
    :data:`MOST`. What was found is itself uncertain: this is an order of magnitude.
    """
    if not (found.df > 0 and np.isfinite(found.sem)):
        return None
    inside = expect in ("equal", "different") and lower < found.mean < upper
    only = {"above": upper, "below": lower, "not below": lower}
    edges = [only[expect]] if expect in only else [lower, upper]
    distance = min(abs(found.mean - edge) for edge in edges)
    if distance <= found.sem:
        return None
    sd = found.sem * np.sqrt(found.df + 1)
    shifts = (found.mean - lower, found.mean - upper) if inside else (distance,)
    if _power(MOST, shifts, sd, alpha) < power:
        return None
    few, enough = 1, MOST
    while enough - few > 1:
        middle = (few + enough) // 2
        if _power(middle, shifts, sd, alpha) < power:
            few = middle
        else:
            enough = middle
    return enough


def _power(n: int, shifts: tuple[float, ...], sd: float, alpha: float) -> float:
    """Of one two-sided test for one shift, of two one-sided ones for the shifts from two edges."""
    if sd == 0:
        return 1.0
    # Beyond 30 the test always rejects, and the noncentral t is not computed any more.
    deltas = np.clip(np.array(shifts) / sd * np.sqrt(n), -30, 30)
    if len(shifts) == 1:
        return float(stats.nct.sf(stats.t.ppf(1 - alpha / 2, n - 1), n - 1, deltas[0]))
    t = stats.t.ppf(1 - alpha, n - 1)
    both = stats.nct.cdf(-t, n - 1, deltas[1]) - stats.nct.cdf(t, n - 1, deltas[0])
    return float(max(both, 0.0))
