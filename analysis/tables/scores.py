"""What each method reaches over its seeds."""

from typing import Any

import numpy as np

from analysis.statistics import median_steps
from analysis.tables.groups import Rows, grouped
from harness import layout
from harness.run.records import Record


def rows(found: list[Record], not_comparable: set[tuple[str, str]]) -> Rows:
    """Each method's scores over its seeds: median and range.

    ``progress`` is the median's place between the baseline (0) and the solved
    value (1); below 0.05 the method counts as being at the baseline. ``to_best`` is how
    many times worse the median is than the best one of the same task and track.
    """
    result = []
    for key, group in grouped(found, layout.METHOD):
        result.append(key | _row(group) | {
            "runs": len(group),
            "comparable": (key["framework"], key["cell"]) not in not_comparable,
            "errors": "; ".join(
                f"seed {r['seed']} {r['status']}: {r['reason']}" for r in group if r["reason"]
            ),
        })  # fmt: skip
    _add_ratio_to_best(result, {r["task"]: bool(r["higher_is_better"]) for r in found})
    return result


def _row(group: list[Record]) -> dict[str, Any]:
    well = [r for r in group if r["status"] == "ok"]
    if not well:
        return {"ended_well": 0, "state": "failed"}
    scores, first = [r["score"] for r in well], group[0]
    median = float(np.median(scores))
    progress = (median - first["baseline"]) / (first["solved_at"] - first["baseline"])
    # What never began says nothing of a method; a run that diverged did not solve.
    begun = [r["steps_to_solve"] for r in group if r["status"] in ("ok", "diverged")]
    steps = float(median_steps(np.array(begun, dtype=float)))
    state = "above baseline" if progress > 0.05 else "at baseline"
    return {
        "ended_well": len(well),
        "median": median,
        "lowest": min(scores),
        "highest": max(scores),
        "solved": sum(bool(r["solved"]) for r in group),
        "progress": round(progress, 4),
        "state": "solved" if progress >= 1 else state,
        "median_steps_to_solve": steps if np.isfinite(steps) else None,
    }


def _add_ratio_to_best(rows: Rows, higher_is_better: dict[str, bool]) -> None:
    """Add ``to_best``, 1 for the best; none where medians are not positive."""
    known = (row for row in rows if row.get("median") is not None)
    for key, group in grouped(known, ("task", "track")):
        medians = [row["median"] for row in group]
        for row in group if min(medians) > 0 else []:
            worse = max(medians) / row["median"], row["median"] / min(medians)
            row["to_best"] = worse[0] if higher_is_better[key["task"]] else worse[1]
