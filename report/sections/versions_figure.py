"""The figure of the section "Versions": how much longer or shorter a later version takes."""

from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from report import words
from report.answers import versions
from report.answers.phrases import capital
from report.figures.panels import laid_out, ticks
from report.figures.style import INK, MARK, PAGE, Palette, settings
from report.figures.svg import svg
from report.figures.tips import Tips

Row = dict[str, Any]
# Inches of a row and of what stands above and below, and of the names before them.
LINE, ROOM, LABELS = 0.26, 0.95, 2.6
# Where an axis has ticks; a range without two of them gets the next to each side.
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20,
         50, 100)  # fmt: skip
# Of as many as fit beside each other.
MOST_TICKS = 7


def draw(pairs: list[Row], palette: Palette) -> Markup:
    """A panel a phase, a row a pair, model size and cell; what is one version is grey.

    Nothing where no pair was timed.
    """
    pairs = [pair for pair in pairs if pair["ratios"]]
    if not pairs:
        return Markup()
    places, headings = _places(pairs)
    timed = {one["phase"] for pair in pairs for one in pair["ratios"]}
    phases = [phase for phase in versions.PHASES if phase in timed]
    last = max(places.values())
    tips = Tips()
    with settings("versions"):
        widths = (LABELS, *[(PAGE - LABELS) / len(phases)] * len(phases))
        figure, panels = laid_out(
            1, len(widths), PAGE, LINE * (last + 1) + ROOM, sharey=True, width_ratios=widths
        )
        figure.get_layout_engine().set(w_pad=0.03, wspace=0)
        _labels(panels[0, 0], places, headings)
        for axes, phase in zip(panels[0, 1:], phases, strict=True):
            _panel(axes, phase, places, _limits(pairs))
            for pair in pairs:
                for one in pair["ratios"]:
                    if one["phase"] == phase:
                        _mark(axes, places[_key(pair, one)], pair, one, palette, tips)
        panels[0, 0].set_ylim(last + 0.7, -0.7)
        figure.supxlabel("time of the later version, times that of the earlier one", fontsize=9)
        return tips.into(svg(figure, "How long a later version takes beside an earlier one"))


def _places(pairs: list[Row]) -> tuple[dict[tuple[Any, ...], float], dict[str, float]]:
    """The place of each row from the top, and that of each pair's name."""
    places: dict[tuple[Any, ...], float] = {}
    headings: dict[str, float] = {}
    place = 0.0
    for pair in pairs:
        beside = " and " if pair["alike"] else " beside "
        headings[beside.join(pair["names"])] = place
        for key in dict.fromkeys(_key(pair, one) for one in pair["ratios"]):
            place += 1
            places[key] = place
        place += 1.3
    return places, headings


def _labels(axes: Axes, places: dict[tuple[Any, ...], float], headings: dict[str, float]) -> None:
    axes.set_xlim(0, 1)
    axes.axis("off")
    for text, place in headings.items():
        axes.text(0, place, text, fontsize=9, weight="bold", va="center_baseline")
    for (_, _, _, shape, cell, *kernels), place in places.items():
        text = f"{words.cell(cell)}, “{shape}”, {' / '.join(dict.fromkeys(kernels))}"
        axes.text(0.05, place, text, fontsize=8.5, va="center_baseline")


def _panel(
    axes: Axes, phase: str, places: dict[tuple[Any, ...], float], limits: tuple[float, float]
) -> None:
    axes.set_xscale("log")
    axes.set_xlim(limits)
    marks = [tick for tick in TICKS if limits[0] <= tick <= limits[1]]
    every = -(-len(marks) // MOST_TICKS)
    ticks(axes.xaxis, FixedLocator(marks[marks.index(1) % every :: every]))
    axes.axvline(1, **MARK)
    for place in places.values():
        axes.axhline(place, color=INK, linewidth=0.5, alpha=0.12)
    axes.set_title(capital(versions.PHASES[phase]), fontsize=9.5)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.spines["left"].set_color("none")


def _key(pair: Row, one: Row) -> tuple[Any, ...]:
    labels = pair["framework"], pair["other_framework"]
    names = ("machine", "shape", "cell", "kernel", "other_kernel")
    return *labels, *(one[name] for name in names)


def _limits(pairs: list[Row]) -> tuple[float, float]:
    """The least range that holds every interval and a tick on either side of 1."""
    values = [
        one[end] for pair in pairs for one in pair["ratios"] for end in ("ratio", "low", "high")
        if one[end] is not None
    ]  # fmt: skip
    return min(*values, 0.9) / 1.04, max(*values, 1.1) * 1.04


def _mark(axes: Axes, place: float, pair: Row, one: Row, palette: Palette, tips: Tips) -> None:
    """A ratio with its interval; filled where all of that is beyond 3 %."""
    colour = INK if pair["alike"] else palette.framework(pair["framework"])
    look: dict[str, Any] = {"color": colour, "alpha": 0.55 if pair["alike"] else 1}
    said, ends = versions.times(one)
    later, earlier = pair["names"]
    what = f"{words.cell(one['cell'])}, “{one['shape']}”, {versions.PHASES[one['phase']]}"
    tip = tips.mark(
        f"{later} beside {earlier}, {what}: {said}{f' ({ends})' if ends else ''}",
        pair["framework"], pair["other_framework"],
    )  # fmt: skip
    if one["low"] is not None:
        axes.plot((one["low"], one["high"]), (place, place), linewidth=1.8, **look, **tip)
    filled = colour if one["says"] in ("faster", "slower") else "none"
    axes.plot(one["ratio"], place, "o", markersize=5.5, markerfacecolor=filled, **look, **tip)
