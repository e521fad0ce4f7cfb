"""The section "Advice": every answer with its rule, and scores across tasks."""

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from report import advice_words, words
from report.figures.drawing import Job
from report.figures.panels import beside, laid_out, spread, width
from report.figures.style import MOST_CELLS, Palette, settings, tracks
from report.figures.svg import svg
from report.numbers import interval, listed
from report.sections import speed
from report.sections.leading import leading
from report.tables import Tables

# What lies further beyond baseline or solved is drawn at the edge.
REACH = (-0.5, 1.5)


def content(tables: Tables) -> dict[str, Any]:
    """The advice by question, and what the figure of scores across tasks is from."""
    questions: dict[str, list[dict[str, Any]]] = {}
    for row in advice_words.said(tables["advice"]):
        questions.setdefault(row["question"], []).append(row)
    means = several(tables["aggregate"])
    drawn = _drawn(tables)
    return {
        "questions": questions,
        "clear": advice_words.CLEAR,
        "warned": speed.warnings(tables),
        # Methods may have lost seeds, so that n is a range.
        "tasks": sorted({int(n) for n in means["tasks"]}),
        "seeds": sorted({int(n) for n in means["n"]}),
        "lines": listed(map(words.cell, drawn)) if len(drawn) < means["cell"].nunique() else "",
        "bands": bool(tables["profiles"]["low"].notna().any()),
    }


def figures(tables: Tables) -> dict[str, Job]:
    """The scores across tasks."""
    given = tables["aggregate"], tables["profiles"], tables.palette, _drawn(tables)
    return {"profiles": (profiles, given)}


def _drawn(tables: Tables) -> list[str]:
    """The cells whose lines are drawn: of many, those that the overview shows."""
    cells = tables.palette.present(several(tables["aggregate"])["cell"])
    return cells if len(cells) <= MOST_CELLS else leading(tables, cells)


def profiles(
    aggregate: pd.DataFrame, table: pd.DataFrame, palette: Palette, drawn: list[str] | None = None
) -> Markup:
    """A panel a framework and track: lines of all or those ``drawn``, below them all cells' means.

    Empty without :func:`several`.
    """
    aggregate, table = several(aggregate), several(table)
    if aggregate.empty:
        return Markup()
    frameworks = palette.running(aggregate["framework"])
    both = tracks(aggregate["track"])
    cells = palette.present(aggregate["cell"])
    ends = aggregate[["low", "mean", "high"]].to_numpy(float).clip(*REACH)
    limits = min(0, np.nanmin(ends)) - 0.04, max(1, np.nanmax(ends)) + 0.04
    with settings("profiles"):
        high, ratios = 2.3 + 0.28 * len(cells), [2.0, 0.28 * len(cells) + 0.1]
        figure, panels = laid_out(
            2 * len(both), len(frameworks), width(len(frameworks)), len(both) * high,
            sharex=True, sharey="row", height_ratios=ratios * len(both),
        )  # fmt: skip
        labels = []
        for track, upper, lower in zip(both, panels[::2], panels[1::2], strict=True):
            for framework, above, below in zip(frameworks, upper, lower, strict=True):
                above.set_xlim(*limits)
                shares, means = (
                    rows[(rows["framework"] == framework) & (rows["track"] == track)]
                    for rows in (table, aggregate)
                )
                names = _lines(above, shares, drawn or cells, palette, f"layer of-{framework}")
                labels.append((above, names))
                _means(below, means, cells, palette, f"layer of-{framework}")
                above.set_title(f"{words.framework(framework)}, {words.track(track)}", fontsize=10)
            above, below = upper[0], lower[0]
            above.set_ylabel("share of runs\nthat get further", fontsize=10)
            above.set_ylim(-0.03, 1.03)
            below.set_yticks(range(len(cells)), [words.cell(cell) for cell in cells])
            below.set_ylim(len(cells) - 0.4, -0.6)
            below.set_ylabel("mean over\nthe tasks", fontsize=9)
        for axes in panels[-1]:
            axes.set_xticks([0, 1], ["baseline", "solved"])
        # Only when all is laid out is it known where a value stands.
        figure.draw_without_rendering()
        for above, names in labels:
            spread(above, names)
        return svg(figure, "Performance profiles and means across tasks")


def several(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of scores across tasks that are of two tasks or more."""
    return rows[rows["tasks"] > 1]


def _lines(
    axes: Any, rows: pd.DataFrame, cells: list[str], palette: Palette, layer: str
) -> list[tuple[Any, float]]:
    """Each cell's profile in its band; its name beside its end, and the value there."""
    names: list[tuple[Any, float]] = []
    for cell in cells:
        mine = rows[rows["cell"] == cell].sort_values("threshold")
        if mine.empty:
            continue
        x, colour = mine["threshold"], palette.cell(cell)
        line = {"linestyle": palette.line(cell), "linewidth": 1.5}
        axes.plot(x, mine["share"], color=colour, gid=layer, **line)
        if mine["low"].notna().any():
            band = {"alpha": 0.2, "linewidth": 0, "gid": layer}
            axes.fill_between(x, mine["low"], mine["high"], color=colour, **band)
        names.append((beside(axes, words.cell(cell), colour), float(mine["share"].iloc[-1])))
    return names


def _means(axes: Any, rows: pd.DataFrame, cells: list[str], palette: Palette, layer: str) -> None:
    numbers: dict[int, str] = {}
    for row in rows.to_dict("records"):
        place, colour = cells.index(row["cell"]), palette.cell(row["cell"])
        low, mean, high = np.clip([row["low"], row["mean"], row["high"]], *REACH)
        axes.plot((low, high), (place, place), color=colour, linewidth=1.6, gid=layer)
        axes.plot(mean, place, "o", color=colour, markersize=4.5, gid=layer)
        numbers[place] = interval(row["mean"], row["low"], row["high"])
    right = axes.secondary_yaxis("right")
    right.set_yticks(list(numbers), list(numbers.values()), fontsize=8)
    right.tick_params(length=0, pad=1)
    right.spines["right"].set_visible(False)
