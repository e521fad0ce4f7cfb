"""Any two results folders side by side: two machines, two versions, two commits.

It informs: there is no verdict on the whole, and nothing passes or fails.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.folders import agreement, foreign, outcome, pairing, unmatched
from analysis.folders.agreement import METHOD, Row


def compare(results: Path, other: Path) -> dict[str, Any]:
    """Compare and write ``compare.csv`` and ``compare.json`` into ``results``; the latter returned.

    Raises :class:`UserError` when a folder does not hold what it should.
    """
    there = foreign.read_other(results, other)
    here = foreign.read(results)
    found = pairing.pair(here, there, agreement.load_rules())
    rows = [*found.rows, *_training(found.both), *pairing.times(here, there)]
    times = unmatched.counted(here["timing"], there["timing"], pairing.TIME, "time of the clock")
    found.about["not_compared"] += times
    verdict = "compared" if len(found.both) else "nothing compared"
    about = {"verdict": verdict, "items": pairing.items(rows), "failures": [], **found.about}
    # Its name alone: a path says more of a machine than others need to know.
    about["folder"] = other.resolve().name
    return outcome.write(results, "compare", rows, about)


def _training(both: pd.DataFrame) -> list[Row]:
    """Seconds of training by method, paired by seed; runs may have shared their machine."""
    ended = both[(both["status"] == "ok") & (both["status_there"] == "ok")]
    rows: list[Row] = []
    for key, group in ended.groupby(METHOD):
        x, y = (group[name].to_numpy(float) for name in ("train_seconds", "train_seconds_there"))
        known = (x > 0) & (y > 0)
        x, y = x[known], y[known]
        if not len(x):
            continue
        found = statistics.paired_t(x, y, "ratio")
        rows.append({
            "item": "speed", "check": "training", **dict(zip(METHOD, key, strict=True)),
            "case": "seconds", "n": len(x), "unit": "ratio", "effect": found.effect,
            "low": found.low, "high": found.high,
            "here": float(np.exp(np.log(x).mean())), "there": float(np.exp(np.log(y).mean())),
            "verdict": pairing.parted(found.low, found.high),
        })  # fmt: skip
    return rows
