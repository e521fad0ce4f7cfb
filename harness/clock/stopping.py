"""When a campaign knows enough: the rule, fixed before any time is seen, and its price.

After its first processes a campaign goes on, a process of every method at a time, until each
ratio that it is needed for is known to 3 %, or its time is up. To stop when intervals are narrow
is to stop rather where the scatter came out too small: plain 95 % intervals then cover the truth
in as few as 92 of 100 campaigns. So where a campaign may go on, its intervals are made with
Student's t at 97 %, for stopping and in the tables. They then cover it in 95 to 98 of 100,
whether the processes' effects are normal or of three degrees of freedom: simulated in
``tests/test_stopping.py``.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

from harness.plan.campaigns import Campaign, Method

WANTED = math.log(1.03)  # half an interval, on the logarithm of a ratio
SHOWN, MADE = 0.95, 0.97  # the confidence that an interval has, and is made with to have it
# The logarithms of a ratio, one of each process, by shape, numerator and denominator.
Known = Mapping[tuple[str, Method, Method], Sequence[float]]


@cache
def student(confidence: float, df: int) -> float:
    """Standard errors from the middle to an end of Student's interval."""
    return float(stats.t.ppf(0.5 + confidence / 2, df))


@dataclass(frozen=True)
class LogRatio:
    """A mean of logarithms over processes; ``mean`` ± t(.975, df) · ``se`` is its 95 % interval.

    One process has no interval, and so no ``se``.
    """

    mean: float
    se: float
    df: int

    @property
    def half(self) -> float:
        """Half the interval's width."""
        return student(SHOWN, self.df) * self.se if self.df else math.nan

    @property
    def ratio(self) -> tuple[float, float, float]:
        """The ratio and its interval."""
        low, high = self.mean - self.half, self.mean + self.half
        return math.exp(self.mean), math.exp(low), math.exp(high)


def over_processes(values: Sequence[float], may_go_on: bool) -> LogRatio:
    """The mean of a ratio's logarithms, one of each process.

    Its ``se`` is wider than the mean's own where the number of processes hung on the values.
    """
    mean, df = float(np.mean(values)), len(values) - 1
    if not df:
        return LogRatio(mean, math.nan, 0)
    wider = 1.0
    if may_go_on:
        wider = student(MADE, df) / student(SHOWN, df)
    return LogRatio(mean, wider * float(np.std(values, ddof=1)) / math.sqrt(df + 1), df)


def enough(samples: Known) -> bool:
    """Whether every ratio is known to :data:`WANTED`; what nothing measured is not waited for."""
    return all(over_processes(v, True).half <= WANTED for v in samples.values() if v)


def replicates(
    campaign: Campaign,
    replicate: Callable[[int], float],
    samples: Callable[[], Known],
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Do the campaign's replicates, by number; why it stopped early, empty if it did not.

    ``samples`` has the logarithms of the pairs that are needed. The first ``processes`` are done
    whatever they take; one that would not end in time is not begun, judged by the longest so far.
    ``replicate`` returns the seconds that do not count for that: the first one's for compiling
    what the later ones find compiled.
    """
    begin, longest = clock(), 0.0
    for done in range(1, campaign.last + 1):
        start = clock()
        compiling = replicate(done - 1)
        longest = max(longest, clock() - start - compiling)
        if done < campaign.processes:
            continue
        if not campaign.may_go_on or enough(samples()):
            return ""
        end = clock() - begin + longest
        late = campaign.minutes is not None and end > 60 * campaign.minutes
        if late or done == campaign.last:
            return _stopped(campaign, done, late, samples())
    return ""


def _stopped(campaign: Campaign, done: int, late: bool, samples: Known) -> str:
    halves = {key: over_processes(v, True).half for key, v in samples.items() if v}
    # What has no interval is known least.
    key = max(halves, key=lambda k: math.inf if math.isnan(halves[k]) else halves[k])
    why = f"for time ({campaign.minutes:g} min)" if late else "at the most that are allowed"
    width = "without an interval"
    if math.isfinite(halves[key]):
        width = f"known to ±{100 * math.expm1(halves[key]):.1f} %"
    _, one, other = key
    return f"stopped {why} after {done} processes: {one.name} / {other.name} is {width}, not ±3 %"
