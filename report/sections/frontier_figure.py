"""How far every cell gets for how many operations, each mark beside its name."""

import itertools
import math
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from report import words
from report.answers.phrases import plural
from report.figures.panels import laid_out, logarithmic
from report.figures.style import INK, PAGE, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import PERCENT, number

Row = dict[Any, Any]
# Inches with many cells and with few.
HIGH, LOW, FEW = 4.6, 2.8, 5
# Operations that differ by less than this ratio stand on a plain scale.
WIDE = 8
# Points from a mark to its name: around it first, then further away.
NEAR, FAR, TURNS = 7, 60, 12


def draw(frontier: pd.DataFrame, palette: Palette) -> Markup:
    """A mark a cell: operations until solved to the right, the way to solved upwards."""
    known = frontier[frontier["operations"] > 0]
    if len(known) < 2:
        return Markup()
    tips = Tips()
    with settings("frontier"):
        figure, panels = laid_out(1, 1, PAGE, LOW if len(known) <= FEW else HIGH)
        axes = panels[0, 0]
        ends = known["operations"].min(), known["operations"].max()
        if ends[1] > WIDE * ends[0]:
            logarithmic(axes, "x", known["operations"])
            axes.set_xlim(ends[0] / 1.25, 1.4 * ends[1])
        else:
            axes.set_xlim(0.8 * ends[0], 1.15 * ends[1])
        best = known[known["on_frontier"].astype(str) == "True"].sort_values("operations")
        axes.step(
            best["operations"], best["progress"], where="post", color=INK, linewidth=1, alpha=0.5
        )
        rows = known.to_dict("records")
        for row in rows:
            colour, tip = palette.cell(row["cell"]), tips.mark(_says(row))
            if pd.notna(row["progress_low"]):
                low, high = max(row["progress_low"], 0), min(row["progress_high"], 1)
                span = {"color": colour, "linewidth": 1.2, "alpha": 0.45, "gid": tip["gid"]}
                axes.plot([row["operations"]] * 2, (low, high), **span)
            axes.plot(
                row["operations"], row["progress"], palette.mark(row["cell"]), color=colour,
                markersize=6, **tip,
            )  # fmt: skip
        least = known[["progress", "progress_low"]].min().min()
        axes.set_ylim(max(least - 0.08, -0.03), 1.03)
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_xlabel("billions of operations until solved", fontsize=9)
        axes.set_ylabel("way from baseline to solved", fontsize=9)
        axes.tick_params(labelsize=8, length=3)
        figure.draw_without_rendering()
        _names(axes, rows, palette)
        return tips.into(svg(figure, "Way to solved against operations until solved, by cell"))


def _says(row: Row) -> str:
    low, high = (100 * row[f"progress_{end}"] for end in ("low", "high"))
    between = "" if math.isnan(low) else f" (95{PERCENT} interval {number(low)} to {number(high)})"
    return (
        f"{words.cell(row['cell'])}: {number(100 * row['progress'])}{PERCENT} of the way to solved"
        f"{between}, {number(row['operations'])} billion operations until solved, over "
        f"{plural(row['tasks'], 'task')}."
    )


def _names(axes: Axes, rows: list[Row], palette: Palette) -> None:
    """The cells' names beside their marks, none on another name or on a mark."""
    points = 72 / axes.figure.dpi
    marks = [
        tuple(points * axes.transData.transform((row["operations"], row["progress"])))
        for row in rows
    ]
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in marks] + _lines(rows, marks)
    box = axes.get_window_extent()
    room = tuple(points * edge for edge in (box.x0, box.y0, box.x1 + 40, box.y1 + 20))
    for row, (x, y) in sorted(
        zip(rows, marks, strict=True), key=lambda one: -one[0]["on_frontier"]
    ):
        name = words.cell(row["cell"])
        strong = bool(row["on_frontier"])
        size = 9.0 if strong else 8.0
        # Without drawing it in the reader's typeface: about what most have.
        wide = size * sum(0.76 if sign.isupper() else 0.6 for sign in name)
        dx, dy, side = _free(x, y, wide, 1.1 * size, taken, room)
        axes.annotate(
            name, (row["operations"], row["progress"]), xytext=(dx, dy),
            textcoords="offset points", fontsize=size, color=palette.cell(row["cell"]),
            weight="bold" if strong else "normal", va="center", ha=side,
            arrowprops={"arrowstyle": "-", "color": INK, "alpha": 0.3, "linewidth": 0.6}
            if math.hypot(dx, dy) > 3 * NEAR else None,
        )  # fmt: skip


def _lines(rows: list[Row], marks: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Where the line of the frontier runs, a box for each level part of it."""
    best = sorted(mark for row, mark in zip(rows, marks, strict=True) if row["on_frontier"])
    return [(x, y - 1, right, y + 1) for (x, y), (right, _) in itertools.pairwise(best)]


def _free(
    x: float, y: float, wide: float, high: float, taken: list[Any], room: Any
) -> tuple[float, float, str]:
    """Where a name of this size has room, from its mark, and how it stands there.

    The place is taken from then on.
    """
    turns = [2 * math.pi * turn / TURNS for turn in range(TURNS)]
    for far, turn in itertools.product(range(NEAR, FAR, 4), turns):
        dx, dy = far * math.cos(turn), far * math.sin(turn)
        side = "left" if dx > 1 else "right" if dx < -1 else "center"
        left = x + dx - wide * {"left": 0.0, "right": 1.0, "center": 0.5}[side]
        spot = (left, y + dy - high / 2, left + wide, y + dy + high / 2)
        inside = spot[0] > room[0] and spot[1] > room[1] and spot[2] < room[2] and spot[3] < room[3]
        if inside and not any(_overlap(spot, other) for other in taken):
            taken.append(spot)
            return dx, dy, side
    return NEAR, 0.0, "left"


def _overlap(one: Any, other: Any) -> bool:
    return bool(one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3])
