"""What the advice says of its evidence: each phrase with an effect, an interval and n."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Row = dict[Any, Any]
# What is shown equal: where, the evidence, and how far apart it is, in margins or logarithms.
Equal = tuple[str, str, float]
CANNOT = "we cannot tell"
METRICS = {"score": "score", "steps_to_solve": "steps to solve"}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def against(rows: list[Row], x: str, y: str) -> list[Row]:
    """The comparisons of the cells ``x`` and ``y``, turned so that ``x`` is the first.

    ``worst`` is the bound of the interval that speaks least for ``x``: how much better it is at
    least, in logarithms where it is a ratio.
    """
    found = []
    for row in rows:
        cells = str(row["a"]).split("/")[1], str(row["b"]).split("/")[1]
        if set(cells) != {x, y}:
            continue
        low, effect, high = (float(row[k]) for k in ("low", "effect", "high"))
        ratio = row["unit"] == "ratio"
        with np.errstate(divide="ignore"):
            if cells[0] == y:
                turned = [1 / np.float64(v) if ratio else -v for v in (high, effect, low)]
                low, effect, high = map(float, turned)
            bounds = [float(np.log(v)) if ratio else v for v in (low, high)]
        worst = bounds[0] if row["better"] == "higher" else -bounds[1]
        framework = str(row["a"]).split("/")[0]
        found.append(
            row | {"low": low, "effect": effect, "high": high, "worst": worst,
                   "framework": framework}
        )  # fmt: skip
    return found


def shown(rows: list[Row], x: str, y: str) -> str:
    """``x`` against ``y`` in the framework that speaks least for ``x``, of how many."""
    return _phrase(
        against(rows, x, y), x, y, "the least", lambda r: (np.isnan(r["worst"]), r["worst"])
    )


def furthest(rows: list[Row], x: str, y: str) -> str:
    """``x`` against ``y`` in the framework in which they are furthest apart, of how many."""
    return _phrase(
        against(rows, x, y), x, y, "the furthest apart", lambda r: -abs(np.nan_to_num(r["effect"]))
    )


def _phrase(found: list[Row], x: str, y: str, what: str, order: Callable[[Row], Any]) -> str:
    if not found:
        return f"{names([x, y])} not compared"
    row = min(found, key=order)
    sign = "/" if row["unit"] == "ratio" else "−"
    place = f", {what} of {len(found)} frameworks" if len(found) > 1 else ""
    value = interval(row["effect"], row["low"], row["high"])
    better = " (higher is better)" if row["better"] == "higher" else " (less is better)"
    return (
        f"{METRICS[row['metric']]}{better}, {x.upper()} {sign} {y.upper()}: {value} in "
        f"{row['framework']}{place}, n = {int(row['n'])}"
    )


def ratio(x: str, y: str, row: Row) -> str:
    """The clock's ratio of two frameworks."""
    processes = row.get("processes")
    n = f", n = {int(processes)} processes" if processes and processes == processes else ""
    return f"{x} / {y} {interval(row['ratio'], row['low'], row['high'])}{n}"


def verdict(row: Row) -> str:
    """The verdict on one case of a claim."""
    detail = f" ({row['detail']})" if isinstance(row["detail"], str) and row["detail"] else ""
    value = interval(row["effect"], row["low"], row["high"])
    return f"{str(row['case']).upper()} {value}, n = {int(row['n'])}{detail}"


def interval(value: float, low: float, high: float) -> str:
    """A number with its interval, as the report writes it; without one where there is none."""
    if np.isnan([low, high]).any():
        return short(value)
    return f"{short(value)} [{short(low)}, {short(high)}]"


def short(value: float) -> str:
    """Three significant digits, without a letter between them."""
    if np.isnan(value):
        return "no effect known"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.3g}".replace("-", "−").partition("e")
    if not exponent:
        return mantissa
    return f"{mantissa}·10{str(int(exponent.replace('−', '-'))).translate(RAISED)}"


def names(cells: list[str], word: str = "and") -> str:
    """Cells in a sentence: A, B and C."""
    shouted = [cell.upper() for cell in cells]
    return f" {word} ".join([", ".join(shouted[:-1]), shouted[-1]] if shouted[1:] else shouted)


def answer(answer: str, sure: str, evidence: str, rule: str) -> Row:
    """The part of a row of advice that answers."""
    return {"answer": answer, "sure": sure, "evidence": evidence, "rule": rule}


def unknown(why: str, rule: str) -> Row:
    """The answer where the data cannot tell."""
    return answer(CANNOT, "unknown", why, rule)
