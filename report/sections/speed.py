"""The section "Speed": what the clock found, a part for each shape; intervals as in the tables."""

from collections.abc import Callable, Hashable
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from report.figures.drawing import Job
from report.figures.panels import beside, laid_out, spread, ticks, width
from report.figures.style import INK, Palette, settings
from report.figures.svg import svg
from report.tables import Tables, crossed, rows

AXES = {
    "sequence_length": "time steps", "hidden": "hidden units", "batch": "sequences in a batch",
    "layers": "layers",
}  # fmt: skip

KINDS = {
    "cell": "Cells", "forward": "Cells, the forward pass alone",
    "framework": "Frameworks, each with the kernel that it declares fastest",
    "kernels": "Kernels of one cell",
}  # fmt: skip


def content(tables: Tables) -> dict[str, Any]:
    """Each shape with its times, peak and ratios; none without the clock's tables."""
    peaks = tables["peaks"]
    attainable = peaks[peaks["attainable"].astype(str) == "True"]
    return {
        "shapes": [
            {
                "name": name,
                "sizes": timed.iloc[0],
                "hidden": _hidden(timed),
                "methods": crossed(timed, ["framework", "kernel", "cell"], ["phase"]),
                "peak": rows(_of_shape(attainable, timed)),
                "ratios": rows(_of_shape(tables["speed_ratios"], timed)),
            }
            for name, timed in shapes(tables)
        ],
        "kinds": KINDS,
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """Steps and fractions of each shape, and how cost grows."""
    found: dict[Hashable, Job] = {
        (name, draw.__name__): (draw, (timed, tables.palette))
        for name, timed in shapes(tables)
        for draw in (steps, fractions)
    }
    return found | {"growth": (growth, (tables["scaling_points"], tables.palette))}


def warnings(tables: Tables) -> dict[str, str]:
    """By "shape, CELL", as the advice names them, what the clock warns of in its steps' times."""
    steps = tables["timing"][tables["timing"]["phase"] == "step"]
    return {
        f"{row['shape']}, {str(row['cell']).upper()}": row["warning"]
        for row in rows(steps[steps["warning"].notna() & steps["median_ms"].notna()])
    }


def shapes(tables: Tables) -> list[tuple[str, pd.DataFrame]]:
    """The times by shape and, where there are several, machine.

    Those of the sweeps, which have no peak of their own, are in the fits.
    """
    own, timing = set(tables["peaks"]["shape"]), tables["timing"]
    several = timing["machine"].nunique() > 1
    parts = timing.groupby(["shape", "machine"], sort=False, dropna=False)
    return [
        (f"{shape} on {machine}" if several else str(shape), timed)
        for (shape, machine), timed in parts
        if shape in own or not own
    ]


def _of_shape(table: pd.DataFrame, timed: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that are of the shape and machine of these times."""
    shape, machine = timed.iloc[0][["shape", "machine"]].fillna("")
    mine: pd.Series = (table["shape"] == shape) & (table["machine"].fillna("") == machine)
    return table[mine]


def _hidden(timed: pd.DataFrame) -> str:
    """A shape's hidden size; by cell, where the cells differ."""
    by_cell = timed.drop_duplicates("cell").set_index("cell")["hidden"]
    if by_cell.nunique() == 1:
        return str(by_cell.iloc[0])
    return ", ".join(f"{size} ({str(cell).upper()})" for cell, size in by_cell.items())


def steps(timed: pd.DataFrame, palette: Palette) -> Markup:
    """Milliseconds of a training step of every kernel at one shape, with its interval."""

    def draw(axes: Axes, place: int, row: pd.Series, colour: str) -> None:
        if pd.notna(row["low_ms"]):
            axes.plot((row["low_ms"], row["high_ms"]), (place, place), color=colour, linewidth=1.8)
        axes.plot(row["median_ms"], place, "o", color=colour, markersize=5)

    def reach(data: pd.DataFrame) -> float:
        return float(1.1 * data["high_ms"].fillna(data["median_ms"]).max())

    titles = "Training step", "ms per training step"
    return _by_cell(timed, "median_ms", palette, draw, reach, *titles)


def fractions(timed: pd.DataFrame, palette: Palette) -> Markup:
    """The share of the attainable peak that a training step reaches, a bar a kernel.

    A mark stands where the step would be if it were its framework's matrix products alone.
    """

    def draw(axes: Axes, place: int, row: pd.Series, colour: str) -> None:
        axes.barh(place, 1, color="none", edgecolor=INK, linewidth=0.6, alpha=0.5, height=0.62)
        axes.barh(place, row["peak_fraction"], color=colour, height=0.62)
        beside = row["peak_fraction"]
        if pd.notna(limit := row["products_fraction"]):
            axes.plot((limit, limit), (place - 0.31, place + 0.31), color=INK, linewidth=1.6)
            # A number is as wide as this; it must not stand across the mark.
            beside = limit if beside < limit < beside + 0.16 else beside
        axes.text(beside + 0.02, place, f"{row['peak_fraction']:.2f}", va="center")

    def reach(data: pd.DataFrame) -> float:
        return float(max(1.0, data["peak_fraction"].max()) * 1.02)

    titles = "Attained peak", "fraction of the attainable peak"
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
    """A panel a cell from 0 to ``reach``, a line a kernel with a ``value``, the fastest above."""
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
            axes.set_yticks(range(len(mine)), mine["framework"] + ": " + mine["kernel"])
            # Panels with fewer kernels begin at the same height.
            axes.set_ylim(len(mine) - most - 0.6, len(mine) - 0.4)
            axes.set_title(cell.upper())
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
            for method, line in mine.groupby(by, dropna=False):
                _, framework, _, cell = map(str, method)
                line, colour = line.sort_values("value"), palette.framework(framework)
                fit = {"color": colour, "linestyle": palette.line(cell), "linewidth": 1.2}
                axes.plot(line["value"], line["fitted_ms"], **fit)
                for held_out, some in line.groupby("held_out"):
                    axes.plot(
                        some["value"], some["median_ms"], palette.mark(cell), color=colour,
                        markersize=5, markerfacecolor="none" if held_out else colour,
                    )  # fmt: skip
                name = beside(axes, f"{framework} {cell.upper()}", colour)
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
