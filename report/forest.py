"""Forest plots of the claims: every case with its interval, and the margins that decide."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from report.figures import DASHES, INK, colours, settings, svg

UNITS = {
    "difference": "difference (0: none)", "ratio": "ratio (1: no difference)",
    "share": "share of runs", "correlation": "Spearman's correlation",
}  # fmt: skip


def forest(rows: pd.DataFrame, group: str, frameworks: list[str]) -> str:
    """The tested cases of the claims of ``group``, a panel a claim; empty without any interval.

    Filled points are decided cases. Where margins differ by task, effects are in margins.
    """
    data = rows[(rows["group"] == group) & rows["unit"].isin(UNITS) & rows["low"].notna()]
    if data.empty:
        return ""
    claims = list(dict.fromkeys(data["claim"]))
    panels = [data[data["claim"] == claim].iloc[::-1] for claim in claims]
    heights = [len(panel) + 1.6 for panel in panels]
    palette = colours(frameworks)
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"forest {group}")):
        figure, axes = plt.subplots(
            len(panels), 1, figsize=(9, 0.9 + 0.3 * sum(heights)), squeeze=False,
            height_ratios=heights, layout="constrained",
        )  # fmt: skip
        for place, panel in zip(axes.flat, panels, strict=True):
            _panel(place, panel, palette)
        sns.despine(figure)
        return svg(figure, f"Effects and intervals of the claims on {group}")


def _panel(axes: Any, rows: pd.DataFrame, palette: dict[str, str]) -> None:
    unit = str(rows["unit"].iloc[0])
    by_task = rows["margin"].nunique() > 1
    values = rows[["low", "effect", "high"]].to_numpy(float)
    if by_task:
        values = values / rows["margin"].to_numpy(float)[:, None]
    margin = 1.0 if by_task else float(rows["margin"].iloc[0])
    ratio = unit == "ratio"
    edges = {1 / margin, margin} if ratio and margin else {-margin, margin}
    if rows["expect"].iloc[0] in ("above", "below") or unit == "share":
        edges = {1 / margin if ratio and rows["expect"].iloc[0] == "below" else margin}
    # What is infinite, or zero on a logarithmic axis, is drawn at the edge of the panel.
    known = [v for v in [*values.flat, *edges] if np.isfinite(v) and (v > 0 or not ratio)]
    least, most = min(known), max(known)
    span = (most / least) ** 0.08 if ratio else 0.08 * (most - least)
    limits = (least / span, most * span) if ratio else (least - span, most + span)
    for place, (row, bounds) in enumerate(zip(rows.to_dict("records"), values, strict=True)):
        low, effect, high = np.clip(bounds, *limits)
        colour = palette.get(row["framework"], INK)
        axes.plot((low, high), (place, place), color=colour, linewidth=1.6)
        filled = colour if row["verdict"] in ("supported", "refuted") else "none"
        axes.plot(effect, place, "o", color=colour, markerfacecolor=filled)
    for edge in edges:
        axes.axvline(edge, color=INK, linewidth=0.8, linestyle=DASHES, alpha=0.6)
    names = rows[["framework", "task", "case"]].fillna("").agg(" ".join, axis=1).str.strip()
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_title(str(rows["sentence"].iloc[0]), loc="left", fontsize=10)
    axes.set_xlabel(UNITS[unit] + (", in margins of each task" if by_task else ""))
    if ratio:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}" if most / least < 20 else "")
    if np.diff(limits) > 0:
        axes.set_xlim(*limits)
