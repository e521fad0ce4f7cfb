"""The figure of the site: each framework's step, machine by machine, model by model."""

from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from report import words
from report.figures.panels import laid_out, ticks
from report.figures.style import PAGE, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import interval

MODEL = ["shape", "batch", "sequence_length", "input_size", "hidden", "layers", "cell"]
COLUMNS = 2
# Inches of a machine's line, and of what a row of panels has besides.
LINE, ROOM, ABOVE = 0.34, 0.85, 0.4


def steps(timed: pd.DataFrame, palette: Palette) -> Markup:
    """A panel a model, a line a machine, a point with its interval a framework."""
    models = [model for _, model in timed.groupby(MODEL, sort=False)]
    columns = min(COLUMNS, len(models))
    lines = [_lines(model) for model in models]
    tall = [max(map(len, lines[at : at + columns])) for at in range(0, len(models), columns)]
    high = [LINE * most + ROOM for most in tall]
    tips = Tips()
    with settings("site"):
        wide = PAGE * columns / COLUMNS
        figure, panels = laid_out(len(high), columns, wide, sum(high) + ABOVE, height_ratios=high)
        for axes in panels.flat[len(models) :]:
            axes.set_visible(False)
        for axes, model, names in zip(panels.flat, models, lines, strict=False):
            _panel(axes, model, names, palette, tips)
        handles = {
            words.framework(name): Line2D([], [], color=palette.framework(name), marker="o")
            for name in palette.frameworks
        }
        figure.legend(
            list(handles.values()), list(handles), loc="outside upper center", ncol=6,
            frameon=False,
        )  # fmt: skip
        return tips.into(svg(figure, "Milliseconds of a training step by model and machine"))


def _lines(model: pd.DataFrame) -> list[tuple[str, str]]:
    """The machines of a model, by folder and the clock's own name for them."""
    return list(dict.fromkeys(zip(model["folder"], model["machine"], strict=True)))


def _panel(
    axes: Any, model: pd.DataFrame, names: list[tuple[str, str]], palette: Palette, tips: Tips
) -> None:
    for place, (folder, machine) in enumerate(names):
        mine = model[(model["folder"] == folder) & (model["machine"] == machine)]
        for i, row in enumerate(mine.to_dict("records")):
            y = place + 0.2 * (i - (len(mine) - 1) / 2)
            colour = palette.framework(row["framework"])
            text = interval(row["median_ms"], row["low_ms"], row["high_ms"])
            who = f"{words.framework(row['framework'])}, {words.cell(row['cell'])}"
            tip = tips.mark(f"{who}, {folder}: {text} ms ({row['kernel']})", row["framework"])
            if pd.notna(row["low_ms"]):
                axes.plot((row["low_ms"], row["high_ms"]), (y, y), color=colour, lw=1.6, **tip)
            axes.plot(row["median_ms"], y, "o", color=colour, markersize=4.5, **tip)
    one = model.iloc[0]
    units = f"{one['layers']} × {one['hidden']} units"
    axes.set_title(f"{words.cell(one['cell'])}, “{one['shape']}”: {units}", fontsize=10, loc="left")
    axes.set_yticks(range(len(names)), [folder for folder, _ in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(labelsize=8)
    axes.set_xscale("log")
    ticks(axes.xaxis, MaxNLocator(5))
    axes.set_xlabel("milliseconds of a training step", fontsize=9)
