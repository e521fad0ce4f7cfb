"""The two views that set this folder beside another: the reference, and any other one."""

from collections.abc import Iterable
from typing import Any

from report.answers import Answer
from report.answers.phrases import plural
from report.numbers import listed
from report.tables import Tables

# What each item of a comparison is about, for the reader.
ITEMS = {
    "exact": (
        "The same",
        "data, parameter counts and, where all is alike, every digit of the losses",
    ),
    "training": ("Trained alike", "the first losses, no further apart than rounding makes them"),
    "equivalence": (
        "Scored alike",
        "score and steps to solve: equal within the margin, or within rounding",
    ),
    "claims": ("Same verdicts", "on the published claims"),
    "speed": ("Speed", "how much faster one is than another, by the clock"),
}
# What only a comparison of any two folders has.
MORE = {"speed": ", its times, and seconds of training"}
AGREE = ("same", "identical", "equal", "within rounding", "same verdict", "not apart")
# The items of a verification in which a difference is a failure.
DECIDE = ("exact", "training", "equivalence")
UNDECIDED = ("not applicable", "too few seeds", "no interval")


def content(tables: Tables, name: str) -> dict[str, Any]:
    """What the section of the comparison ``name`` shows: its state, and if it can be, the rows."""
    state, found = tables.beside[name]
    if state != "current":
        return {"state": state, "made": found.get("made", "")[:10]}
    rows = [row | _mark(row, name) for row in tables.rows(name)]
    # First what a reader has to look at.
    rows.sort(key=lambda row: ("failed", "above", "at", "solved").index(row["style"]))
    return {
        "state": state,
        "answer": _verified(found, rows) if name == "verify" else _compared(found, rows),
        "found": found,
        "made": found["made"][:10],
        "items": [
            {
                "name": title, "passed": found["items"][item]["passed"],
                "about": about + (MORE.get(item, "") if name == "compare" else ""),
                "verdicts": [
                    {"verdict": verdict, "n": n} | _mark({"item": item, "verdict": verdict}, name)
                    for verdict, n in found["items"][item]["verdicts"].items()
                ],
                "rows": [row for row in rows if row["item"] == item],
            }
            for item, (title, about) in ITEMS.items()
        ],
        "failures": [row for row in rows if row["style"] == "failed"],
        "there": _side(found["there"]),
    }  # fmt: skip


def _verified(found: dict[str, Any], rows: list[dict[str, Any]]) -> Answer:
    """Whether these runs agree with the reference, and what does not."""
    failed = [row for row in rows if row["style"] == "failed"]
    alike = [row for row in rows if row["style"] == "solved"]
    match found["verdict"]:
        case "verified":
            return Answer(
                "Yes: these runs agree with the reference.",
                f"{len(alike)} of {len(rows)} comparisons agree, and none fails.",
            )
        case "not verified":
            items = listed(dict.fromkeys(ITEMS[row["item"]][0].lower() for row in failed))
            fail = "fails" if len(failed) == 1 else "fail"
            return Answer(
                "No: these runs do not agree with the reference.",
                f"{len(failed)} of {len(rows)} comparisons {fail} ({items}).",
            )
    return Answer(
        "We cannot tell: no run here has the settings and the seed of one of the reference.",
        "",
        "A configuration that has them, such as the default one, can be verified.",
    )


def _compared(found: dict[str, Any], rows: list[dict[str, Any]]) -> Answer:
    """How much of the other folder comes out the same."""
    if found["verdict"] == "nothing compared":
        return Answer("We cannot tell: no run here has the settings and the seed of one there.")
    alike = sum(row["style"] == "solved" for row in rows)
    apart = sum(row["style"] == "above" for row in rows)
    left = len(rows) - alike - apart
    more = f", {left} could not be judged" if left else ""
    return Answer(
        f"Of {len(rows)} comparisons of the two folders {alike} come out alike.",
        f"{apart} {'does not, or is' if apart == 1 else 'do not, or are'} not shown to{more}.",
    )


def _mark(row: dict[str, Any], name: str) -> dict[str, str]:
    """How a row's verdict looks: only a verification knows failures."""
    if row["verdict"] in AGREE:
        return {"style": "solved", "mark": "✓"}
    if row["verdict"] in UNDECIDED:
        return {"style": "at", "mark": "–"}
    if name == "verify" and row["item"] in DECIDE:
        return {"style": "failed", "mark": "✕"}
    return {"style": "above", "mark": "?" if row["verdict"] == "not shown" else "≠"}


def _side(about: dict[str, Any]) -> str:
    """The other side in one line: how much, from what, from when."""
    parts = [
        f"{plural(about['runs'], 'run')} of {plural(len(about['seeds']), 'seed')}",
        "on " + " and ".join(_distinct(m.get("processor") for m in about["machines"])),
        "commit " + " and ".join(_distinct(commit[:12] for commit in about["commits"])),
        " to ".join(_distinct(about[end][:10] for end in ("first", "last"))),
    ]
    return ", ".join(parts)


def _distinct(values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(str(value or "unknown") for value in values))
