"""The overview's figure: scores against seconds of training, a panel a task, a line a cell."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape
from matplotlib.ticker import LogLocator, MaxNLocator

from report import words
from report.answers import phrases
from report.figures.panels import beside, laid_out, spread, ticks
from report.figures.style import MARK, PAGE, Palette, settings
from report.figures.svg import svg
from report.numbers import number
from report.sections.curves import furthest
from report.sections.leading import leading
from report.sections.overview_table import Shown, methods
from report.tables import Tables

# Inches; at the full width of the page 127 pixels are an inch.
HEIGHT, SMALL = 2.15, 6.8


@dataclass(frozen=True)
class Line:
    """A cell's median score over time, and when half of its seeds have solved the task."""

    cell: str
    seeds: int
    points: pd.DataFrame
    solved_after: float

    @property
    def says(self) -> str:
        """What a pointer on the line shows."""
        last = self.points.iloc[-1]
        ends = f"{number(last['lowest'])} to {number(last['highest'])}"
        spread = f", all from {ends}" if self.seeds > 1 else ""
        text = (
            f"{words.cell(self.cell)}, {phrases.plural(self.seeds, 'seed')}: median "
            f"{number(last['median'])}{spread}, after {number(last['seconds'], 2)} s"
        )
        solved = f"; solved after {number(self.solved_after, 2)} s"
        return text + solved if math.isfinite(self.solved_after) else text


def lines(tables: Tables, one: Shown) -> list[Line]:
    """The lines of a task that can be drawn, in the page's order of the cells."""
    curves, rows = tables.of_task("curves_summary", one.name), methods(tables)
    mine = rows[(rows["task"] == one.name) & (rows["track"] == one.track)]
    mine = mine[mine["framework"] == one.framework].set_index("cell")
    reach = furthest(one.task["baseline"], one.task["solved"])
    curves = curves[(curves["framework"] == one.framework) & (curves["track"] == one.track)]
    # Of runs on several machines those of one have seconds, which may be of no seed of a cell.
    curves = curves[curves["seconds"].notna()]
    curves = curves[(curves[["median", "lowest", "highest"]].abs() < reach).all(axis=1)]
    found = []
    for cell in tables.palette.present(curves["cell"]):
        points = curves[curves["cell"] == cell].sort_values("step", kind="stable")
        steps = mine["steps"].get(cell, math.nan) if mine["solved"].get(cell, 0) else math.nan
        after = points.loc[points["step"] >= steps, "seconds"]
        solved_after = float(after.iloc[0]) if len(after) else math.inf
        # Most may be there in the end and not before.
        if not len(after) and 2 * mine["solved"].get(cell, 0) > mine["n"].get(cell, 0):
            solved_after = float(points["seconds"].iloc[-1])
        found.append(Line(cell, int(points["n"].max()), points, solved_after))
    return found


def shown(tables: Tables, its: list[Line]) -> list[Line]:
    """The lines that there is room for: those of the table, and the first of all to solve."""
    kept = leading(tables, [line.cell for line in its])
    best = min((line.solved_after for line in its), default=math.inf)
    first = [line.cell for line in its if line.solved_after == best < math.inf]
    return [line for line in its if line.cell in {*kept, *first[:1]}]


def finding(tasks: list[tuple[Shown, list[Line]]]) -> str:
    """Which cell is the first to solve which task, in the median."""
    first: dict[str, list[str]] = {}
    several: set[str] = set()
    none = []
    for one, its in tasks:
        best = min((line.solved_after for line in its), default=math.inf)
        if math.isinf(best):
            none.append(one.name)
            continue
        winners = [line.cell for line in its if line.solved_after == best]
        who = phrases.cells(winners)
        first.setdefault(who, []).append(one.name)
        several |= {who} if len(winners) > 1 else set()
    if not first:
        return f"No cell solves {phrases.titles(none, 'or')} here" if none else ""
    rest = f"; no cell solves {phrases.titles(none, 'or')}" if none else ""
    if all(len(its) == 1 for _, its in tasks):
        solved = [one for mine in first.values() for one in mine]
        return f"{phrases.capital(next(iter(first)))} solves {phrases.titles(solved)}{rest}"
    start, *others = [
        (winner, phrases.titles(mine), phrases.plural(len(mine), "task"))
        for winner, mine in sorted(first.items(), key=lambda one: -len(one[1]))
    ]
    # Where a winner is several cells, a comma does not tell the clauses apart.
    apart = "; " if several and others else ", "
    said = [
        f"{phrases.capital(start[0])} {'are' if start[0] in several else 'is'} the first to solve "
        + apart.join([start[which], *(f"{other[0]} {other[which]}" for other in others)])
        for which in (1, 2)
    ]
    return phrases.fitting(f"{said[0]}{rest}", f"{said[1]}{rest}", said[1])


