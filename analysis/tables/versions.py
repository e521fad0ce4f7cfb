"""Two versions of one framework: the checks of each, and the runs that both made.

Two versions are two environments of one implementation on one device. Of a pair the later version
comes first.
"""

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np

from analysis.tables import losses
from analysis.tables.groups import Row, Rows, grouped
from harness.registry import framework, known_frameworks, score_margin
from harness.run.records import Record
from implementations import lacking

PAIR = ("framework", "other_framework")
RUN = ("task", "cell", "track", "seed")
PYTHON, NONE = "python", "none"


def pairs(environments: Rows) -> list[tuple[Row, Row]]:
    """Two rows of environments.csv that are versions of one framework, the later one first."""
    by_version = sorted(environments, key=_place, reverse=True)
    by_version.sort(key=lambda row: str(row["implementation"]))
    return [
        both
        for _, group in grouped(by_version, ("implementation", "device"))
        for both in itertools.combinations(group, 2)
    ]


def version(environment: Row) -> str:
    """The framework's version there: of the first of its packages; empty where it has none.

    Without what names its build, as in 2.13.0+cpu.
    """
    installed = packages(environment)
    found = next((installed[name] for name in _own(environment) if name in installed), "")
    return found.partition("+")[0]


def packages(environment: Row) -> dict[str, str]:
    """By name the version of Python and of every package there."""
    listed = filter(None, (environment["packages"] or "").split(", "))
    found = {name: number for name, _, number in (one.partition(" ") for one in listed)}
    return found | ({PYTHON: environment["python"]} if environment["python"] else {})


def _own(environment: Row) -> tuple[str, ...]:
    """The packages that the framework consists of."""
    name = environment["implementation"]
    return framework(name).packages if name in known_frameworks() else (name,)


def _place(environment: Row) -> tuple[Any, ...]:
    """What sorts versions: the framework's numbers, its other packages', then the plainer label."""
    installed = packages(environment)
    said = [installed.get(name, "") for name in (*_own(environment), PYTHON)]
    numbers = [tuple(map(int, re.findall(r"\d+", text))) for text in (version(environment), *said)]
    label = environment["framework"]
    return numbers, -len(label), label


def runs(results: Path, environments: Rows, found: list[Record]) -> Rows:
    """Every run that two versions made: how it ended, its scores, and where its bits part."""
    made = {(r["framework"], *(r[name] for name in RUN)): r for r in found}
    result: Rows = []
    for one, other in pairs(environments):
        labels = one["framework"], other["framework"]
        for (label, *run), record in made.items():
            there = made.get((labels[1], *run))
            if label == labels[0] and there:
                result.append(
                    dict(zip((*RUN, *PAIR), (*run, *labels), strict=True))
                    | {"status": record["status"], "other_status": there["status"]}
                    | _scores(record["score"], there["score"])
                    | {"margin": score_margin(record["task"])}
                    | _bits(results, record, there)
                )  # fmt: skip
    return result


def _scores(one: float | None, other: float | None) -> Row:
    """Both scores and their difference, where there are two."""
    both = {"score": one, "other_score": other}
    return both if one is None or other is None else both | {"difference": one - other}


def _bits(results: Path, one: Record, other: Record) -> Row:
    """Whether losses and final weights are the same, and the first step whose loss is not."""
    a, b = losses.kept(results, one), losses.kept(results, other)
    final = [record["weights_sha256"]["final"] for record in (one, other)]
    row: Row = {"same_weights": final[0] == final[1] if all(final) else None}
    if a is None or b is None:
        return row
    count = min(len(a), len(b))
    unlike = np.flatnonzero(a[:count] != b[:count])
    row["same_losses"] = not unlike.size and len(a) == len(b)
    return row | {"first_step": int(unlike[0]) + 1 if unlike.size else None, "steps": count}


def rows(environments: Rows, checks: Rows, both: Rows) -> Rows:
    """A row a pair: its versions, the checks of each, and of how many runs the bits are the same.

    ``both`` are the pairs' runs (:func:`runs`), ``checks`` those of conformance.csv.
    """
    by_pair = {tuple(key.values()): group for key, group in grouped(both, PAIR)}
    result: Rows = []
    for one, other in pairs(environments):
        labels, installed = (one["framework"], other["framework"]), (packages(one), packages(other))
        its = by_pair.get(labels, [])
        known = [row for row in its if row.get("same_losses") is not None]
        close = [
            abs(row["difference"]) <= row["margin"]
            for row in its if "difference" in row and row["margin"] is not None
        ]  # fmt: skip
        steps = [row["first_step"] for row in known if row["first_step"] is not None]
        result.append(
            {"implementation": one["implementation"]} | dict(zip(PAIR, labels, strict=True))
            | {"version": version(one), "other_version": version(other)}
            | {"alike": bool(installed[0]) and installed[0] == installed[1]}
            | {"differs": _differs(one, *installed)}
            | _checked(checks, labels[0]) | _checked(checks, labels[1], "other_")
            | {"runs": len(known), "same_losses": sum(row["same_losses"] for row in known)}
            | {"same_weights": sum(row["same_weights"] is True for row in known)}
            | {"first_step": min(steps, default=None), "last_step": max(steps, default=None)}
            | {"scored": len(close), "within": sum(close)}
        )  # fmt: skip
    return result


def _differs(environment: Row, one: dict[str, str], other: dict[str, str]) -> str:
    """The packages that differ, the framework's own first; of the others those that both have.

    An environment of its own has few packages, the main one those of all frameworks.
    """
    own = [name for name in _own(environment) if name in one or name in other]
    shared = sorted(one.keys() & other.keys())
    unlike = [name for name in dict.fromkeys([*own, *shared]) if one.get(name) != other.get(name)]
    return ", ".join(f"{n} {one.get(n, NONE)} and {other.get(n, NONE)}" for n in unlike)


def _checked(checks: Rows, label: str, side: str = "") -> Row:
    """How many checks against the reference model were made and passed; nothing without any.

    A kernel that a version lacks was not checked.
    """
    mine = [row for row in checks if row["framework"] == label and row["check"] != lacking.CHECK]
    passed = [bool(row["passed"]) for row in mine]
    return {f"{side}checks": len(passed), f"{side}passed": sum(passed)} if passed else {}
