"""The section "Learning curves": the score while training, single seeds and their band."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator

from report import words
from report.figures.drawing import Job
from report.figures.panels import beside, spread, ticks
from report.figures.style import INK, MARK, MOST_CELLS, Palette, settings, tracks
from report.figures.svg import svg
from report.tables import Tables

METHOD = ["framework", "cell", "track"]
Method = tuple[Hashable, ...]
# More seeds than these are not drawn singly, fewer where cells are many; the band has them all.
MOST_SEEDS, MOST_OF_MANY = 10, 5
# A score so many times beyond the baseline belongs to a run that diverged.
ABSURD = 1e6
# Inches: the figure's width, what stands beside, below and above all panels, and a row of them,
# which is lower where there are more than a screen has room for.
WIDTH, LEFT, RIGHT, BELOW, ABOVE = 9.5, 0.85, 0.95, 0.5, 0.3
ROW, LOW_ROW, MOST_ROWS = 1.9, 1.45, 4
# Cells of one track stand beside each other, so many in a row.
COLUMNS = 3


@dataclass(frozen=True)
class Canvas:
    """A task's panels, and the texts beside each with the value that it stands at."""

    figure: Figure
    # In rows; the last one may have less.
    panels: list[Any]
    columns: int
    labels: list[list[tuple[Any, float]]] = field(default_factory=list)


def content(tables: Tables) -> dict[str, Any]:
    """How many seeds are drawn singly."""
    return {"most_seeds": _most(tables["curves"])}


def _most(curves: pd.DataFrame) -> int:
    return MOST_SEEDS if curves["cell"].nunique() <= MOST_CELLS else MOST_OF_MANY


def furthest(baseline: float, solved: float) -> float:
    """The score beyond which a run of a task with these two has diverged."""
    return ABSURD * max(abs(baseline), abs(solved), 1e-9)


def figures(tables: Tables) -> dict[str, Job]:
    """By task its figure."""
    jobs: dict[str, Job] = {}
    for _, task in tables["tasks"].iterrows():
        both = (tables.of_task(name, task["task"]) for name in ("curves", "curves_summary"))
        jobs[task["task"]] = curves, (*both, task, tables.palette)
    return jobs


def curves(
    curves: pd.DataFrame, summary: pd.DataFrame, task: pd.Series, palette: Palette
) -> Markup:
    """The score of a task against training steps.

    The scale is logarithmic where less is better and every score is positive.
    """
    reach = furthest(task["baseline"], task["solved"])
    mine = _known(curves, ["score"], reach)
    bands = _known(summary, ["median", "lowest", "highest"], reach)
    if mine.empty:
        return Markup()
    marks = [task["baseline"], task["solved"]]
    values = np.concatenate([mine["score"], bands["lowest"], bands["highest"], marks])
    lowest, highest = float(values.min()), float(values.max())
    scale = "log" if lowest > 0 and task["direction"] == "lower" else "linear"
    with settings(f"curves {task['task']}"):
        canvas = _canvas(_lines(mine), dict(list(bands.groupby(METHOD))), task, palette)
        _steps(canvas, float(mine["step"].max()))
        _scale(canvas, scale, lowest, highest)
        name = f"{words.task(task['task'])}: {task['metric']} against training steps, {scale} scale"
        return svg(canvas.figure, f"Learning curves, {name}", tight=False)


