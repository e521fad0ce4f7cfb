"""What each section shows, put in order from the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.inside.stage import SEEDS
from harness import layout
from report import cell_styles, speed
from report.across import several
from report.drawing import INSIDES, Key
from report.insides import MOST_SEEDS
from report.reading import Tables

TRACKS = ("matched", "native")


def inside(tables: Tables, drawn: Mapping[Key, Any]) -> dict[str, Any]:
    """The section "Inside the gates"; without one of its tables, the name of that table."""
    missing = [name for name in layout.names("insides") if name in tables.missing]
    if missing:
        return {"tables": None, "missing": missing[0]}
    figures = {
        name: {task: Markup(drawn["insides", name, task]) for task in tables["tasks"]["task"]}
        for name in INSIDES
    }
    probes = tables["memory_probe"].drop_duplicates("task")
    return figures | {
        "tables": {"insides_skipped": rows(tables["insides_skipped"])},
        "metrics": dict(zip(probes["task"], probes["metric"], strict=True)),
        "seeds": SEEDS,
        "drawn": MOST_SEEDS,
    }


def advice(tables: Tables, drawn: Mapping[Key, Any]) -> dict[str, Any]:
    """The section "Advice": its rows by question, and the scores across tasks."""
    questions: dict[str, list[dict[str, Any]]] = {}
    for row in rows(tables["advice"]):
        questions.setdefault(row["question"], []).append(row)
    means = several(tables["aggregate"])
    return {
        "questions": questions,
        "profiles": Markup(drawn["across",]),
        # Methods may have lost seeds, so that n is a range.
        "tasks": sorted({int(n) for n in means["tasks"]}),
        "seeds": sorted({int(n) for n in means["n"]}),
        "bands": bool(tables["profiles"]["low"].notna().any()),
    }


def clock(tables: Tables, drawn: Mapping[Key, Any]) -> dict[str, Any]:
    """The section "Speed": a part for each shape; none without the clock's tables."""
    peaks = tables["peaks"]
    shapes = [
        {
            "name": name,
            "sizes": timed.iloc[0],
            "hidden": _hidden(timed),
            "peak": rows(
                peaks[(peaks["shape"] == name) & (peaks["attainable"].astype(str) == "True")]
            ),
            "methods": _phases(timed),
            "ratios": rows(tables["speed_ratios"][tables["speed_ratios"]["shape"] == name]),
            "steps": Markup(drawn["steps", name]),
            "fractions": Markup(drawn["fractions", name]),
        }
        for name, timed in speed.shapes(tables)
    ]
    return {
        "shapes": shapes,
        "scaling": rows(tables["scaling"]),
        "growth": Markup(drawn["growth",]),
    }


def _hidden(timed: pd.DataFrame) -> str:
    """A shape's hidden size; by cell, where the cells differ."""
    by_cell = timed.drop_duplicates("cell").set_index("cell")["hidden"]
    if by_cell.nunique() == 1:
        return str(by_cell.iloc[0])
    return ", ".join(f"{size} ({str(cell).upper()})" for cell, size in by_cell.items())


def _phases(timed: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, Any]]:
    """A shape's times: rows (framework, kernel, cell), columns the phases."""
    matrix: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in rows(timed):
        place = matrix.setdefault((row["framework"], row["kernel"], row["cell"]), {})
        place[row["phase"]] = row
    return matrix


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The table's rows, with None where a value is missing."""
    return [
        {str(k): (None if pd.isna(v) else v) for k, v in row.items()}
        for row in frame.to_dict("records")
    ]


def present(column: Iterable[Any], order: tuple[str, ...]) -> list[str]:
    found = {str(name) for name in column}
    return [name for name in order if name in found] + sorted(found - set(order))


def methods(scores: pd.DataFrame) -> list[tuple[str, str]]:
    """The matrix's columns, (framework, cell)."""
    found = set(zip(scores["framework"], scores["cell"], strict=True))
    cells = cell_styles.in_order(scores["cell"])
    return sorted(found, key=lambda method: (method[0], cells.index(method[1])))


def matrix(tables: Tables) -> dict[str, dict[str, dict[tuple[str, str], Any]]]:
    """The matrix: by task and track, each (framework, cell) with its state and its interval."""
    method = ["task", "framework", "cell", "track"]
    summary = tables["summary"][[*method, "n", "median_low", "median_high"]]
    joined = tables["scores"].merge(summary, how="left", on=method)
    found: dict[str, dict[str, dict[tuple[str, str], Any]]] = {}
    for row in rows(joined[joined["track"].isin(TRACKS)]):
        tracks = found.setdefault(row["task"], {})
        tracks.setdefault(row["track"], {})[row["framework"], row["cell"]] = row
    return found


def by_check(summary: pd.DataFrame) -> dict[tuple[str, str], dict[tuple[str, str], Any]]:
    """The gate's matrix: rows (check, type), columns (framework, cell)."""
    matrix: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for row in rows(summary):
        matrix.setdefault((row["check"], row["dtype"]), {})[row["framework"], row["cell"]] = row
    return matrix


def horizons(summary: pd.DataFrame) -> dict[str, Any]:
    """When frameworks part: rows (task, cell, steps), columns the pairs, in each the thresholds."""
    matrix: dict[tuple[str, str, int], dict[tuple[str, str], list[dict[str, Any]]]] = {}
    pairs: dict[tuple[str, str], None] = {}
    for row in rows(summary.sort_values("threshold", kind="stable")):
        pair = row["framework"], row["other_framework"]
        pairs[pair] = None
        place = matrix.setdefault((row["task"], row["cell"], row["steps"]), {})
        place.setdefault(pair, []).append(row)
    return {"rows": matrix, "pairs": sorted(pairs)}


def by_group(claims: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The claims by group: what is said once, how many cases have which verdict, and the cases.

    ``shown`` is the case that decides most clearly, for the line that is not folded; None where
    no case has an effect.
    """
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows(claims):
        entry = groups.setdefault(row["group"], {}).setdefault(
            row["claim"], row | {"rows": [], "verdicts": {}, "shown": None}
        )
        entry["rows"].append(row)
        entry["verdicts"][row["verdict"]] = entry["verdicts"].get(row["verdict"], 0) + 1
        if row["effect"] is not None:
            entry["shown"] = min(filter(None, (entry["shown"], row)), key=_clarity)
    return {group: list(entries.values()) for group, entries in groups.items()}


def _clarity(row: Mapping[str, Any]) -> tuple[bool, float]:
    decided = row["verdict"] in ("supported", "refuted")
    return not decided, 1.0 if row["p_holm"] is None else row["p_holm"]
