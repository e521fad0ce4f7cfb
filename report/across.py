"""Scores across tasks: performance profiles, and under each the interquartile means."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from report import cell_styles
from report.figures import settings, svg
from report.numbers import interval

TRACKS = ("matched", "native")
# What lies further beyond baseline or solved is drawn at the edge.
REACH = (-0.5, 1.5)


def profiles(aggregate: pd.DataFrame, table: pd.DataFrame) -> str:
    """A panel a framework and track, lines and bands by cell; empty without :func:`several`."""
    aggregate, table = several(aggregate), several(table)
    if aggregate.empty:
        return ""
    frameworks = sorted(set(aggregate["framework"]))
    tracks = [track for track in TRACKS if track in set(aggregate["track"])]
    cells = cell_styles.in_order(aggregate["cell"])
    spread = aggregate[["low", "iqm", "high"]].to_numpy(float).clip(*REACH)
    limits = min(0, np.nanmin(spread)) - 0.04, max(1, np.nanmax(spread)) + 0.04
    with sns.axes_style("ticks"), mpl.rc_context(settings("profiles")):
        figure, panels = plt.subplots(
            2 * len(tracks), len(frameworks), sharex=True, sharey="row", squeeze=False,
            figsize=(9.5, len(tracks) * (2.3 + 0.28 * len(cells))), layout="constrained",
            height_ratios=[2.0, 0.28 * len(cells) + 0.1] * len(tracks),
        )  # fmt: skip
        for row, track in enumerate(tracks):
            for column, framework in enumerate(frameworks):
                above, below = panels[2 * row, column], panels[2 * row + 1, column]
                above.set_xlim(*limits)
                mine = [
                    rows[(rows["framework"] == framework) & (rows["track"] == track)]
                    for rows in (table, aggregate)
                ]
                _lines(above, mine[0], cells, framework)
                _means(below, mine[1], cells, framework)
                above.set_title(f"{framework}, {track}", fontsize=10)
            panels[2 * row, 0].set_ylabel("share of runs\nthat get further", fontsize=10)
            panels[2 * row, 0].set_ylim(-0.03, 1.03)
            below = panels[2 * row + 1, 0]
            below.set_yticks(range(len(cells)), [cell.upper() for cell in cells])
            below.set_ylim(len(cells) - 0.4, -0.6)
            below.set_ylabel("interquartile\nmean", fontsize=9)
        for axes in panels[-1]:
            axes.set_xticks([0, 0.5, 1], ["baseline", "half way", "solved"])
        sns.despine(figure)
        return svg(figure, "Performance profiles and interquartile means across tasks")


def several(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of scores across tasks that are of two tasks or more."""
    return rows[rows["tasks"] > 1]


def _lines(axes: Any, rows: pd.DataFrame, cells: list[str], framework: str) -> None:
    """Each cell's profile in its band, its name below its line."""
    heights: dict[str, float] = {}
    for cell in cells:
        mine = rows[rows["cell"] == cell].sort_values("threshold")
        if mine.empty:
            continue
        colour, layer = cell_styles.colour(cell), f"layer of-{framework}"
        axes.plot(
            mine["threshold"], mine["share"], color=colour, linestyle=cell_styles.line(cell),
            linewidth=1.5, gid=layer,
        )  # fmt: skip
        if mine["low"].notna().any():
            axes.fill_between(
                mine["threshold"], mine["low"], mine["high"], color=colour, alpha=0.2, linewidth=0
            ).set_gid(layer)
        heights[cell] = float(mine["share"].iloc[len(mine) // 3]) - 0.07
    for cell, height in _apart(heights, 0.11).items():
        axes.annotate(
            cell.upper(), (rows["threshold"].max() / 3, height), fontsize=9, va="center",
            ha="center", color=cell_styles.colour(cell),
        )  # fmt: skip


def _means(axes: Any, rows: pd.DataFrame, cells: list[str], framework: str) -> None:
    numbers: dict[int, str] = {}
    for row in rows.to_dict("records"):
        place, colour = cells.index(row["cell"]), cell_styles.colour(row["cell"])
        low, mean, high = np.clip([row["low"], row["iqm"], row["high"]], *REACH)
        layer = f"layer of-{framework}"
        axes.plot((low, high), (place, place), color=colour, linewidth=1.6, gid=layer)
        axes.plot(mean, place, "o", color=colour, markersize=4.5, gid=layer)
        numbers[place] = interval(row["iqm"], row["low"], row["high"])
    right = axes.secondary_yaxis("right")
    right.set_yticks(list(numbers), list(numbers.values()), fontsize=8)
    right.tick_params(length=0, pad=1)
    right.spines["right"].set_visible(False)


def _apart(heights: dict[str, float], least: float, floor: float = 0.05) -> dict[str, float]:
    """The heights of labels, moved down until ``least`` apart, and up again from the ``floor``."""
    order = sorted(heights, key=lambda name: -heights[name])
    found: dict[str, float] = {}
    for cell in order:
        found[cell] = min([heights[cell], *(h - least for h in found.values())])
    for place, cell in enumerate(reversed(order)):
        found[cell] = max(found[cell], floor + place * least)
    return found
