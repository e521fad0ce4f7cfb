"""The section "Speed": what the clock found; intervals as in the tables."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from report import answers, words
from report.advice_words import against
from report.answers.phrases import capital
from report.figures.drawing import Job
from report.numbers import listed
from report.sections import speed_figures
from report.tables import Tables, crossed, rows

KINDS = {
    "cell": "Cells", "forward": "Cells, the forward pass alone",
    "framework": "Frameworks, each with its implementation that is fastest here",
    "kernels": "Implementations of one cell",
}  # fmt: skip
METHOD = ["framework", "kernel", "cell"]
# More cases than these are counted in a title, not named.
MOST_NAMED = 4
FASTEST = "fastest"
# What stands between the parts of a warning.
BETWEEN = "; "


def content(tables: Tables) -> dict[str, Any]:
    """The answer, the finding, and each size with its times, peak and ratios."""
    peaks = tables["peaks"]
    attainable = peaks[peaks["attainable"].astype(str) == "True"]
    parts, machines = shapes(tables), tables["timing"]["machine"].dropna()
    return {
        "answer": answers.framework(tables),
        "finding": finding(tables),
        # The processor and its cores are enough.
        "machines": sorted({re.sub(r" \([^()]*\)(?=, )", "", str(name)) for name in machines}),
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
                "common": _common(timed),
            }
            for name, timed in parts
        ],
        "grown": _grown(tables),
        "kinds": KINDS,
        "rest": rest,
        "axes": speed_figures.AXES,
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """The fastest implementations at every size, all of each size, and how cost grows."""
    parts, palette = shapes(tables), tables.palette
    found: dict[Hashable, Job] = {
        (name, draw.__name__): (draw, (timed, palette))
        for name, timed in parts
        for draw in (speed_figures.steps, speed_figures.fractions)
    }
    chosen = [(name, fastest(tables, timed)) for name, timed in parts]
    return (
        found
        | {"overall": (speed_figures.overall, (chosen, palette))}
        | {
            ("growth", machine): (speed_figures.growth, (points, palette))
            for machine, points in _by_machine(tables["scaling_points"])
        }
    )


def _grown(tables: Tables) -> list[tuple[str, list[dict[str, Any]]]]:
    """The machines whose growth is drawn, each with the fits that there are of it."""
    fits = tables["scaling"]
    places = fits["machine"].fillna("")
    drawn = _by_machine(tables["scaling_points"])
    return [(machine, rows(fits[places == machine])) for machine, _ in drawn]


def _by_machine(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each machine, which never share a figure or a table."""
    parts = table.groupby(table["machine"].fillna(""))
    return [(str(machine), own) for machine, own in parts]


def warnings(tables: Tables) -> dict[str, str]:
    """By "shape, CELL", as the advice names them, what the clock warns of in its steps' times."""
    steps = tables["timing"][tables["timing"]["phase"] == "step"]
    several = steps["machine"].nunique() > 1
    warned = rows(steps[steps["warning"].notna() & steps["median_ms"].notna()])
    place = "{shape}, {name} on {machine}" if several else "{shape}, {name}"
    return {place.format(**row, name=words.cell(row["cell"])): row["warning"] for row in warned}


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
    names = list(dict.fromkeys(timed["shape"].iloc[0] for _, timed in shapes(tables)))
    rows_of = found[found["shape"].isin(names)].to_dict("records")
    cases = {(row["shape"], row["machine"], row["cell"]): _winner(row) for row in rows_of}
    if not cases or found["machine"].nunique() > 1:
        return "How long a training step takes"
    if len(set(cases.values())) == 1:
        text = _clause(next(iter(cases.values())), _cells(key[2] for key in cases), "here")
        return capital(text)
    parts = [
        _clause(who, cells, where)
        for shape, where in zip(names, _places(names), strict=True)
        for who, cells in _of_one({k: who for k, who in cases.items() if k[0] == shape})
    ]
    if len(parts) > MOST_NAMED:
        return _counted(list(cases.values()))
    return capital("; ".join(parts))


