"""One real example in each cell of a task: inputs above, gates as heat maps, the answer below."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.transforms import offset_copy

from report import words
from report.answers.phrases import plural
from report.figures.style import INK, MARK, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import number

# Perceptually even, and as readable on a dark page as on a light one.
COLOURS = "viridis"
# Levels of a heat map: as fine as an eye tells apart, and small as a picture.
LEVELS = 32
# Inches: the width, the inputs, all heat maps together, the answer; and a heat map where there are
# many, and what its title takes.
WIDTH, HEIGHTS, MAP, TITLE = 3.1, (0.6, 3.7, 0.8), 0.75, 0.24
# More inputs than these are drawn as a grid of dots, not as lines.
MOST_LINES = 4


@dataclass(frozen=True)
class Example:
    """What the table has of one cell: of each quantity its rows of values at the kept steps."""

    cell: str
    about: str
    rows: pd.DataFrame

    def values(self, quantity: str) -> Any:
        """The values of a quantity, a row for each of its lines, which may have none."""
        mine = self.rows[self.rows["quantity"] == quantity]["values"]
        return np.array([text.split() for text in mine.fillna("")], dtype=float)

    @property
    def steps(self) -> Any:
        return self.values("step")[0]

    @property
    def marked(self) -> Any:
        """Places of the marked steps among those that are kept."""
        return np.flatnonzero(self.values("marked")[0])

    def maps(self) -> Iterator[tuple[Any, ...]]:
        """Layer, name and quantity of each heat map, and its values [units, steps]."""
        shown = self.rows[self.rows["quantity"].isin(["gate", "state"])]
        for (layer, name, quantity), mine in shown.groupby(
            ["layer", "name", "quantity"], sort=False
        ):
            found = np.array([text.split() for text in mine["values"]], dtype=float)
            yield layer, name, quantity, found


def examples(table: pd.DataFrame, task: str, palette: Palette) -> list[Example]:
    """The examples of a task's cells, in the page's order."""
    mine = table[table["task"] == task]
    found = []
    for cell in palette.present(mine["cell"]):
        rows = mine[mine["cell"] == cell]
        first = rows.iloc[0]
        about = f"{words.framework(first['framework'])}, seed {number(first['seed'])}"
        found.append(Example(cell, about, rows))
    return found


def most_maps(shown: list[Example]) -> int:
    """The heat maps of the one that has most, by which all of them are as high."""
    return max((len(list(one.maps())) for one in shown), default=0)


def draw(
    one: Example, task: str, most: int, hover: dict[tuple[str, Any, str], str], palette: Palette
) -> Markup:
    """The picture of one cell, with room for ``most`` heat maps.

    ``hover`` says more of a cell's layer and gate.
    """
    with settings(f"example {task} {one.cell}"):
        heights = (HEIGHTS[0], max(HEIGHTS[1], MAP * most), HEIGHTS[2])
        figure = plt.figure(figsize=(WIDTH, sum(heights) + 0.9))
        outer = figure.add_gridspec(
            3, 1, height_ratios=heights, hspace=0.16, left=0, right=1, top=0.97, bottom=0.03
        )
        tips, maps = Tips(), list(one.maps())
        count = max(1, len(maps))
        gap = TITLE * count / (heights[1] - TITLE * (count - 1))
        inner = outer[1].subgridspec(count, 1, hspace=gap)
        gates: list[Any] = [inner[place, 0] for place in range(count)]
        panels: list[Any] = [figure.add_subplot(at) for at in (outer[0], *gates, outer[2])]
        _inputs(panels[0], one)
        panels[0].set_title(words.cell(one.cell), fontsize=12, pad=10)
        layers = len({layer for layer, *_ in maps})
        for axes, (layer, name, quantity, values) in zip(panels[1:-1], maps, strict=False):
            # A state of rectified units has no upper bound.
            end = 1 if quantity == "gate" else max(1, float(np.abs(values).max()))
            reach = f", −{number(end, 2)} to {number(end, 2)}" if end > 1 else ""
            gate = f"{name} gate" if quantity == "gate" else f"state (it has no gate){reach}"
            of = f", layer {layer + 1:.0f}" if layers > 1 else ""
            _map(axes, values, one, (0 if quantity == "gate" else -end, end))
            axes.set_title(f"{gate}{of}", fontsize=9, loc="left", pad=3 + 4 * _few(one))
            said = f"{words.cell(one.cell)}, {gate}{of}: {plural(len(values), 'unit')}."
            axes.set(**tips.mark(said + hover.get((one.cell, layer, name), "")))
        _answer(panels[-1], one, palette)
        _steps(panels, one)
        said = f"step by step on one example of {words.task(task)}"
        return tips.into(svg(figure, f"Gates and answer of {words.cell(one.cell)}, {said}"))


def _few(one: Example) -> bool:
    """Whether so few steps are marked that each can be pointed at."""
    return 0 < len(one.marked) <= len(one.steps) / 2


def _inputs(axes: Any, one: Example) -> None:
    """Numbers as lines and rare markers as strokes, or symbols as a grid of dots."""
    values = one.values("input")
    binary = [bool(np.isin(v, (0, 1)).all()) for v in values]
    if (len(values) > 1 and all(binary)) or len(values) > MOST_LINES:
        rows, steps = np.nonzero(values)
        axes.plot(steps, rows, "s", color=INK, markersize=2.2)
        axes.set_ylim(len(values) - 0.4, -0.6)
    else:
        for is_marker, own in zip(binary, values, strict=True):
            if is_marker and len(values) > 1:
                low, high = np.min(values), np.max(values)
                axes.vlines(np.flatnonzero(own), low, high, color=INK, linewidth=2.2)
            else:
                axes.plot(own, color=INK, linewidth=0.8, alpha=0.7)
    axes.set_yticks([])
    axes.set_title("inputs", fontsize=9, loc="left", pad=3)


def _map(axes: Any, values: Any, one: Example, ends: tuple[float, float]) -> None:
    """A heat map, its units in the order in which they are most open; arrows at marked steps."""
    low, high = ends
    order = np.lexsort([-values.mean(axis=1), values.argmax(axis=1)])
    if _few(one):
        others = np.setdiff1d(np.arange(values.shape[1]), one.marked)
        order = np.argsort(values[:, others].mean(axis=1) - values[:, one.marked].mean(axis=1))
    scaled = np.round(np.clip((values[order] - low) / (high - low), 0, 1) * LEVELS) / LEVELS
    axes.imshow(scaled, cmap=COLOURS, vmin=0, vmax=1, aspect="auto", interpolation="none")
    _point(axes, one)
    axes.set_yticks([])


def _point(axes: Any, one: Example) -> None:
    if _few(one):
        above = offset_copy(axes.get_xaxis_transform(), axes.figure, y=1, units="points")
        axes.plot(
            one.marked, np.ones(len(one.marked)), marker=7, markersize=4.5, color=INK,
            linestyle="none", transform=above, clip_on=False,
        )  # fmt: skip


def _answer(axes: Any, one: Example, palette: Palette) -> None:
    """What the output layer makes of the state after every step, beside the right answer."""
    chances, targets = one.values("probability"), one.values("target")
    last = len(one.steps) - 1
    if len(chances):
        axes.imshow(
            np.round(chances * LEVELS) / LEVELS, cmap=COLOURS, vmin=0, vmax=1, aspect="auto",
            interpolation="none",
        )  # fmt: skip
        right = targets[0]
        places = np.arange(last + 1) if len(right) > 1 else [last]
        axes.plot(places, right, "o", color="#ff3b30", markersize=2.8, linestyle="none")
        axes.set_title("answer: how likely each class, ● the right one", fontsize=9, loc="left")
        axes.set_yticks([])
        return
    for own in one.values("output"):
        axes.plot(own, color=palette.cell(one.cell), linewidth=1.6)
    for right in targets:
        if len(right) > 1:
            axes.plot(right, **MARK)
        else:
            axes.axhline(right[0], **MARK)
            axes.plot([last], right, "o", color=INK, markersize=4)
    axes.set_title("answer so far, ● the right one at the end", fontsize=9, loc="left", pad=3)
    axes.tick_params(axis="y", labelsize=8)


def _steps(panels: list[Any], one: Example) -> None:
    """The same steps under each other, named at the bottom."""
    count = len(one.steps)
    for axes in panels:
        axes.set_xlim(-0.5, count - 0.5)
        axes.set_xticks([])
        for side in axes.spines.values():
            side.set_visible(False)
    places = np.unique(np.linspace(0, count - 1, min(count, 5)).round().astype(int))
    panels[-1].set_xticks(places, [f"{one.steps[place]:.0f}" for place in places], fontsize=8)
    panels[-1].set_xlabel("time step", fontsize=9, labelpad=2)
