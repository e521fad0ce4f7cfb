"""The figures of the section "Speed"; intervals as the tables have them."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from report import cell_styles
from report.figures import INK, beside, colours, settings, spread, svg

AXES = {
    "sequence_length": "time steps",
    "hidden": "hidden units",
    "batch": "sequences in a batch",
    "layers": "layers",
}


def shapes(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, pd.DataFrame]]:
    """The times by shape; those of the sweeps, which have no peak of their own, are in the fits."""
    own = set(tables["peaks"]["shape"])
    return [
        (str(name), rows)
        for name, rows in tables["timing"].groupby("shape", sort=False)
        if name in own or not own
    ]


def steps(rows: pd.DataFrame, frameworks: list[str]) -> str:
    """Milliseconds of a training step of every kernel at one shape, with its interval."""
    data = rows[(rows["phase"] == "step") & rows["median_ms"].notna()]
    if data.empty:
        return ""
    shape = str(data.iloc[0]["shape"])

    def draw(axes: Axes, place: int, row: pd.Series, colour: str) -> None:
        if pd.notna(row["low_ms"]):
            axes.plot((row["low_ms"], row["high_ms"]), (place, place), color=colour, linewidth=1.8)
        axes.plot(row["median_ms"], place, "o", color=colour, markersize=5)
        axes.set_xlim(left=0, right=1.1 * data["high_ms"].fillna(data["median_ms"]).max())

    return _by_cell(data, frameworks, draw, "ms per training step", f"Training step at {shape}")


def fractions(rows: pd.DataFrame, frameworks: list[str]) -> str:
    """The share of the attainable peak that a training step reaches, a bar a kernel.

    A mark stands where the step would be if it were its framework's matrix products alone.
    """
    data = rows[(rows["phase"] == "step") & rows["peak_fraction"].notna()]
    if data.empty:
        return ""
    shape = str(data.iloc[0]["shape"])

    def draw(axes: Axes, place: int, row: pd.Series, colour: str) -> None:
        axes.barh(place, 1, color="none", edgecolor=INK, linewidth=0.6, alpha=0.5, height=0.62)
        axes.barh(place, row["peak_fraction"], color=colour, height=0.62)
        beside = row["peak_fraction"]
        if pd.notna(limit := row["products_fraction"]):
            axes.plot((limit, limit), (place - 0.31, place + 0.31), color=INK, linewidth=1.6)
            # A number is as wide as this; it must not stand across the mark.
            beside = limit if beside < limit < beside + 0.16 else beside
        axes.text(beside + 0.02, place, f"{row['peak_fraction']:.2f}", va="center")
        axes.set_xlim(0, max(1.0, data["peak_fraction"].max()) * 1.02)

    return _by_cell(
        data, frameworks, draw, "fraction of the attainable peak", f"Attained peak at {shape}"
    )


def _by_cell(
    data: pd.DataFrame, frameworks: list[str], draw: object, label: str, title: str
) -> str:
    """A panel a cell, a line a kernel, the fastest above."""
    cells = cell_styles.in_order(data["cell"])
    palette = colours(frameworks)
    most = max(len(data[data["cell"] == cell]) for cell in cells)
    with sns.axes_style("ticks"), mpl.rc_context(settings(title)):
        figure, panels = plt.subplots(
            1, len(cells), figsize=(9.5, 1.1 + 0.34 * most), squeeze=False, layout="constrained"
        )
        for axes, cell in zip(panels.flat, cells, strict=True):
            mine = data[data["cell"] == cell].sort_values("median_ms", ascending=False)
            for place, (_, row) in enumerate(mine.iterrows()):
                draw(axes, place, row, palette.get(row["framework"], INK))  # type: ignore[operator]
            axes.set_yticks(range(len(mine)), mine["framework"] + ": " + mine["kernel"])
            # Panels with fewer kernels begin at the same height.
            axes.set_ylim(len(mine) - most - 0.6, len(mine) - 0.4)
            axes.set_title(cell.upper())
            axes.set_xlabel(label)
        sns.despine(figure)
        return svg(figure, title)


def growth(points: pd.DataFrame, frameworks: list[str]) -> str:
    """Milliseconds of a step along every axis with the fits; held-out sizes are open."""
    if points.empty:
        return ""
    axes_there = [axis for axis in AXES if axis in set(points["axis"])]
    palette = colours(frameworks)
    rows = (len(axes_there) + 1) // 2
    with sns.axes_style("ticks"), mpl.rc_context(settings("growth")):
        figure, panels = plt.subplots(
            rows, min(2, len(axes_there)), figsize=(9.5, 3.4 * rows), squeeze=False,
            layout="constrained",
        )  # fmt: skip
        for axes in panels.flat[len(axes_there) :]:
            axes.set_visible(False)
        labels = []
        for axes, axis in zip(panels.flat, axes_there, strict=False):
            mine = points[points["axis"] == axis]
            names = []
            for (framework, _, cell), line in mine.groupby(["framework", "kernel", "cell"]):
                line, colour = line.sort_values("value"), palette[str(framework)]
                _growth_line(axes, line, colour, str(cell))
                name = beside(axes, f"{framework} {str(cell).upper()}", colour)
                names.append((name, float(line["median_ms"].iloc[-1])))
            labels.append((axes, names))
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.set_xticks(sorted(set(mine["value"])))
            axes.xaxis.set_major_formatter("{x:g}")
            low, high = axes.get_ylim()
            subs = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if high < 10 * low else (1.0, 2.0, 5.0)
            axes.yaxis.set_major_locator(LogLocator(subs=subs))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel(AXES[axis])
            axes.set_ylabel("ms per training step")
        # Only when all is laid out is it known where a value stands.
        figure.draw_without_rendering()
        for axes, names in labels:
            spread(axes, names)
        sns.despine(figure)
        return svg(figure, "How a training step's time grows")


def _growth_line(axes: Axes, line: pd.DataFrame, colour: str, cell: str) -> None:
    axes.plot(
        line["value"],
        line["fitted_ms"],
        color=colour,
        linestyle=cell_styles.line(cell),
        linewidth=1.2,
    )
    for held_out, rows in line.groupby("held_out"):
        axes.plot(
            rows["value"], rows["median_ms"], cell_styles.mark(cell), color=colour, markersize=5,
            markerfacecolor="none" if held_out else colour,
        )  # fmt: skip
