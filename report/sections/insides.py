"""The section "Inside the gates": every run is drawn, nothing is averaged."""

from collections.abc import Callable, Hashable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.lines import Line2D

from harness import layout
from report.figures.drawing import Job
from report.figures.panels import explain, grid, logarithmic, name_axes, spans
from report.figures.style import INK, MARK, Palette, settings
from report.figures.svg import svg
from report.tables import Tables

MOMENTS = {"initialisation": "at initialisation", "trained": "after training"}
COTANGENTS = {"loss": "of the task's loss", "random": "of a random direction"}
# So many seeds are looked into by the analysis, of which the first are drawn.
SEEDS, MOST_SEEDS = 10, 5
# Horizons that are marked, in time steps.
HORIZONS = (1, 2, 3, 5, 10, 20, 50)
CELL_STATE, DOTS = (0, (4, 1.5, 1, 1.5)), (0, (2, 2))
# How a run is drawn, among many.
LINE: dict[str, Any] = {"linewidth": 1.1, "alpha": 0.75}
POINT: dict[str, Any] = {"marker": "o", "linestyle": "none", "alpha": 0.75}


def content(tables: Tables) -> dict[str, Any]:
    """What the probes are scored by and how many seeds are drawn, or the table that is missing."""
    probes = tables["memory_probe"].drop_duplicates("task")
    return {
        "lacking": [name for name in layout.names("insides") if name in tables.missing],
        "tasks": tables.tasks,
        "metrics": dict(zip(probes["task"], probes["metric"], strict=True)),
        "seeds": SEEDS,
        "drawn": MOST_SEEDS,
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """Every figure of every task, by its name and the task."""
    return {
        (draw.__name__, task): (draw, (drawn(tables[source], task), task, tables.palette))
        for source, draws in SOURCES.items()
        for draw in draws
        for task in tables.tasks
    }


def drawn(table: pd.DataFrame, task: str) -> pd.DataFrame:
    """The rows of ``task`` of the seeds that are drawn."""
    mine = table[table["task"] == task]
    return mine[mine["seed"].isin(sorted(mine["seed"].unique())[:MOST_SEEDS])]


def gradient_flow(table: pd.DataFrame, task: str, palette: Palette) -> Markup:
    """The gradient's norm against the lag, a line a run, for the matched track.

    A cell with a second state, such as the LSTM's c, has a second one, by that.
    """
    data = table[(table["track"] == "matched") & (table["gradient_h"] > 0)]
    if data.empty or data["lag"].max() < 2:
        return Markup()
    cells = palette.present(data["cell"])
    with settings(f"gradient flow {task}"):
        figure, panels = grid(2, 2, 4.6)
        both = product(COTANGENTS, MOMENTS)
        for axes, (cotangent, moment) in zip(panels.flat, both, strict=True):
            mine = data[(data["cotangent"] == cotangent) & (data["moment"] == moment)]
            for cell in cells:
                lines = {"gradient_h": palette.line(cell), "gradient_c": CELL_STATE}
                for _, run in _runs(mine[mine["cell"] == cell], "gradient_h"):
                    for name, line in lines.items():
                        held, look = run[run[name] > 0], LINE | {"linestyle": line}
                        axes.plot(held["lag"], held[name], color=palette.cell(cell), **look)
            # The two moments share the scale.
            shown = data.loc[data["cotangent"] == cotangent, ["gradient_h", "gradient_c"]]
            logarithmic(axes, "y", shown.where(lambda v: v > 0))
            axes.set_title(f"{COTANGENTS[cotangent]}, {MOMENTS[moment]}", fontsize=10)
        name_axes(panels, "lag: time steps before the last", "norm of the gradient")
        known = {
            cell.upper(): Line2D([], [], color=palette.cell(cell), linestyle=palette.line(cell))
            for cell in cells
        }
        for cell in palette.present(data.loc[data["gradient_c"].notna(), "cell"]):
            state = Line2D([], [], color=palette.cell(cell), linestyle=CELL_STATE)
            known[f"{cell.upper()}, cell state"] = state
        explain(figure, known)
        return svg(figure, f"Gradient against lag on {task}")


def decay(table: pd.DataFrame, task: str, palette: Palette) -> Markup:
    """The factor per step of every run: filled for the loss, open for a random direction."""
    data = table[(table["lag"] == 0) & table["decay"].notna()]

    def draw(axes: Any, rows: pd.DataFrame, colour: str) -> None:
        for cotangent, filled in (("random", "none"), ("loss", colour)):
            mine = rows[rows["cotangent"] == cotangent]
            look = POINT | {"color": colour, "markerfacecolor": filled, "markersize": 5}
            axes.plot(mine["decay"], mine["place"], **look)

    title, unit = f"Decay factor of the gradient on {task}", "factor λ per time step"
    return _strips(data, data["cell"].str.upper(), palette, title, unit, draw, 1.0, top=_horizons)


def _horizons(axes: Any) -> None:
    """The horizon −1/ln λ above, in time steps, where its marks have room."""
    low, high = axes.get_xlim()
    marks: dict[float, str] = {}
    for steps in HORIZONS:
        place = float(np.exp(-1 / steps))
        if low < place < high and place - max([low, *marks]) > 0.05 * (high - low):
            marks[place] = str(steps)
    above = axes.secondary_xaxis("top")
    above.set_xticks(list(marks), list(marks.values()), fontsize=8)
    above.tick_params(length=2, pad=1)
    above.set_xlabel("horizon −1/ln λ, in time steps", fontsize=8, labelpad=2)


def saturation(data: pd.DataFrame, task: str, palette: Palette) -> Markup:
    """How often gates are nearly closed (left) and nearly open (right), for every run."""

    def draw(axes: Any, rows: pd.DataFrame, colour: str) -> None:
        spans(axes, rows["place"], -rows["below"], rows["above"], colour)
        for ends in (-rows["below"], rows["above"]):
            axes.plot(ends, rows["place"], color=colour, markersize=3.5, **POINT)

    def scale(axes: Any) -> None:
        axes.set_xlim(-1.03, 1.03)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["100", "50", "0", "50", "100"])

    title, unit = f"Saturation of gates on {task}", "% of time steps: closed | open"
    return _strips(data, _gate_labels(data), palette, title, unit, draw, 0.0, scale)


