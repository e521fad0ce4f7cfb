"""The figures of the section "Inside the gates": every run is drawn, nothing is averaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D

from report.figures import CELL_ORDER, COLOURS, INK, colours, settings, svg

MOMENTS = {"initialisation": "at initialisation", "trained": "after training"}
# The cells have the colours that three frameworks leave.
CELL_COLOURS = dict(zip(CELL_ORDER, COLOURS[3:], strict=False))
COTANGENTS = {"loss": "of the task's loss", "random": "of a random direction"}
DASHES = (0, (5, 3))


def gradient_flow(table: pd.DataFrame, task: str) -> str:
    """The gradient's norm against the lag, a line a run, for the matched track."""
    data = table[(table["task"] == task) & (table["track"] == "matched")]
    data = data[data["gradient_h"] > 0]
    if data.empty or data["lag"].max() < 2:
        return ""
    cells = _cells(data)
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"gradient flow {task}")):
        figure, panels = plt.subplots(
            2, 2, figsize=(9.5, 5), sharex=True, sharey="row", layout="constrained"
        )
        for axes, (cotangent, moment) in zip(
            panels.flat, [(c, m) for c in COTANGENTS for m in MOMENTS], strict=True
        ):
            mine = data[(data["cotangent"] == cotangent) & (data["moment"] == moment)]
            for cell in cells:
                for _, run in _runs(mine[mine["cell"] == cell]):
                    axes.plot(
                        run["lag"], run["gradient_h"], color=CELL_COLOURS[cell], linewidth=1.1,
                        alpha=0.75,
                    )  # fmt: skip
            axes.set_yscale("log")
            axes.set_title(f"{COTANGENTS[cotangent]}, {MOMENTS[moment]}", fontsize=10)
        figure.supxlabel("lag: time steps before the last", fontsize=10)
        figure.supylabel("norm of the gradient by the state h", fontsize=10)
        _legend(figure, {cell.upper(): CELL_COLOURS[cell] for cell in cells})
        sns.despine(figure)
        return svg(figure, f"Gradient against lag on {task}")


def decay(table: pd.DataFrame, task: str) -> str:
    """The factor per step of every run: filled for the loss, open for a random direction."""
    data = table[(table["task"] == task) & (table["lag"] == 0) & table["decay"].notna()]

    def draw(axes: Any, rows: pd.DataFrame, place: float, colour: str) -> None:
        for cotangent, filled in (("random", "none"), ("loss", colour)):
            values = rows[rows["cotangent"] == cotangent]["decay"]
            axes.plot(
                values, [place] * len(values), "o", color=colour, markerfacecolor=filled,
                markersize=5, alpha=0.75,
            )  # fmt: skip

    return _strips(
        data, data["cell"].str.upper(), table, f"Decay factor of the gradient on {task}",
        "factor λ per time step", draw, 1.0,
    )  # fmt: skip


def saturation(table: pd.DataFrame, task: str) -> str:
    """How often gates are nearly closed (left) and nearly open (right), for every run."""
    data = table[table["task"] == task]

    def draw(axes: Any, rows: pd.DataFrame, place: float, colour: str) -> None:
        for _, row in rows.iterrows():
            ends = (-row["below"], row["above"])
            axes.plot(ends, (place, place), color=colour, linewidth=1, alpha=0.5)
            axes.plot(ends, (place, place), "o", color=colour, markersize=3.5, alpha=0.75)
        axes.set_xlim(-1.03, 1.03)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["100 %", "50 %", "0", "50 %", "100 %"])

    return _strips(
        data, _gate_labels(data), table, f"Saturation of gates on {task}",
        "share of time steps: closed (below 0.1) | open (above 0.9)", draw, 0.0,
    )  # fmt: skip


def time_scales(table: pd.DataFrame, task: str) -> str:
    """The units' time scales in every run: median, and the middle 80 % as a line."""
    data = table[(table["task"] == task) & table["timescale_q50"].notna()]

    def draw(axes: Any, rows: pd.DataFrame, place: float, colour: str) -> None:
        for _, row in rows.iterrows():
            ends = (row["timescale_q10"], row["timescale_q90"])
            axes.plot(ends, (place, place), color=colour, linewidth=1.2, alpha=0.6)
            axes.plot(row["timescale_q50"], place, "o", color=colour, markersize=4.5, alpha=0.75)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")

    lags = data["lag"].dropna()
    return _strips(
        data, _gate_labels(data), table, f"Time scales on {task}",
        "time scale τ of a unit, in time steps", draw, lags.iloc[0] if len(lags) else None,
    )  # fmt: skip


def memory_probe(table: pd.DataFrame, task: str) -> str:
    """What a linear read-out finds of the value shown, step after step, a line a run."""
    data = table[(table["task"] == task) & (table["track"] == "matched")]
    if data.empty:
        return ""
    palette = colours(list(table["framework"].unique()))
    cells = _cells(data)
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"memory probe {task}")):
        figure, panels = _columns(cells, 1, 2.9)
        for axes, cell in zip(panels[0], cells, strict=True):
            for key, run in _runs(data[data["cell"] == cell]):
                trained = run["moment"].iloc[0] == "trained"
                axes.plot(
                    run["step"], run["score"], color=palette[key[0]] if trained else INK,
                    linewidth=1.1, alpha=0.75 if trained else 0.45,
                    linestyle="-" if trained else (0, (2, 2)),
                )  # fmt: skip
            axes.axhline(
                data["chance"].iloc[0], color=INK, linewidth=0.8, linestyle=DASHES, alpha=0.6
            )
            axes.set_title(cell.upper())
            axes.set_ylim(-0.25, 1.05)
        panels[0, 0].set_ylabel(f"{data['metric'].iloc[0]} of the read-out")
        figure.supxlabel("time step", fontsize=10)
        untrained = Line2D([], [], color=INK, linestyle=(0, (2, 2)), alpha=0.6)
        _legend(figure, _known(palette, data), {"untrained": untrained})
        sns.despine(figure)
        return svg(figure, f"Memory probe on {task}")


