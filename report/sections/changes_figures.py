"""The large figures of the view "Which gate?": a row a changed cell, a panel a task."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from report import words
from report.answers.changes import ends, points, share
from report.answers.phrases import capital
from report.figures.panels import laid_out
from report.figures.style import INK, MARK, PAGE, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import PERCENT, change, number

Row = dict[Any, Any]
# Inches of a row, of what stands above and below, of the labels, of the costs and of a panel.
LINE, ROOM, LABELS, COSTS, PANEL = 0.235, 0.95, 3.1, 1.65, 0.8
# Characters of what a row changes.
LONGEST = 34
# So much of the way is shown to each side at least.
LEAST = 0.12
# A bar of this share of its panel has room for its number.
ROOMY = 0.3
# As many panels as the page has room for.
FITS = 6
# Characters of a line of a panel's title.
TITLE = 13


@dataclass(frozen=True)
class Scale:
    """What is drawn: a column, where nothing changes, and the ticks."""

    column: str
    name: str
    nothing: float
    ticks: dict[float, str]
    title: str
    reach: tuple[float, float]


SCORE = Scale(
    "progress_change", "score", 0.0, {},
    f"Share of the way from baseline to solved that is lost or won, in{PERCENT}", (-1.12, 1.12),
)  # fmt: skip
STEPS = Scale(
    "steps_ratio", "steps", 1.0,
    {0.125: "⅛", 0.25: "¼", 0.5: "½", 1: "1", 2: "2", 4: "4", 8: "8"},
    "Training steps until solved, times those of the cell that is changed", (0.1, 10),
)  # fmt: skip
SCALES = {scale.name: scale for scale in (SCORE, STEPS)}


def draw(
    name: str, rows: pd.DataFrame, sizes: dict[str, float], frontier: pd.DataFrame,
    about: dict[str, str], palette: Palette,
) -> Markup:  # fmt: skip
    """Every change in its row, those of one parent under its name; empty without any.

    ``sizes`` has the cells in their order, each with its parameters over its parent's.
    """
    scale = SCALES[name]
    known = rows[rows[scale.column].notna()]
    if known.empty:
        return Markup()
    tasks = list(dict.fromkeys(known["task"]))
    places, headings = _places(rows, sizes)
    high = LINE * (max(places.values()) + 1) + ROOM
    wide = PAGE + PANEL * max(0, len(tasks) - FITS)
    panel = (wide - LABELS - COSTS) / len(tasks)
    tips = Tips()
    with settings(f"changes {name}"):
        figure, panels = laid_out(
            1, len(tasks) + 2, wide, high, sharey=True,
            width_ratios=(LABELS, *[panel] * len(tasks), COSTS),
        )  # fmt: skip
        figure.get_layout_engine().set(w_pad=0.02, wspace=0)
        labels, *middle, costs = panels[0]
        low, top = _limits(known, scale)
        for axes, task in zip(middle, tasks, strict=True):
            axes.set_xlim(low, top)
            _panel(axes, task, known[known["task"] == task], places, scale, palette, tips)
            if scale is SCORE:
                _ticks(axes, low, top)
        _labels(labels, places, headings, about, palette)
        _costs(costs, places, rows, sizes, frontier)
        labels.set_ylim(max(places.values()) + 0.7, -0.6)
        figure.supxlabel(scale.title, fontsize=9)
        title = f"What each change does to the {name}, by task"
        return tips.into(svg(figure, title))


def _places(rows: pd.DataFrame, order: Iterable[str]) -> tuple[dict[str, float], dict[str, float]]:
    """The place of each cell from the top, and of the name of each parent."""
    parents = dict(zip(rows["cell"], rows["parent"], strict=True))
    place = 0.0
    places: dict[str, float] = {}
    headings: dict[str, float] = {}
    for cell in order:
        if parents[cell] not in headings:
            headings[parents[cell]] = place + 0.25 * bool(places)
            place += 1 + 0.25 * bool(places)
        places[cell] = place
        place += 1
    return places, headings


def _limits(known: pd.DataFrame, scale: Scale) -> tuple[float, float]:
    """The least range that holds everything, within the scale's reach."""
    values = known[[f"{scale.column}{end}" for end in ("", "_low", "_high")]].to_numpy(float)
    values = values[np.isfinite(values)]
    low, high = min(values.min(), scale.nothing), max(values.max(), scale.nothing)
    if scale is STEPS:
        return max(low / 1.3, scale.reach[0]), min(high * 1.3, scale.reach[1])
    room = 0.08 * (high - low)
    low, high = min(low - room, -LEAST), max(high + room, LEAST)
    return max(low, scale.reach[0]), min(high, scale.reach[1])


