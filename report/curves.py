"""Learning curves: single seeds and their band in one figure, against steps or seconds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from report.figures import CELL_ORDER, INK, LINES, colours, settings, svg

AGAINST = {"steps": ("step", "training step"), "seconds": ("seconds", "seconds of training")}
TRACKS = ("matched", "native")
METHOD = ["framework", "cell", "track"]
Method = tuple[Hashable, ...]
# More seeds than these are not drawn singly; the band has them all.
MOST_SEEDS = 20
# A score so many times beyond the baseline belongs to a run that diverged.
ABSURD = 1e6


def variants(
    curves: pd.DataFrame, summary: pd.DataFrame, task: pd.Series, frameworks: list[str]
) -> list[dict[str, str]]:
    """The figures of a task, each with what it is drawn against and on which scale.

    The first is what the reader sees at first: against steps, and on a logarithmic scale where
    less is better. A logarithmic scale is left out where a score is not positive.
    """
    reach = ABSURD * max(abs(task["baseline"]), abs(task["solved"]), 1e-9)
    mine = _known(curves, task["task"], ["score"], reach)
    bands = _known(summary, task["task"], ["median", "lowest", "highest"], reach)
    if mine.empty:
        return []
    lowest = min([task["baseline"], task["solved"], mine["score"].min(), *bands["lowest"]])
    timed = mine["seconds"].notna().any()
    first = "log" if task["direction"] == "lower" and lowest > 0 else "linear"
    other = {"log": "linear", "linear": "log"}[first]
    lines, areas = _lines(mine), dict(list(bands.groupby(METHOD)))
    figures = []
    for x in AGAINST if timed else ["steps"]:
        for y in (first, other) if lowest > 0 else (first,):
            drawn = learning_curves(lines, areas, task, x, y, frameworks)
            # Without a second scale the only one serves every choice.
            scales = f"auto {y}" if lowest > 0 else "auto log linear"
            figures.append({"x": x, "y": scales if y == first else y, "svg": drawn})
    return figures


def learning_curves(
    lines: Mapping[Method, pd.DataFrame],
    bands: Mapping[Method, pd.DataFrame],
    task: pd.Series,
    x: str,
    y: str,
    frameworks: list[str],
) -> str:
    """Validation scores of a task's runs: a panel a cell; matched and native side by side."""
    column, label = AGAINST[x]
    cells = [cell for cell in CELL_ORDER if any(key[1] == cell for key in lines)]
    tracks = [track for track in TRACKS if any(key[2] == track for key in lines)]
    shape = (len(cells), 2) if len(tracks) == 2 else (1, len(cells))
    palette = colours(frameworks)
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"{task['task']} {x} {y}")):
        # Fixed margins, in inches: to find them out would take longer than to draw.
        width, height = 9.5, 1.0 + 1.9 * shape[0]
        figure, panels = plt.subplots(
            *shape, figsize=(width, height), sharex="col", sharey=True, squeeze=False,
            gridspec_kw={
                "left": 0.85 / width, "right": 1 - 0.8 / width, "bottom": 0.5 / height,
                "top": 1 - 0.55 / height, "wspace": 0.05, "hspace": 0.22,
            },
        )  # fmt: skip
        for (cell, track), axes in zip(
            [(c, t) for c in cells for t in tracks], panels.flat, strict=True
        ):
            for framework, colour in palette.items():
                _draw(axes, lines, bands, (framework, cell, track), column, colour)
            _scale(axes, y)
            # Said where, or matplotlib would measure everything to find the place.
            axes.set_title(f"{cell.upper()}, {track}", fontsize=10, y=1.0)
            for value, name in ((task["baseline"], "baseline"), (task["solved"], "solved")):
                axes.axhline(value, color=INK, linewidth=0.8, linestyle=(0, (5, 3)), alpha=0.5)
                if axes in panels[:, -1]:
                    axes.annotate(
                        f" {name}", (1, value), xycoords=("axes fraction", "data"),
                        va="center", fontsize=9, color=INK,
                    )  # fmt: skip
        for axes in panels[-1]:
            axes.set_xlabel(label)
        figure.supylabel(task["metric"], fontsize=10, x=0.005)
        known = [name for name in palette if any(key[0] == name for key in lines)]
        figure.legend(
            [Line2D([], [], color=palette[name], linewidth=2) for name in known], known,
            loc="upper center", ncol=6, frameon=False,
            labelcolor=[palette[name] for name in known],
        )  # fmt: skip
        sns.despine(figure)
        return svg(
            figure,
            f"Learning curves on {task['task']}: {task['metric']} against {label}, {y} scale",
            tight=False,
        )


def _known(table: pd.DataFrame, task: str, columns: list[str], reach: float) -> pd.DataFrame:
    """The task's rows whose values can be drawn, in the order of their steps."""
    mine = table[(table["task"] == task) & table["track"].isin(TRACKS)]
    mine = mine[mine["cell"].isin(CELL_ORDER)]
    return mine[(mine[columns].abs() < reach).all(axis=1)].sort_values("step", kind="stable")


def _lines(rows: pd.DataFrame) -> dict[Method, pd.DataFrame]:
    """A method's curves as one, the seeds one after the other with a gap after each."""
    seeds = sorted(rows["seed"].unique())[:MOST_SEEDS]
    rows = rows[rows["seed"].isin(seeds)].sort_values(["seed", "step"], kind="stable")
    gaps = rows.drop_duplicates([*METHOD, "seed"], keep="last").assign(score=np.nan)
    rows = pd.concat([rows, gaps]).sort_values("seed", kind="stable")
    return dict(list(rows.groupby(METHOD)))


def _draw(
    axes: Any,
    lines: Mapping[Method, pd.DataFrame],
    bands: Mapping[Method, pd.DataFrame],
    method: Method,
    x: str,
    colour: str,
) -> None:
    """A method's seeds as one layer; the median in the band of their range as another."""
    framework, cell, _ = method
    style = {"color": colour, "linestyle": LINES[str(cell)]}
    if method in lines:
        rows = lines[method]
        name = f"layer seeds of-{framework}"
        axes.plot(rows[x], rows["score"], linewidth=1, alpha=0.75, gid=name, **style)
    if method in bands:
        rows = bands[method]
        name = f"layer band of-{framework}"
        axes.plot(rows[x], rows["median"], linewidth=1.6, gid=name, **style)
        area = axes.fill_between(
            rows[x], rows["lowest"], rows["highest"], color=colour, alpha=0.18, linewidth=0
        )
        area.set_gid(name)


def _scale(axes: Any, y: str) -> None:
    if y == "linear":
        return
    axes.set_yscale("log")
    lowest, highest = axes.get_ylim()
    subs = (1.0,) if highest / lowest > 100 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
