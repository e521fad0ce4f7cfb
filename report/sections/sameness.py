"""The section "Same model?": checks against the reference model, and what defaults change."""

from itertools import product
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import FixedLocator

from report.figures.drawing import Job
from report.figures.panels import laid_out, ticks, width
from report.figures.style import MARK, Palette, settings
from report.figures.svg import svg
from report.tables import Tables, crossed

# The marks of an axis of ratios: of any, and of those that all lie close to 1.
RATIOS = (0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10)
CLOSE = (0.8, 0.9, 1, 1.1, 1.25)


def content(tables: Tables) -> dict[str, Any]:
    """The checks by kind and method, and when float32 parts the frameworks."""
    checked, parted = tables["conformance_summary"], tables["divergence_summary"]
    parted = parted.sort_values("threshold", kind="stable")
    # The heading of a pair's column, which the table takes for one of text.
    parted = parted.assign(pair=parted["framework"] + " and " + parted["other_framework"] + "|")
    runs, palette = tables["runs"], tables.palette
    return {
        "frameworks": palette.running(runs["framework"]),
        "cells": palette.present(tables["scores"]["cell"]),
        "checked": crossed(checked, ["check", "dtype"], ["framework", "cell"]),
        "parted": crossed(parted, ["task", "cell", "steps"], ["pair", "threshold"]),
        "pairs": sorted(set(parted["pair"])),
        "thresholds": sorted(set(parted["threshold"])),
    }


def figures(tables: Tables) -> dict[str, Job]:
    """What the defaults change, by task."""
    return {
        name: (attribution, (tables.of_task("attribution", name), task, tables.palette))
        for name, (_, task) in zip(tables.tasks, tables["tasks"].iterrows(), strict=True)
    }


def attribution(changes: pd.DataFrame, task: pd.Series, palette: Palette) -> Markup:
    """What each default changes on ``task``: steps to solve above, score below, a panel a cell."""
    if changes.empty:
        return Markup()
    data = changes.assign(label=changes["framework"] + ": " + changes["factor"])
    cells = palette.present(data["cell"])
    measures = {
        "steps_ratio": "steps to solve, ratio to matched",
        "score_change": f"{task['metric']}, difference to matched",
    }
    # A factor without a ratio has no row among the ratios.
    known = {
        (measure, cell): data[(data["cell"] == cell) & data[measure].notna()].iloc[::-1]
        for measure, cell in product(measures, cells)
    }
    most = [max(1, *(len(known[measure, cell]) for cell in cells)) for measure in measures]
    ends = data[["steps_ratio_low", "steps_ratio_high"]]
    close = bool(ends.min().min() > 0.75 and ends.max().max() < 1.34)
    with settings(f"attribution {task['task']}"):
        wide, high, ratios = width(len(cells)), 1.8 + 0.23 * sum(most), [1.5 + n for n in most]
        figure, panels = laid_out(2, len(cells), wide, high, sharex="row", height_ratios=ratios)
        for axes, ((measure, cell), mine) in zip(panels.flat, known.items(), strict=True):
            for place, (_, row) in enumerate(mine.iterrows()):
                bounds = row[f"{measure}_low"], row[f"{measure}_high"]
                colour = palette.framework(row["framework"])
                axes.plot(bounds, (place, place), color=colour, linewidth=1.6)
                filled = colour if row["factor"] in ("native", "left over") else "none"
                axes.plot(row[measure], place, "o", color=colour, markerfacecolor=filled)
            axes.axvline(float(measure == "steps_ratio"), **MARK)
            axes.set_yticks(range(len(mine)), mine["label"])
            axes.set_ylim(-0.7, max(1, len(mine)) - 0.3)
            if measure == "steps_ratio":
                axes.set_title(cell.upper())
                axes.set_xscale("log", base=2)
                ticks(axes.xaxis, FixedLocator(CLOSE if close else RATIOS))
            axes.set_xlabel(measures[measure])
        return svg(figure, f"What each framework's defaults change on {task['task']}")
