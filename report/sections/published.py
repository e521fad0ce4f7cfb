"""The section "Published": what came out of published experiments that were run again."""

from collections import Counter
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import NullLocator

from report.answers import Answer
from report.answers.phrases import plural
from report.figures.drawing import Job
from report.figures.panels import laid_out
from report.figures.style import INK, MARK, PAGE, Palette, settings
from report.figures.svg import svg
from report.numbers import interval, listed, number
from report.tables import Tables

# The order of the answer, and what it says of one and of several.
WORDS = {
    "reproduced": ("is reproduced", "are reproduced"),
    "better": ("comes out better", "come out better"),
    "worse": ("comes out worse", "come out worse"),
    "no better than a constant": (
        "is no better than always giving the same answer",
        "are no better than always giving the same answer",
    ),
    "inconclusive": ("stays open", "stay open"),
}  # fmt: skip


def content(tables: Tables) -> dict[str, Any]:
    """How many published values came out how, and the first that says something."""
    found = tables.rows("published")
    run = [row for row in found if row["verdict"] != "not run"]
    counts = Counter(row["verdict"] for row in run)
    if not run:
        return {"answer": Answer("No published experiment was run again yet."), "title": ""}
    parts = [f"{counts[v]} {WORDS[v][counts[v] > 1]}" for v in WORDS if counts[v]]
    text = f"Of {len(run)} published value{'s' if len(run) > 1 else ''} that we ran again, "
    told = [row for row in run if row["verdict"] in ("reproduced", "better", "worse")] or run
    one = told[0]
    evidence = (
        f"{one['title']}: published {number(one['published'])}, here "
        f"{interval(one['ours'], one['low'], one['high'])} "
        f"({one['unit']}, {plural(one['n'], 'seed')})."
    )
    few = any(row["n"] < 5 for row in run)
    left = "Five seeds of each would tell." if few else ""
    return {"answer": Answer(text + listed(parts) + ".", evidence, left), "title": _title(run)}


def _title(run: list[dict[str, Any]]) -> str:
    """How many of our values lie where they count as the published ones."""
    inside = [r for r in run if r["ours"] and r["at_least"] <= r["ours"] <= r["at_most"]]
    lie = "lies" if len(inside) == 1 else "lie"
    constant = sum(r["verdict"] == "no better than a constant" for r in inside)
    also = f"; always giving the same answer would reach {constant} of them too" if constant else ""
    first = f"{len(inside)} of {len(run)} of our values {lie}"
    return f"{first} where they count as the published ones{also}"


def figures(tables: Tables) -> dict[str, Job]:
    """Our values beside the published ones."""
    return {"values": (values, (tables["published"], tables.palette))}


def values(published: pd.DataFrame, palette: Palette) -> Markup:
    """A row an experiment: ours over the published value, and grey what counts as the same."""
    data = published[published["ours"].gt(0) & published["published"].gt(0)]
    if data.empty:
        return Markup()
    with settings("published"):
        figure, panels = laid_out(1, 1, PAGE, 1.1 + 0.4 * len(data))
        axes = panels[0, 0]
        for place, row in enumerate(data.to_dict("records")):
            ours, low, high = (row[k] / row["published"] for k in ("ours", "low", "high"))
            edges = [row[k] / row["published"] for k in ("at_least", "at_most")]
            axes.barh(place, edges[1] - edges[0], 0.6, edges[0], color=INK, alpha=0.12)
            colour = palette.framework(row["framework"])
            axes.plot((low, high), (place, place), color=colour, linewidth=1.6)
            axes.plot(ours, place, "o", color=colour)
        axes.axvline(1, **MARK)
        axes.set_yticks(range(len(data)), data["title"])
        axes.set_ylim(len(data) - 0.4, -0.6)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("our value, times the published one (grey: counts as the same)")
        return svg(figure, "Published values and ours")