def dynamics(table: pd.DataFrame, task: str) -> str:
    """Median gradient norms and the share of steps over the limit, window by window."""
    data = table[table["task"] == task]
    if data.empty:
        return ""
    palette = colours(list(table["framework"].unique()))
    cells = _cells(data)
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"dynamics {task}")):
        figure, panels = _columns(cells, 2, 4.6)
        for column, cell in zip(panels.T, cells, strict=True):
            for key, run in _runs(data[data["cell"] == cell]):
                line = {
                    "color": palette[key[0]], "linewidth": 1.1, "alpha": 0.75,
                    "linestyle": "-" if key[2] == "matched" else (0, (2, 2)),
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
            column[0].set_yscale("log")
            column[0].set_title(cell.upper())
            column[1].set_ylim(-0.03, 1.03)
        panels[0, 0].set_ylabel("gradient norm, median")
        panels[1, 0].set_ylabel("share of steps over the limit")
        figure.supxlabel("training step", fontsize=10)
        extra = {"spike": Line2D([], [], color=INK, marker="x", linestyle="none", markersize=4)}
        if (data["track"] == "native").any():
            extra["native"] = Line2D([], [], color=INK, linestyle=(0, (2, 2)))
        _legend(figure, _known(palette, data), extra)
        sns.despine(figure)
        return svg(figure, f"Gradient norm over training on {task}")


def _strips(
    data: pd.DataFrame,
    labels: pd.Series[str],
    whole: pd.DataFrame,
    title: str,
    unit: str,
    draw: Callable[[Any, pd.DataFrame, float, str], None],
    line: float | None,
) -> str:
    """A panel a moment; a band for each label, in it a strip for each framework and track."""
    if data.empty:
        return ""
    palette = colours(list(whole["framework"].unique()))
    strips = sorted(set(zip(data["track"], data["framework"], strict=True)))
    names = list(dict.fromkeys(labels.sort_values(key=_by_cell)))
    with sns.axes_style("ticks"), mpl.rc_context(settings(title)):
        figure, panels = plt.subplots(
            1, 2, figsize=(9.5, 1.2 + 0.13 * len(names) * (len(strips) + 1)),
            sharex=True, sharey=True, layout="constrained",
        )  # fmt: skip
        step = 1 / (len(strips) + 1)
        for axes, moment in zip(panels, MOMENTS, strict=True):
            for band, name in enumerate(names):
                for i, (track, framework) in enumerate(strips):
                    mine = data[
                        (labels == name) & (data["moment"] == moment)
                        & (data["track"] == track) & (data["framework"] == framework)
                    ]  # fmt: skip
                    place = band - 0.5 + step * (i + 1)
                    draw(axes, mine, place, palette[framework])
                if band:
                    axes.axhline(band - 0.5, color=INK, linewidth=0.5, alpha=0.25)
            if line is not None:
                axes.axvline(line, color=INK, linewidth=0.8, linestyle=DASHES, alpha=0.6)
            axes.set_title(MOMENTS[moment], fontsize=10)
        panels[0].set_yticks(range(len(names)), names)
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        figure.supxlabel(unit, fontsize=10)
        _legend(figure, _known(palette, data))
        sns.despine(figure)
        return svg(figure, title)


def _gate_labels(data: pd.DataFrame) -> pd.Series[str]:
    labels: pd.Series[str] = data["cell"].str.upper() + " " + data["gate"]
    if data["layer"].nunique() > 1:
        labels = labels + " " + (data["layer"] + 1).astype(str)
    return labels


def _by_cell(labels: pd.Series[str]) -> pd.Series[int]:
    return labels.map(lambda label: CELL_ORDER.index(label.split(" ")[0].lower()))


def _cells(data: pd.DataFrame) -> list[str]:
    return [cell for cell in CELL_ORDER if cell in set(data["cell"])]


def _known(palette: dict[str, str], data: pd.DataFrame) -> dict[str, str]:
    return {k: v for k, v in palette.items() if k in set(data["framework"])}


def _runs(data: pd.DataFrame) -> Any:
    """The rows of each model, by framework, seed and track (and moment where there is one)."""
    keys = ["framework", "seed", "track", *(k for k in ("moment",) if k in data)]
    return data.groupby(keys, sort=False)


def _columns(cells: list[str], rows: int, height: float) -> Any:
    return plt.subplots(
        rows, len(cells), figsize=(9.5, height), sharex=True, sharey="row", squeeze=False,
        layout="constrained",
    )  # fmt: skip


def _legend(figure: Any, lines: dict[str, str], extra: dict[str, Line2D] | None = None) -> None:
    handles = {k: Line2D([], [], color=v) for k, v in lines.items()} | (extra or {})
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower center", ncol=6, frameon=False
    )
