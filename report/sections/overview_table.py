"""The overview's table: the cells side by side, and the best that needs no network."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from report import answers, words
from report.answers import phrases
from report.figures.style import in_order, variable
from report.numbers import listed, number
from report.sections.leading import leading
from report.tables import Tables

# As many tasks as have room side by side.
MOST_TASKS = 4
Row = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """A task on the overview, and the framework and track whose cells stand there."""

    task: Row
    framework: str
    track: str
    seeds: int
    cells: int
    # The steps of a whole run.
    steps: float

    @property
    def name(self) -> str:
        """The task's name in the configuration."""
        return str(self.task["task"])

    def place(self, score: float) -> float:
        """Where a score is on the way from what no memory reaches (0) to solved (1)."""
        width = self.task["solved"] - self.task["baseline"]
        return (score - self.task["baseline"]) / width if width else math.nan


@dataclass(frozen=True)
class Value:
    """A number with its interval as text, and as a bar from 0 to 100."""

    text: str
    interval: str = ""
    bar: float | None = None
    ends: tuple[float, float] | None = None
    says: str = ""


def methods(tables: Tables) -> pd.DataFrame:
    """Every method with its intervals, or without where these have not been made."""
    scores, summary = tables["scores"], tables["summary"]
    if summary.empty:
        return scores.assign(n=scores["ended_well"], steps=scores["median_steps_to_solve"])
    return summary


def shown(tables: Tables) -> list[Shown]:
    """The tasks with the most cells and seeds, in their order."""
    found, runs = [], tables["runs"]
    rows = methods(tables)
    for task in tables.rows("tasks"):
        mine = rows[rows["task"] == task["task"]]
        if mine.empty:
            continue
        track = in_order(mine["track"], ("matched", "native"))[0]
        mine = mine[mine["track"] == track]
        # Cells are compared in one framework: the one that has most of them, and most seeds.
        counts = {
            name: (one["cell"].nunique(), one["n"].max())
            for name, one in mine.groupby("framework")
        }  # fmt: skip
        best = max(tables.palette.running(counts), key=lambda name: counts[name])
        steps = runs.loc[(runs["task"] == task["task"]) & (runs["track"] == track), "steps"]
        cells, seeds = counts[best]
        found.append(Shown(task, best, track, int(seeds or 0), cells, steps.max()))
    order = sorted(found, key=lambda one: (-one.cells, -one.seeds))[:MOST_TASKS]
    return [one for one in found if one in order]


def content(tables: Tables, tasks: list[Shown]) -> Row:
    """Rows of the cells, each with its size, its time a step and its results."""
    rows, runs = methods(tables), tables["runs"]
    first = tasks[0]
    of_first = runs[_of(runs, first)]
    parameters = of_first.groupby("cell")["parameters"].max()
    times = _times(tables)
    most = max((value for one in times.values() for _, value, *_ in one), default=0)
    by = {one.name: rows[_of(rows, one)].set_index("cell") for one in tasks}
    run = tables.palette.present({cell for mine in by.values() for cell in mine.index})
    cells, shape = leading(tables, run), _shape(tables)
    return {
        "cells": [
            {
                "name": cell,
                "colour": variable(tables.palette.cell(cell)),
                "parameters": _parameters(parameters, cell),
                "times": [_time(tables, *one, most) for one in times.get(cell, [])],
                "tasks": [
                    (one, _results(one, by[one.name].loc[cell].to_dict()))
                    if cell in by[one.name].index else (one, None)
                    for one in tasks
                ],
            }
            for cell in cells
        ],
        "first": first,
        "model": answers.model(tables, shape) if shape else "",
        "without": _without(tables, tasks),
        "more": len(tables["tasks"]) - len(tasks),
        "which": _which(tables, run, cells),
        "other_cells": len(run) - len(cells),
    }  # fmt: skip


def _which(tables: Tables, run: list[str], cells: list[str]) -> str:
    """Which cells stand in the table, where it is not all."""
    if len(cells) == len(run):
        return ""
    first = [cell for cell in tables.palette.first if cell in cells]
    best = len(cells) - len(first)
    others = f"the {best} {'others' if first else 'cells'} that get furthest over all tasks"
    return listed([*map(words.cell, first), others])


def _of(rows: pd.DataFrame, one: Shown) -> Any:
    """Which rows are of a shown task, in its framework and track."""
    columns = {"task": one.name, "framework": one.framework, "track": one.track}
    return (rows[list(columns)] == pd.Series(columns)).all(axis=1)


def _parameters(counts: pd.Series, cell: str) -> Value:
    n = counts.get(cell, math.nan)
    if pd.isna(n):
        return Value("–")
    return Value(number(n), bar=100 * n / counts.max())


