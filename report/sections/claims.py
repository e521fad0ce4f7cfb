"""The section "Do the claims hold?": verdicts, and every case with the margins that decide."""

from collections import Counter
from collections.abc import Mapping
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
    "share": "share of runs", "correlation": "Spearman's correlation",
}  # fmt: skip


def content(tables: Tables) -> dict[str, Any]:
    """The claims by group."""
    return {"claims": by_group(tables["claims"])}


def figures(tables: Tables) -> dict[str, Job]:
    """A forest plot for each group."""
    claims = tables["claims"]
    return {group: (forest, (claims, group, tables.palette)) for group in claims["group"].unique()}


def by_group(claims: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The claims by group: what is said once, how many cases have which verdict, and the cases.

    ``shown`` is the case that decides most clearly, for the line that is not folded; None where
    no case has an effect.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for (group, _), frame in claims.groupby(["group", "claim"], sort=False):
        cases = rows(frame)
        sized = [row for row in cases if row["effect"] is not None]
        entry = {"verdicts": Counter(row["verdict"] for row in cases), "rows": cases}
        shown = min(sized, key=_clarity, default=None)
        groups.setdefault(str(group), []).append(cases[0] | entry | {"shown": shown})
    return groups


def _clarity(row: Mapping[str, Any]) -> tuple[bool, float]:
    decided = row["verdict"] in ("supported", "refuted")
    return not decided, 1.0 if row["p_holm"] is None else row["p_holm"]


def forest(claims: pd.DataFrame, group: str, palette: Palette) -> Markup:
    """The tested cases of the claims of ``group``, a panel a claim; empty without any interval.

    Filled points are decided cases. Where margins differ by task, effects are in margins.
    """
    mine = claims[claims["group"] == group]
    data = mine[mine["unit"].isin(UNITS) & mine["low"].notna()]
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
        filled = colour if row["verdict"] in ("supported", "refuted") else "none"
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
