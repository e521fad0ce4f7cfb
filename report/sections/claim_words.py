"""What the page says of a claim: what came out, in a unit a person knows; what would decide it."""

import math
import re
from typing import Any

from report import words
from report.numbers import change, listed, number

Row = dict[str, Any]
# What the page calls a verdict, its look and its mark; the order is that of the page.
VERDICTS = {
    "supported": ("holds", "solved", "✓"),
    "refuted": ("does not hold", "failed", "✕"),
    "inconclusive": ("open", "above", "?"),
    "not tested": ("not run", "at", "–"),
}
# The same of one case of a claim.
CASES = {
    "supports": ("holds", "solved", "✓"),
    "refutes": ("does not hold", "failed", "✕"),
    "open": ("open", "above", "?"),
    "left out": ("left out", "at", "–"),
}
# What a claim's detail says where it has too few seeds.
_FEW = re.compile(r"(\d+) of at least (\d+) (\w+)")
_SOLVED = re.compile(r"solved on \d+ against \d+ of \d+ seeds")
_HOLM = re.compile(r"(\w+) if it were the only claim")


def measured(row: Row) -> str:
    """The effect with its interval: a ratio as how much less or more, all else as it is."""
    value, low, high = (row[name] for name in ("effect", "low", "high"))
    if value is None:
        return ""
    if row["unit"] == "ratio":
        return ratio(value, low, high)
    if row["unit"] == "share":
        between = f" ({_number(100 * low)} to {_number(100 * high)} %)" if _known(low) else ""
        return f"{_number(100 * value)} % of the runs{between}"
    known = _known(low) and _known(high) and low != high
    return _number(value) + (f" ({_number(low)} to {_number(high)})" if known else "")


def ratio(value: float, low: float | None, high: float | None) -> str:
    """``76 % less (71 to 80 %)``; from 2 on ``2.4 times as much (1.9 to 3 times)``."""
    said, ends = change(value, low, high)
    said += " as much" if said.endswith(" times") else ""
    return f"{said} ({ends})" if ends else said


def _number(value: float) -> str:
    return number(value, 2 if abs(value) < 1000 else 3)


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def counted(row: Row) -> str:
    """How much a claim or a case stands on: ``20 seeds``."""
    if not row["n"]:
        return ""
    what = {"share": "run", "value": "model"}.get(row["unit"], "seed")
    if "the clock" in (row["detail"] or ""):
        what = "process"
    plural = {"process": "es"}.get(what, "s") if row["n"] != 1 else ""
    return f"{row['n']:.0f} {what}{plural}"


def solved(row: Row) -> str:
    """How many seeds of the two sides solved, where the claim is about that: the first number."""
    found = _SOLVED.search(row["detail"] or "")
    return found[0] if found else ""


def place(row: Row) -> str:
    """Where an effect was found: the task, the case and the framework that the row names."""
    case = row["case"] and str(row["case"])
    if case:
        if "the clock" in (row["detail"] or ""):
            case = f"“{case}”"
        else:
            case = words.cell(case) if case.isalpha() and len(case) <= 4 else words.track(case)
    parts = [row["task"] and words.task(row["task"]), case]
    parts.append(row["framework"] and words.framework(row["framework"]))
    return ", ".join(part for part in parts if part)


def rates(row: Row) -> str:
    """The learning rates of its runs, with cells as the page writes them."""
    found = [part.partition(" ") for part in (row["rates"] or "").split(", ") if part]
    return ", ".join(f"{words.cell(cell)} {values}" for cell, _, values in found)


def decides(row: Row) -> str:
    """What would decide a claim that is open or was not run; empty where it is decided."""
    detail = row["detail"] or ""
    if row["verdict"] == "not tested":
        said = words.told(detail)
        return "" if command(row) else f"{said[:1].upper()}{said[1:]}."
    if row["verdict"] != "inconclusive":
        return ""
    if few := _FEW.search(detail):
        return f"It takes at least {few[2]} {few[3]}; here are {few[1]}."
    if row["seeds_needed"]:
        names = listed((f"“{one}”" for one in _studies(row)), "or") if _studies(row) else ""
        grow = f"; their number is set in the study {names}" if names else ""
        return (
            f"About {row['seeds_needed']:.0f} {_unit_of(row)} would decide it, if the effect is "
            f"as large as it seems{grow}."
        )
    if holm := _HOLM.search(detail):
        verdict = VERDICTS[holm[1]][0]
        return (
            f"By itself it {'would hold' if verdict == 'holds' else 'would not hold'}; corrected "
            "for the other claims of its group, that is too weak to count. More seeds would tell."
        )
    more = f"more {_unit_of(row)} would tell"
    return f"The interval lies on both sides of what the rule asks for; {more}."


def _unit_of(row: Row) -> str:
    return "processes of the clock" if "the clock" in (row["detail"] or "") else "seeds"


def command(row: Row) -> str:
    """What runs the studies that an untested or too thin claim needs, in a folder of their own."""
    detail = row["detail"] or ""
    thin = row["verdict"] == "inconclusive" and _FEW.search(detail)
    if not _studies(row) or not (thin or detail.startswith("needs the studies")):
        return ""
    names = ",".join(_studies(row))
    return f"snakemake --cores all --config results=results/{_studies(row)[0]} 'studies=[{names}]'"


def _studies(row: Row) -> list[str]:
    return str(row["studies"] or "").split()
