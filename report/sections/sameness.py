"""The section "Same model?": how far frameworks end apart, the checks, and what defaults change."""

import math
import re
from itertools import product
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import FixedLocator

from report import answers, words
from report.figures.drawing import Job
from report.figures.panels import laid_out, ticks, width
from report.figures.style import MARK, MOST_CELLS, Palette, settings
from report.figures.svg import svg
from report.numbers import number
from report.sections import claim_words, pairs
from report.tables import Tables, crossed, rows

# The marks of an axis of ratios: of any, and of those that all lie close to 1.
RATIOS = (0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10)
CLOSE = (0.8, 0.9, 1, 1.1, 1.25)
# What each check compares with the reference model.
CHECKS = {
    "round trip": "weights, written into the framework and read again",
    "parameters": "the number of parameters, with the formula",
    "forward": "outputs of a forward pass",
    "gradient": "gradient of the loss",
    "trajectory sgd": "losses and weights over training steps with SGD",
    "trajectory rmsprop": "losses and weights over training steps with RMSprop",
    "trajectory adam": "losses and weights over training steps with Adam",
}
# What an attribution calls its rows, where it is not the name of one default.
FACTORS = {"native": "as installed, all of them", "left over": "left over"}


def content(tables: Tables) -> dict[str, Any]:
    """The checks in words and one by one, when rounding parts frameworks, and the parameters."""
    checked, parted = tables["conformance_summary"], tables["divergence_summary"]
    parted = parted.sort_values("threshold", kind="stable")
    # The heading of a pair's column, which the table takes for one of text.
    names = [parted[name].map(words.framework) for name in ("framework", "other_framework")]
    parted = parted.assign(pair=names[0] + " and " + names[1] + "|")
    runs, palette = tables["runs"], tables.palette
    frameworks = palette.running(runs["framework"])
    scores = pairs.scores(tables)
    cells = palette.present(tables["scores"]["cell"])
    return {
        "answer": answers.same(tables),
        "title": pairs.finding(scores),
        "frameworks": frameworks,
        "cells": cells,
        "turned": len(cells) > MOST_CELLS,
        "kept": _kept(tables["conformance"]),
        "passed": (int(checked["passed"].sum()), int(checked["checks"].sum())),
        "summary": [
            (CHECKS.get(c, c), _together(checked, c, frameworks)) for c in _checks(checked)
        ],
        "checked": crossed(checked, ["check", "dtype"], ["framework", "cell"]),
        "parted": crossed(parted, ["task", "cell", "steps"], ["pair", "threshold"]),
        "soonest": _soonest(parted),
        "pairs": sorted(set(parted["pair"])),
        "thresholds": sorted(set(parted["threshold"])),
        "factors": FACTORS,
        "strongest": _strongest(tables["attribution"]),
        "counts": _counts(tables["parameter_counts"], palette),
    }


