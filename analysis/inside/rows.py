"""How values become rows of the tables: rounded, thinned out, in quantiles."""

from typing import Any

import numpy as np

from cells import Array

Rows = list[dict[str, Any]]


def thinned(count: int, most: int) -> list[int]:
    """At most ``most`` of 0 .. count - 1, evenly spread, with both ends."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most))})


def quantiles(name: str, values: Array, percents: tuple[int, ...]) -> dict[str, float]:
    found = np.percentile(values, percents)
    return {f"{name}_q{p}": short(v) for p, v in zip(percents, found, strict=True)}


def short(value: Any) -> float:
    """Four significant digits: more would be noise in the tables."""
    return float(f"{value:.4g}")
