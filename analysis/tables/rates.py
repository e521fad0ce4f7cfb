"""The learning rate of each cell in each task, chosen on the validation data of a tuning run."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import plan_records
from analysis.statistics import median_steps
from analysis.tables.groups import Rows, grouped
from harness import layout
from harness.errors import UserError
from harness.files import write_text
from harness.plan import settings
from harness.run.records import Record
from harness.run.solving import first_lasting
from implementations import NATIVE

# Differences in mean progress up to this one are a tie.
CLOSE = 0.01
SAYS = """\
# The learning rate of each cell in each task, matched and native, where a task's file has another
# one. `make tune` chose them on validation data, on seeds apart from those of the results, by the
# rule in analysis/tables/rates.py; rates.csv has what they were chosen from.
"""


def write(results: Path, keep: bool) -> None:
    """Write the table of ``results`` and print its rates; to ``keep`` them is to commit to them.

    Rates of other tasks and cells, and their rows of the table, stay as they are.
    """
    found = rows(plan_records.read(results), str(results))
    layout.write(results, "rates", found)
    chosen: dict[str, dict[str, float]] = {task: dict(by) for task, by in settings.rates().items()}
    for row in found:
        if row["chosen"]:
            chosen.setdefault(row["task"], {})[row["cell"]] = row["learning_rate"]
    text = SAYS + document(chosen)
    print(text, end="")
    if keep:
        before = layout.read(settings.RATES.parent, "rates", needed=False)
        layout.write(settings.RATES.parent, "rates", _merged(before, found))
        write_text(settings.RATES, text)


def document(chosen: dict[str, dict[str, float]]) -> str:
    """The rates in YAML, a task a line."""
    lines = []
    for task, by_cell in sorted(chosen.items()):
        inner = ", ".join(f"{cell}: {rate!r}" for cell, rate in sorted(by_cell.items()))
        lines.append(f"{task}: {{{inner}}}\n")
    return "".join(lines) or "{}\n"


def _merged(before: pd.DataFrame, found: Rows) -> Rows:
    new = {(row["task"], row["cell"]) for row in found}
    old: Rows = before.to_dict("records")  # type: ignore[assignment]
    kept = [row for row in old if (row["task"], row["cell"]) not in new]
    return sorted([*kept, *found], key=lambda r: (r["task"], r["cell"], r["learning_rate"]))


def rows(found: list[Record], where: str) -> Rows:
    """Each rate of each task and cell over its runs outside the native track, and the chosen one.

    Raises :class:`UserError` where the rates of a cell cannot be compared: where they differ in
    another setting, or were not all tried on the same seeds.
    """
    tried = [r for r in found if r["status"] in ("ok", "diverged") and r["track"] != NATIVE]
    if not tried:
        raise UserError(f"{where}: there is no run to choose a rate by; run make tune.")
    result: Rows = []
    for key, group in grouped(tried, ("task", "cell")):
        by_rate: dict[float, dict[Any, Record]] = {}
        for record in group:
            rate = float(record["settings"]["learning_rate"])
            by_rate.setdefault(rate, {})[record["framework"], record["seed"]] = record
        _check(group, by_rate, f"{where}: {key['task']} with the {key['cell']}")
        own = [
            key | {"learning_rate": rate} | _row(list(runs.values()))
            for rate, runs in sorted(by_rate.items())
        ]
        best = choice(own)
        result += [row | {"chosen": row is best} for row in own]
    return sorted(result, key=lambda r: (r["task"], r["cell"], r["learning_rate"]))


def _check(group: Rows, by_rate: dict[float, dict[Any, Record]], where: str) -> None:
    first = group[0]["settings"]
    for record in group:
        for name, value in record["settings"].items():
            if name != "learning_rate" and value != first.get(name):
                raise UserError(
                    f"{where}: runs differ in {name} too ({first.get(name)} and {value}); choose "
                    "rates from a folder in which only the rate differs."
                )
    rates = sorted(by_rate)
    for rate in rates[1:]:
        if by_rate[rate].keys() != by_rate[rates[0]].keys():
            raise UserError(
                f"{where}: the rates {rates[0]:g} and {rate:g} were not tried with the same "
                "frameworks and seeds; make the missing runs first."
            )


def _row(group: Rows) -> dict[str, Any]:
    last = np.array([_progress(r, r["curve"][-1]["score"]) for r in group])
    best = [max(_progress(r, point["score"]) for point in r["curve"]) for r in group]
    steps = [first_lasting(r["curve"], r["solved_at"], r["higher_is_better"]) for r in group]
    median = float(median_steps(np.array(steps, dtype=float)))
    return {
        "frameworks": ", ".join(sorted({r["framework"] for r in group})),
        "seeds": len({r["seed"] for r in group}),
        "mean_progress": round(float(last.mean()), 4),
        "median_progress": round(float(np.median(last)), 4),
        "best_progress": round(float(np.mean(best)), 4),
        "solved": round(float((last == 1).mean()), 4),
        "median_steps_to_solve": median if np.isfinite(median) else None,
        "diverged": sum(r["status"] == "diverged" for r in group),
    }


def _progress(record: Record, score: float | None) -> float:
    """A score's place between the baseline (0) and the solved value (1), no further on each side.

    A run that diverged has come to nothing.
    """
    if score is None or record["status"] == "diverged":
        return 0.0
    way = record["solved_at"] - record["baseline"]
    return float(np.clip((score - record["baseline"]) / way, 0, 1))


def choice(tried: Rows) -> dict[str, Any]:
    """The row of the rate to take.

    The one with the highest mean progress on validation data at the end of the budget. Of those
    within ``CLOSE`` of it the one that solves in the fewest steps, by the median; then the
    smallest.
    """
    highest = max(row["mean_progress"] for row in tried)

    def order(row: dict[str, Any]) -> tuple[float, float]:
        steps = row["median_steps_to_solve"]
        unsolved = steps is None or np.isnan(steps)  # the latter as the file has it
        return (np.inf if unsolved else steps), row["learning_rate"]

    # Of values of four digits a difference of CLOSE is one, whatever floats make of it.
    close = [row for row in tried if round(highest - row["mean_progress"], 4) <= CLOSE]
    return min(close, key=order)
