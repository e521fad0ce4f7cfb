"""Whether two sets of runs of one method agree: what must be the same, and what must be equal.

The rules and the names of the verdicts are explained in ``workflows/verify.yaml``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from harness import documents, layout
from harness.registry import ROOT, score_margin

RULES = ROOT / "workflows" / "verify.yaml"
METHOD = ["task", "framework", "cell", "track"]
# What decides losses to the last bit, beside settings and seed.
SAME_BITS = {
    "packages": "versions", "generation": "processor", "kernel": "kernel", "threads": "threads",
    "device": "device",
}  # fmt: skip
TOO_WIDE = "the interval is not within the margin"
Row = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """The content of ``workflows/verify.yaml``."""

    steps_margin: float
    alpha: float
    fewest_seeds: int
    reference: Mapping[str, Any]


def load_rules(path: Path = RULES) -> Rules:
    """The rules at ``path``; :class:`UserError` names the first key that is wrong."""
    return Rules(**documents.load(path, RULES.with_suffix(".schema.json")))


def runs_of(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The runs with what they ran on, and their ``budget`` in steps, which their settings name."""
    machines = tables["machines"].drop(columns="framework")
    runs = tables["runs"].merge(machines, on="machine", how="left", validate="many_to_one")
    steps = pd.to_numeric(runs.get(f"{layout.SETTING}steps", runs["steps"]), errors="coerce")
    return runs.assign(budget=steps.fillna(runs["steps"]).astype(float))


