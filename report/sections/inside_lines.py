"""What the cells do step by step over all runs: lines in a small panel a task, a cell a colour."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.collections import LineCollection

from report import words
from report.answers.phrases import plural
from report.figures.panels import beside, laid_out, logarithmic, spread
from report.figures.style import MARK, MOST_CELLS, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips
from report.numbers import listed
from report.sections.inside_spreads import HIGH, WIDE, frame, middle, spoken

# So few lines of a cell are drawn bold.
FEW = 3
# A family of more beginnings is called by its ends.
MOST_HEADS = 3
# What is left of a gradient below this share of the largest is drawn at the panel's foot.
SMALLEST_SHARE = 1e-6


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

    With a ``family`` only these cells, on the scale of all, each a line in a band.
    """
    across, up = of
    cells = palette.present(data["cell"])
    if family:
        cells = [cell for cell in family if cell in cells]
        title += f"\n{_named(cells, palette)}"
    if not cells:
        return Markup()
    with settings(title):
        figure, panels = laid_out(1, 1, WIDE, HIGH)
        axes, tips, labels = panels[0, 0], Tips(), []
        scale(axes)
        for cell in cells:
            mine, colour = data[data["cell"] == cell], palette.cell(cell)
            style = {"color": colour, "linestyle": palette.line(cell)}
            runs = mine.groupby(["framework", "seed"], sort=False)
            lines = (_middle_line if family else _every_line)(axes, runs, across, up, style)
            final = mine[mine[across] == mine[across].max()]
            own = final if ends is None else ends[ends["cell"] == cell]
            said = f"{words.cell(cell)}: middle run {spoken(own, says[0], says[1])}"
            lines.set(**tips.mark(f"{said}, {plural(runs.ngroups, 'run')}"))
            end = middle(final, up)
            labels.append((beside(axes, words.cell(cell), colour), float(end[up])))
        axes.update_datalim(data[[across, up]].to_numpy(float))
        axes.autoscale_view()
        axes.set_xlim(left=0, right=data[across].max())
        frame(axes, x, title)
        axes.set_ylabel(y, fontsize=8.5)
        figure.canvas.draw()
        spread(axes, labels)
        return tips.into(svg(figure, title.replace("\n", ", ")))


def _every_line(axes: Any, runs: Any, across: str, up: str, style: dict[str, Any]) -> Any:
    """Every run a line, the fewer the bolder."""
    few = runs.ngroups <= FEW
    lines = LineCollection(
        [run[[across, up]].to_numpy(float) for _, run in runs], colors=style["color"],
        linestyles=[style["linestyle"]], linewidths=1.8 if few else 1.1, alpha=1 if few else 0.55,
    )  # fmt: skip
    axes.add_collection(lines)
    return lines


def _middle_line(axes: Any, runs: Any, across: str, up: str, style: dict[str, Any]) -> Any:
    """The median of the runs, in the band of their middle half."""
    at = runs.obj.groupby(across)[up].quantile([0.25, 0.5, 0.75]).unstack()
    band = {"color": style["color"], "alpha": 0.15, "linewidth": 0}
    axes.fill_between(at.index, at[0.25], at[0.75], **band)
    (line,) = axes.plot(at.index, at[0.5], linewidth=1.4, **style)
    return line


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


def panels(draw: Callable[..., Markup], data: pd.DataFrame, task: str, palette: Palette) -> Any:
    """The panel of a task; of lines of many cells one a family, on the same scale."""
    families = palette.families(data["cell"], MOST_CELLS)
    if draw not in BY_FAMILY or len(families) < 2:
        drawn = [draw(data, task, palette)]
    else:
        drawn = [draw(data, task, palette, cells) for cells in families]
    return [one for one in drawn if one]