def time_scales(table: pd.DataFrame, task: str, palette: Palette) -> Markup:
    """The units' time scales in every run: median, and the middle 80 % as a line."""
    data = table[table["timescale_q50"].notna()]

    def draw(axes: Any, rows: pd.DataFrame, colour: str) -> None:
        spans(axes, rows["place"], rows["timescale_q10"], rows["timescale_q90"], colour)
        axes.plot(rows["timescale_q50"], rows["place"], color=colour, markersize=4.5, **POINT)

    def scale(axes: Any) -> None:
        logarithmic(axes, "x", data[["timescale_q10", "timescale_q90", "lag"]])

    lag = next(iter(data["lag"].dropna()), None)
    title, unit = f"Time scales on {task}", "time scale τ of a unit, in time steps"
    return _strips(data, _gate_labels(data), palette, title, unit, draw, lag, scale)


def memory_probe(table: pd.DataFrame, task: str, palette: Palette) -> Markup:
    """What a linear read-out finds of the value shown, step after step, a line a run."""
    data = table[table["track"] == "matched"]
    if data.empty:
        return Markup()
    cells, metric = palette.present(data["cell"]), data["metric"].iloc[0]
    with settings(f"memory probe {task}"):
        figure, panels = grid(1, len(cells), 2.6)
        for axes, cell in zip(panels[0], cells, strict=True):
            for key, run in _runs(data[data["cell"] == cell], "score"):
                look = {"color": INK, "linewidth": 1.1, "alpha": 0.45, "linestyle": DOTS}
                if run["moment"].iloc[0] == "trained":
                    look = LINE | {"color": palette.framework(key[0])}
                axes.plot(run["step"], run["score"], **look)
            axes.axhline(data["chance"].iloc[0], **MARK)
            axes.set_title(cell.upper())
            axes.set_ylim(-0.25 if metric == "R²" else -0.03, 1.05)
        name_axes(panels, "time step", f"{metric} of the read-out")
        untrained = Line2D([], [], color=INK, linestyle=DOTS, alpha=0.6)
        explain(figure, _known(palette, data) | {"untrained": untrained})
        return svg(figure, f"Memory probe on {task}")


