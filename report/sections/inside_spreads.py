"""What the cells do over all runs, a strip a cell and a dot a run, in a small panel a task."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from report import words
from report.answers.phrases import plural
from report.figures.panels import beside, laid_out, logarithmic
from report.figures.style import INK, MARK, MOST_CELLS, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import number

# Inches of a panel; the page puts as many side by side as there is room for.
WIDE, HIGH = 2.9, 2.2


def middle(data: pd.DataFrame, column: str) -> Any:
    """The row in the middle of those that have this value, in its order; None without any."""
    known = data[data[column].notna()].sort_values(column, kind="stable")
    return known.iloc[(len(known) - 1) // 2] if len(known) else None


def spoken(data: pd.DataFrame, column: str, unit: str = "") -> str:
    """The middle run and, in words, the lowest and the highest: 21 steps (3.5 to 23)."""
    row = middle(data, column)
    if row is None:
        return "–"
    known = data[column].dropna()
    low, high = number(known.min(), 2), number(known.max(), 2)
    return f"{number(row[column], 2)}{unit}" + (f" ({low} to {high})" if low != high else "")


def time_scales(data: pd.DataFrame, task: str, palette: Palette) -> Markup:
    """For how long the middle unit of every run keeps its state; hollow as installed."""
    data = data[data["timescale_q50"].notna() & (data["timescale_q50"] > 0)]
    if data.empty:
        return Markup()

    def scale(axes: Any) -> None:
        values = data["timescale_q50"].clip(lower=0.1)
        logarithmic(axes, "x", pd.concat([values, data["lag"].dropna()]))
        for lag in data["lag"].dropna().head(1):
            axes.axvline(lag, **MARK)
            axes.annotate(
                "the task's lag", (lag, 1), xycoords=("data", "axes fraction"), fontsize=8,
                xytext=(-3, -1), textcoords="offset points", rotation=90, ha="right", va="top",
            )  # fmt: skip

    title = f"How long units keep their state: {words.task(task)}"
    return _clouds(data, "timescale_q50", title, "time steps", " steps", palette, scale)


def saturation(data: pd.DataFrame, task: str, palette: Palette) -> Markup:
    """How often each gate is shut (to the left) and open (to the right), a dot a run."""
    if data.empty:
        return Markup()
    data = data.assign(shut=-data["below"])

    def scale(axes: Any) -> None:
        axes.axvline(0, **MARK)
        axes.set_xlim(-1.05, 1.05)
        axes.set_xticks([-1, 0, 1], ["100 %", "0", "100 %"])

    title = f"How often gates are shut and open: {words.task(task)}"
    unit = "of the time shut  |  of the time open"
    return _clouds(data, "above", title, unit, None, palette, scale, ("shut",), gates=True)


def _clouds(
    data: pd.DataFrame, column: str, title: str, x: str, unit: str | None, palette: Palette,
    scale: Callable[[Any], None], more: tuple[str, ...] = (), gates: bool = False,
) -> Markup:  # fmt: skip
    """A strip for each cell, its runs as dots: filled with the same start, hollow as installed."""
    if data["cell"].nunique() > MOST_CELLS and data["layer"].nunique() > 1:
        data = data[data["layer"] == data["layer"].max()]
        title += ", last layer"
    strips = list(_strips(data, palette, gates))
    close = gates or len(strips) > MOST_CELLS
    with settings(title):
        high = max(HIGH, 0.62 + (0.26 if close else 0.42) * len(strips))
        figure, panels = laid_out(1, 1, WIDE, high)
        axes, tips = panels[0, 0], Tips()
        scale(axes)
        for place, (label, cell, mine) in enumerate(strips):
            colour = palette.cell(cell)
            for track, look in (("native", "none"), ("matched", colour)):
                runs = mine[mine["track"] == track]
                if runs.empty:
                    continue
                lane = place + (0.2 if track == "native" else -0.08)
                for name in (*more, column):
                    spots = lane + 0.16 * _jitter(len(runs))
                    (dots,) = axes.plot(
                        runs[name], spots, "o", color=colour, markerfacecolor=look,
                        markersize=3.6, markeredgewidth=0.8, alpha=0.75,
                    )  # fmt: skip
                dots.set(**tips.mark(_says(label, track, runs, column, unit)))
            best = middle(mine[mine["track"] == "matched"], column)
            if best is not None and unit is not None:
                axes.plot([best[column]] * 2, [place - 0.3, place + 0.14], color=INK, linewidth=2)
                value = number(best[column], 2)
                if close:
                    beside(axes, value, INK).xy = (1, 1 - (place + 0.65) / (len(strips) + 0.15))
                else:
                    axes.annotate(
                        f"{value}{unit}", (best[column], place - 0.3), xytext=(0, 1),
                        textcoords="offset points", ha="center", va="bottom", fontsize=8,
                    )  # fmt: skip
        axes.set_yticks(range(len(strips)), [label for label, *_ in strips], fontsize=9)
        for tick, (_, cell, _) in zip(axes.get_yticklabels(), strips, strict=True):
            tick.set_color(palette.cell(cell))
        axes.set_ylim(len(strips) - 0.5, -0.65)
        axes.tick_params(axis="y", length=0)
        # Room for what stands above the outermost dots; shares keep their scale.
        axes.margins(x=0.1 if unit is None else 0.14)
        frame(axes, x, title)
        return tips.into(svg(figure, title))


def _strips(data: pd.DataFrame, palette: Palette, gates: bool) -> Iterator[tuple[str, str, Any]]:
    layers = data["layer"].nunique() > 1
    by = ["layer", "gate"] if gates else ["layer"]
    for cell in palette.present(data["cell"]):
        groups: Any = data[data["cell"] == cell].groupby(by, sort=False)
        for key, mine in groups:
            gate = f" {key[1]}" if gates else ""
            layer = f", layer {key[0] + 1:.0f}" if layers else ""
            yield f"{words.cell(cell)}{gate}{layer}", cell, mine


def _jitter(count: int) -> Any:
    """Places from -1 to 1 that keep dots apart, always the same."""
    return 2 * np.mod(0.5 + 0.618034 * np.arange(count), 1) - 1


def _says(label: str, track: str, runs: pd.DataFrame, column: str, unit: str | None) -> str:
    many = runs["framework"].nunique()
    of = f"{plural(len(runs), 'run')} of {plural(many, 'framework')}"
    value = spoken(runs, column, unit or "")
    return f"{label}, {words.track(track)}: middle run {value}, {of}"


def frame(axes: Any, x: str, title: str) -> None:
    """A small panel's title, which is what stands behind the colon, and its axes."""
    axes.set_xlabel(x, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="y", labelsize=8.5)
    axes.set_title(title.split(": ", 1)[-1], fontsize=10 if "\n" not in title else 9, loc="left")
