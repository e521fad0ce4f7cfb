"""How a cell looks, the same in every figure: its place, line, mark and colour."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

import cells

# The page has shown these in this order from the start; later ones follow, and then those of
# results that this suite has no file of.
_FIRST = ("rnn", "gru", "lstm")
ORDER = (*_FIRST, *(cell for cell in cells.CELLS if cell not in _FIRST))
# Seven lines and six colours: it takes 42 cells until two share both.
_LINES: tuple[Any, ...] = (
    (0, (1, 1.5)), (0, (5, 2)), "-", (0, (7, 1.5, 1, 1.5, 1, 1.5)), (0, (9, 3)), (0, (3, 1)),
    (0, (2, 1, 7, 1)),
)  # fmt: skip
_MARKS = ("^", "s", "o", "D", "v", "P", "X", "*", "<", ">")
# Stand-ins that become the style sheet's colours, which differ between light and dark.
COLOURS = tuple(f"#0102{10 + i}" for i in range(6))


def in_order(column: Iterable[Any]) -> list[str]:
    """The cells of a table's column, each once."""
    return sorted({str(cell) for cell in column}, key=lambda cell: (place(cell), cell))


def place(cell: str) -> int:
    """The cell's number among all."""
    return ORDER.index(cell) if cell in ORDER else len(ORDER)


def line(cell: str) -> Any:
    """Its line style."""
    return _LINES[place(cell) % len(_LINES)]


def mark(cell: str) -> str:
    """Its mark."""
    return _MARKS[place(cell) % len(_MARKS)]


def colour(cell: str) -> str:
    """Its colour where lines are told apart by cell, first those that three frameworks leave."""
    return COLOURS[(3 + place(cell)) % len(COLOURS)]


def equations(column: Iterable[Any]) -> list[dict[str, Any]]:
    """For each cell of a table's column that this suite has: what the page says of it."""
    known = [cells.cell(name) for name in in_order(column) if name in cells.CELLS]
    return [
        {
            "name": cell.name, "title": cell.name.upper(), "summary": cell.summary,
            "source": cell.source, "lines": [_subscripts(text) for text in cell.equations],
        }
        for cell in known
    ]  # fmt: skip


def _subscripts(text: str) -> Markup:
    """An equation with ``W_i`` as W with a subscript."""
    return Markup(re.sub(r"_(\w+)", r"<sub>\1</sub>", str(escape(text))))
