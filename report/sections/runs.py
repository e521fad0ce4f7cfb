"""The section "Runs": what was run and failed, each run, the machines, and where the time went."""

from typing import Any

from report import words
from report.answers import Answer
from report.numbers import listed, number
from report.sections import provenance
from report.tables import Tables, rows

# Failures that stand open; the others are folded, and beyond these only counted.
OPEN, MOST = 5, 200
# Studies that stand open.
STUDIES = 8
# What a process did with its time, where the name of the phase does not say it.
PHASES = {
    "training": "training steps", "compile": "compiling, in the first steps",
    "evaluation": "scoring on validation and test data", "build": "building the model",
    "data": "making the data", "shell": "starting the process from the workflow",
    "pipeline": "reading settings, writing the record", "start": "starting Python",
    "import": "importing the framework", "rest": "everything else",
}  # fmt: skip


def content(tables: Tables) -> dict[str, Any]:
    """What was run, what did not end well, the studies and the time by what it was for."""
    runs = tables["runs"]
    problems = rows(runs[runs["status"] != "ok"])
    studies = sorted(tables.rows("studies"), key=lambda s: -(s["core_minutes"] or 0))
    cost = tables.rows("cost")
    about = provenance.of(tables)
    versions = [text.partition(" ") for text in about["versions"]]
    return {
        "answer": _answer(tables, problems, about),
        "count": len(runs),
        "problems": problems,
        "open": OPEN,
        "most": MOST,
        "studies": studies,
        "shown": STUDIES,
        "longest": max((s["core_minutes"] or 0 for s in studies), default=0),
        "title": _title(studies),
        "cost": [row | {"words": PHASES.get(row["phase"], row["phase"])} for row in cost],
        "hours": about["core_hours"],
        "machine": "; ".join(about["machines"]),
        "versions": ", ".join(
            f"{words.framework(name) if name != 'python' else 'Python'} {version}"
            for name, _, version in versions
        ),
    }


def _answer(tables: Tables, problems: list[dict[str, Any]], about: dict[str, Any]) -> Answer:
    """What was run in one sentence, with where, when and how long."""
    runs = tables["runs"]
    names = list(dict.fromkeys(runs["task"]))
    which = f": {listed(words.task(name) for name in names)}" if len(names) <= 4 else ""
    on = f"{len(names)} task{'s' if len(names) != 1 else ''}{which}"
    many = f"{number(len(runs))} run{'s' if len(runs) != 1 else ''}"
    ended = (
        "all ended well" if not problems else f"{number(len(problems))} of them did not end well"
    )
    seeds = f"{about['seeds']} seed{'s' if about['seeds'] != 1 else ''} at most"
    when = (
        about["first"] if about["first"] == about["last"] else "{first} to {last}".format(**about)
    )
    parts = [f"trained with {seeds}", f"on {when}"]
    if about["core_hours"]:
        parts.append(f"in {number(60 * about['core_hours'])} minutes of one core")
    return Answer(f"{many}, {ended}.", f"On {on}; {', '.join(parts)}.")


def _title(studies: list[dict[str, Any]]) -> str:
    """Which question took most of the time."""
    whole = sum(s["core_minutes"] or 0 for s in studies)
    if not whole:
        return "The questions that these runs answer"
    most = max(studies, key=lambda s: s["core_minutes"] or 0)
    if len(studies) == 1:
        return "These runs answer one question"
    share = number(100 * most["core_minutes"] / whole, 2)
    took = f"that of the study “{most['study']}” took the most time: {share} %"
    return f"Of {len(studies)} questions, {took}"
