"""What a row of ``advice.csv`` says in English: the only place that has words for it."""

import math
from typing import Any

import pandas as pd

from report.numbers import effect, listed, number

Row = dict[Any, Any]
CANNOT = "we cannot tell"
QUESTIONS = {
    "which_cell": "Which cell?",
    "fastest_framework": "Which framework is fastest here?",
    "framework_matters": "Does the framework matter for the score ({track})?",
    "equal": "When does it not matter?",
}
METRICS = {"score": "score", "steps_to_solve": "steps to solve", "step_ms": "time of a step"}
# Why nothing is known, where no comparison says it.
REASONS = {
    "one_name": "only one cell was run",
    "few_seeds": "{n:.0f} of at least 5 seeds",
    "not_timed": "no two frameworks were timed",
    "control_failed": "this campaign told one method from itself",
    "not_tested": "not tested here",
}
# The rule behind an answer, by its question and why.
RULES = {
    ("which_cell", "one_name"): "another one to compare with is needed",
    ("which_cell", "few_seeds"): "fewer than five seeds decide nothing",
    ("which_cell", "at_baseline"): "every median is less than 5 % of the way to solved",
    ("which_cell", "beyond_margin"): "better than each other cell by more than the margin, after "
    "Holm",
    (
        "which_cell",
        "sooner",
    ): "solves sooner than each other one, after Holm; likely where the scores "
    "are neither all shown equal nor apart",
    ("which_cell", "within_margin"): "equal within the margin (TOST after Holm)",
    (
        "which_cell",
        "weaker",
    ): "better by the margin before Holm, or after Holm by less than the margin",
    ("which_cell", "undecided"): "neither shown apart nor equal",
    ("fastest_framework", "not_timed"): "a timing campaign is needed",
    ("fastest_framework", "control_failed"): "its A/A interval lies beyond 3 %",
    ("fastest_framework", "beyond_margin"): "the clock's whole interval more than 3 % below each "
    "other",
    ("fastest_framework", "within_margin"): "the clock's whole interval within 3 %",
    ("fastest_framework", "undecided"): "an interval crosses the margin of 3 %",
    ("framework_matters", "not_tested"): "two frameworks and five seeds are needed",
}
PAIRS = "every pair of frameworks by TOST within the task's margin, after Holm"
EQUAL = {
    "equal_cells": ("the cell, for the score", RULES["which_cell", "within_margin"]),
    "framework_matters": ("the framework, for the score", PAIRS),
    "equal_frameworks": ("the framework, for the speed", "the clock's whole interval within 3 %"),
}


def said(advice: pd.DataFrame) -> list[dict[str, str]]:
    """Question, where it holds, answer, how sure, evidence and rule: the rows as people read them.

    The cells of a task for which the framework matters or not are one row, and so is all that is
    shown equal of one kind.
    """
    rows = advice.to_dict("records")
    found = [
        _entry(row["question"], row, answer(row), evidence(row))
        for row in rows
        if row["question"] in ("which_cell", "fastest_framework")
    ]
    matters: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["question"] == "framework_matters":
            matters.setdefault((row["track"], row["task"]), []).append(row)
    found += [_matters(group) for _, group in sorted(matters.items())]
    return found + [_equal(kind, rows) for kind in EQUAL] if rows else []


def answer(row: Row) -> str:
    """What to use, in a few words."""
    better, worse = (_sides(row, side) for side in ("better", "worse"))
    match row["verdict"]:
        case "none":
            return "none of them: no cell leaves the baseline"
        case "sooner":
            return f"{better}, which solves sooner"
        case "equal":
            score = " for the score" if row["question"] == "which_cell" else ""
            return f"{better}: it does not matter{score}"
        case "better" if row["sure"] == "likely":
            which = "it does not matter which" if row["alike"] else f"{CANNOT} which"
            return f"{better} rather than {worse}" + f", {which}" * (" " in row["better"])
        case "better":
            return better
    return CANNOT