def time(tasks: list[tuple[Shown, list[Line]]], palette: Palette) -> Markup:
    """The figure; empty without any curve."""
    tasks = [(one, its) for one, its in tasks if its]
    if not tasks:
        return Markup()
    says: list[str] = []
    with settings("overview"):
        figure, panels = laid_out(1, len(tasks), PAGE, HEIGHT)
        labels = [
            _panel(axes, one, its, palette, says)
            for axes, (one, its) in zip(panels.flat, tasks, strict=True)
        ]
        # Only when all is laid out is it known where a value stands.
        figure.draw_without_rendering()
        for axes, names in zip(panels.flat, labels, strict=True):
            spread(axes, names)
        drawn = str(svg(figure, "Scores against seconds of training"))
    for place, text in enumerate(says):
        mark = f'<g class="layer tip{place}">'
        drawn = drawn.replace(mark, f'<g class="tip"><title>{escape(text)}</title>')
    return Markup(drawn)


def _panel(
    a: Any, one: Shown, its: list[Line], palette: Palette, says: list[str]
) -> list[tuple[Any, float]]:
    """Draw a task; its names beside the panel, each with its height."""
    solved, baseline = one.task["solved"], one.task["baseline"]
    a.axhline(solved, **MARK)
    names = []
    for line in its:
        points, colour = line.points, palette.cell(line.cell)
        gid = f"layer tip{len(says)}"
        says.append(line.says)
        band = {"color": colour, "alpha": 0.14, "linewidth": 0}
        a.fill_between(points["seconds"], points["lowest"], points["highest"], **band)
        style = {"color": colour, "linestyle": palette.line(line.cell), "linewidth": 1.3}
        a.plot(points["seconds"], points["median"], gid=gid, **style)
        if math.isfinite(line.solved_after):
            a.plot(line.solved_after, solved, palette.mark(line.cell), color=colour, markersize=5,
                   gid=gid)  # fmt: skip
        last = float(points["median"].iloc[-1])
        names.append((beside(a, words.cell(line.cell), colour), last))
    for name, _ in names:
        name.set_fontsize(SMALL)
    values = pd.concat([line.points[["lowest", "highest"]].stack() for line in its])
    low, high = min(values.min(), solved), max(values.max(), solved)
    if one.task["direction"] == "lower" and low > 0:
        a.set_yscale("log")
        subs = (1.0,) if high > 1000 * low else (1.0, 3.0) if high > 30 * low else (1.0, 2.0, 5.0)
        ticks(a.yaxis, LogLocator(subs=subs, numticks=6))
        a.yaxis.set_major_formatter(lambda value, _: number(value).replace("1.00·", ""))
    else:
        ticks(a.yaxis, MaxNLocator(4))
    ticks(a.xaxis, MaxNLocator(5))
    a.set_xlim(left=0)
    title = phrases.capital(words.task(one.name))
    a.set_title(title if len(title) < 40 else f"{title[:38]}…", fontsize=8, loc="left")
    better = "less is better" if baseline > solved else "more is better"
    a.set_ylabel(f"{one.task['metric']}\n({better})", fontsize=SMALL)
    a.set_xlabel("seconds of training", fontsize=SMALL)
    a.tick_params(labelsize=SMALL, length=2.5)
    return names
