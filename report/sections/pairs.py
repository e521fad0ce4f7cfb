"""How far two frameworks end apart, in margins of each task: the figure of "Same model?"."""

from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import FixedLocator

from report import words
from report.figures.panels import laid_out, ticks
from report.figures.style import INK, MARK, PAGE, Palette, settings, tracks
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import effect, number
from report.tables import Tables

# Where the axis of margins has marks, and below which p two surely differ.
MARKS = (-100, -10, -1, 0, 1, 10, 100, 1000)
LEVEL = 0.05


def scores(tables: Tables) -> pd.DataFrame:
    """The comparisons of two frameworks' scores that have an interval and a margin."""
    found = tables["comparisons"]
    found = found[(found["kind"] == "frameworks") & (found["metric"] == "score")]
    found = found[found["low"].notna() & found["margin"].gt(0)]
    sides = found["a"].str.split("/", n=1, expand=True), found["b"].str.split("/", n=1, expand=True)
    if found.empty:
        return found.assign(one=None, other=None, cell=None)
    return found.assign(one=sides[0][0], other=sides[1][0], cell=sides[0][1])


def finding(pairs: pd.DataFrame) -> str:
    """How many pairs score alike, and how many surely do not: the title of the figure."""
    parts: list[str] = []
    for track in tracks(pairs["track"]):
        mine = pairs[pairs["track"] == track]
        equal, apart = int(_equal(mine).sum()), int(_apart(mine).sum())
        if parts:
            many = f"all {equal} do" if equal == len(mine) else f"{equal} of {len(mine)} do"
        else:
            many = "all" if equal == len(mine) else f"{equal} of"
            many += f" {len(mine)} pairs of frameworks score alike"
        if apart:
            many += f", {apart} surely do{'es' if apart == 1 else ''} not"
        if len(mine) > equal + apart:
            many += f", {len(mine) - equal - apart} need more seeds to tell"
        word = words.track(track)
        parts.append(f"{word[0].upper()}{word[1:]}: {many}")
    return ". ".join(parts)


def _equal(pairs: pd.DataFrame) -> pd.Series:
    return pairs["equivalent"].astype(str) == "True"


def _apart(pairs: pd.DataFrame) -> pd.Series:
    """A difference smaller than counts can be beyond chance: such a pair is equal."""
    return (pairs["p_holm"] < LEVEL) & ~_equal(pairs)


def apart(
    pairs: pd.DataFrame, tasks: list[str], metrics: dict[str, str], palette: Palette
) -> Markup:
    """A panel a track, a row a task and cell, a point a pair in the colours of both frameworks."""
    if pairs.empty:
        return Markup()
    shown = tracks(pairs["track"])
    order = [
        (task, cell)
        for task in tasks
        for cell in palette.present(pairs.loc[pairs["task"] == task, "cell"])
    ]
    tips = Tips()
    with settings("pairs"):
        high = 1.0 + 0.36 * len(order)
        figure, panels = laid_out(1, len(shown), PAGE, high, sharey=True, sharex=True)
        for axes, track in zip(panels.flat, shown, strict=True):
            axes.axvspan(-1, 1, color=INK, alpha=0.07, linewidth=0)
            axes.axvline(0, **MARK)
            mine = pairs[pairs["track"] == track]
            for place, (task, cell) in enumerate(order):
                here = mine[(mine["task"] == task) & (mine["cell"] == cell)]
                for i, row in enumerate(here.to_dict("records")):
                    y = place + 0.22 * (i - (len(here) - 1) / 2)
                    _pair(axes, row, y, palette, tips, metrics.get(task, "score"))
            axes.set_title(words.track(track), loc="left", fontsize=10)
            axes.set_xscale("symlog", linthresh=1, linscale=0.8)
            ticks(axes.xaxis, FixedLocator(MARKS))
            axes.tick_params(labelsize=8)
        name = "how far two scores are apart, in margins of the task (grey: counts as none)"
        figure.supxlabel(name, fontsize=9)
        first = panels.flat[0]
        first.set_yticks(range(len(order)), [f"{words.task(t)}, {words.cell(c)}" for t, c in order])
        first.set_ylim(len(order) - 0.5, -0.5)
        return tips.into(svg(figure, "How far the frameworks' scores are apart, in margins"))


def _pair(
    axes: Any, row: dict[Any, Any], y: float, palette: Palette, tips: Tips, metric: str
) -> None:
    """A point with its interval, and a word on it where the two surely differ."""
    sign = -1 if row["effect"] < 0 else 1
    value, low, high = (sign * row[k] / row["margin"] for k in ("effect", "low", "high"))
    one, other = (palette.framework(row[k]) for k in ("one", "other"))
    names = f"{words.framework(row['one'])} and {words.framework(row['other'])}"
    verdict = "different" if row["p_holm"] < LEVEL else "open"
    verdict = "equal" if str(row["equivalent"]) == "True" else verdict
    tip = tips.mark(
        f"{words.task(row['task'])}, {words.cell(row['cell'])}, {names}, "
        f"{words.track(row['track'])}: apart by {effect(row, positive=True)} in {metric}, margin "
        f"{number(row['margin'])}, {row['n']:.0f} seeds: {verdict}",
        row["one"], row["other"],
    )  # fmt: skip
    axes.plot((low, high), (y, y), color=INK, linewidth=1, alpha=0.5, **tip)
    axes.plot(
        value, y, "o", markersize=5.5, fillstyle="left", markeredgecolor="none",
        markerfacecolor=one, markerfacecoloralt=other, **tip,
    )  # fmt: skip
    if verdict == "different":
        axes.annotate(
            names, (max(value, low, high), y), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=7.5,
        )  # fmt: skip
