"""Whether the losses of training part by more than rounding makes them part.

How far rounding takes the losses of one method apart, step by step, is read from the other side:
its frameworks train the same model on the same data from the same weights. That grows from 1e-7
in the first step by orders of magnitude, so the first step that is too far apart also says where
to look. The digest of the first weights would not do: drawing them takes a decomposition, whose
last digit hangs on the processor.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from harness import layout

METHOD = list(layout.METHOD)
RUN = [*METHOD, "seed"]
LOOK = {
    1: "data, first weights or the model differ",
    2: "the gradient, its clipping or the update differ",
}
Row = dict[str, Any]


def rows(
    both: pd.DataFrame,
    there: pd.DataFrame,
    losses: tuple[pd.DataFrame, pd.DataFrame],
    times: float,
    least: float,
) -> list[Row]:
    """Item 2: every method of the pairs ``both`` whose losses both sides kept, here and there.

    ``there`` are all runs of the other side. A method is different when at some step half of its
    seeds are further apart than ``times`` the furthest that rounding took any seed there up to
    that step, and than ``least``; all relative to the loss.
    """
    mine, other = losses
    if mine.empty or other.empty:  # whose columns have no kind, and so do not merge
        return []
    known = both[RUN].merge(mine, on=RUN).merge(other, on=[*RUN, "step"], suffixes=("", "_there"))
    known["apart"] = _apart(known["loss"], known["loss_there"])
    rounding = _rounding(there, other)
    return [
        {"item": "training", "check": "first losses", **dict(zip(METHOD, key, strict=True))}
        | _judged(group, rounding.get((str(key[0]), str(key[2])), {}), times, least)
        for key, group in known.groupby(METHOD)
    ]


def _apart(one: Any, other: Any) -> Any:
    """How far apart two losses are, relative to the larger; infinite where one alone is none."""
    largest = np.maximum(np.abs(one), np.abs(other))
    apart = np.abs(one - other) / largest.where(largest > 0, 1.0)
    return apart.where(one.notna() & other.notna(), np.inf).where(one.notna() | other.notna(), 0.0)


def _rounding(runs: pd.DataFrame, losses: pd.DataFrame) -> Mapping[tuple[str, str], Any]:
    """By task and cell, step by step, the furthest that frameworks are apart up to there."""
    settings = [name for name in runs if str(name).startswith(layout.SETTING)]
    known = runs[runs["track"] == "matched"][[*RUN, *settings]].merge(losses, on=RUN)
    same = known.groupby(["task", "cell", "seed", *settings, "step"])["loss"]
    spread = same.agg(["min", "max", "count"])
    spread = spread[spread["count"] > 1].reset_index()
    spread["apart"] = _apart(spread["min"], spread["max"])
    return {
        (str(task), str(cell)): group.groupby("step")["apart"].max().cummax().to_dict()
        for (task, cell), group in spread.groupby(["task", "cell"])
    }


def _judged(group: pd.DataFrame, rounding: Mapping[int, float], times: float, least: float) -> Row:
    """The verdict on one method: of its first step too far apart, or of its furthest."""
    row: Row = {"n": int(group["seed"].nunique()), "unit": "relative"}
    # Half of the seeds are at least so far apart; of two seeds, the nearer one.
    apart = group.groupby("step")["apart"].quantile(0.5, interpolation="lower")
    if not apart.max() > 0:
        return row | {"verdict": "identical", "detail": "at every step that was looked at"}
    bounds = {
        int(step): max(times * rounding[step], least) for step in apart.index if step in rounding
    }
    if not bounds:
        why = "no two frameworks there show what rounding does to this task and cell"
        return row | {"verdict": "not applicable", "detail": why}
    parted = [step for step, bound in bounds.items() if apart[step] > bound]
    step = parted[0] if parted else max(bounds, key=lambda step: apart[step] / bounds[step])
    detail = f"step {step}" + (f": {LOOK[step]}" if parted and step in LOOK else "")
    return row | {
        "verdict": "different" if parted else "within rounding", "detail": detail,
        "effect": float(apart[step]), "margin": float(bounds[step]),
    }  # fmt: skip
