"""The head of the view "Accuracy": the answer, and every cell on every task in one figure."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from report import answers, words
from report.answers import phrases
from report.figures.drawing import Job
from report.figures.panels import laid_out, logarithmic, ticks
from report.figures.style import INK, MARK, MOST_CELLS, PAGE, Palette, settings, tracks
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import interval, listed, number
from report.tables import Tables

Row = dict[Any, Any]
METHOD = ["task", "framework", "cell", "track"]
# Inches of a line of the figure, where there are few cells or many, and of what stands above and
# below all of them.
LINE, CLOSE, ROOM = 0.2, 0.14, 0.75
# What lies further beyond baseline or solved is drawn at the edge.
REACH = (-0.15, 1.15)
# Characters of a task's summary beside its title.
LONGEST = 90


def content(tables: Tables) -> dict[str, Any]:
    """Which cell to choose, what the figure shows, and in which framework."""
    shown = methods(tables)
    large = shown[shown["large"]]
    return {
        "answer": answers.cell(tables),
        "finding": phrases.capital(finding(large, tables.palette)),
        "track": words.track(shown["track"].iloc[0]) if len(shown) else "",
        "large": listed(map(words.framework, tables.palette.running(large["framework"])), "or")
        if len(large)
        else "",
        "small": bool((~shown["large"]).any()),
        "intervals": bool(large["median_low"].notna().any()) if len(large) else False,
        "runs": sorted({int(n) for n in large["ended_well"]}),
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """The figure of all tasks."""
    return {"overall": (overall, (tables["tasks"], methods(tables), tables.palette))}


def methods(tables: Tables) -> pd.DataFrame:
    """The scores of the first track, with intervals, steps and budget; ``large`` are drawn large.

    That is, of each task, what ran in the framework that has the most runs of it.
    """
    there = tracks(tables["scores"]["track"])
    scores = tables["scores"][tables["scores"]["track"].isin(there[:1])]
    extra = ["median_low", "median_high", "steps", "steps_low", "steps_high"]
    found = scores.merge(tables["summary"][[*METHOD, *extra]], how="left", on=METHOD)
    # Without the evidence the median alone is known; a number where half of the runs solve it.
    found["steps"] = found["steps"].fillna(found["median_steps_to_solve"]).fillna(np.inf)
    budget = tables["runs"].groupby(METHOD)["steps"].max().rename("budget").reset_index()
    found = found.merge(budget, how="left", on=METHOD)
    found["large"] = False
    for _, mine in found.groupby("task"):
        most = mine.groupby("framework")["runs"].max()
        first = tables.palette.running(most[most == most.max()].index)[0]
        found.loc[mine.index[mine["framework"] == first], "large"] = True
    return found


def finding(large: pd.DataFrame, palette: Palette) -> str:
    """On how many tasks each cell's median run solves it: what was seen, with no claim beyond."""
    if large.empty:
        return "How far each cell gets on each task"
    solves, of = {}, {}
    for cell in palette.present(large["cell"]):
        mine = large[large["cell"] == cell]
        solves[cell], of[cell] = int((mine["state"] == "solved").sum()), len(mine)
    if len(solves) > MOST_CELLS:
        return _counted(solves, of)
    order = sorted(solves, key=lambda cell: -solves[cell] / of[cell])
    names = {cell: words.cell(cell) for cell in order}
    task = words.task(large["task"].iloc[0])
    if large["task"].nunique() == 1:
        able = [names[cell] for cell in order if solves[cell]]
        unable = [names[cell] for cell in order if not solves[cell]]
        if not able or not unable:
            every = listed(able or unable)
            verb = "solve" if len(order) > 1 else "solves"
            no = "" if able else ("do not " if len(order) > 1 else "does not ")
            return f"{every} {no}{verb if able or len(order) > 1 else 'solve'}: {task}"
        return f"{listed(able)} solved: {task}; {listed(unable)} did not"
    first, *others = order
    alike = len(set(of.values())) == 1
    total = of[first]
    if alike and len(set(solves.values())) == 1 and others:
        n = solves[first]
        each = "all" if n == total else f"{n} of" if n else "none of the"
        return f"{listed(names.values())} solve {each} {total} tasks" + " each" * (0 < n < total)

    def count(cell: str) -> str:
        return f"all {of[cell]}" if solves[cell] == of[cell] else f"{solves[cell]} of {of[cell]}"

    rest = [
        f"{names[cell]} {solves[cell] if alike else count(cell)}" for cell in others if solves[cell]
    ]
    none = [names[cell] for cell in others if not solves[cell]]
    parts = [f"{names[first]} solves {count(first)} tasks", *rest]
    if none:
        return ", ".join([*parts, f"{listed(none)} none"])
    return listed(parts) if len(parts) > 2 else ", ".join(parts)