def _shape(tables: Tables) -> Any:
    """The timed model for which most is known."""
    known = [r for r in tables.rows("advice") if r["question"] == "fastest_framework"]
    decided = [r["shape"] for r in known if r["verdict"] != "unknown" and r["shape"]]
    timed = list(dict.fromkeys(tables["timing"]["shape"]))
    return next((shape for shape in [*decided, *timed] if shape in timed), None)


def _times(tables: Tables) -> dict[str, list[tuple[str, float, float, float]]]:
    """By cell: framework, milliseconds of a step and their interval, of its fastest way."""
    timing = tables["timing"]
    steps = timing[(timing["phase"] == "step") & timing["median_ms"].notna()]
    steps = steps[steps["shape"] == _shape(tables)]
    if steps.empty:
        return {}
    # Times of two machines are never set side by side.
    steps = steps[steps["machine"].fillna("") == steps["machine"].fillna("").iloc[0]]
    steps = steps.sort_values("median_ms").drop_duplicates(["framework", "cell"])
    found: dict[str, list[tuple[str, float, float, float]]] = {}
    for row in steps.to_dict("records"):
        numbers = (row["median_ms"], row["low_ms"], row["high_ms"])
        found.setdefault(row["cell"], []).append((row["framework"], *numbers))
    return found


def _short(value: float, low: float, high: float) -> tuple[str, str]:
    """A number and the ends of its interval, with few digits."""
    text, ends = phrases.parts(value, low, high)
    if ends and "·" not in text:
        text, ends = number(value), f"{number(low)} to {number(high)}"
    # Nothing is gained by "to" where no end has a sign of its own.
    return text, ends if "−" in ends else ends.replace(" to ", "–")


def _time(tables: Tables, name: str, value: float, low: float, high: float, most: float) -> Row:
    text, ends = _short(value, low, high)
    bar = Value(text, ends, 100 * value / most, _ends(low / most, high / most))
    return {"name": name, "value": bar, "colour": variable(tables.palette.framework(name))}


def _results(one: Shown, row: Row) -> list[Value]:
    """Score, how many solve, steps to solve."""
    few = not row["n"] >= answers.FEWEST
    low, high = (math.nan if few else row.get(name, math.nan) for name in (
        "median_low", "median_high"))  # fmt: skip
    text, ends = _short(row["median"], low, high)
    score = Value(
        text if row["n"] else "no score", ends, _bar(one.place(row["median"])),
        _ends(one.place(low), one.place(high)), f"median {one.task['metric']} of {row['n']:.0f}",
    )  # fmt: skip
    low, high = (math.nan if few else row.get(name, math.nan) for name in ("rate_low", "rate_high"))
    rate = row["solved"] / row["n"] if row["n"] and row["solved"] == row["solved"] else math.nan
    between = "" if math.isnan(low) else f"{100 * low:.0f}–{100 * high:.0f} %"
    share = Value(
        "–" if math.isnan(rate) else f"{row['solved']:.0f} of {row['n']:.0f}",
        between, _bar(rate), _ends(low, high),
    )  # fmt: skip
    return [score, share, _steps(one, row, few)]


def _steps(one: Shown, row: Row, few: bool) -> Value:
    """The steps until solved, as a share of all steps; a run that never solves takes more."""
    steps = row["steps"]
    if not row["solved"] or pd.isna(steps):
        return Value("–")
    if math.isinf(steps):
        return Value(f"> {number(one.steps)}", says="not solved to last within all steps")
    low, high = (math.nan if few else row.get(n, math.nan) for n in ("steps_low", "steps_high"))
    text, ends = _short(steps, low, high)
    span = _ends(low / one.steps, high / one.steps)
    return Value(text, "" if low == high else ends, _bar(steps / one.steps), span)


def _bar(share: float) -> float | None:
    return None if math.isnan(share) else 100 * min(max(share, 0.0), 1.0)


def _ends(low: float, high: float) -> tuple[float, float] | None:
    """The ends of an interval on a bar, from left to right."""
    ends = sorted((_bar(low) or 0.0, _bar(high) or 0.0))
    return None if math.isnan(low) or math.isnan(high) else (ends[0], ends[1])


def _without(tables: Tables, tasks: list[Shown]) -> list[tuple[str, Value] | None]:
    """By task the best method without a network; an empty list where no task has one."""
    found: list[tuple[str, Value] | None] = []
    for one in tasks:
        best = answers.classical(tables, one.name)
        bar = best and Value(number(best[1]), bar=_bar(one.place(best[1])))
        found.append((best[0], bar) if best and bar else None)
    return found if any(found) else []


def heading(one: Shown) -> str:
    """What stands under a task's title."""
    return f"{phrases.plural(one.seeds, 'seed')} in {words.framework(one.framework)}"
