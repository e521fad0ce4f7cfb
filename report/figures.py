"""Figures as SVG that take the page's own colours, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from markupsafe import escape
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from report import cell_styles
from report.cell_styles import COLOURS

# Of a line that marks a value.
DASHES = (0, (5, 3))
INK = "#010203"  # as with COLOURS

# The marks of an axis of ratios: of any, and of those that all lie close to 1.
RATIOS = (0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10)
CLOSE = (0.8, 0.9, 1, 1.1, 1.25)


def colours(frameworks: list[str]) -> dict[str, str]:
    """The colour of each framework, the same everywhere."""
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(sorted(frameworks))}


def key(frameworks: list[str], cells: list[str]) -> list[dict[str, str]]:
    """What colours and lines mean in every figure, as attributes of an SVG stroke."""
    palette = colours(frameworks)
    rows = [
        {"kind": "framework", "name": name, "stroke": _variable(palette[name]), "dashes": ""}
        for name in frameworks
    ]
    for cell in cells:
        line = cell_styles.line(cell)
        dashes = "" if line == "-" else " ".join(str(2 * v) for v in line[1])
        rows.append({"kind": "cell", "name": cell, "stroke": "currentColor", "dashes": dashes})
    return rows


def _variable(colour: str) -> str:
    """The style sheet's colour that a stand-in becomes."""
    return f"var(--colour-{COLOURS.index(colour)})"


def attribution(rows: pd.DataFrame, task: pd.Series, frameworks: list[str]) -> str:
    """What each default changes on ``task``: steps to solve above, score below, a panel a cell."""
    data = rows[rows["task"] == task["task"]].copy()
    if data.empty:
        return ""
    data["label"] = data["framework"] + ": " + data["factor"]
    cells = cell_styles.in_order(data["cell"])
    measures = {
        "steps_ratio": "steps to solve, ratio to matched",
        "score_change": f"{task['metric']}, difference to matched",
    }
    palette = colours(frameworks)
    # A factor without a ratio has no row among the ratios.
    known = {m: {c: data[(data["cell"] == c) & data[m].notna()] for c in cells} for m in measures}
    rows_of = [max(1, *map(len, known[m].values())) for m in measures]
    ends = data[["steps_ratio_low", "steps_ratio_high"]]
    close = bool(ends.min().min() > 0.75 and ends.max().max() < 1.34)
    with sns.axes_style("ticks"), mpl.rc_context(settings(f"attribution {task['task']}")):
        figure, panels = plt.subplots(
            2, len(cells), figsize=(9.5, 1.8 + 0.23 * sum(rows_of)), squeeze=False, sharex="row",
            layout="constrained", gridspec_kw={"height_ratios": [1.5 + n for n in rows_of]},
        )  # fmt: skip
        for axes, (measure, cell) in zip(
            panels.flat, [(m, c) for m in measures for c in cells], strict=True
        ):
            mine = known[measure][cell].iloc[::-1]
            for place, (_, row) in enumerate(mine.iterrows()):
                bounds = row[f"{measure}_low"], row[f"{measure}_high"]
                colour = palette[row["framework"]]
                axes.plot(bounds, (place, place), color=colour, linewidth=1.6)
                filled = colour if row["factor"] in ("native", "left over") else "none"
                axes.plot(row[measure], place, "o", color=colour, markerfacecolor=filled)
            same = float(measure == "steps_ratio")
            axes.axvline(same, color=INK, linewidth=0.8, linestyle=DASHES, alpha=0.6)
            axes.set_yticks(range(len(mine)), mine["label"])
            axes.set_ylim(-0.7, max(1, len(mine)) - 0.3)
            if measure == "steps_ratio":
                axes.set_title(cell.upper())
                axes.set_xscale("log", base=2)
                axes.xaxis.set_major_locator(FixedLocator(CLOSE if close else RATIOS))
                axes.xaxis.set_minor_locator(NullLocator())
                axes.xaxis.set_major_formatter("{x:g}")
            axes.set_xlabel(measures[measure])
        sns.despine(figure)
        return svg(figure, f"What each framework's defaults change on {task['task']}")


