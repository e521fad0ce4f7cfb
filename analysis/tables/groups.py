"""Rows of tables, and rows put together by what they share."""

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
Rows = list[Row]


def grouped(rows: Iterable[dict[str, Any]], names: Iterable[str]) -> list[tuple[Any, Rows]]:
    """The rows that share the values of ``names``, after those values by name."""
    names, groups = tuple(names), dict[tuple[Any, ...], Rows]()
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return [(dict(zip(names, key, strict=True)), group) for key, group in groups.items()]