def _ticks(axes: Axes, low: float, high: float) -> None:
    """At no change, and at one round share to each side that has room for it."""
    marks = {0.0: "0"}
    for side, most in ((-1, -low), (1, high)):
        fit = [share for share in (1, 0.5, 0.2, 0.1) if share <= most]
        if fit and most > 0.35 * (high - low):
            marks[side * fit[0]] = f"{'−' if side < 0 else '+'}{100 * fit[0]:.0f}"
    axes.xaxis.set_major_locator(FixedLocator(list(marks)))
    axes.xaxis.set_major_formatter(lambda value, _: marks.get(value, ""))


def _panel(
    axes: Axes, task: str, rows: pd.DataFrame, places: dict[str, float], scale: Scale,
    palette: Palette, tips: Tips,
) -> None:  # fmt: skip
    """A task's column: a bar from no change to each cell's, its interval, and its mark."""
    axes.axvline(scale.nothing, **MARK)
    axes.spines["left"].set_color("none")
    for place in places.values():
        axes.axhline(place, color=INK, linewidth=0.5, alpha=0.12)
    for row in rows.to_dict("records"):
        place, colour = places[row["cell"]], palette.cell(row["cell"])
        runs = {key: row[key] for key in ("task", "framework", "cell", "track")}
        tip = tips.mark(_says(row), row["framework"], runs=runs)
        plain = {"gid": tip["gid"]}
        if scale is SCORE and not row["learned"]:
            axes.plot(scale.nothing, place, "_", color=INK, alpha=0.5, markersize=5, **tip)
            continue
        value, *bounds = np.clip(
            [row[f"{scale.column}{end}"] for end in ("", "_low", "_high")], *scale.reach
        )
        axes.plot(
            (scale.nothing, value), (place, place), color=colour, linewidth=6, alpha=0.3,
            solid_capstyle="butt", **plain,
        )  # fmt: skip
        if np.isfinite(bounds).all():
            axes.plot(bounds, (place, place), color=colour, linewidth=1.5, **plain)
        if scale is SCORE and row["verdict"] == "as good":
            axes.plot(value, place, "|", color=INK, markersize=7, markeredgewidth=1.6, **tip)
            continue
        filled = row["verdict"] in ("worse", "better") if scale is SCORE else _sure(row)
        # Its row says which cell it is; a circle can be told filled or open.
        axes.plot(
            value, place, "o", color=colour, markersize=5.5,
            markerfacecolor=colour if filled else "none", **tip,
        )  # fmt: skip
        if filled and scale is SCORE:
            _number(axes, place, value, bounds, plain)
    axes.set_title(fill(capital(words.task(task)), TITLE), fontsize=8.5)
    if scale is STEPS:
        axes.set_xscale("log")
    if scale is STEPS:
        axes.xaxis.set_major_locator(FixedLocator(list(scale.ticks)))
        axes.xaxis.set_major_formatter(lambda value, _: scale.ticks.get(value, ""))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize=7.5, length=2.5)
    axes.tick_params(axis="y", length=0, labelleft=False)


