"""Whether two sets of runs of one method agree: what must be the same, and what must be equal.

What rounding alone may do is in :mod:`first_losses` and :mod:`ranks` beside this module.

The rules and the names of the verdicts are explained in ``workflows/verify.yaml``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.folders import ranks
from harness import documents, layout
from harness.registry import ROOT, load_task, score_margin, task_names

RULES = ROOT / "workflows" / "verify.yaml"
METHOD = ["task", "framework", "cell", "track"]
# What decides losses to the last bit, beside settings and seed.
SAME_BITS = {
    "packages": "versions", "generation": "processor", "kernel": "kernel", "threads": "threads",
    "device": "device",
}  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """The content of ``workflows/verify.yaml``."""

    steps_margin: float
    alpha: float
    false_alarms: float
    times_rounding: float
    least_rounding: float
    fewest_seeds: int
    reference: Mapping[str, Any]


def load_rules(path: Path = RULES) -> Rules:
    """The rules at ``path``; :class:`UserError` names the first key that is wrong."""
    return Rules(**documents.load(path, RULES.with_suffix(".schema.json")))


def runs_of(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The runs with what they ran on, and their ``budget`` in steps, which their settings name.

    A parameter that a task has got since they were made has its default.
    """
    machines = tables["machines"].drop(columns="framework")
    runs = tables["runs"].merge(machines, on="machine", how="left", validate="many_to_one")
    for task in set(runs["task"]) & set(task_names()):
        of = runs["task"] == task
        for name, default in asdict(load_task(task)).items():
            column = f"{layout.SETTING}{name}"
            known = runs.get(column, pd.Series("", runs.index))
            runs[column] = known.mask(of & (known == ""), str(default))
    steps = pd.to_numeric(runs.get(f"{layout.SETTING}steps", runs["steps"]), errors="coerce")
    return runs.assign(budget=steps.fillna(runs["steps"]).astype(float))


def pairs(here: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """The runs that both have, with the same settings; columns of ``there`` end in ``_there``."""
    names = settings_of(here, there)
    key = [*METHOD, "seed", *names]
    here, there = (with_settings(runs, names) for runs in (here, there))
    return here.merge(there, on=key, suffixes=("", "_there"), validate="one_to_one")


def settings_of(*runs: pd.DataFrame) -> list[str]:
    """The columns with settings that any of these tables has."""
    return sorted(
        {name for table in runs for name in map(str, table) if name.startswith(layout.SETTING)}
    )


def with_settings(runs: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """``runs`` with all these settings; one that they do not know is none there."""
    return runs.assign(**{name: runs.get(name, "") for name in names})


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


def equivalence(
    both: pd.DataFrame, there: pd.DataFrame, higher: Mapping[str, bool], rules: Rules
) -> list[Row]:
    """Item 3: score and steps to solve of every method, and of several together.

    ``there`` are the runs of the other side, also those without a partner here.
    """
    units = {task: score_margin(task) for task in higher}
    tests = ranks.tests(both, there, settings_of(both), higher, units, rules.steps_margin)
    rows: list[Row] = []
    for key, group in both.groupby(METHOD):
        names = dict(zip(METHOD, map(str, key), strict=True))
        margins = {"score": units[names["task"]], "steps_to_solve": rules.steps_margin}
        for metric, margin in margins.items():
            found = tests.get((metric, *names.values()), ranks.NOTHING)
            row = _equal(group.sort_values("seed"), metric, margin, found, rules)
            rows.append({"item": "equivalence", **names, "check": metric, "margin": margin} | row)
    for (metric, *place), found in tests.items():
        if "" in place and found.p < rules.false_alarms:
            names = dict(zip(METHOD, place, strict=True))
            detail = f"all of these together; {_chance(found)}"
            rows.append({
                "item": "equivalence", **names, "check": metric, "verdict": _side_of(found),
                "n": found.seeds, "p": found.p, "detail": detail,
            })  # fmt: skip
    return rows


def _equal(
    group: pd.DataFrame, metric: str, margin: float | None, found: ranks.Test, rules: Rules
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
    # The effect is of the runs that have a value on both sides; it stands beside any verdict.
    known = alike.to_numpy() & ~(np.isnan(x) | np.isnan(y))
    solved = "" if known.all() or not steps else (
        f"solved {int((~np.isnan(x)).sum())} here, {int((~np.isnan(y)).sum())} there"
    )  # fmt: skip
    if not solved:
        row["n"] = int(known.sum())
        effect = statistics.paired_t(x[known], y[known], row["unit"])
        row |= {"effect": effect.effect, "low": effect.low, "high": effect.high}
    if not alike.all():
        seeds = ", ".join(str(seed) for seed in group.loc[~alike, "seed"])
        return row | {"verdict": "not shown", "detail": f"runs ended otherwise: seed {seeds}"}
    if margin is None:
        return row | {"verdict": "not applicable", "detail": "no margin is set for this task"}
    if solved and np.array_equal(x, y, equal_nan=True):
        none = "no run solves on either side"
        return row | {"verdict": "equal", "detail": none if np.isnan(x).all() else solved}
    if not solved and row["n"] >= rules.fewest_seeds:
        row["p_equal"] = statistics.tost(x[known], y[known], margin, row["unit"])
        if row["p_equal"] < rules.alpha:
            return row | {"verdict": "equal", "detail": ""}
    detail = "; ".join(part for part in (solved, _chance(found)) if part)
    row |= {"p": found.p, "detail": detail}
    if found.p < rules.false_alarms:
        return row | {"verdict": _side_of(found)}
    if row["n"] < rules.fewest_seeds:
        return row | {"verdict": "too few seeds"}
    return row | {"verdict": "within rounding"}


def _chance(found: ranks.Test) -> str:
    return f"p {found.p:.2g} of all comparisons together"


def _side_of(found: ranks.Test) -> str:
    return "better" if found.statistic > 0 else "worse"


def _middle(values: Any, steps: bool) -> float | None:
    """The mean score, or the median of steps to solve; None where there is none."""
    known = values if steps else values[~np.isnan(values)]
    if not len(known):
        return None
    found = float(statistics.median_steps(known) if steps else known.mean())
    return found if np.isfinite(found) else None
