"""The section "Speed": what the clock found; intervals as in the tables."""

import re
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from report import words
from report.advice_words import change
from report.answers import framework as fastest
from report.figures.drawing import Job
from report.numbers import listed
from report.sections import speed_figures
from report.tables import Tables, crossed, rows

KINDS = {
    "cell": "Cells", "forward": "Cells, the forward pass alone",
    "framework": "Frameworks, each with the implementation that it declares fastest",
    "kernels": "Implementations of one cell",
}  # fmt: skip
METHOD = ["framework", "kernel", "cell"]
# More cases than these are counted in a title, not named.
MOST_NAMED = 4


def content(tables: Tables) -> dict[str, Any]:
    """The answer, the finding, and each size with its times, peak and ratios."""
    peaks = tables["peaks"]
    attainable = peaks[peaks["attainable"].astype(str) == "True"]
    parts = shapes(tables)
    return {
        "answer": fastest(tables),
        "finding": finding(tables),
        "machines": sorted(set(tables["timing"]["machine"].dropna())),
        "shapes": [
            {
                "name": name,
                "id": "size-" + re.sub(r"[^\w-]+", "-", name),
                "sizes": speed_figures.sizes(timed),
                "methods": crossed(timed, METHOD, ["phase"]),
                "lines": lines(tables, timed),
                "peak": rows(_of_shape(attainable, timed)),
                "ratios": rows(_of_shape(tables["speed_ratios"], timed)),
                "warned": timed["warning"].notna().any(),
            }
            for name, timed in parts
        ],
        "kinds": KINDS,
        "axes": speed_figures.AXES,
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """The declared implementations at every size, all of each size, and how cost grows."""
    parts, palette = shapes(tables), tables.palette
    found: dict[Hashable, Job] = {
        (name, draw.__name__): (draw, (timed, palette))
        for name, timed in parts
        for draw in (speed_figures.steps, speed_figures.fractions)
    }
    chosen = [(name, declared(tables, timed)) for name, timed in parts]
    return found | {
        "overall": (speed_figures.overall, (chosen, palette)),
        "growth": (speed_figures.growth, (tables["scaling_points"], palette)),
    }


def warnings(tables: Tables) -> dict[str, str]:
    """By "shape, CELL", as the advice names them, what the clock warns of in its steps' times."""
    steps = tables["timing"][tables["timing"]["phase"] == "step"]
    return {
        f"{row['shape']}, {str(row['cell']).upper()}": row["warning"]
        for row in rows(steps[steps["warning"].notna() & steps["median_ms"].notna()])
    }


def shapes(tables: Tables) -> list[tuple[str, pd.DataFrame]]:
    """The times by shape and, where there are several, machine, the smallest model first.

    Those of the sweeps, which have no peak of their own, are in the fits.
    """
    own, timing = set(tables["peaks"]["shape"]), tables["timing"]
    several = timing["machine"].nunique() > 1
    parts = timing.groupby(["shape", "machine"], sort=False, dropna=False)
    found = [
        (f"{shape} on {machine}" if several else str(shape), timed)
        for (shape, machine), timed in parts
        if shape in own or not own
    ]
    return sorted(found, key=lambda part: float(part[1]["flop"].fillna(0).max()))


def finding(tables: Tables) -> str:
    """Who is fastest where, as the advice has it: it claims no more than the clock shows."""
    advice = tables["advice"]
    found = advice[(advice["question"] == "fastest_framework") & advice["shape"].notna()]
    order = {name: place for place, (name, _) in enumerate(shapes(tables))}
    cases = sorted(found.to_dict("records"), key=lambda row: order.get(row["shape"], len(order)))
    if not cases:
        return "Time of a training step"
    said = {(row["shape"], row["cell"]): _winner(row) for row in cases}
    if len(set(said.values())) == 1:
        (one,) = set(said.values())
        return f"{one[0]} {_cells(said)} {one[1]} here"
    parts: dict[tuple[str, str], list[str]] = {}
    for shape in dict.fromkeys(shape for shape, _ in said):
        cells = {key: who for key, who in said.items() if key[0] == shape}
        for who in dict.fromkeys(cells.values()):
            mine = [cell for (_, cell), own in cells.items() if own == who]
            what = "" if len(mine) == len(cells) else f"{listed(map(words.cell, mine))} at "
            parts.setdefault(who, []).append(f"{what}“{shape}”")
    if sum(map(len, parts.values())) > MOST_NAMED:
        counts = {who: list(said.values()).count(who) for who in parts}
        text = [f"{who[0]} {who[1]} in {n} of {len(said)} cases" for who, n in counts.items()]
    else:
        text = [f"{who[0]} {who[1]} at {listed(places)}" for who, places in parts.items()]
    return "; ".join(one if place == 0 else one for place, one in enumerate(text))


def _winner(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Who is fastest, and the verb for it; of those left, where it is not clear which."""
    left = [] if pd.isna(row["better"]) else str(row["better"]).split()
    names = [words.framework(name) for name in left]
    if row["verdict"] == "better" and len(names) == 1:
        return names[0], "trains fastest"
    if row["verdict"] == "equal":
        return listed(names), "are equally fast"
    if names and not pd.isna(row["worse"]):
        return listed(names, "or"), "is fastest, which of them is open"
    return "no framework", "is shown fastest"


def _cells(said: Mapping[tuple[str, str], Any]) -> str:
    """How a title names all cells that were timed."""
    cells = list(dict.fromkeys(cell for _, cell in said))
    return {1: words.cell(cells[0]), 2: "both cells"}.get(len(cells), f"all {len(cells)} cells")


def declared(tables: Tables, timed: pd.DataFrame) -> pd.DataFrame:
    """The training steps of the implementation that each framework declares fastest.

    It stands in the comparison of frameworks and, where there is but one, first.
    """
    steps = timed[(timed["phase"] == "step") & timed["median_ms"].notna()]
    ratios = _of_shape(tables["speed_ratios"], timed)
    across = ratios[ratios["kind"] == "framework"]
    chosen = {
        tuple(row[f"{side}_{name}"] for name in METHOD)
        for row in across.to_dict("records")
        for side in ("numerator", "denominator")
    }
    there = [tuple(row) in chosen for row in steps[METHOD].to_numpy()]
    named = steps.assign(first=[not one for one in there])
    best = named.sort_values("first", kind="stable").drop_duplicates(["framework", "cell"])
    return best.drop(columns="first").sort_values(["cell", "median_ms"], kind="stable")


def lines(tables: Tables, timed: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of the table in words: each declared implementation against the others."""
    steps, ratios = declared(tables, timed), _of_shape(tables["speed_ratios"], timed)
    palette = tables.palette
    found = []
    for row in rows(steps):
        mine = {name: row[name] for name in METHOD}
        others = [
            f"{said} than {words.framework(other['framework'])}"
            for other, said in _against(ratios, mine, "framework")
            if other["cell"] == row["cell"]
        ]
        cells = [
            f"{said} than {words.cell(other['cell'])}"
            for other, said in _against(ratios, mine, "cell")
        ]
        found.append(row | {"others": others, "cells": cells})
    return sorted(found, key=lambda row: (palette.cells.index(row["cell"]), row["median_ms"]))


def _against(
    ratios: pd.DataFrame, mine: Mapping[str, Any], kind: str
) -> list[tuple[dict[str, Any], str]]:
    """What a method was compared with, and its time against that, either way round."""
    found = []
    for row in ratios[ratios["kind"] == kind].to_dict("records"):
        one, other = (
            {name: row[f"{side}_{name}"] for name in METHOD} for side in ("numerator", "denominator")
        )
        ratio, low, high = (row[name] for name in ("ratio", "low", "high"))
        if one == mine:
            found.append((other, _than(change(ratio, low, high))))
        elif other == mine:
            found.append((one, _than(change(1 / ratio, 1 / high, 1 / low))))
    return found


def _of_shape(table: pd.DataFrame, timed: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that are of the shape and machine of these times."""
    shape, machine = timed.iloc[0][["shape", "machine"]].fillna("")
    mine: pd.Series = (table["shape"] == shape) & (table["machine"].fillna("") == machine)
    return table[mine]