def pairs(here: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """The runs that both have, with the same settings; columns of ``there`` end in ``_there``."""
    names = sorted({name for name in (*here, *there) if name.startswith(layout.SETTING)})
    # A setting that one side does not know is none there.
    here, there = (
        runs.assign(**{name: runs.get(name, "") for name in names}) for runs in (here, there)
    )
    key = [*METHOD, "seed", *names]
    return here.merge(there, on=key, suffixes=("", "_there"), validate="one_to_one")


def exact(both: pd.DataFrame) -> list[Row]:
    """Item 1: data digests by task; parameter counts and losses by method."""
    rows: list[Row] = [
        {"item": "exact", "check": "data", "task": task} | _same(group, "data_sha256")
        for task, group in both.groupby("task")
    ]
    for key, group in both.groupby(METHOD):
        method: Row = {"item": "exact", **dict(zip(METHOD, key, strict=True))}
        rows.append(method | {"check": "parameters"} | _same(group, "parameters"))
        other = [word for name, word in SAME_BITS.items() if _differs(group, name)]
        detail = "; ".join(f"other {word}" for word in other)
        unlike: Row = {"verdict": "not applicable", "detail": detail, "n": len(group)}
        found = unlike if other else _same(group, "losses_sha256")
        rows.append(method | {"check": "losses"} | found)
    return rows


def _differs(group: pd.DataFrame, name: str) -> bool:
    """Whether a column is not known to be the same on both sides."""
    unknown = name in ("packages", "generation") and (group[name] == "").any()
    return bool(unknown or (group[name] != group[f"{name}_there"]).any())


def _same(group: pd.DataFrame, name: str) -> Row:
    """Whether a value is the same in every pair; pairs in which a side has none do not count."""
    known = group[_known(group[name]) & _known(group[f"{name}_there"])]
    if known.empty:
        return {"verdict": "not applicable", "detail": "a side has no value", "n": 0}
    unlike = known[known[name] != known[f"{name}_there"]]
    seeds = ", ".join(str(seed) for seed in sorted(set(unlike["seed"])))
    numbers = pd.api.types.is_numeric_dtype(known[name])
    return {
        "verdict": "different" if len(unlike) else "same",
        "detail": f"seed {seeds}" if len(unlike) else "",
        "n": int(known["seed"].nunique()),
        "here": known[name].iloc[0] if numbers else None,
        "there": known[f"{name}_there"].iloc[0] if numbers else None,
    }


def _known(column: pd.Series) -> pd.Series:
    return column.notna() & (column != "")


def equivalence(both: pd.DataFrame, higher: Mapping[str, bool], rules: Rules) -> list[Row]:
    """Item 2: score and steps to solve of every method."""
    rows: list[Row] = []
    for key, group in both.groupby(METHOD):
        method: Row = {"item": "equivalence", **dict(zip(METHOD, key, strict=True))}
        task = str(key[0])
        margins = {"score": score_margin(task), "steps_to_solve": rules.steps_margin}
        for metric, margin in margins.items():
            found = _equal(group.sort_values("seed"), metric, margin, higher[task], rules)
            rows.append(method | {"check": metric, "margin": margin} | found)
    return rows


def _equal(
    group: pd.DataFrame, metric: str, margin: float | None, higher: bool, rules: Rules
) -> Row:
    """The verdict on one metric of one method, with the effect here against there."""
    steps = metric == "steps_to_solve"
    x, y = (group[name].to_numpy(float) for name in (metric, f"{metric}_there"))
    row: Row = {
        "unit": "ratio" if steps else "difference", "n": len(group),
        "here": _middle(x, steps), "there": _middle(y, steps),
    }  # fmt: skip
    alike = group["status"] == group["status_there"]
    losses = group["losses_sha256"].to_numpy()
    same = (losses == group["losses_sha256_there"].to_numpy()) & (losses != "")
    if alike.all() and same.all() and np.array_equal(x, y, equal_nan=True):
        return row | {"verdict": "identical", "detail": "bit for bit"}
    # The effect is of the runs that ended alike and have a value; it stands beside any verdict.
    counted = alike.to_numpy() & (steps | ~(np.isnan(x) | np.isnan(y)))
    x, y = x[counted], y[counted]
    row["n"] = len(x)
    censored = bool(steps and (np.isnan(x).any() or np.isnan(y).any()))
    if censored:
        # Runs of the same settings have the same budget.
        found, logrank = statistics.compare_steps(x, y, float(group["budget"].max()))
    else:
        found, logrank = statistics.paired_t(x, y, row["unit"]), statistics.NAN
    row |= {"effect": found.effect, "low": found.low, "high": found.high}
    if not alike.all():
        seeds = ", ".join(str(seed) for seed in group.loc[~alike, "seed"])
        return row | {"verdict": "not shown", "detail": f"runs ended otherwise: seed {seeds}"}
    if margin is None:
        return row | {"verdict": "not applicable", "detail": "no margin is set for this task"}
    if len(x) < rules.fewest_seeds:
        return row | {"verdict": "too few seeds", "detail": f"{len(x)} of {rules.fewest_seeds}"}
    if censored:
        return row | _censored(row, x, y, logrank, margin, rules.alpha)
    p = statistics.tost(x, y, margin, row["unit"])
    # Fewer steps are better whatever the task's score is.
    return row | {"p_equal": p} | _judged(row, p < rules.alpha, margin, higher and not steps)


def _censored(row: Row, x: Any, y: Any, logrank: float, margin: float, alpha: float) -> Row:
    """The verdict on steps to solve where some runs did not solve, which are NaN."""
    solved = f"solved {int((~np.isnan(x)).sum())} here, {int((~np.isnan(y)).sum())} there"
    if np.array_equal(x, y, equal_nan=True):
        none = "no run solves on either side"
        detail = none if np.isnan(x).all() else f"{solved}; the same on every seed"
        return {"verdict": "equal", "detail": detail}
    judged = _judged(row, bool(1 / margin < row["low"] and row["high"] < margin), margin, False)
    ends = bool(row["low"] > 0 and row["high"] < np.inf)
    if judged["verdict"] == "not shown" and not ends:
        detail = f"{solved}; log-rank p {logrank:.2g}"
        return {"verdict": "not shown" if logrank < alpha else "no median", "detail": detail}
    return judged | {"detail": "; ".join(t for t in (solved, judged["detail"]) if t)}


def _judged(row: Row, equal: bool, margin: float, higher: bool) -> Row:
    if equal:
        return {"verdict": "equal", "detail": ""}
    lower, upper = (1 / margin, margin) if row["unit"] == "ratio" else (-margin, margin)
    above, below = row["low"] > upper, row["high"] < lower
    if above or below:
        return {"verdict": "better" if above == higher else "worse", "detail": ""}
    return {"verdict": "not shown", "detail": TOO_WIDE}


def _middle(values: Any, steps: bool) -> float | None:
    """The mean score, or the median of steps to solve; None where there is none."""
    known = values if steps else values[~np.isnan(values)]
    if not len(known):
        return None
    found = float(statistics.median_steps(known) if steps else known.mean())
    return found if np.isfinite(found) else None