def _kept(checks: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """By day the frameworks whose checks were made then and kept, where not made in this run."""
    known = checks.dropna(subset="kept")
    return [
        (str(day), [words.framework(name) for name in dict.fromkeys(mine["framework"])])
        for day, mine in known[known["kept"] != ""].groupby("kept")
    ]


def _checks(checked: pd.DataFrame) -> list[str]:
    """The checks that were made, in the order above, others after them."""
    made = set(checked["check"])
    return [c for c in CHECKS if c in made] + sorted(made - set(CHECKS))


def _together(checked: pd.DataFrame, check: str, frameworks: list[str]) -> list[dict[str, Any]]:
    """Of one check and every framework: what failed, and the worst error by kind of number."""
    found = []
    for framework in frameworks:
        mine = checked[(checked["check"] == check) & (checked["framework"] == framework)]
        failed = mine[mine["passed"] < mine["checks"]]
        found.append({
            "framework": framework,
            "checks": int(mine["checks"].sum()),
            "failed": ", ".join(words.cell(c) for c in dict.fromkeys(failed["cell"])),
            "worst": _worst(mine),
        })  # fmt: skip
    return found


def _worst(checked: pd.DataFrame) -> list[tuple[str, float, float]]:
    """By kind of number its bits, the worst error and what is allowed; one line if all is exact."""
    found = [
        (
            # Of a GPU there is also "float32, default precision".
            re.sub(r"^float(\d+)", r"\1-bit", str(dtype)),
            some["max_error"].max(),
            some["tolerance"].max(),
        )
        for dtype, some in checked.groupby("dtype", sort=False)
    ]
    exact = all(error == 0 and allowed == 0 for _, error, allowed in found)
    return [("", 0.0, 0.0)] if found and exact else found


def _soonest(parted: pd.DataFrame) -> str:
    """Where the frameworks part first, as a sentence; empty where they never do."""
    known = parted[parted["median_step"].notna()]
    if known.empty:
        return ""
    row = known.sort_values(["threshold", "median_step"]).iloc[0]
    return (
        f"soonest on {words.task(row['task'])}, {words.cell(row['cell'])}, by "
        f"{number(100 * row['threshold'])} % after {number(row['median_step'])} of "
        f"{number(row['steps'])} steps"
    )


def _strongest(changes: pd.DataFrame) -> str:
    """The one default that changes the steps to solve most, as a sentence; empty if none surely."""
    low, high = changes["steps_ratio_low"], changes["steps_ratio_high"]
    known = changes[~changes["factor"].isin(FACTORS) & (low.gt(1) | high.lt(1))]
    found = [row for row in rows(known) if row["steps_ratio"]]
    if not found:
        return ""
    row = max(found, key=lambda one: abs(math.log(one["steps_ratio"])))
    bounds = row["steps_ratio_low"], row["steps_ratio_high"]
    where = f"{words.task(row['task'])}, {words.cell(row['cell'])}"
    size = claim_words.ratio(row["steps_ratio"], *bounds)
    name = f"{words.framework(row['framework'])}’s {row['factor']}"
    return f"most {name} on {where}, steps to solve: {size}"


def _counts(counts: pd.DataFrame, palette: Palette) -> dict[str, Any]:
    """The parameters of every model and cell by framework, one a track where tracks differ."""
    found: dict[Any, dict[str, str]] = {}
    frameworks = palette.running(counts["framework"])
    for (model, cell), mine in counts.groupby(["model", "cell"], sort=False):
        row = found.setdefault((model, cell), {})
        for framework in frameworks:
            here = mine[mine["framework"] == framework]
            by = {
                words.track(t): number(n)
                for t, n in zip(here["track"], here["counted"], strict=True)
            }
            same = len(set(by.values())) == 1
            row[framework] = next(iter(by.values())) if same else "; ".join(
                f"{n} {track}" for track, n in by.items()) or "–"  # fmt: skip
    return {"frameworks": frameworks, "rows": found}


def figures(tables: Tables) -> dict[Any, Job]:
    """How far the frameworks' scores are apart, and by task what the defaults change."""
    metrics = dict(zip(tables["tasks"]["task"], tables["tasks"]["metric"], strict=True))
    scores = pairs.scores(tables)
    tasks = [t for t in dict.fromkeys([*tables.tasks, *scores["task"]]) if t in set(scores["task"])]
    changes: dict[Any, Job] = {
        ("attribution", name): (
            attribution,
            (tables.of_task("attribution", name), task, tables.palette),
        )
        for name, (_, task) in zip(tables.tasks, tables["tasks"].iterrows(), strict=True)
        if len(tables.of_task("attribution", name))
    }
    return {"apart": (pairs.apart, (scores, tasks, metrics, tables.palette))} | changes


def attribution(changes: pd.DataFrame, task: pd.Series, palette: Palette) -> Markup:
    """What each default changes on ``task``: steps to solve above, score below, a panel a cell."""
    if changes.empty:
        return Markup()
    factor = changes["factor"].map(lambda name: FACTORS.get(name, name))
    data = changes.assign(label=changes["framework"].map(words.framework) + ": " + factor)
    cells = palette.present(data["cell"])
    measures = {
        "steps_ratio": "steps to solve, times those of the same start and rule",
        "score_change": f"{task['metric']}, difference to the same start and rule",
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
                filled = colour if row["factor"] in FACTORS else "none"
                axes.plot(row[measure], place, "o", color=colour, markerfacecolor=filled)
            axes.axvline(float(measure == "steps_ratio"), **MARK)
            axes.set_yticks(range(len(mine)), mine["label"])
            axes.set_ylim(-0.7, max(1, len(mine)) - 0.3)
            if measure == "steps_ratio":
                axes.set_title(words.cell(cell))
                axes.set_xscale("log", base=2)
                ticks(axes.xaxis, FixedLocator(CLOSE if close else RATIOS))
            axes.set_xlabel(measures[measure])
        return svg(figure, f"What each framework's defaults change on {words.task(task['task'])}")
