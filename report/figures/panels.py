"""Rows of panels with shared axes, and what is drawn on them everywhere alike."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, NullLocator
from scipy.optimize import isotonic_regression

from report.figures.style import PAGE
from report.numbers import number


def width(columns: int) -> float:
    """Inches of a figure with so many panels side by side; beyond the page's width it scrolls."""
    return max(PAGE, 2.4 * columns)


def grid(rows: int, columns: int, height: float) -> Any:
    """A figure and its panels [rows, columns]: one x for all of them, one y for a row."""
    return plt.subplots(
        rows, columns, figsize=(width(columns), height), sharex=True, sharey="row", squeeze=False,
        gridspec_kw={"wspace": 0.06, "hspace": 0.28},
    )  # fmt: skip


def laid_out(rows: int, columns: int, wide: float, high: float, **more: Any) -> Any:
    """A figure of these inches and its panels [rows, columns], with room for all texts."""
    size = (wide, high)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **more)


def name_axes(panels: Any, x: str, *y: str) -> None:
    """Under the last row ``x``, before each row the next of ``y``."""
    for axes in panels[-1]:
        axes.set_xlabel(x, fontsize=10)
    for axes, label in zip(panels[:, 0], y * len(panels), strict=False):
        axes.set_ylabel(label, fontsize=10)


def ticks(axis: Any, locator: Locator) -> None:
    """Ticks where ``locator`` says, with short numbers, and none between them."""
    axis.set_major_locator(locator)
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def logarithmic(axes: Any, name: str, values: Any) -> None:
    """A logarithmic axis with few, readable ticks for ``values``."""
    axis = {"x": axes.xaxis, "y": axes.yaxis}[name]
    getattr(axes, f"set_{name}scale")("log")
    ratio = np.nanmax(values) / np.nanmin(values)
    subs = (1.0,) if ratio > 300 else (1.0, 3.0) if ratio > 30 else (1.0, 2.0, 5.0)
    ticks(axis, LogLocator(subs=subs, numticks=7))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value).replace("1.00·", "")))


def explain(figure: Any, handles: dict[str, Line2D], above: float = 0.25) -> None:
    """A legend above the panels, whose titles take a quarter of an inch, by ``above`` inches."""
    figure.legend(
        list(handles.values()), list(handles), loc="lower center", ncol=6, frameon=False,
        bbox_to_anchor=(0.5, 0.88 + above / figure.get_figheight()),
    )  # fmt: skip


def spans(axes: Any, places: Any, low: Any, high: Any, colour: str) -> None:
    """Level lines from ``low`` to ``high``, all as one path with gaps."""
    gap = np.full(len(places), np.nan)
    x, y = np.stack([low, high, gap], axis=1), np.stack([places, places, gap], axis=1)
    axes.plot(x.ravel(), y.ravel(), color=colour, linewidth=1.2, alpha=0.6)


def beside(axes: Any, text: str, colour: str, **more: Any) -> Any:
    """A label on the right of a panel, for ``spread`` to put at its height."""
    return axes.annotate(
        text, (1, 0), xytext=(5, 0), xycoords="axes fraction", textcoords="offset points",
        va="center_baseline", fontsize=9, color=colour, **more,
    )  # fmt: skip


def spread(axes: Any, labels: Sequence[tuple[Any, float]]) -> None:
    """Put labels beside a panel at the values that they name, without one on another."""
    box, points = axes.get_window_extent(), 72 / axes.figure.dpi
    edge, height = axes.get_xlim()[1], box.height * points
    wanted = [(axes.transData.transform((edge, v))[1] - box.y0) * points for _, v in labels]
    for (label, _), place in zip(labels, apart(wanted, 11, 3, height), strict=True):
        label.xy = (1, place / height)


def apart(wanted: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Places for labels beside each other, as near to those wanted as ``least`` between allows.

    They stay between ``low`` and ``high`` if there is room for them.
    """
    order = np.argsort(wanted, kind="stable")
    least_places = least * np.arange(len(order))
    places = isotonic_regression(np.asarray(wanted, float)[order] - least_places).x + least_places
    places = np.maximum(np.minimum(places, high - least_places[::-1]), low + least_places)
    return list(places[np.argsort(order)])
