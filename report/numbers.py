"""How the report writes a number; page.js has the same rules."""

from __future__ import annotations

import math


def number(value: float | None, digits: int = 3) -> str:
    """A number with ``digits`` significant digits; an en dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if (isinstance(value, int) or float(value).is_integer()) and 1000 <= abs(value) < 1e12:
        return f"{int(value):,}".replace("-", "−")
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa.replace('-', '−')}·10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return f"{value:.{max(digits, len(str(int(abs(value)))))}g}".replace("-", "−")


def interval(value: float | None, low: float | None, high: float | None, digits: int = 3) -> str:
    """A number and, where there is one, its interval: ``0.375 [0.333, 0.545]``."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return number(value, digits)
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
