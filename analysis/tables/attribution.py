"""What each default of a framework changes."""

from collections.abc import Iterable

import numpy as np

from analysis import statistics
from analysis.tables.groups import Rows
from harness.registry import framework
from harness.run import records
from harness.run.records import Record
from implementations import FACTORS

Values = dict[str, dict[int, float]]  # track -> seed -> value


def rows(found: list[Record]) -> Rows:
    """What each default changes, alone, against matched; and all together, natively.

    Paired by seed: the geometric mean of the ratios of steps to solve and the mean
    difference of scores, each with the 95 % interval of the paired t-test (of the
    logarithms for the ratio). A run that did not solve counts with its whole budget,
    and ``censored`` says how many did not, of both; where more than half of them did
    not, there is no ratio. ``left over`` is what native changes beyond the product (or
    sum) of the single factors.
    """
    runs = {records.identity(r): r for r in found if r["status"] == "ok"}
    keys = sorted({(r["task"], r["framework"], r["cell"]) for r in found if r["track"] in FACTORS})
    result: Rows = []
    for key in keys:
        logs: Values = {}
        scores: Values = {}
        unsolved = set()
        for run, r in runs.items():
            if (run.task, run.framework, run.cell) == key:
                logs.setdefault(run.track, {})[run.seed] = np.log(r["steps_to_solve"] or r["steps"])
                scores.setdefault(run.track, {})[run.seed] = r["score"]
                if r["steps_to_solve"] is None:
                    unsolved.add((run.track, run.seed))
        if "matched" not in logs:
            continue
        factors = [f for f in FACTORS if f in logs]
        whole = ["native", "left over"] if "native" in logs else []
        for track in [*factors, *whole]:
            needed = [*factors, "native"] if track == "left over" else [track]
            seeds = sorted(set(logs["matched"]).intersection(*(logs[t] for t in needed)))
            censored = sum((t, seed) in unsolved for t in ("matched", *needed) for seed in seeds)
            ratio, difference = (
                _interval([_change(values, track, factors, seed) for seed in seeds])
                for values in (logs, scores)
            )
            if 2 * censored > len(seeds) * (1 + len(needed)):
                # Budgets over budgets: a ratio of 1 without width, which would look certain.
                ratio = (float("nan"),) * 3
            default = framework(key[1]).default(track, key[2])
            what = {"native": "all defaults at once", "left over": "native beyond its factors"}
            result.append({
                **dict(zip(("task", "framework", "cell"), key, strict=True)),
                "factor": track, "what": default.what if default else what[track],
                "n": len(seeds), "censored": censored,
                **_named("steps_ratio", np.exp(ratio)), **_named("score_change", difference),
            })  # fmt: skip
    return result


def _change(values: Values, track: str, factors: list[str], seed: int) -> float:
    """The change against matched for one seed."""
    base = values["matched"][seed]
    if track != "left over":
        return values[track][seed] - base
    return values["native"][seed] - base - sum(values[f][seed] - base for f in factors)


def _interval(changes: list[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval of Student's t: missing for one value, of no width for equal ones."""
    found = statistics.paired_t(np.array(changes), np.zeros(len(changes)))
    return found.effect, found.low, found.high


def _named(name: str, interval: Iterable[float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
