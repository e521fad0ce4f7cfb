"""The figures of the section "Speed"."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator

from report import words
from report.answers.phrases import plural
from report.figures.panels import beside, laid_out, spread, ticks, width
from report.figures.style import INK, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import number

AXES = {
    "sequence_length": "time steps", "hidden": "hidden units", "batch": "sequences in a batch",
    "layers": "layers",
}  # fmt: skip
# Inches of a bar, and of what a row of panels has besides.
BAR, ROOM = 0.28, 0.75
# And what stands below all of them.
BELOW = 0.3


def sizes(timed: pd.DataFrame) -> str:
    """A model size in words; its hidden size by cell, where the cells differ."""
    by_cell = timed.drop_duplicates("cell").set_index("cell")["hidden"]
    hidden = str(by_cell.iloc[0])
    if by_cell.nunique() > 1:
        hidden = ", ".join(f"{size} ({words.cell(cell)})" for cell, size in by_cell.items())
    one = timed.iloc[0]
    return (
        f"{_counted(one['layers'], 'layer')} of {hidden} units, "
        f"{_counted(one['sequence_length'], 'time step')}, {_counted(one['input_size'], 'input')}, "
        f"batches of {one['batch']}"
    )


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n != 1 else ''}"


def overall(parts: Sequence[tuple[str, pd.DataFrame]], palette: Palette) -> Markup:
    """A row of panels a model size, a panel a cell: a bar for each framework's own choice.

    The full part of a bar is what the matrix products would take at the speed of the fastest one.
    """
    parts = [(name, steps) for name, steps in parts if len(steps)]
    if not parts:
        return Markup()
    cells = palette.present(pd.concat([steps for _, steps in parts])["cell"])
    bars = [int(steps["cell"].value_counts().max()) for _, steps in parts]
    tips = Tips()
    with settings("overall"):
        high = [BAR * most + ROOM for most in bars]
        figure, panels = laid_out(
            len(parts), len(cells), width(len(cells)), sum(high) + BELOW, height_ratios=high
        )
        figure.get_layout_engine().set(h_pad=0.09)
        for (name, steps), most, row in zip(parts, bars, panels, strict=True):
            reach = 1.45 * float(steps["high_ms"].fillna(steps["median_ms"]).max())
            for cell, axes in zip(cells, row, strict=True):
                mine = steps[steps["cell"] == cell].sort_values("median_ms", ascending=False)
                for place, one in enumerate(mine.to_dict("records")):
                    _bar(axes, place, one, palette, tips, reach, len(cells) < 3)
                axes.set_xlim(0, reach)
                axes.set_yticks(range(len(mine)), list(map(words.framework, mine["framework"])))
                axes.set_ylim(len(mine) - most - 0.5, len(mine) - 0.5)
                axes.tick_params(axis="y", length=0)
                axes.xaxis.set_major_locator(MaxNLocator(5))
                if len(mine):
                    text = f"{words.cell(cell)}, “{name}”: {_brief(mine)}"
                    axes.set_title(text, fontsize=10, loc="left")
                else:
                    axes.set_visible(False)
        for axes in panels[-1]:
            axes.set_xlabel("milliseconds of a training step", fontsize=10)
        return tips.into(svg(figure, "Milliseconds of a training step by model size and cell"))


def _brief(timed: pd.DataFrame) -> str:
    one = timed.iloc[0]
    return f"{_counted(one['layers'], 'layer')} of {one['hidden']} units"


def _bar(
    axes: Axes, place: int, row: dict[Any, Any], palette: Palette, tips: Tips, reach: float,
    wide: bool,
) -> None:  # fmt: skip
    """A framework's time with its interval, what the hardware allows, and both in figures.

    Panels that are not ``wide`` have no room for more words.
    """
    colour, known = palette.framework(row["framework"]), pd.notna(row["low_ms"])
    share = f"{number(100 * row['peak_fraction'], 2)} %" if pd.notna(row["peak_fraction"]) else ""
    end = row["high_ms"] if known else row["median_ms"]
    says = f"{words.framework(row['framework'])}, {words.cell(row['cell'])}: a training step takes "
    says += f"{number(row['median_ms'])} ms"
    if known:
        says += f", 95 % interval {number(row['low_ms'])} to {number(row['high_ms'])} ms"
    if pd.notna(row["processes"]):
        says += f", {plural(row['processes'], 'process', 'processes')}"
    if share:
        says += f"; it reaches {share} of what the hardware allows"
    tip = tips.mark(f"{says}. Implementation: {row['kernel']}.", row["framework"])
    look: dict[str, Any] = {"color": colour, "height": 0.68}
    axes.barh(place, row["median_ms"], alpha=0.35 if share else 1, **look, **tip)
    if share:
        axes.barh(place, row["median_ms"] * row["peak_fraction"], **look, **tip)
    if known:
        axes.plot((row["low_ms"], row["high_ms"]), (place, place), color=INK, linewidth=1.2, **tip)
    text = f"{number(row['median_ms'])} ms" + f", {share}{' of the hardware' * wide}" * bool(share)
    axes.text(end + 0.012 * reach, place, text, va="center_baseline", fontsize=9, **tip)


def steps(timed: pd.DataFrame, palette: Palette) -> Markup:
    """Milliseconds of a training step of every implementation at one size, with its interval."""

    def draw(axes: Axes, place: int, row: pd.Series, colour: str) -> None:
        if pd.notna(row["low_ms"]):
            axes.plot((row["low_ms"], row["high_ms"]), (place, place), color=colour, linewidth=1.8)
        axes.plot(row["median_ms"], place, "o", color=colour, markersize=5)

    def reach(data: pd.DataFrame) -> float:
        return float(1.1 * data["high_ms"].fillna(data["median_ms"]).max())

    titles = "Training step", "milliseconds of a training step"
    return _by_cell(timed, "median_ms", palette, draw, reach, *titles)


def fractions(timed: pd.DataFrame, palette: Palette) -> Markup:
    """The share of what the hardware allows that a training step reaches, in percent.

    A mark stands where the step would be if it were its framework's matrix products alone.
    """

    def draw(axes: Axes, place: int, row: pd.Series, colour: str) -> None:
        share = 100 * row["peak_fraction"]
        axes.barh(place, 100, color="none", edgecolor=INK, linewidth=0.6, alpha=0.5, height=0.62)
        axes.barh(place, share, color=colour, height=0.62)
        beside = share
        if pd.notna(limit := 100 * row["products_fraction"]):
            axes.plot((limit, limit), (place - 0.31, place + 0.31), color=INK, linewidth=1.6)
            # A number is as wide as this; it must not stand across the mark.
            beside = limit if beside < limit < beside + 16 else beside
        axes.text(beside + 2, place, f"{number(share, 2)} %", va="center")

    def reach(data: pd.DataFrame) -> float:
        return float(max(100.0, 100 * data["peak_fraction"].max()) * 1.02)

    titles = "Share of what the hardware allows", "percent of what the hardware allows"
    return _by_cell(timed, "peak_fraction", palette, draw, reach, *titles)


def _by_cell(
    timed: pd.DataFrame,
    value: str,
    palette: Palette,
    draw: Callable[[Axes, int, pd.Series, str], None],
    reach: Callable[[pd.DataFrame], float],
    title: str,
    label: str,
) -> Markup:
    """A panel a cell from 0 to ``reach``, a line an implementation, the fastest above."""
    data = timed[(timed["phase"] == "step") & timed[value].notna()]
    if data.empty:
        return Markup()
    cells, title = palette.present(data["cell"]), f"{title} at {data['shape'].iloc[0]}"
    most = data["cell"].value_counts().max()
    with settings(title):
        figure, panels = laid_out(1, len(cells), width(len(cells)), 1.1 + 0.34 * most)
        for axes, cell in zip(panels.flat, cells, strict=True):
            mine = data[data["cell"] == cell].sort_values("median_ms", ascending=False)
            for place, (_, row) in enumerate(mine.iterrows()):
                draw(axes, place, row, palette.framework(row["framework"]))
            axes.set_xlim(0, reach(data))
            names = mine["framework"].map(words.framework) + ": " + mine["kernel"]
            axes.set_yticks(range(len(mine)), names)
            # Panels with fewer implementations begin at the same height.
            axes.set_ylim(len(mine) - most - 0.6, len(mine) - 0.4)
            axes.set_title(words.cell(cell))
            axes.set_xlabel(label)
        return svg(figure, title)


def growth(points: pd.DataFrame, palette: Palette) -> Markup:
    """Milliseconds of a step along every axis with the fits; held-out sizes are open."""
    if points.empty:
        return Markup()
    there = [axis for axis in AXES if axis in set(points["axis"])]
    tall, labels = (len(there) + 1) // 2, []
    with settings("growth"):
        figure, panels = laid_out(tall, min(2, len(there)), 9.5, 3.4 * tall)
        for axes in panels.flat[len(there) :]:
            axes.set_visible(False)
        for axes, axis in zip(panels.flat, there, strict=False):
            mine = points[points["axis"] == axis]
            names = []
            by = ["machine", "framework", "kernel", "cell"]
            several = mine.groupby(["framework", "cell"])["kernel"].nunique().max() > 1
            for method, line in mine.groupby(by, dropna=False):
                _, framework, kernel, cell = map(str, method)
                line, colour = line.sort_values("value"), palette.framework(framework)
                fit = {"color": colour, "linestyle": palette.line(cell), "linewidth": 1.2}
                axes.plot(line["value"], line["fitted_ms"], **fit)
                for held_out, some in line.groupby("held_out"):
                    axes.plot(
                        some["value"], some["median_ms"], palette.mark(cell), color=colour,
                        markersize=5, markerfacecolor="none" if held_out else colour,
                    )  # fmt: skip
                label = f"{words.framework(framework)} {words.cell(cell)}"
                name = beside(axes, f"{label}, {kernel}" if several else label, colour)
                names.append((name, float(line["median_ms"].iloc[-1])))
            labels.append((axes, names))
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.set_xticks(sorted(set(mine["value"])))
            axes.xaxis.set_major_formatter("{x:g}")
            low, high = axes.get_ylim()
            subs = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if high < 10 * low else (1.0, 2.0, 5.0)
            ticks(axes.yaxis, LogLocator(subs=subs))
            axes.set_xlabel(AXES[axis])
            axes.set_ylabel("ms per training step")
        # Only when all is laid out is it known where a value stands.
        figure.draw_without_rendering()
        for axes, names in labels:
            spread(axes, names)
        return svg(figure, "How a training step's time grows")