def _counted(solves: dict[str, int], of: dict[str, int]) -> str:
    """Of many cells, who solves every task or else the most of them; and who none."""
    total = max(of.values())
    most = max(solves.values())
    if not most:
        return f"None of {len(solves)} cells solves {'a task' if total > 1 else 'the task'}"

    def who(cells: list[str]) -> str:
        few = len(cells) <= phrases.MOST_NAMED
        return phrases.cells(cells) if few else f"{len(cells)} of {len(solves)} cells"

    best = [cell for cell in solves if solves[cell] == most]
    none = [cell for cell in solves if not solves[cell]]
    tasks = f"the most tasks, {most} of {total}" if most < total else f"all {total} tasks"
    said = f"{who(best)} solve{'s' * (len(best) == 1)} {tasks if total > 1 else 'the task'}"
    do = "does" if len(none) == 1 else "do"
    rest = f"solve{'s' * (len(none) == 1)} none" if total > 1 else f"{do} not"
    return f"{said}; {who(none)} {rest}" if none else said


@dataclass(frozen=True)
class Canvas:
    """Both panels of the figure, with what all lines share."""

    way: Axes
    steps: Axes
    palette: Palette
    tips: Tips
    # Where the steps end, for texts on solving or not.
    most: float


def overall(tasks: pd.DataFrame, shown: pd.DataFrame, palette: Palette) -> Markup:
    """A line a task and cell: how far from baseline to solved, and after how many steps."""
    groups = [
        (task, shown[shown["task"] == task["task"]])
        for task in tasks.to_dict("records")
        if (shown["task"] == task["task"]).any()
    ]
    if not groups:
        return Markup()
    lines = sum(1.3 + mine["cell"].nunique() for _, mine in groups)
    line = LINE if shown["cell"].nunique() <= MOST_CELLS else CLOSE
    steps = shown[["budget", "steps"]].to_numpy(float)
    steps = steps[np.isfinite(steps) & (steps > 0)]
    known = steps if len(steps) else np.array([1.0, 10.0])
    tips = Tips()
    with settings("accuracy"):
        figure, panels = laid_out(1, 2, PAGE, line * lines + ROOM, sharey=True, width_ratios=(1, 1))
        way, right = panels[0]
        canvas = Canvas(way, right, palette, tips, float(known.max()))
        logarithmic(right, "x", known)
        lowest = min(known.min(), shown["steps_low"].replace(0, np.nan).min())
        right.set_xlim(0.75 * lowest, 6 * known.max())
        place, names = 0.0, {}
        for task, mine in groups:
            _headline(way, task, place)
            place += 1
            for cell in palette.present(mine["cell"]):
                _line(canvas, task, mine[mine["cell"] == cell], place)
                names[place] = cell
                place += 1
            # Not across the titles.
            way.vlines((0, 1), place - mine["cell"].nunique() - 0.5, place - 0.5, **MARK)
            place += 0.3
        way.set_ylim(place - 0.6, -0.6)
        way.set_xlim(*REACH)
        way.set_yticks(list(names), [words.cell(cell) for cell in names.values()], fontsize=9)
        for label, cell in zip(way.get_yticklabels(), names.values(), strict=True):
            label.set_color(palette.cell(cell))
        way.set_xticks([0, 0.5, 1], ["baseline", "half way", "solved"])
        for axes in (way, right):
            axes.tick_params(axis="y", length=0)
        # Where texts stand is no place for numbers.
        marks = [one for one in right.get_xticks() if lowest / 1.5 < one < 1.5 * known.max()]
        ticks(right.xaxis, FixedLocator(marks))
        right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        way.set_title("How far: score from baseline to solved", fontsize=10, loc="left")
        right.set_title("How soon: training steps until solved", fontsize=10, loc="left")
        return tips.into(svg(figure, "Score and steps to solve by task and cell"))


