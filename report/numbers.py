"""How the report writes numbers and lists; page.js has the same rules for a number."""

import math
from collections.abc import Iterable
from typing import Any


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


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """A number and, where there is one, its interval: ``0.400 [0.333, 0.545]``.

    The three have the same decimals, and a power of ten once: ``8.24 [6.30, 12.15]·10⁻⁴``.
    """
    if value is None or low is None or high is None:
        return number(value)
    three = (value, low, high)
    if any(math.isnan(v) for v in three):
        return number(value)
    largest = max(abs(v) for v in three)
    # Where they are of very different size, the same decimals would hide the smaller ones.
    if not 1e-300 < largest < 1e12 or low == high or 0 < abs(value) < largest / 1000:
        return f"{number(value)} [{number(low)}, {number(high)}]"
    exponent = _exponent(largest)
    power = 0 if -3 <= exponent < 5 else exponent
    # Three digits of the largest, or two of the width where that is more; not more than six.
    digits = min(max(3, exponent - _exponent(high - low) + 2), 6)
    whole = not power and all(float(v).is_integer() for v in three)
    decimals = 0 if whole else max(0, digits - 1 - exponent + power)
    # Zero is zero, to as many decimals as one likes.
    shown = [f"{v / 10.0**power:,.{decimals if v else 0}f}".replace("-", "−") for v in three]
    raised = f"·10{str(power).translate(_SUPERSCRIPTS)}" if power else ""
    return f"{shown[0]} [{shown[1]}, {shown[2]}]{raised}"


def effect(row: Any, positive: bool = False) -> str:
    """A row's effect with its interval; ``positive`` turns one below zero round."""
    value, low, high = (row[name] for name in ("effect", "low", "high"))
    return interval(-value, -high, -low) if positive and value < 0 else interval(value, low, high)


# Keeps a number and its sign on one line.
PERCENT = "\u00a0%"


def change(
    ratio: float, low: float | None, high: float | None, less: str = "less", more: str = "more"
) -> tuple[str, str]:
    """A ratio as people say it, and the ends of its interval: ``76 % less``, ``71 to 80 %``.

    From 2 on it is ``2.4 times`` and ``1.9 to 3 times``. Where the ends lie on both sides of 1 each
    says so: ``55 % less to 3.6 % more``. There are no ends without two bounds.
    """
    bounds = [float(v) for v in (low, high) if v is not None and not math.isnan(v)]
    bounds = bounds if len(bounds) == 2 else []
    if not all(v < 2 for v in (ratio, *bounds)):
        ends = " to ".join(number(v, 2) for v in bounds)
        return f"{number(ratio, 2)} times", ends and f"{ends} times"
    said = f"{percent(ratio)}{PERCENT} {less if ratio <= 1 else more}"
    if not bounds:
        return said, ""
    if bounds[0] <= 1 <= bounds[1]:
        below, above = map(percent, bounds)
        return said, f"{below}{PERCENT} {less} to {above}{PERCENT} {more}"
    # The smaller change first.
    near, far = map(percent, sorted(bounds, key=lambda v: abs(1 - v)))
    return said, f"{near} to {far}{PERCENT}"


def percent(ratio: float) -> str:
    """How far a ratio is from 1, in percent with two digits; three near a hundred."""
    value = 100 * abs(1 - ratio)
    return number(value, 3 if value > 99 else 2)


def listed(names: Iterable[Any], word: str = "and") -> str:
    """Names as a sentence has them: ``a, b and c``."""
    *most, last = map(str, names)
    return f"{', '.join(most)} {word} {last}" if most else last


def _exponent(value: float) -> int:
    """Of ten, in the notation with one digit before the point."""
    return int(f"{value:e}".split("e")[1])


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
