"""What a row of ``advice.csv`` says in English: the only place that has words for it."""

import math
from collections import Counter
from typing import Any

import pandas as pd

from report import words
from report.figures.style import MOST_CELLS
from report.numbers import change, effect, listed, number

Row = dict[Any, Any]
CANNOT = "we cannot tell"
QUESTIONS = {
    "which_cell": "Which cell?",
    "fastest_framework": "Which framework is fastest here?",
    "framework_matters": "Does the framework matter for the score ({track})?",
    "equal": "When does it not matter?",
}
# How clear an answer is; the page explains these words where it uses them.
CLEAR = {"sure": "clear", "likely": "probable", "unknown": "open"}
METRICS = {"score": "score", "steps_to_solve": "steps to solve", "step_ms": "time of a step"}
# A ratio of each metric as a sentence has it: below one, above one, and from two on.
TIME = ("less time", "more time", "as long")
LESS = {
    "steps_to_solve": ("fewer steps to solve", "more steps to solve", "as many steps to solve"),
    "step_ms": TIME,
}
# More pairs than these that are shown equal are counted; all of them stand in advice.csv.
MOST_PAIRS = 20
# Why nothing is known, where no comparison says it.
REASONS = {
    "one_name": "only one cell was run",
    "few_seeds": "{n:.0f} of at least 5 seeds",
    "not_timed": "no two frameworks were timed",
    "control_failed": "the clock told one implementation from itself",
    "not_tested": "not tested here",
}
# The rule behind an answer, by its question and why.
RULES = {
    ("which_cell", "one_name"): "another cell to compare with is needed",
    ("which_cell", "few_seeds"): "fewer than five seeds decide nothing",
    ("which_cell", "at_baseline"): "no cell's median is more than 5 % of the way to solved",
    ("which_cell", "beyond_margin"): "its score is better than that of each other cell by more "
    "than the margin, corrected for the number of tests",
    ("which_cell", "sooner"): "no other cell's score is clearly better, and of the cells that none "
    "beats in score no other one solves the task sooner, corrected for the number of tests; only "
    "probable where their scores are not shown equal",
    ("which_cell", "within_margin"): "the scores differ by less than the margin, as two one-sided "
    "tests show, corrected for their number",
    ("which_cell", "weaker"): "its score is better: by more than the margin, but not after the "
    "correction, or after the correction, but not surely by more than the margin",
    ("which_cell", "undecided"): "the scores are neither shown apart nor shown equal; more seeds "
    "would tell",
    ("fastest_framework", "not_timed"): "two frameworks have to be timed",
    ("fastest_framework", "control_failed"): "an implementation against itself must come within "
    "3 %; a quieter machine would tell",
    ("fastest_framework", "beyond_margin"): "the whole interval is more than 3 % below each other "
    "framework",
    ("fastest_framework", "within_margin"): "the whole interval is within 3 %",
    ("fastest_framework", "undecided"): "an interval crosses the margin of 3 %; more processes of "
    "the clock would tell",
    ("framework_matters", "not_tested"): "two frameworks with five seeds each are needed",
    ("framework_matters", "beyond_margin"): "“yes” where the scores of two frameworks differ by "
    "more than the task's margin, “no” where those of every two differ by less, as two one-sided "
    "tests show; corrected for the number of tests",
    ("framework_matters", "undecided"): "the scores are neither shown apart nor shown equal; more "
    "seeds would tell",
}
PAIRS = (
    "every two frameworks have scores that differ by less than the task's margin, as two "
    "one-sided tests show, corrected for their number"
)
EQUAL = {
    "equal_cells": ("the cell, for the score", RULES["which_cell", "within_margin"]),
    "framework_matters": ("the framework, for the score", PAIRS),
    "equal_frameworks": ("the framework, for the speed", "the whole interval is within 3 %"),
}


