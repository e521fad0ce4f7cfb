"""Each cell beside the cell that it changes, and what every cell reaches for how many operations.

A cell names the one that it changes (``parent`` in cells.csv). Both are compared on the track
matched, seed by seed, in the framework with the most seeds of both. A family of tests, for Holm's
correction, is one metric and one kind of test over all tasks and cells of the table.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.evidence import comparisons, finding
from analysis.evidence.claims import Margin, margin_of
from analysis.evidence.finding import ALPHA
from analysis.statistics import Student, across_tasks
from harness import layout

Row = dict[Any, Any]

TRACK = "matched"
# What is corrected.
TESTS = ("p", "p_margin", "p_kept", "steps_p")


def changes(
    runs: pd.DataFrame,
    parents: Mapping[str, str],
    higher_is_better: Mapping[str, bool],
    margins: Mapping[str, Margin],
) -> pd.DataFrame:
    """A row a task and cell whose parent was trained too: what the change does to the score.

    ``score_change`` is cell minus parent, ``progress_change`` the same as a share of the way from
    baseline to solved, above 0 where the cell is better; a score worse than the baseline, and a
    run that diverged, count as the baseline. ``p``, ``p_margin``, ``equivalent`` and
    ``steps_ratio`` are as in comparisons.csv; ``p_kept`` is that of losing no more than the task's
    ``margin``, against this loss, and 1 where more seems lost. ``verdict`` is worse or better
    beyond the margin, or as good where no more than that is lost, each after Holm. Where neither
    cell learns the task nothing is tested.

    Beside it stand both cells' numbers, the parent's as ``parent_…``: runs that solve, parameters,
    millions of operations and milliseconds of a training step (the median run's, not the clock's)
    and billions of operations until half of the runs have solved it.
    """
    rows: list[Row] = []
    matched = runs[runs["track"] == TRACK]
    methods = {
        tuple(map(str, key)): group.set_index("seed").sort_index()
        for key, group in matched.groupby(["task", "cell", "framework"])
    }
    for task, cell in sorted({key[:2] for key in methods}):
        pairs = {
            framework: comparisons.same_seeds(methods[task, cell, framework], parent)
            for framework in sorted(set(matched["framework"]))
            if (task, cell, framework) in methods
            and (parent := methods.get((task, parents.get(cell, ""), framework))) is not None
        }
        framework = max(pairs, key=lambda name: len(pairs[name][0]), default=None)
        if framework is None or pairs[framework][0].empty:
            continue
        about = {"task": task, "framework": framework, "cell": cell, "track": TRACK}
        margin = margin_of(margins.get("score", {}), task)
        rows.append(
            about
            | {"parent": parents[cell]}
            | _compared(*pairs[framework], higher_is_better[task], margin)
        )
    return _judged(pd.DataFrame(rows, columns=list(layout.TABLES["changes"].columns)))


def _compared(a: pd.DataFrame, b: pd.DataFrame, higher: bool, margin: float | None) -> Row:
    """The comparison of a cell ``a`` with its parent ``b`` on the same seeds."""
    learned = finding.learned(a, b)
    row: Row = {"n": len(a), "margin": margin, "learned": learned}
    x, y = (_bounded(side, higher) for side in (a, b))
    if score := comparisons.compare_runs(x, y, "score", higher, margin):
        way = float((a["solved_at"] - a["baseline"]).iloc[0])
        ends = [score.get(end, np.nan) for end in ("low", "high")]
        row |= _interval("score_change", score["effect"], ends)
        row |= _interval("progress_change", score["effect"] / way, sorted(e / way for e in ends))
        if learned:
            row |= {name: score.get(name) for name in ("p", "p_margin", "p_equal")}
            row["p_kept"] = _kept(x, y, margin)
    if steps := comparisons.compare_runs(a, b, "steps_to_solve", higher, None):
        ends = [steps.get(end, np.nan) for end in ("low", "high")]
        row |= _interval("steps_ratio", steps["effect"], ends) | {"steps_p": steps.get("p")}
    return row | _reached(a) | {f"parent_{name}": value for name, value in _reached(b).items()}


def _interval(name: str, value: float, ends: list[float]) -> Row:
    return {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}


def _bounded(runs: pd.DataFrame, higher: bool) -> pd.DataFrame:
    """The runs, none of them worse than the baseline."""
    worst = runs["baseline"]
    score = runs["score"].clip(lower=worst) if higher else runs["score"].clip(upper=worst)
    return runs.assign(score=score.where(runs["status"] != "diverged", worst))


def _kept(x: pd.DataFrame, y: pd.DataFrame, margin: float | None) -> float:
    """p of losing ``margin`` or more: two-sided, as that of the claims; NaN without one."""
    towards = float(np.sign((x["solved_at"] - x["baseline"]).iloc[0]))
    gained = towards * (x["score"] - y["score"]).dropna().to_numpy(float)
    if margin is None or len(gained) < statistics.FEWEST:
        return statistics.NAN
    found = Student.of(gained)
    return found.p(-margin) if found.mean > -margin else 1.0


def _reached(runs: pd.DataFrame) -> Row:
    """What a cell's runs of a task come to, and what they take."""
    operations = float(statistics.median_steps(runs["operations_to_solve"].to_numpy(float)))
    return {
        "solved": finding.solved(runs),
        "progress": finding.values(runs, "progress").mean(),
        "parameters": runs["parameters"].max(),
        "step_mflop": 1000 * runs["step_gflop"].median(),
        "step_ms": runs["step_ms"].median(),
        "operations_to_solve": operations,
    }


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """The table with what follows from all its tests together."""
    for name in TESTS:
        table[f"{name}_holm"] = statistics.holm(table[name].to_numpy(float))
    equal = statistics.holm(table["p_equal"].to_numpy(float))
    table["equivalent"] = pd.Series(equal < ALPHA, dtype=object).where(~np.isnan(equal), None)
    table["verdict"] = [_verdict(row) for row in table.to_dict("records")]
    return table