def evidence(row: Row) -> str:
    """The comparison behind an answer with its interval and n, or why there is none."""
    if pd.isna(row["effect"]):
        return REASONS.get(row["why"], "nothing was compared").format(n=row["n"])
    n = "" if pd.isna(row["n"]) else f", n = {int(row['n'])}"
    if row["metric"] == "progress":
        return f"the best median is {number(100 * row['effect'])} % of the way to solved{n}"
    sign = "/" if row["unit"] == "ratio" else "−"
    sides = f"{_name(row, row['a'])} {sign} {_name(row, row['b'])}"
    where = "" if pd.isna(row["framework"]) else f" in {row['framework']}{among(row)}"
    rates = "" if pd.isna(row["rates"]) or not row["rates"] else f"; learning rates {row['rates']}"
    return f"{METRICS[row['metric']]}, {sides}: {effect(row)}{where}{n}{rates}"


def among(row: Row) -> str:
    """Of how many frameworks a comparison is the one that speaks least."""
    if not row["frameworks"] > 1:
        return ""
    most = "it shows least" if row["verdict"] in ("better", "sooner") else "they are furthest apart"
    return f", the one of {row['frameworks']:.0f} frameworks where {most}"


def place(row: Row) -> str:
    """The task, or the shape and cell, for which an answer holds."""
    if pd.isna(row["shape"]):
        return "every task" if pd.isna(row["task"]) else str(row["task"])
    machine = "" if pd.isna(row["machine"]) else f" on {row['machine']}"
    return f"{row['shape']}, {row['cell'].upper()}{machine}"


def _entry(question: str, row: Row, answer: str, evidence: str) -> dict[str, str]:
    return {
        "question": QUESTIONS[question].format(track=row["track"]), "task": place(row),
        "answer": answer, "sure": row["sure"], "evidence": evidence,
        "rule": RULES.get((question, row["why"]), PAIRS),
    }  # fmt: skip


def _matters(cases: list[Row]) -> dict[str, str]:
    """Whether the framework matters for the score of a task, cell by cell."""
    cells: dict[str, list[str]] = {}
    for verdict, word in (("different", "yes"), ("equal", "no"), ("unknown", CANNOT)):
        if here := [str(row["cell"]).upper() for row in cases if row["verdict"] == verdict]:
            cells[word] = here
    known = [row for row in cases if row["verdict"] != "unknown"]
    text = "; ".join(f"{word} for {listed(some)}" for word, some in cells.items())
    if len(cells) == 1:
        text = {"no": "no: it does not matter", CANNOT: CANNOT}.get(next(iter(cells)), text)
    return _entry("framework_matters", (known or cases)[0], text, "; ".join(map(_case, cases)))


def _case(row: Row) -> str:
    """What is known of one cell of a task."""
    if pd.isna(row["effect"]):
        return REASONS["not_tested"]
    detail = "" if pd.isna(row["detail"]) else f" ({row['detail']})"
    return f"{row['cell'].upper()} {effect(row)}, n = {int(row['n'])}{detail}"


def _equal(kind: str, rows: list[Row]) -> dict[str, str]:
    """All that is shown equal of one kind, and the evidence of what is furthest apart."""
    what, rule = EQUAL[kind]
    found = [row for row in rows if row["question"] == kind and row["verdict"] == "equal"]
    entry = {"question": QUESTIONS["equal"], "task": what, "rule": rule}
    if not found:
        nothing = "nothing is shown equal here"
        return entry | {"answer": CANNOT, "sure": "unknown", "evidence": nothing}
    furthest = max(found, key=_in_margins)
    said = _case(furthest) if kind == "framework_matters" else evidence(furthest)
    if len(found) > 1:
        said = f"the furthest apart of {len(found)}: {_where(furthest)}: {said}"
    return entry | {"answer": "; ".join(map(_where, found)), "sure": "sure", "evidence": said}


def _where(row: Row) -> str:
    if row["question"] == "framework_matters":
        return f"{row['task']}, {row['cell'].upper()}, {row['track']}"
    return f"{place(row)}: {_sides(row, 'better')}"


def _in_margins(row: Row) -> float:
    size = float(row["effect"])
    return abs(math.log(size) if row["unit"] == "ratio" else size / float(row["margin"]))


def _sides(row: Row, side: str) -> str:
    names: list[str] = [] if pd.isna(row[side]) else row[side].split()
    return listed((_name(row, name) for name in names), "or") if names else ""


def _name(row: Row, name: Any) -> str:
    """A cell in capitals, a framework as it is."""
    return str(name).upper() if "cell" in row["question"] else str(name)
