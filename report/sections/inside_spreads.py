"""What the cells do over all runs: a small panel a task, a cell a colour, every run drawn."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.collections import LineCollection

from report import words
from report.figures.panels import beside, laid_out, logarithmic, spread
from report.figures.style import INK, MARK, MOST_CELLS, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import listed, number

# Inches of a panel; the page puts as many side by side as there is room for.
WIDE, HIGH = 2.9, 2.2
# So few lines of a cell are drawn bold.
FEW = 3
# A family of more beginnings is called by its ends.
MOST_HEADS = 3
# What is left of a gradient below this share of the largest is drawn at the panel's foot.
SMALLEST_SHARE = 1e-6


def panels(draw: Callable[..., Markup], data: pd.DataFrame, task: str, palette: Palette) -> Any:
    """The panel of a task; of lines of many cells one a family, on the same scale."""
    families = palette.families(data["cell"], MOST_CELLS)
    if draw not in BY_FAMILY or len(families) < 2:
        drawn = [draw(data, task, palette)]
    else:
        drawn = [draw(data, task, palette, cells) for cells in families]
    return [one for one in drawn if one]


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
    if data["cell"].nunique() > MOST_CELLS and not gates and data["layer"].nunique() > 1:
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
        _frame(axes, x, title)
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
    of = f"{len(runs)} runs of {many} framework{'s' if many > 1 else ''}"
    value = spoken(runs, column, unit or "")
    return f"{label}, {words.track(track)}: middle run {value}, {of}"


def reach(
    data: pd.DataFrame, task: str, palette: Palette, family: list[str] | None = None
) -> Markup:
    """What is left of the gradient of the last answer so many steps before it, a line a run."""
    data = data[(data["gradient"] > 0) & (data["track"] == "matched")]
    if data.empty or data["lag"].max() < 2:
        return Markup()
    top = data["gradient"].max()
    data = data.assign(gradient=data["gradient"].clip(lower=top * SMALLEST_SHARE))

    def scale(axes: Any) -> None:
        logarithmic(axes, "y", data["gradient"])
        for lag in data["task_lag"].dropna().head(1):
            axes.axvline(lag, **MARK)
            axes.annotate(
                "the task's lag", (lag, 0), xycoords=("data", "axes fraction"), fontsize=8,
                xytext=(-3, 4), textcoords="offset points", rotation=90, ha="right", va="bottom",
            )  # fmt: skip

    before = " before training" if (data["moment"] == "initialisation").all() else ""
    title = f"How far the gradient reaches{before}: {words.task(task)}"
    says = ("horizon", " steps to a third")
    return _lines(data, ("lag", "gradient"), title, "time steps back", palette, "norm", scale, says,
                  family=family)  # fmt: skip


def remembered(
    data: pd.DataFrame, task: str, palette: Palette, family: list[str] | None = None
) -> Markup:
    """How well the shown value can be read from the state, step after step, a line a run."""
    data = data[(data["track"] == "matched") & (data["moment"] == "trained")]
    if data.empty:
        return Markup()
    metric, chance = data["metric"].iloc[0], data["chance"].iloc[0]
    low = -0.25 if metric == "R²" else 0
    data = data.assign(score=data["score"].clip(lower=low), step=data["step"] + 1)
    last = data[data["step"] == data["step"].max()]

    def scale(axes: Any) -> None:
        axes.axhline(chance, **MARK)
        axes.annotate(
            "only guessing", (0, chance), xycoords=("axes fraction", "data"), fontsize=8,
            xytext=(3, 2), textcoords="offset points",
        )  # fmt: skip
        axes.set_ylim(low - 0.03, 1.05)

    title = f"What is remembered: {words.task(task)}"
    return _lines(data, ("step", "score"), title, "time step", palette, metric, scale,
                  ("score", f" {metric} at the last step"), last, family)  # fmt: skip


def dynamics(
    data: pd.DataFrame, task: str, palette: Palette, family: list[str] | None = None
) -> Markup:
    """The gradient's norm while training, a line a run; a cross where it exploded."""
    data = data[(data["track"] == "matched") & (data["norm_q50"] > 0)]
    if data.empty:
        return Markup()

    def scale(axes: Any) -> None:
        logarithmic(axes, "y", data["norm_q50"])
        for limit in data["limit"].dropna().head(1):
            axes.axhline(limit, **MARK)
        for cell in family or palette.present(data["cell"]):
            sharp = data[(data["cell"] == cell) & (data["spikes"] > 0)]
            spots = sharp["norm_most"].clip(upper=data["norm_q50"].max())
            axes.plot(sharp["last_step"], spots, "x", color=palette.cell(cell), markersize=3)

    title = f"The gradient while training: {words.task(task)}"
    last = data[data["last_step"] == data["last_step"].max()]
    says = ("norm_q50", " at the end")
    return _lines(data, ("last_step", "norm_q50"), title, "training step", palette, "norm", scale,
                  says, last, family)  # fmt: skip


