"""The figures of the section "Inside the gates": every run is drawn, nothing is averaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D

from report import cell_styles
from report.figures import DASHES, INK, colours, settings, svg
from report.panels import explain, grid, logarithmic, name_axes, spans

MOMENTS = {"initialisation": "at initialisation", "trained": "after training"}
COTANGENTS = {"loss": "of the task's loss", "random": "of a random direction"}
# More seeds than these are looked into and not drawn.
MOST_SEEDS = 5
# Horizons that are marked, in time steps.
HORIZONS = (1, 2, 3, 5, 10, 20, 50)
CELL_STATE = (0, (4, 1.5, 1, 1.5))
DOTS = (0, (2, 2))


def drawn(table: pd.DataFrame, task: str) -> pd.DataFrame:
    """The rows of ``task`` of the seeds that are drawn."""
    mine = table[table["task"] == task]
    return mine[mine["seed"].isin(sorted(mine["seed"].unique())[:MOST_SEEDS])]


def gradient_flow(table: pd.DataFrame, task: str) -> str:
    """The gradient's norm against the lag, a line a run, for the matched track.

    The LSTM and its kin have a second one, by their cell state.
    """
    data = table[(table["task"] == task) & (table["track"] == "matched")]
    data = data[data["gradient_h"] > 0]
    if data.empty or data["lag"].max() < 2:
        return ""
    cells = cell_styles.in_order(data["cell"])
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"gradient flow {task}")):
        figure, panels = grid(2, 2, 4.6)
        for axes, (cotangent, moment) in zip(
            panels.flat, [(c, m) for c in COTANGENTS for m in MOMENTS], strict=True
        ):
            mine = data[(data["cotangent"] == cotangent) & (data["moment"] == moment)]
            for cell in cells:
                for _, run in _runs(mine[mine["cell"] == cell], "gradient_h"):
                    for name, line in (
                        ("gradient_h", cell_styles.line(cell)),
                        ("gradient_c", CELL_STATE),
                    ):
                        held = run[run[name] > 0]
                        axes.plot(
                            held["lag"], held[name], color=cell_styles.colour(cell), linewidth=1.1,
                            alpha=0.75, linestyle=line,
                        )  # fmt: skip
            # The two moments share the scale.
            shown = data.loc[data["cotangent"] == cotangent, ["gradient_h", "gradient_c"]]
            logarithmic(axes, "y", shown.where(lambda v: v > 0))
            axes.set_title(f"{COTANGENTS[cotangent]}, {MOMENTS[moment]}", fontsize=10)
        name_axes(panels, "lag: time steps before the last", "norm of the gradient")
        lines = {
            cell.upper(): Line2D(
                [], [], color=cell_styles.colour(cell), linestyle=cell_styles.line(cell)
            )
            for cell in cells
        }
        for cell in cell_styles.in_order(data.loc[data["gradient_c"].notna(), "cell"]):
            state = Line2D([], [], color=cell_styles.colour(cell), linestyle=CELL_STATE)
            lines[f"{cell.upper()}, cell state"] = state
        explain(figure, {}, lines)
        return svg(figure, f"Gradient against lag on {task}")


def decay(table: pd.DataFrame, task: str, frameworks: list[str]) -> str:
    """The factor per step of every run: filled for the loss, open for a random direction."""
    data = table[(table["task"] == task) & (table["lag"] == 0) & table["decay"].notna()]

    def draw(axes: Any, rows: pd.DataFrame, colour: str) -> None:
        for cotangent, filled in (("random", "none"), ("loss", colour)):
            mine = rows[rows["cotangent"] == cotangent]
            axes.plot(
                mine["decay"], mine["place"], "o", color=colour, markerfacecolor=filled,
                markersize=5, alpha=0.75,
            )  # fmt: skip

    return _strips(
        data, data["cell"].str.upper(), frameworks, f"Decay factor of the gradient on {task}",
        "factor λ per time step", draw, 1.0, top=_horizons,
    )  # fmt: skip


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


def saturation(table: pd.DataFrame, task: str, frameworks: list[str]) -> str:
    """How often gates are nearly closed (left) and nearly open (right), for every run."""
    data = table[table["task"] == task]

    def draw(axes: Any, rows: pd.DataFrame, colour: str) -> None:
        spans(axes, rows["place"], -rows["below"], rows["above"], colour)
        for ends in (-rows["below"], rows["above"]):
            axes.plot(ends, rows["place"], "o", color=colour, markersize=3.5, alpha=0.75)

    def scale(axes: Any) -> None:
        axes.set_xlim(-1.03, 1.03)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["100", "50", "0", "50", "100"])

    return _strips(
        data, _gate_labels(data), frameworks, f"Saturation of gates on {task}",
        "% of time steps: closed | open", draw, 0.0, scale,
    )  # fmt: skip


def time_scales(table: pd.DataFrame, task: str, frameworks: list[str]) -> str:
    """The units' time scales in every run: median, and the middle 80 % as a line."""
    data = table[(table["task"] == task) & table["timescale_q50"].notna()]

    def draw(axes: Any, rows: pd.DataFrame, colour: str) -> None:
        spans(axes, rows["place"], rows["timescale_q10"], rows["timescale_q90"], colour)
        axes.plot(
            rows["timescale_q50"], rows["place"], "o", color=colour, markersize=4.5, alpha=0.75
        )

    def scale(axes: Any) -> None:
        logarithmic(axes, "x", data[["timescale_q10", "timescale_q90", "lag"]])

    lags = data["lag"].dropna()
    return _strips(
        data, _gate_labels(data), frameworks, f"Time scales on {task}",
        "time scale τ of a unit, in time steps", draw, lags.iloc[0] if len(lags) else None,
        scale,
    )  # fmt: skip


