"""When float32 parts two frameworks that train the same model."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.statistics import median_steps
from analysis.tables.groups import Rows, grouped
from cells import Array
from harness.plan.run import Run
from harness.run import records
from harness.run.records import Record

THRESHOLDS = (0.001, 0.01, 0.1)
PAIR = ("task", "cell", "framework", "other_framework", "threshold")


def rows(found: list[Record], losses: Mapping[Run, Array]) -> Rows:
    """The first step at which two frameworks' losses of the same matched run differ by more
    than each threshold, relative to the smaller; no step where they never do.

    Only runs whose losses are kept: ``losses``, of :func:`analysis.tables.losses.all_kept`.
    """
    groups: dict[tuple[str, str, int], dict[str, Any]] = {}
    for record in found:
        its = losses.get(records.identity(record))
        if record["track"] == "matched" and its is not None:
            key = (record["task"], record["cell"], record["seed"])
            groups.setdefault(key, {})[record["framework"]] = its
    result: Rows = []
    for (task, cell, seed), by_framework in groups.items():
        for one, other in itertools.combinations(sorted(by_framework), 2):
            a, b = by_framework[one], by_framework[other]
            count = min(len(a), len(b))
            apart = np.abs(a[:count] - b[:count]) / np.minimum(a[:count], b[:count])
            for threshold in THRESHOLDS:
                places = np.flatnonzero(apart > threshold)
                result.append({
                    "task": task, "cell": cell, "seed": seed, "framework": one,
                    "other_framework": other, "threshold": threshold, "steps": count,
                    "step": int(places[0]) + 1 if places.size else None,
                })  # fmt: skip
    return result


def summary(rows: Rows) -> Rows:
    """Over the seeds: how many runs parted, and the median, first and last step at which they did.

    The median counts a run that never parted as later than all others, and is missing
    where that is more than half of them.
    """
    result: Rows = []
    for key, group in grouped(rows, PAIR):
        steps = np.array([row["step"] for row in group], dtype=float)
        median, reached = median_steps(steps), steps[~np.isnan(steps)]
        result.append(key | {
            "seeds": len(group), "reached": len(reached),
            "median_step": median if np.isfinite(median) else None,
            "first_step": min(reached, default=None), "last_step": max(reached, default=None),
            "steps": max(row["steps"] for row in group),
        })  # fmt: skip
    return result
