"""The section "Do the claims hold?": verdicts, and every case with the margins that decide."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from report.figures.drawing import Job
from report.figures.panels import laid_out
from report.figures.style import MARK, Palette, settings
from report.figures.svg import svg
from report.tables import Tables, rows

UNITS = {
    "difference": "difference (0: none)", "ratio": "ratio (1: no difference)",
    "share": "share of runs", "slope": "growth of the lead from the easiest level to the hardest",
}  # fmt: skip


def content(tables: Tables) -> dict[str, Any]:
    """The claims by group, each with its cases, and how many have which verdict."""
    claims = rows(tables["claims"])
    cases = tables["cases"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for claim in claims:
        mine = rows(cases[cases["claim"] == claim["claim"]])
        groups.setdefault(claim["group"], []).append(claim | {"rows": mine})
    return {"claims": groups, "verdicts": Counter(claim["verdict"] for claim in claims)}


def figures(tables: Tables) -> dict[str, Job]:
    """A forest plot for each group."""
    claims, cases = tables["claims"], tables["cases"]
    jobs: dict[str, Job] = {}
    for group, mine in claims.groupby("group", sort=False):
        data = cases.merge(mine[["claim", "sentence"]], on="claim")
        jobs[str(group)] = forest, (data, str(group), tables.palette)
    return jobs


def forest(cases: pd.DataFrame, group: str, palette: Palette) -> Markup:
    """The cases of the claims of ``group``, a panel a claim; empty without any interval.

    Filled points are decided cases. Where margins differ by task, effects are in margins.
    """
    data = cases[cases["unit"].isin(UNITS) & cases["low"].notna()]
    if data.empty:
        return Markup()
    panels = [data[data["claim"] == claim].iloc[::-1] for claim in data["claim"].unique()]
    heights = [len(panel) + 1.6 for panel in panels]
    with settings(f"forest {group}"):
        high = 0.9 + 0.3 * sum(heights)
        figure, axes = laid_out(len(panels), 1, 9, high, height_ratios=heights)
        for place, panel in zip(axes.flat, panels, strict=True):
            _panel(place, panel, palette)
        return svg(figure, f"Effects and intervals of the claims on {group}")


def _panel(axes: Any, cases: pd.DataFrame, palette: Palette) -> None:
    unit = str(cases["unit"].iloc[0])
    by_task = cases["margin"].nunique() > 1
    values = cases[["low", "effect", "high"]].to_numpy(float)
    if by_task:
        values = values / cases["margin"].to_numpy(float)[:, None]
    margin = 1.0 if by_task else float(cases["margin"].iloc[0])
    ratio = unit == "ratio"
    edges = {1 / margin, margin} if ratio and margin else {-margin, margin}
    if cases["expect"].iloc[0] in ("above", "below") or unit == "share":
        edges = {1 / margin if ratio and cases["expect"].iloc[0] == "below" else margin}
    # What is infinite, or zero on a logarithmic axis, is drawn at the edge of the panel.
    known = [v for v in [*values.flat, *edges] if np.isfinite(v) and (v > 0 or not ratio)]
    least, most = min(known), max(known)
    span = (most / least) ** 0.08 if ratio else 0.08 * (most - least)
    limits = (least / span, most * span) if ratio else (least - span, most + span)
    for place, (row, bounds) in enumerate(zip(cases.to_dict("records"), values, strict=True)):
        low, effect, high = np.clip(bounds, *limits)
        colour = palette.framework(row["framework"])
        axes.plot((low, high), (place, place), color=colour, linewidth=1.6)
        filled = colour if row["says"] in ("supports", "refutes") else "none"
        axes.plot(effect, place, "o", color=colour, markerfacecolor=filled)
    for edge in edges:
        axes.axvline(edge, **MARK)
    names = cases[["framework", "task", "case"]].fillna("").agg(" ".join, axis=1).str.strip()
    axes.set_yticks(range(len(cases)), names)
    axes.set_ylim(-0.7, len(cases) - 0.3)
    axes.set_title(str(cases["sentence"].iloc[0]), loc="left", fontsize=10)
    axes.set_xlabel(UNITS[unit] + (", in margins of each task" if by_task else ""))
    if ratio:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}" if most / least < 20 else "")
    if np.diff(limits) > 0:
        axes.set_xlim(*limits)
