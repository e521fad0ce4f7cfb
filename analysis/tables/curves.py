"""Learning curves: each run's, and each method's over its seeds."""

from collections.abc import Collection
from typing import Any

import numpy as np

from analysis.tables.groups import Rows, grouped
from analysis.tables.runs import first_chunk, steady_step_seconds
from harness import layout
from harness.run.records import Record


def rows(found: list[Record]) -> Rows:
    """Every point; ``seconds`` of training to it: the first chunk, then steady steps."""
    result: Rows = []
    for record in found:
        step, first = steady_step_seconds(record) or 0.0, record["seconds"]["first_chunk"]
        identity = {name: record[name] for name in layout.RUN}
        for point in record["curve"]:
            later = point["step"] - first_chunk(record)
            seconds = round(first + step * later, 3) if point["step"] else 0.0
            result.append(identity | point | {"seconds": seconds})
    return result


def summary(curves: Rows, timed: Collection[tuple[Any, ...]]) -> Rows:
    """The score at each step over a method's seeds, median and range, and the median seconds.

    Only of the runs ``timed``, all on one machine, the seconds count; none where no seed is.
    """
    known = (row for row in curves if row["score"] is not None)
    return [
        key
        | {
            "n": len(group),
            "seconds": _median(
                [row["seconds"] for row in group if tuple(row[k] for k in layout.RUN) in timed]
            ),
            "median": np.median(scores := [row["score"] for row in group]),
            "lowest": min(scores),
            "highest": max(scores),
        }
        for key, group in grouped(known, (*layout.METHOD, "step"))
    ]


def _median(seconds: list[float]) -> float | None:
    return float(np.median(seconds)) if seconds else None