def dynamics(data: pd.DataFrame, task: str, palette: Palette) -> Markup:
    """Median gradient norms and the share of steps over the limit, window by window."""
    if data.empty:
        return Markup()
    cells = palette.present(data["cell"])
    with settings(f"dynamics {task}"):
        figure, panels = grid(2, len(cells), 4.4)
        for (norms, shares), cell in zip(panels.T, cells, strict=True):
            for key, run in _runs(data[data["cell"] == cell], "norm_q50"):
                colour = palette.framework(key[0])
                look = LINE | {"color": colour, "linestyle": "-" if key[2] == "matched" else DOTS}
                norms.plot(run["last_step"], run["norm_q50"], **look)
                shares.plot(run["last_step"], run["over_limit"], **look)
                sharp = run[run["spikes"] > 0]
                norms.plot(sharp["last_step"], sharp["norm_most"], "x", color=colour, markersize=4)
            for limit in data["limit"].dropna().head(1):
                norms.axhline(limit, **MARK)
            logarithmic(norms, "y", data["norm_q50"])
            norms.set_title(cell.upper())
            shares.set_ylim(-0.03, 1.03)
        name_axes(panels, "training step", "gradient norm, median", "share over the limit")
        known = _known(palette, data)
        known["spike"] = Line2D([], [], color=INK, marker="x", linestyle="none", markersize=4)
        if (data["track"] == "native").any():
            known["native"] = Line2D([], [], color=INK, linestyle=DOTS)
        explain(figure, known)
        return svg(figure, f"Gradient norm over training on {task}")


def _strips(
    data: pd.DataFrame,
    labels: pd.Series,
    palette: Palette,
    title: str,
    unit: str,
    draw: Callable[[Any, pd.DataFrame, str], None],
    line: float | None,
    scale: Callable[[Any], None] = lambda axes: None,
    top: Callable[[Any], None] | None = None,
) -> Markup:
    """A panel a moment; a band for each label, in it a strip for each track and framework.

    ``top`` draws a scale above each panel.
    """
    if data.empty:
        return Markup()
    pairs = list(zip(data["track"], data["framework"], strict=True))
    strips = sorted(set(pairs))
    order = data["cell"].map(palette.cells.index).sort_values(kind="stable")
    names = list(dict.fromkeys(labels.loc[order.index]))
    within = np.array([strips.index(pair) + 1 for pair in pairs]) / (len(strips) + 1)
    data = data.assign(place=labels.map(names.index) - 0.5 + within)
    with settings(title):
        figure, panels = grid(1, 2, 0.9 + 0.12 * len(names) * (len(strips) + 1))
        for axes, moment in zip(panels[0], MOMENTS, strict=True):
            mine = data[data["moment"] == moment]
            for framework in palette.frameworks:
                draw(axes, mine[mine["framework"] == framework], palette.framework(framework))
            for band in range(1, len(names)):
                axes.axhline(band - 0.5, color=INK, linewidth=0.5, alpha=0.25)
            if line is not None:
                axes.axvline(line, **MARK)
            axes.set_title(MOMENTS[moment], fontsize=10)
        scale(panels[0, 0])
        panels[0, 0].set_yticks(range(len(names)), names)
        panels[0, 0].set_ylim(len(names) - 0.5, -0.5)
        name_axes(panels, unit, "")
        if top is not None:
            for axes in panels[0]:
                top(axes)
        explain(figure, _known(palette, data), above=0.65 if top else 0.25)
        return svg(figure, title)


def _gate_labels(data: pd.DataFrame) -> pd.Series:
    labels: pd.Series = data["cell"].str.upper() + " " + data["gate"]
    several = data["layer"].nunique() > 1
    return labels + " " + (data["layer"] + 1).astype(str) if several else labels


def _known(palette: Palette, data: pd.DataFrame) -> dict[str, Line2D]:
    """The frameworks of ``data``, as a legend has them."""
    there = palette.running(data["framework"])
    return {name: Line2D([], [], color=palette.framework(name)) for name in there}


def _runs(data: pd.DataFrame, value: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    """The rows of each model, by framework, seed and track (and moment where there is one).

    Of lines that are the same in several frameworks, as before training, the first stays.
    """
    by = [name for name in ("framework", "seed", "track", "moment") if name in data]
    seen = set()
    for key, run in data.groupby(by, sort=False):
        line = (*key[1:], *run[value])
        if line not in seen:
            seen.add(line)
            yield key, run


# The figures that are drawn from each table of this stage, in the order in which they are missed.
SOURCES: dict[str, tuple[Callable[..., Markup], ...]] = {
    "gradient_flow": (gradient_flow, decay),
    "gates": (saturation, time_scales),
    "memory_probe": (memory_probe,),
    "dynamics": (dynamics,),
}
