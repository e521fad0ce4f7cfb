"""How frameworks and cells look, the same in every figure of a page, in its own colours."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Self

import matplotlib as mpl
import seaborn as sns

mpl.use("svg")

# Stand-ins that become the style sheet's colours, which differ between light and dark.
INK = "#010203"
COLOURS = tuple(f"#0102{10 + i}" for i in range(12))
# Inches of a figure as wide as the page.
PAGE = 9.5
# A line that marks a value.
MARK: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": (0, (5, 3)), "alpha": 0.6}
# What the page has always shown comes first and keeps its look. Cells that come from one of these
# stand behind it, a family together; all else follows by name.
_FRAMEWORKS, _CELLS = ("jax", "pytorch", "tensorflow"), ("rnn", "gru", "lstm")
_TRACKS = ("matched", "native")
# Frameworks and cells never share a colour. Six of them with seven lines tell 42 cells apart.
_OF_FRAMEWORKS, _OF_CELLS = COLOURS[:3] + COLOURS[6:9], COLOURS[3:6] + COLOURS[9:]
_LINES: tuple[Any, ...] = (
    (0, (1, 1.5)), (0, (5, 2)), "-", (0, (7, 1.5, 1, 1.5, 1, 1.5)), (0, (9, 3)), (0, (3, 1)),
    (0, (2, 1, 7, 1)),
)  # fmt: skip
_MARKS = "^soDvPX*<>"
# So many cells a reader tells apart in one panel or list; of more, the page shows a part at a time.
MOST_CELLS = 8
# A cell's parents, the first one first, and itself.
Lineages = Mapping[Any, tuple[str, ...]]


def in_order(names: Iterable[Any], first: tuple[str, ...]) -> tuple[str, ...]:
    """Every name once: those of ``first`` in its order, then the others by name."""
    found = {str(name) for name in names}
    return (*(name for name in first if name in found), *sorted(found - set(first)))


def tracks(names: Iterable[Any]) -> list[str]:
    """The two tracks that are there; the studies are none."""
    return [track for track in in_order(names, _TRACKS) if track in _TRACKS]


@dataclass(frozen=True)
class Palette:
    """The frameworks and cells of a page in their order, and how each of them looks."""

    frameworks: tuple[str, ...]
    cells: tuple[str, ...]
    lineages: Lineages = field(default_factory=dict)

    @classmethod
    def of(
        cls, frameworks: Iterable[Any], cells: Iterable[Any], lineages: Lineages | None = None
    ) -> Self:
        """The palette of a page with these names, in any order."""
        known = lineages or {}
        ordered = sorted({str(name) for name in cells}, key=lambda name: _family(name, known))
        # The versions of a framework stand behind it.
        named = in_order(frameworks, _FRAMEWORKS)
        return cls(tuple(sorted(named, key=_implementation)), tuple(ordered), known)

    @property
    def first(self) -> list[str]:
        """The cells of this page that it has always shown."""
        return [cell for cell in self.cells if cell in _CELLS]

    def families(self, cells: Iterable[Any], most: int) -> list[list[str]]:
        """The cells in groups of at most ``most``, parents with their children where it can be."""
        names = self.present(cells)
        groups: list[list[str]] = []
        for own in _branches(names, self.lineages, most):
            if groups and len(groups[-1]) + len(own) <= most:
                groups[-1] += own
            else:
                groups.append(own)
        return groups

    def present(self, cells: Iterable[Any]) -> list[str]:
        """The cells of a table's column, in the page's order."""
        return sorted(map(str, set(cells)), key=self.cells.index)

    def running(self, frameworks: Iterable[Any]) -> list[str]:
        """The frameworks of a table's column, in the page's order."""
        return [name for name in self.frameworks if name in set(frameworks)]

    def framework(self, name: Any) -> str:
        """A framework's colour; ink for what is none of them, such as the case of a claim."""
        if name not in self.frameworks:
            return INK
        place = _place(name, self.frameworks, _FRAMEWORKS)
        # A version for which no colour is left has its framework's.
        if place >= len(_OF_FRAMEWORKS) and _implementation(name) < len(_FRAMEWORKS):
            place = _implementation(name)
        return _OF_FRAMEWORKS[place % len(_OF_FRAMEWORKS)]

    def cell(self, name: str) -> str:
        """A cell's colour, where lines are told apart by cell."""
        return _OF_CELLS[_place(name, self.cells, _CELLS) % len(_OF_CELLS)]

    def line(self, cell: str) -> Any:
        """A cell's line style."""
        return _LINES[_place(cell, self.cells, _CELLS) % len(_LINES)]

    def mark(self, cell: str) -> str:
        """A cell's mark."""
        return _MARKS[_place(cell, self.cells, _CELLS) % len(_MARKS)]


def _implementation(label: str) -> int:
    """The place of the framework that a label is of, as ``jax_0_4_31`` of ``jax``."""
    known = [f"{label}_".startswith(f"{name}_") for name in _FRAMEWORKS]
    return known.index(True) if any(known) else len(_FRAMEWORKS)


def _family(name: str, lineages: Lineages) -> tuple[Any, ...]:
    """What sorts a cell behind its parents, and those behind what the page has always shown."""
    line = lineages.get(name, (name,))
    return (_CELLS.index(line[0]) if line[0] in _CELLS else len(_CELLS), *line)


def _branches(names: list[str], lineages: Lineages, most: int, depth: int = 1) -> list[list[str]]:
    """The names, in their order, parted where families part, into groups of at most ``most``."""
    if len(names) <= most:
        return [names] if names else []
    lines = {name: lineages.get(name, (name,)) for name in names}
    if depth > max(map(len, lines.values())):
        return [names[start : start + most] for start in range(0, len(names), most)]
    branches: dict[Any, list[str]] = {}
    for name, line in lines.items():
        branches.setdefault(line[:depth], []).append(name)
    # Who has no children of their own stays with the parent.
    single = [name for own in branches.values() if len(own) == 1 for name in own]
    whole = [single, *(own for own in branches.values() if len(own) > 1)]
    return [group for own in whole for group in _branches(own, lineages, most, depth + 1)]


def _place(name: str, names: tuple[str, ...], first: tuple[str, ...]) -> int:
    """A place that does not hang on which of ``first`` are there."""
    return (*first, *(other for other in names if other not in first)).index(name)


def variable(colour: str) -> str:
    """The style sheet's colour that a stand-in becomes."""
    return f"var(--colour-{COLOURS.index(colour)})"


def settings(salt: str) -> AbstractContextManager[None]:
    """matplotlib's settings for a figure; ``salt`` names it among the figures of the page."""
    ink = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    )
    ticks: dict[Any, Any] = sns.axes_style("ticks")
    return mpl.rc_context(ticks | ink | {
        "svg.fonttype": "none",
        # Fixes the identifiers inside the file: unlike between figures, alike between builds.
        "svg.hashsalt": salt,
        "font.family": "sans-serif",
        # A name from a table is text, whatever signs it has.
        "text.parse_math": False,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.transparent": True,
    })  # fmt: skip
