"""A part of a configuration's runs, ``shard=3/8``: for machines that share no scheduler.

Whoever asks for a part gets the same one, on any machine and whatever is finished by then: the
runs are weighed by the reference results alone, which every copy of the project has. They are
dealt out from the longest to the shortest, each to the part that has least so far. The longest
part then takes at most a third more than in the best division that there is (Graham 1969).

What belongs to a part: its runs, and the conformance check of each framework that it trains,
since a kernel is chosen by the processor and must be checked where it trains. The clock belongs
to none: a ratio or a fit holds on one machine, so a machine that times does all campaigns.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.errors import UserError
from harness.plan import cost
from harness.plan.run import Run
from harness.plan.settings import Settings

# Core-seconds that a run takes whatever it trains: a process, a framework, the data, the record.
START = 2.0


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``of``, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def shard(text: str) -> Shard | None:
    """The part that ``text`` names, as in "3/8"; None for all runs, "". Else :class:`UserError`."""
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise UserError(
            f"shard: {text!r} is no part of the runs; 1/8 is the first of eight, 8/8 the last."
        )
    return Shard(number, of)


def cut(
    studies: Mapping[str, tuple[Run, ...]], settings_of: Callable[[Run], Settings], mine: Shard
) -> dict[str, tuple[Run, ...]]:
    """Every study with those of its runs that are in one part; a run is in one part only."""
    runs = dict.fromkeys(run for its in studies.values() for run in its)
    kept = set(split(runs, settings_of, mine.of)[mine.number - 1])
    return {name: tuple(run for run in its if run in kept) for name, its in studies.items()}


def split(runs: Iterable[Run], settings_of: Callable[[Run], Settings], of: int) -> list[list[Run]]:
    """The runs in ``of`` parts that take about as long, in core-seconds."""
    estimate = cost.estimator([cost.REFERENCE], settings_of)
    known = {run: estimate(run) for run in runs}
    # A cell that the reference does not know costs an operation what an operation costs.
    rates = [v / cost.gflop(r.cell, settings_of(r)) for r, v in known.items() if not math.isnan(v)]
    rate = sorted(rates)[len(rates) // 2] if rates else 1.0
    weights = {
        run: START + (rate * cost.gflop(run.cell, settings_of(run)) if math.isnan(v) else v)
        for run, v in known.items()
    }
    parts: list[list[Run]] = [[] for _ in range(of)]
    loads = [0.0] * of
    # By name where they weigh the same, so that the order of the plan decides nothing.
    for run in sorted(weights, key=lambda run: (-weights[run], run.name)):
        least = loads.index(min(loads))
        parts[least].append(run)
        loads[least] += weights[run]
    return parts
