"""Cells with some of their fields changed, which only a test knows."""

import sys
import types
from dataclasses import replace
from typing import Any

import pytest

import cells
from cells import Cell


def make(like: str, **changes: Any) -> Cell:
    """The cell ``like`` with some of its fields changed."""
    return replace(cells.cell(like), **changes)


def put(monkeypatch: pytest.MonkeyPatch, cell: Cell, name: str = "") -> None:
    """Let ``cells.cell`` find ``cell``, as if its file stood in ``cells/``."""
    module = types.ModuleType(f"cells.{name or cell.name}", "Of the tests.")
    module.CELL = cell
    monkeypatch.setitem(sys.modules, module.__name__, module)