def _headline(axes: Axes, task: Row, place: float) -> None:
    """A task's title and, smaller, what it asks for."""
    name = words.task(task["task"])
    text = f"{name[:1].upper()}{name[1:]}"
    summary = str(task["summary"])
    short = summary if len(summary) <= LONGEST else f"{summary[: LONGEST - 1]}…"
    title = axes.annotate(
        text, (0, place), xycoords=("axes fraction", "data"), fontsize=9.5, weight="bold",
        va="center_baseline",
    )  # fmt: skip
    summed = axes.annotate(
        short, (1, 0), xycoords=title, xytext=(6, 0), textcoords="offset points", fontsize=8.5,
        va="bottom", annotation_clip=False, alpha=0.75,
    )  # fmt: skip
    # It may go on over the panel beside, where this line is empty.
    summed.set_in_layout(False)


def _line(canvas: Canvas, task: Row, mine: pd.DataFrame, place: float) -> None:
    """A cell on a task: small marks for the other frameworks, a large one with its interval."""
    baseline, solved = task["baseline"], task["solved"]
    for row in mine.sort_values("large").to_dict("records"):
        large, palette = row["large"], canvas.palette
        cell, framework = row["cell"], row["framework"]
        colour = palette.cell(cell) if large else palette.framework(framework)
        tip = canvas.tips.mark(_says(task, row), framework, runs={k: row[k] for k in METHOD})
        plain: Row = {"gid": tip["gid"]}
        mark: Row = {"color": colour, "linestyle": "none"} | (
            {"marker": palette.mark(cell), "markersize": 6.5} if large
            else {"marker": "|", "markersize": 8, "markeredgewidth": 1.6, "alpha": 0.85}
        )  # fmt: skip
        ends = np.array([row["median"], row["median_low"], row["median_high"]], dtype=float)
        middle, *bounds = ((ends - baseline) / (solved - baseline)).clip(*REACH)
        if large and np.isfinite(bounds).all():
            canvas.way.plot(bounds, (place, place), color=colour, linewidth=2.2, **plain)
        if np.isfinite(middle):
            canvas.way.plot(middle, place, **mark, **tip)
        _until(canvas, row, place, colour, mark, tip)


def _until(
    canvas: Canvas, row: Row, place: float, colour: str, mark: Row,
    tip: Row,
) -> None:  # fmt: skip
    """The steps until half of the runs have solved it, on a line as long as their budget."""
    axes, large = canvas.steps, row["large"]
    plain: Row = {"gid": tip["gid"]}
    budget: float = row["budget"] if pd.notna(row["budget"]) else canvas.most
    if large:
        start = axes.get_xlim()[0]
        axes.plot((start, budget), (place, place), color=INK, linewidth=0.7, alpha=0.25)
        low, high = row["steps_low"], row["steps_high"]
        if pd.notna(low) and np.isfinite(low) and pd.notna(high):
            ends = low, min(high, budget)
            axes.plot(ends, (place, place), color=colour, linewidth=2.2, **plain)
    if np.isfinite(row["steps"]):
        axes.plot(row["steps"], place, **mark, **tip)
    if large:
        axes.text(
            1.12 * canvas.most, place, _solved(row), fontsize=9, va="center_baseline", **plain
        )


def _solved(row: Row) -> str:
    """How many runs solved it, and after how many steps."""
    if pd.isna(row["solved"]):
        return "no run ended well"
    solved, runs = int(row["solved"]), int(row["runs"])
    if not solved:
        return "no run solves it" if runs > 1 else "does not solve it"
    share = f"{solved} of {runs} solve it" if runs > 1 else "solves it"
    return f"{share}, {number(row['steps'])} steps" if np.isfinite(row["steps"]) else share


def _says(task: Row, row: Row) -> str:
    """What a mark tells under the pointer."""
    where = f"{words.framework(row['framework'])} {words.cell(row['cell'])}"
    if pd.isna(row["median"]):
        return f"{where}, {words.task(row['task'])}: no score."
    score = interval(row["median"], row["median_low"], row["median_high"])
    text = f"{where}, {words.task(row['task'])}: median {task['metric']} {score}"
    text += f", {_solved(row)}"
    if np.isfinite(row["steps"]) and pd.notna(row["steps_low"]):
        high = number(row["steps_high"]) if np.isfinite(row["steps_high"]) else "more than all"
        text += f" [{number(row['steps_low'])} to {high}]"
    runs = int(row["runs"])
    return f"{text}; {runs} run{'s' if runs != 1 else ''}."
