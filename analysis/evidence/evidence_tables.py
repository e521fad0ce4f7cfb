"""The evidence: verdicts, comparisons, summaries and advice, from the other tables alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.evidence import advice, changes, claims, comparisons, derived
from harness import layout

# What stands in the results folder before the evidence is weighed; a table that this
# configuration does not make is left out, and the claims on it are not tested.
INPUTS = (
    "runs", "machines", "scores", "tasks", "cells", "curves", "parameter_counts", "attribution",
    "divergence", "speed_ratios", "timing", "gradient_flow", "gradient_norms", "gates",
    "memory_probe",
)  # fmt: skip
NEEDED = ("runs", "scores", "tasks")
# Framework and cell of a ratio's two sides, as claims name them.
SIDES = {
    "numerator_framework": "framework", "numerator_cell": "cell",
    "denominator_framework": "other_framework", "denominator_cell": "other_cell",
}  # fmt: skip
IDENTITY = derived.IDENTITY
# Tables with a row or more of a run, which get what became of it.
INSIDES = ("gradient_flow", "gradient_left", "gradient_norms", "gates", "memory_probe")


def read(results: Path) -> dict[str, pd.DataFrame]:
    """The tables that are there, ready to be compared.

    Runs get their settings as columns and what follows from them (:func:`derived.of_runs`); their
    times are those of one machine (:func:`derived.timed_on_one_machine`). What
    was found inside the models comes with their runs' ``progress`` and ``solved``;
    ``gradient_left`` is made of gradient_flow. What did not pass the checks against the reference
    model is left out.
    """
    tables = {
        name: layout.read(results, name)
        for name in INPUTS
        if name in NEEDED or layout.path(results, name).exists()
    }
    if "machines" in tables:
        machines = tables.pop("machines")
        tables["runs"] = derived.timed_on_one_machine(tables["runs"], machines)
    tables["runs"] = derived.of_runs(tables["runs"], tables.pop("curves", None))
    if "gradient_flow" in tables:
        tables["gradient_left"] = derived.gradient_left(tables["gradient_flow"])
    if "memory_probe" in tables:
        tables["memory_probe"] = derived.last_probe(tables["memory_probe"])
    for name in INSIDES:
        if name in tables:
            tables[name] = derived.with_runs(tables[name], tables["runs"])
    if "speed_ratios" in tables:
        tables["speed_ratios"] = speed_ratios(tables["speed_ratios"])
    bad = not_comparable(tables["scores"])
    return {name: comparable(table, bad) for name, table in tables.items()}


def not_comparable(scores: pd.DataFrame) -> set[tuple[str, str]]:
    """Framework and cell of what did not pass the checks against the reference model."""
    bad = scores.loc[~scores["comparable"].astype(bool), ["framework", "cell"]]
    return set(bad.itertuples(index=False, name=None))


def comparable(table: pd.DataFrame, bad: set[tuple[str, str]]) -> pd.DataFrame:
    """The rows of a table whose frameworks and cells are not among the ``bad`` ones."""
    for framework, cell in (("framework", "cell"), ("other_framework", "other_cell")):
        if bad and framework in table and cell in table:
            pairs = zip(table[framework], table[cell], strict=True)
            table = table[np.array([pair not in bad for pair in pairs], dtype=bool)]
    return table


def speed_ratios(ratios: pd.DataFrame) -> pd.DataFrame:
    """The clock's ratios both ways round, with framework and cell of each side.

    ``same_hidden`` says whether both had as many hidden units, ``control_ok`` is False where the
    whole A/A interval of the same shape, on the same machine, lies beyond the margin. ``log_se``
    and ``df`` are the same both ways round: t of a ratio against an edge is
    (log(ratio) - log(edge)) / log_se. Kernels of two frameworks are left out, but for those
    that are fastest of each.
    """
    ratios = ratios.assign(
        machine=ratios["machine"].fillna(""),
        same_hidden=ratios["numerator_hidden"] == ratios["denominator_hidden"],
    )
    sides = {f"numerator{part}": f"denominator{part}" for part in ("", "_framework", "_cell")}
    turned = ratios.rename(columns=sides | {b: a for a, b in sides.items()})
    turned = turned.assign(
        ratio=1 / ratios["ratio"], low=1 / ratios["high"], high=1 / ratios["low"]
    )
    both = pd.concat([ratios, turned], ignore_index=True).rename(columns=SIDES)
    both["same_framework"] = both["framework"] == both["other_framework"]
    control = both["kind"] == "aa"
    outside = (both["low"] > advice.FASTER) | (both["high"] < 1 / advice.FASTER)
    # Of each machine its own: a control says nothing of what was timed elsewhere.
    place = both["shape"] + " on " + both["machine"]
    both["control_ok"] = ~place.isin(place[control & outside])
    left_out = control | ((both["kind"] == "kernels") & ~both["same_framework"])
    kept = ["machine", "shape", "kind", "numerator", "denominator", "ratio", "low", "high",
            "log_se", "df", "processes", "same_hidden", "same_framework", "control_ok",
            *SIDES.values()]  # fmt: skip
    return both.loc[~left_out, kept]


def write(results: Path) -> None:
    """Write the tables of evidence; :class:`UserError` where a table is missing or too old."""
    tables = read(results)
    known = tables["tasks"].dropna(subset="margin")
    ledger = claims.load(dict(zip(known["task"], known["margin"], strict=True)))
    verdicts, cases = claims.evaluate(ledger, tables)
    higher = {str(t): d == "higher" for t, d in tables["tasks"][["task", "direction"]].to_numpy()}
    compared = comparisons.compare_methods(tables["runs"], higher, ledger.margins)
    changed = changes.changes(tables["runs"], _parents(tables.get("cells")), higher, ledger.margins)
    means, profiles = comparisons.aggregate(tables["runs"])
    found: dict[str, Any] = {
        "claims": verdicts,
        "cases": cases,
        "comparisons": compared,
        "changes": changed,
        "frontier": changes.frontier(tables["runs"], changed),
        "summary": comparisons.summarise(tables["runs"]),
        "ratios": comparisons.ratios(tables["runs"]),
        "aggregate": means,
        "profiles": profiles,
        "advice": advice.advise(tables, cases, compared, ledger.margins),
    }
    for name, rows in found.items():
        layout.write(results, name, rows)


def _parents(cells: pd.DataFrame | None) -> dict[str, str]:
    """By cell the one that it changes, where it changes one."""
    if cells is None:
        return {}
    known = cells.dropna(subset="parent")
    return dict(zip(known["cell"], known["parent"], strict=True))