def _canvas(
    lines: Mapping[Method, pd.DataFrame],
    bands: Mapping[Method, pd.DataFrame],
    task: pd.Series,
    palette: Palette,
) -> Canvas:
    """A panel a cell, the tracks side by side."""
    cells = palette.present(key[1] for key in lines)
    both = tracks(key[2] for key in lines)
    columns = 2 if len(both) == 2 else min(len(cells), COLUMNS)
    rows = -(-len(cells) * len(both) // columns)
    height = BELOW + ABOVE + rows * (ROW if rows <= MOST_ROWS else LOW_ROW)
    # Fixed margins: to find them out would take longer than to draw.
    room = (WIDTH - LEFT - RIGHT * columns) / columns
    figure, grid = plt.subplots(
        rows, columns, figsize=(WIDTH, height), sharex=True, sharey=True, squeeze=False,
        gridspec_kw={
            "left": LEFT / WIDTH, "right": 1 - RIGHT / WIDTH, "bottom": BELOW / height,
            "top": 1 - ABOVE / height, "wspace": RIGHT / room, "hspace": 0.22,
        },
    )  # fmt: skip
    panels = list(grid.flat)[: len(cells) * len(both)]
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    canvas = Canvas(figure, panels, columns)
    for (cell, track), axes in zip(product(cells, both), panels, strict=True):
        labels = [(beside(axes, name, INK), float(task[name])) for name in ("baseline", "solved")]
        for _, value in labels:
            axes.axhline(value, **MARK | {"alpha": 0.5})
        canvas.labels.append(labels)
        for framework in palette.frameworks:
            method, colour = (framework, cell, track), palette.framework(framework)
            style = {"color": colour, "linestyle": palette.line(cell)}
            _draw(canvas, axes, lines.get(method), bands.get(method), style, framework)
        # Said where, or matplotlib would measure everything to find the place.
        axes.set_title(f"{words.cell(cell)}, {words.track(track)}", fontsize=10, y=1.0)
    # The marks of the outer panels serve all; without the inner ones a quarter less is to be drawn.
    for place, axes in enumerate(panels):
        axes.xaxis.set_visible(place + columns >= len(panels))
        axes.tick_params(labelbottom=True)
        axes.yaxis.set_visible(place % columns == 0)
    figure.supylabel(task["metric"], fontsize=10, x=0.005)
    return canvas


def _known(table: pd.DataFrame, columns: list[str], reach: float) -> pd.DataFrame:
    """The rows whose values can be drawn, in the order of their steps."""
    mine = table[table["track"].isin(tracks(table["track"]))]
    return mine[(mine[columns].abs() < reach).all(axis=1)].sort_values("step", kind="stable")


def _lines(rows: pd.DataFrame) -> dict[Method, pd.DataFrame]:
    """A method's curves as one, the seeds one after the other with a gap after each."""
    seeds = sorted(rows["seed"].unique())[: _most(rows)]
    rows = rows[rows["seed"].isin(seeds)].sort_values(["seed", "step"], kind="stable")
    gaps = rows.drop_duplicates([*METHOD, "seed"], keep="last").assign(score=np.nan)
    rows = pd.concat([rows, gaps]).sort_values("seed", kind="stable")
    return dict(list(rows.groupby(METHOD)))


def _draw(
    canvas: Canvas,
    axes: Any,
    singles: pd.DataFrame | None,
    band: pd.DataFrame | None,
    style: dict[str, Any],
    framework: str,
) -> None:
    """A method's seeds as one layer, the median in the band of their range as another.

    The label stands at the median of the last scores.
    """
    colour = style["color"]
    if singles is not None:
        name = f"layer seeds of-{framework}"
        axes.plot(singles["step"], singles["score"], linewidth=1, alpha=0.75, gid=name, **style)
        ends = singles.dropna(subset="score").drop_duplicates("seed", keep="last")
        label = beside(axes, words.framework(framework), colour, gid=f"layer of-{framework}")
        canvas.labels[-1].append((label, float(ends["score"].median())))
    if band is not None:
        name = f"layer band of-{framework}"
        axes.plot(band["step"], band["median"], linewidth=1.6, gid=name, **style)
        look = {"color": colour, "alpha": 0.18, "linewidth": 0, "gid": name}
        axes.fill_between(band["step"], band["lowest"], band["highest"], **look)


def _steps(canvas: Canvas, most: float) -> None:
    """The same marks for all panels, found once, on an axis that ends at ``most`` steps."""
    marks = FixedLocator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(0, most))
    for axes in canvas.panels:
        axes.set_xlim(-0.02 * most, 1.02 * most or 1)
        axes.xaxis.set_major_locator(marks)
    for axes in canvas.panels[-canvas.columns :]:
        axes.set_xlabel("training steps")


def _scale(canvas: Canvas, y: str, lowest: float, highest: float) -> None:
    """Put the scores on a scale, and the texts beside the panels at their heights."""
    if y == "log":
        room = (highest / lowest) ** 0.05
        limits = lowest / room, highest * room
        ratio = limits[1] / limits[0]
        subs = (1.0,) if ratio > 1000 else (1.0, 3.0) if ratio > 100 else (1.0, 2.0, 5.0)
        marks = LogLocator(subs=subs, numticks=8).tick_values(*limits)
    else:
        room = 0.05 * (highest - lowest)
        limits = lowest - room, highest + room
        marks = MaxNLocator(5).tick_values(*limits)
    for axes in canvas.panels:
        # Each by itself, though they share it: the first would reset the others' marks.
        axes.set_yscale(y)
    for axes, labels in zip(canvas.panels, canvas.labels, strict=True):
        axes.set_ylim(*limits)
        ticks(axes.yaxis, FixedLocator(marks))
        spread(axes, labels)