def settings(salt: str) -> dict[Any, Any]:
    """matplotlib's settings for a figure; ``salt`` names it among the figures of the page."""
    ink = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    )
    return {
        **ink,
        "svg.fonttype": "none",
        # Fixes the identifiers inside the file: unlike between figures, alike between builds.
        "svg.hashsalt": salt,
        "font.family": "sans-serif",
        # A name from a table is text, whatever signs it has.
        "text.parse_math": False,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.transparent": True,
    }


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
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Blocks of labels that touch: where the lowest stands, and which they are.
    blocks: list[tuple[float, list[int]]] = []
    for i in order:
        blocks.append((wanted[i], [i]))
        while len(blocks) > 1 and blocks[-1][0] < blocks[-2][0] + least * len(blocks[-2][1]):
            members = blocks[-2][1] + blocks[-1][1]
            start = sum(wanted[j] - least * k for k, j in enumerate(members)) / len(members)
            blocks[-2:] = [(start, members)]
    places = [start + least * k for start, members in blocks for k in range(len(members))]
    places = [min(place, high - least * k) for k, place in enumerate(places[::-1])][::-1]
    places = [max(place, low + least * k) for k, place in enumerate(places)]
    return [places[order.index(i)] for i in range(len(wanted))]


def svg(figure: Figure, title: str, tight: bool = True, close: bool = True) -> str:
    """The figure as an inline SVG of fluid width, with its title for screen readers.

    ``tight`` cuts it to what is drawn, which takes as long as drawing it.
    """
    buffer = io.StringIO()
    cut = "tight" if tight else None
    figure.savefig(buffer, format="svg", bbox_inches=cut, metadata={"Date": None})
    if close:
        plt.close(figure)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    for colour in COLOURS:
        text = text.replace(colour, _variable(colour))
    # Its own style rule would hold for the whole page; as attributes it stays inside.
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r' (d|x|y)="([^"]*)"', _shorter, text)
    text = re.sub(r"\n\s*", "\n", text)
    # Letters need more contrast than lines, and the page's own typeface.
    text = re.sub(r"(<text[^>]*fill: var\(--)colour", r"\1text", text)
    text = re.sub(r" font-family: [^;\"]*;", "", text)
    # A layer is a class, which many may have; what nothing refers to needs no name.
    text = re.sub(r'id="layer ([^"]*)"', r'class="layer \1"', text)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda name: name.group() if name[1] in used else "", text)
    text = re.sub(r"<g([^>]*)>((?:\n<use [^>]*/>){2,})", _style_once, text)
    head, rest = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box.group() if box else ""} role="img" '
        f'aria-label="{escape(title)}" stroke-linejoin="round" stroke-linecap="butt" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{rest}'
    )


def _shorter(attribute: re.Match[str]) -> str:
    """Coordinates as fine as a screen can show; straight lines as steps from point to point."""
    name, text = attribute.groups()
    if name == "d" and not re.search(r"[CQ]", text):
        return f' d="{_steps(text.split())}"'
    return f' {name}="{re.sub(r"(?<=[.][0-9][0-9])[0-9]+", "", text)}"'


def _steps(words: list[str]) -> str:
    """A path of straight lines, each point as the way from the one before: half as long.

    In tenths of a point, of which no rounding adds up.
    """
    parts: list[str] = []
    x = y = 0
    begun = x, y
    numbers = iter(words)
    for word in numbers:
        if word == "z":
            parts.append("z")
            x, y = begun
            continue
        to = round(10 * float(next(numbers))), round(10 * float(next(numbers)))
        if word == "M":
            parts.append("m")
            begun = to
        parts += (f"{(to[0] - x) / 10:g}", f"{(to[1] - y) / 10:g}")
        x, y = to
    # Neither a nought before the point nor a space before a sign is needed.
    text = re.sub(r" (?=[-mz])|(?<=[mz]) ", "", " ".join(parts))
    return re.sub(r"(?<![0-9])0[.]", ".", text)


def _style_once(group: re.Match[str]) -> str:
    """A group of markers with their common style said once, if they have one."""
    attributes, markers = group.groups()
    styles = set(re.findall(r' style="[^"]*"', markers))
    if len(styles) != 1 or "style" in attributes:
        return group.group()
    style = styles.pop()
    return f"<g{attributes}{style}>{markers.replace(style, '')}"