def memory_probe(table: pd.DataFrame, task: str, frameworks: list[str]) -> str:
    """What a linear read-out finds of the value shown, step after step, a line a run."""
    data = table[(table["task"] == task) & (table["track"] == "matched")]
    if data.empty:
        return ""
    palette = colours(frameworks)
    cells = cell_styles.in_order(data["cell"])
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"memory probe {task}")):
        figure, panels = grid(1, len(cells), 2.6)
        for axes, cell in zip(panels[0], cells, strict=True):
            for key, run in _runs(data[data["cell"] == cell], "score"):
                trained = run["moment"].iloc[0] == "trained"
                axes.plot(
                    run["step"], run["score"], color=palette[key[0]] if trained else INK,
                    linewidth=1.1, alpha=0.75 if trained else 0.45,
                    linestyle="-" if trained else DOTS,
                )  # fmt: skip
            axes.axhline(
                data["chance"].iloc[0], color=INK, linewidth=0.8, linestyle=DASHES, alpha=0.6
            )
            axes.set_title(cell.upper())
            axes.set_ylim(-0.25 if data["metric"].iloc[0] == "R²" else -0.03, 1.05)
        name_axes(panels, "time step", f"{data['metric'].iloc[0]} of the read-out")
        untrained = Line2D([], [], color=INK, linestyle=DOTS, alpha=0.6)
        explain(figure, _known(palette, data), {"untrained": untrained})
        return svg(figure, f"Memory probe on {task}")


def dynamics(table: pd.DataFrame, task: str, frameworks: list[str]) -> str:
    """Median gradient norms and the share of steps over the limit, window by window."""
    data = table[table["task"] == task]
    if data.empty:
        return ""
    palette = colours(frameworks)
    cells = cell_styles.in_order(data["cell"])
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"dynamics {task}")):
        figure, panels = grid(2, len(cells), 4.4)
        for column, cell in zip(panels.T, cells, strict=True):
            for key, run in _runs(data[data["cell"] == cell], "norm_q50"):
                line = {
                    "color": palette[key[0]], "linewidth": 1.1, "alpha": 0.75,
                    "linestyle": "-" if key[2] == "matched" else DOTS,
                }  # fmt: skip
                column[0].plot(run["last_step"], run["norm_q50"], **line)
                column[1].plot(run["last_step"], run["over_limit"], **line)
                sharp = run[run["spikes"] > 0]
                column[0].plot(
                    sharp["last_step"], sharp["norm_most"], "x", color=palette[key[0]], markersize=4
                )
            limits = data["limit"].dropna()
            if len(limits):
                column[0].axhline(
                    limits.iloc[0], color=INK, linewidth=0.8, linestyle=DASHES, alpha=0.6
                )
            logarithmic(column[0], "y", data["norm_q50"])
            column[0].set_title(cell.upper())
            column[1].set_ylim(-0.03, 1.03)
        name_axes(panels, "training step", "gradient norm, median", "share over the limit")
        extra = {"spike": Line2D([], [], color=INK, marker="x", linestyle="none", markersize=4)}
        if (data["track"] == "native").any():
            extra["native"] = Line2D([], [], color=INK, linestyle=DOTS)
        explain(figure, _known(palette, data), extra)
        return svg(figure, f"Gradient norm over training on {task}")


def _strips(
    data: pd.DataFrame,
    labels: pd.Series[str],
    frameworks: list[str],
    title: str,
    unit: str,
    draw: Callable[[Any, pd.DataFrame, str], None],
    line: float | None,
    scale: Callable[[Any], None] = lambda axes: None,
    top: Callable[[Any], None] | None = None,
) -> str:
    """A panel a moment; a band for each label, in it a strip for each track and framework.

    ``top`` draws a scale above each panel.
    """
    if data.empty:
        return ""
    palette = colours(frameworks)
    strips = sorted(set(zip(data["track"], data["framework"], strict=True)))
    names = list(dict.fromkeys(labels.sort_values(key=_by_cell, kind="stable")))
    data = data.assign(
        place=labels.map(names.index) - 0.5
        + (_positions(data[["track", "framework"]], strips) + 1) / (len(strips) + 1)
    )  # fmt: skip
    with sns.axes_style("ticks"), mpl.rc_context(settings(title)):
        figure, panels = grid(1, 2, 0.9 + 0.12 * len(names) * (len(strips) + 1))
        for axes, moment in zip(panels[0], MOMENTS, strict=True):
            mine = data[data["moment"] == moment]
            for framework in palette:
                draw(axes, mine[mine["framework"] == framework], palette[framework])
            for band in range(1, len(names)):
                axes.axhline(band - 0.5, color=INK, linewidth=0.5, alpha=0.25)
            if line is not None:
                axes.axvline(line, color=INK, linewidth=0.8, linestyle=DASHES, alpha=0.6)
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


def _positions(keys: pd.DataFrame, order: list[tuple[str, str]]) -> pd.Series[int]:
    return keys.apply(lambda row: order.index(tuple(row)), axis=1)


def _gate_labels(data: pd.DataFrame) -> pd.Series[str]:
    labels: pd.Series[str] = data["cell"].str.upper() + " " + data["gate"]
    if data["layer"].nunique() > 1:
        labels = labels + " " + (data["layer"] + 1).astype(str)
    return labels


def _by_cell(labels: pd.Series[str]) -> pd.Series[int]:
    return labels.map(lambda label: cell_styles.place(label.split(" ")[0].lower()))


def _known(palette: dict[str, str], data: pd.DataFrame) -> dict[str, str]:
    return {k: v for k, v in palette.items() if k in set(data["framework"])}


def _runs(data: pd.DataFrame, value: str) -> Any:
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
