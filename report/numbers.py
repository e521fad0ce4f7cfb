"""How the report writes a number."""

from __future__ import annotations

import math


def number(value: float | None, digits: int = 3) -> str:
    """A number with ``digits`` significant digits; an en dash where there is none."""
    if value is None:
        return "–"
    if math.isinf(value):
        return "∞"
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 1000):
        return f"{int(value):,}"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}·10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return f"{value:.{digits}g}"


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