def _number(axes: Axes, place: float, value: float, bounds: list[float], plain: Row) -> None:
    """What is lost or won, in its bar or beyond its interval."""
    side = 1 if value > 0 else -1
    low, high = axes.get_xlim()
    within = abs(value) > ROOMY * (high - low)
    beyond = max(bounds) if side > 0 else min(bounds)
    x = value / 2 if within else beyond + 0.06 * (high - low) * side
    axes.text(
        x, place, points(abs(value)), fontsize=7, va="center_baseline",
        ha="center" if within else "left" if side > 0 else "right", **plain,
    )  # fmt: skip


def _sure(row: Row) -> bool:
    return bool(row["steps_p_holm"] < 0.05)


def _labels(
    axes: Axes, places: dict[str, float], headings: dict[str, float], about: dict[str, str],
    palette: Palette,
) -> None:  # fmt: skip
    """The parents' names, and under each what is changed and how that cell is called.

    Where that has no phrase, the cell's summary stands in its place.
    """
    _blank(axes)
    for parent, place in headings.items():
        text = f"{capital(words.cell(parent))} with"
        axes.text(0, place, text, fontsize=9.5, weight="bold", va="center_baseline")
    for cell, place in places.items():
        name = words.cell(cell)
        text = words.changed(cell) or about.get(cell, "")
        text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        axes.text(0.03, place, text, fontsize=8, va="center_baseline")
        axes.text(
            0.98, place, name, fontsize=8, va="center_baseline", ha="right",
            color=palette.cell(cell),
        )  # fmt: skip


def _costs(
    axes: Axes, places: dict[str, float], rows: pd.DataFrame, sizes: dict[str, float],
    frontier: pd.DataFrame,
) -> None:  # fmt: skip
    """What each cell saves: parameters, and operations until it has solved the tasks."""
    _blank(axes)
    taken = dict(zip(frontier["cell"], frontier["operations"], strict=True))
    parents = dict(zip(rows["cell"], rows["parent"], strict=True))
    for x, text in ((0.5, "Parameters"), (1.0, "Operations\nuntil solved")):
        axes.text(x, -0.75, text, fontsize=8, ha="right", va="bottom")
    for cell, place in places.items():
        both = taken.get(cell, math.nan) / taken.get(parents[cell], math.nan)
        for x, ratio in ((0.5, sizes[cell]), (1.0, both)):
            axes.text(x, place, _percent(ratio), fontsize=8.5, ha="right", va="center_baseline")


def _percent(ratio: float) -> str:
    """A ratio as a short change: ``−25 %``, ``× 2.4``."""
    if not math.isfinite(ratio):
        return "–"
    if ratio >= 2:
        return f"× {number(ratio, 2)}"
    text = f"{100 * (ratio - 1):+.0f}{PERCENT}".replace("-", "−")
    return "the same" if text[1:] == f"0{PERCENT}" else text


def _blank(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.axis("off")


def _says(row: Row) -> str:
    """What a place tells under the pointer."""
    cell, parent = words.cell(row["cell"]), words.cell(row["parent"])
    start = f"{cell} against {parent}, {words.task(row['task'])}: "
    solved = (
        f"{row['solved']:.0f} against {row['parent_solved']:.0f} of {row['n']:.0f} runs solve it"
    )
    if not row["learned"]:
        return f"{start}neither learns it."
    gain, parts = row["progress_change"], []
    between = ends(row)
    parts.append(
        f"{share(gain)} of the way to solved {'won' if gain > 0 else 'lost'}"
        + (f" (95{PERCENT} interval {between})" if between else "")
    )
    if pd.notna(row["steps_ratio"]):
        bounds = row["steps_ratio_low"], row["steps_ratio_high"]
        said, spread = change(row["steps_ratio"], *bounds, "fewer", "more")
        parts.append(f"{said} steps" + (f" ({spread})" if spread else ""))
    return f"{start}{'; '.join([row['verdict'], *parts, solved])}."