def _verdict(row: Row) -> str:
    """What the change does, in a word."""
    if not row["learned"]:
        return "neither learns"
    if row["n"] < statistics.FEWEST:
        return "few seeds"
    if row["p_margin_holm"] < ALPHA:
        return "better" if row["progress_change"] > 0 else "worse"
    return "as good" if row["p_kept_holm"] < ALPHA else "open"


def frontier(runs: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    """How far each cell of ``changed``, the parents too, gets over the tasks, for what.

    The tasks are those that most cells were trained on, the cells those that were trained on all
    of them, in the framework of most comparisons. ``operations`` are billions until a run has
    solved its task, the geometric mean over the tasks of the mean over the seeds; a run that did
    not solve took all of its training. ``on_frontier`` is whether no other cell gets at least as
    far with at most as many operations.
    """
    rows: list[Row] = []
    if len(changed):
        framework = changed["framework"].mode()[0]
        names = set(changed["cell"]) | set(changed["parent"])
        mine = runs[(runs["track"] == TRACK) & (runs["framework"] == framework)]
        mine = mine[mine["cell"].isin(names) & mine["task"].isin(set(changed["task"]))]
        counts = mine.groupby("task")["cell"].nunique()
        mine = mine[mine["task"].isin(counts.index[counts == counts.max()])]
        mine = mine.assign(
            progress=finding.values(mine, "progress"),
            operations=mine["operations_to_solve"].fillna(mine["gflop"]),
        )
        for cell, its in mine.groupby("cell"):
            progress = its.pivot(index="seed", columns="task", values="progress").dropna()
            if its["task"].nunique() < mine["task"].nunique() or progress.empty:
                continue
            found = across_tasks.mean_over_tasks(progress.to_numpy(float))
            each = its.groupby("task")["operations"].mean().to_numpy(float)
            rows.append(
                {"framework": framework, "cell": cell, "track": TRACK, "tasks": len(each)}
                | {"n": found.n, "operations": float(np.exp(np.log(each).mean()))}
                | _interval("progress", found.value, [found.low, found.high])
            )
    table = pd.DataFrame(rows, columns=list(layout.TABLES["frontier"].columns))
    table["on_frontier"] = [not _beaten(row, rows) for row in rows]
    return table


def _beaten(row: Row, others: list[Row]) -> bool:
    """Whether some cell is no worse than this one in both, and better in one."""
    far, cost = row["progress"], row["operations"]
    return any(
        one["progress"] >= far
        and one["operations"] <= cost
        and (one["progress"] > far or one["operations"] < cost)
        for one in others
    )