def said(advice: pd.DataFrame) -> list[dict[str, str]]:
    """Question, where it holds, answer, how clear, evidence and rule: the rows as people read them.

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
            many = " " in row["better"]
            return f"{better}, which solve{'' if many else 's'} sooner"
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
    if row["metric"] == "progress":
        most = number(100 * row["effect"])
        return f"the best median is {most} % of the way to solved, {_seeds(row)}"
    where = "" if pd.isna(row["framework"]) else f" in {words.framework(row['framework'])}"
    n = "" if pd.isna(row["n"]) else f", {_seeds(row)}"
    return f"{_compared(row)}{where}{among(row)}{n}{_rates(row)}"


def _rates(row: Row) -> str:
    """The learning rates of the cells, of many those of the two that are compared."""
    if pd.isna(row["rates"]) or not row["rates"]:
        return ""
    found = dict(one.split(" ", 1) for one in row["rates"].split(", "))
    if len(found) > MOST_CELLS:
        found = {cell: rate for cell, rate in found.items() if cell in (row["a"], row["b"])}
    return "; learning rates " + ", ".join(f"{words.cell(c)} {rate}" for c, rate in found.items())


def against(
    ratio: float, low: float, high: float, rival: str, of: tuple[str, str, str] = TIME
) -> str:
    """A ratio to a rival as people say it: ``24 % less time than TensorFlow [16 to 24 %]``.

    ``of`` has the words of LESS.
    """
    less, more, times = of
    said, ends = change(ratio, low, high, less, more)
    if low <= 1 <= high:
        return f"not told apart from {rival} [{ends}]"
    said += f" {times} as {rival}" if said.endswith(" times") else f" than {rival}"
    return f"{said} [{ends}]" if ends else said


def among(row: Row) -> str:
    """Of how many frameworks a comparison is the one that speaks least."""
    if not row["frameworks"] > 1:
        return ""
    most = "it shows least" if row["verdict"] in ("better", "sooner") else "they are furthest apart"
    return f", the one of {row['frameworks']:.0f} frameworks where {most}"


def place(row: Row) -> str:
    """The task, or the model size and cell, for which an answer holds."""
    if pd.isna(row["shape"]):
        return "every task" if pd.isna(row["task"]) else words.task(row["task"])
    machine = "" if pd.isna(row["machine"]) else f" on {row['machine']}"
    return f"{row['shape']}, {words.cell(row['cell'])}{machine}"


def _compared(row: Row) -> str:
    """Two of a kind and what lies between them: in percent, or in the unit of the score."""
    a, b = _name(row, row["a"]), _name(row, row["b"])
    ratio, low, high = (float(row[name]) for name in ("effect", "low", "high"))
    if row["unit"] != "ratio":
        return f"{METRICS[row['metric']]}, {a} − {b}: {effect(row)}"
    # A ratio of 0 or without end is to one that never solves.
    if row["metric"] not in LESS or not math.isfinite(ratio) or not ratio:
        return f"{METRICS[row['metric']]}, {a} / {b}: {effect(row)}"
    return f"{a}: {against(ratio, low, high, b, LESS[row['metric']])}"


def _seeds(row: Row) -> str:
    """What a comparison counts: seeds, or processes of the clock."""
    of = "processes" if row["metric"] == "step_ms" else "seeds"
    return f"{int(row['n'])} {of}"


def _entry(question: str, row: Row, answer: str, evidence: str) -> dict[str, str]:
    track: str = "" if pd.isna(row["track"]) else words.track(row["track"])
    return {
        "question": QUESTIONS[question].format(track=track), "task": place(row),
        "answer": answer, "sure": row["sure"], "evidence": evidence,
        "rule": RULES.get((question, row["why"]), PAIRS),
    }  # fmt: skip


def _matters(cases: list[Row]) -> dict[str, str]:
    """Whether the framework matters for the score of a task, cell by cell."""
    cells: dict[str, list[str]] = {}
    for verdict, word in (("different", "yes"), ("equal", "no"), ("unknown", CANNOT)):
        if here := [words.cell(row["cell"]) for row in cases if row["verdict"] == verdict]:
            cells[word] = here
    known = [row for row in cases if row["verdict"] != "unknown"]
    # The rule of the answer: one that says yes is not shown by what shows equality.
    different = [row for row in known if row["verdict"] == "different"]
    text = "; ".join(f"{word} for {listed(some)}" for word, some in cells.items())
    if len(cells) == 1:
        text = {"no": "no: it does not matter", CANNOT: CANNOT}.get(next(iter(cells)), text)
    said = [_case(row) for row in cases if not pd.isna(row["effect"])]
    left = [words.cell(row["cell"]) for row in cases if pd.isna(row["effect"])]
    if not said:
        said = [REASONS["not_tested"]]
    elif left:
        which = listed(left) if len(left) <= MOST_CELLS else f"{len(left)} cells"
        said.append(f"{which} {REASONS['not_tested']}")
    return _entry("framework_matters", (different or known or cases)[0], text, "; ".join(said))


def _case(row: Row) -> str:
    """What is known of one cell of a task."""
    name: str = "" if pd.isna(row["cell"]) else f"{words.cell(row['cell'])} "
    detail: str = "" if pd.isna(row["detail"]) else f" ({words.told(row['detail'])})"
    return f"{name}{effect(row)}, {int(row['n'])} seeds{detail}"


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
    where = list(map(_where, found))
    if len(found) > MOST_PAIRS:
        many = Counter(map(place, found))
        where = [f"{name}: {n} pair{'s' if n > 1 else ''}" for name, n in many.items()]
    return entry | {"answer": "; ".join(where), "sure": "sure", "evidence": said}


def _where(row: Row) -> str:
    if row["question"] == "framework_matters":
        return f"{place(row)}, {words.cell(row['cell'])}, {words.track(row['track'])}"
    return f"{place(row)}: {_sides(row, 'better')}"


def _in_margins(row: Row) -> float:
    size = float(row["effect"])
    return abs(math.log(size) if row["unit"] == "ratio" else size / float(row["margin"]))


def _sides(row: Row, side: str) -> str:
    names: list[str] = [] if pd.isna(row[side]) else row[side].split()
    return listed((_name(row, name) for name in names), "or") if names else ""


def _name(row: Row, name: Any) -> str:
    """A cell in capitals, a framework as people write it."""
    return words.cell(name) if "cell" in row["question"] else words.framework(name)