def _winner(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Who is fastest, and what is known of it; of those left, where it is not clear which."""
    left = [] if pd.isna(row["better"]) else str(row["better"]).split()
    names = [words.framework(name) for name in left]
    if row["verdict"] == "better" and len(names) == 1:
        return names[0], FASTEST
    if row["verdict"] == "equal":
        return listed(names), "equal"
    beaten = not pd.isna(row["worse"]) and str(row["worse"])
    return (listed(names) if names and beaten else "the frameworks"), "open"


def _clause(winner: tuple[str, str], cells: str, where: str) -> str:
    """Who is fastest for these cells at one model size."""
    who, known = winner
    if known == FASTEST:
        return f"{who} trains {cells} fastest {where}"
    if known == "equal":
        return f"{who} train {cells} equally fast {where}"
    return f"{where} {who} are too close to call for {cells}"


def _counted(winners: list[tuple[str, str]]) -> str:
    """Many cases in a title: how often each framework is fastest."""
    wins = pd.Series([who for who, known in winners if known == FASTEST]).value_counts()
    of = f"{len(winners)} timed models"
    if wins.empty:
        return f"No framework is clearly fastest on any of {of}"
    (first, most), *others = wins.items()
    start = f"{first} alone is fastest on {most} of {of}"
    return listed([start, *(f"{who} on {n}" for who, n in others)])


def _of_one(cases: Mapping[Any, tuple[str, str]]) -> list[tuple[tuple[str, str], str]]:
    """The winners at one model size, each with its cells."""
    return [
        (who, _cells((key[2] for key, own in cases.items() if own == who), len(cases)))
        for who in dict.fromkeys(cases.values())
    ]


def _cells(names: Iterable[str], of: int = 0) -> str:
    """Cells as a title has them, where there are ``of`` in all."""
    cells = list(dict.fromkeys(names))
    if len(cells) > 1 and len(cells) >= of:
        return "both cells" if len(cells) == 2 else f"all {len(cells)} cells"
    return listed(map(words.cell, cells))


def _places(names: list[str]) -> list[str]:
    """How a title says at which model size; the smallest comes first."""
    if len(names) == 2:
        smaller, larger = names
        return [f"in the smaller model (“{smaller}”)", f"in the larger one (“{larger}”)"]
    return [f"at “{name}”" for name in names]


def fastest(tables: Tables, timed: pd.DataFrame) -> pd.DataFrame:
    """The training steps of each framework's implementation that is fastest here.

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
    """The rows of the table in words: each framework against the others."""
    steps, ratios = fastest(tables, timed), _of_shape(tables["speed_ratios"], timed)
    palette = tables.palette
    found = []
    for row in rows(steps):
        mine = {name: row[name] for name in METHOD}
        found.append(row | {
            "others": _against(ratios, mine, "framework", words.framework),
            "cells": _against(ratios, mine, "cell", words.cell, ["framework", "cell"]),
        })  # fmt: skip
    return sorted(found, key=lambda row: (palette.cells.index(row["cell"]), row["median_ms"]))


def _against(
    ratios: pd.DataFrame,
    mine: Mapping[str, Any],
    kind: str,
    name: Callable[[Any], str],
    by: Sequence[str] = METHOD,
) -> list[str]:
    """A method's time against all that it was compared with, either way round.

    Cells are compared in the implementations that the framework trains them with, ``by`` less
    than the whole method.
    """  # fmt: skip
    found = []
    mine = {key: mine[key] for key in by}
    for row in ratios[ratios["kind"] == kind].to_dict("records"):
        one, other = (
            {key: row[f"{side}_{key}"] for key in by} for side in ("numerator", "denominator")
        )
        ratio, low, high = (row[key] for key in ("ratio", "low", "high"))
        if one == mine:
            found.append(against(ratio, low, high, name(other[kind])))
        elif other == mine:
            found.append(against(1 / ratio, 1 / high, 1 / low, name(one[kind])))
    return found


def _common(timed: pd.DataFrame) -> list[str]:
    """What the clock warns of in every one of these times, so that it is said once."""
    steps = timed[(timed["phase"] == "step") & timed["median_ms"].notna()]
    parts = [str(text).split(BETWEEN) for text in steps["warning"].fillna("")]
    first = parts[0] if parts else []
    return [one for one in first if one and all(one in other for other in parts)]


def rest(warning: str | None, common: list[str]) -> str:
    """A warning without what is said of all."""
    parts = (warning or "").split(BETWEEN)
    return BETWEEN.join(part for part in parts if part not in common)


def _of_shape(table: pd.DataFrame, timed: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that are of the shape and machine of these times."""
    shape, machine = timed.iloc[0][["shape", "machine"]].fillna("")
    mine: pd.Series = (table["shape"] == shape) & (table["machine"].fillna("") == machine)
    return table[mine]