def _lines(
    data: pd.DataFrame, of: tuple[str, str], title: str, x: str, palette: Palette,
    y: str, scale: Callable[[Any], None], says: tuple[str, str], ends: pd.DataFrame | None = None,
    family: list[str] | None = None,
) -> Markup:  # fmt: skip
    """Every run a thin line of its cell's colour; the cell's name at the end of the middle one.

    With a ``family`` only these cells, on the scale of all.
    """
    across, up = of
    cells = palette.present(data["cell"])
    if family:
        cells = [cell for cell in family if cell in cells]
        title += f", {_named(cells, palette)}"
    if not cells:
        return Markup()
    with settings(title):
        figure, panels = laid_out(1, 1, WIDE, HIGH)
        axes, tips, labels = panels[0, 0], Tips(), []
        scale(axes)
        for cell in cells:
            mine, colour = data[data["cell"] == cell], palette.cell(cell)
            groups = mine.groupby(["framework", "seed"], sort=False)
            runs = [run[[across, up]].to_numpy(float) for _, run in groups]
            lines = LineCollection(
                runs,
                colors=colour,
                linestyles=[palette.line(cell)],
                linewidths=1.1 if len(runs) > FEW else 1.8,
                alpha=0.55 if len(runs) > FEW else 1,
            )
            axes.add_collection(lines)
            final = mine[mine[across] == mine[across].max()]
            own = final if ends is None else ends[ends["cell"] == cell]
            said = f"{words.cell(cell)}: middle run {spoken(own, says[0], says[1])}"
            lines.set(**tips.mark(f"{said}, {len(runs)} runs"))
            end = middle(final, up)
            labels.append((beside(axes, words.cell(cell), colour), float(end[up])))
        axes.update_datalim(data[[across, up]].to_numpy(float))
        axes.autoscale_view()
        axes.set_xlim(left=0, right=data[across].max())
        _frame(axes, x, title)
        axes.set_ylabel(y, fontsize=8.5)
        figure.canvas.draw()
        spread(axes, labels)
        return tips.into(svg(figure, title))


def _named(cells: list[str], palette: Palette) -> str:
    """What a family is called: by its cells that come from no other of them."""
    heads = [
        cell for cell in cells if not set(palette.lineages.get(cell, ())[:-1]) & set(cells)
    ]  # fmt: skip
    if len(heads) > MOST_HEADS:
        return f"{words.cell(cells[0])} to {words.cell(cells[-1])}"
    alone = len(heads) == len(cells)
    kin = "" if alone else " family" if len(heads) == 1 else " families"
    return listed(map(words.cell, heads)) + kin


# What draws lines, which are told apart in small groups only.
BY_FAMILY = (reach, remembered, dynamics)


def _frame(axes: Any, x: str, title: str) -> None:
    axes.set_xlabel(x, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="y", labelsize=8.5)
    axes.set_title(title.split(": ", 1)[-1], fontsize=10, loc="left")
