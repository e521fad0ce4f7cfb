"""Comparing a results folder with the reference: a verdict for each item, and for all."""

from pathlib import Path
from typing import Any

from analysis.folders import agreement, foreign, outcome, pairing
from analysis.folders.agreement import METHOD, Row
from analysis.folders.reference_results import FOLDER
from harness.errors import UserError

DECIDE = ("exact", "training", "equivalence")
FAIL = ("different", "better", "worse", "not shown")


def verify(results: Path, reference: Path = FOLDER) -> dict[str, Any]:
    """Compare and write ``verify.csv`` and ``verify.json`` into ``results``; the latter returned.

    Raises :class:`UserError` when a folder is not there or does not hold what it should.
    """
    if not (reference / "runs.csv").exists():
        raise UserError(
            f"{reference}: there is no reference; make one with python -m analysis reference "
            "--results FOLDER, or name one with --reference."
        )
    here, there = foreign.read(results), foreign.read(reference)
    found = pairing.pair(here, there, agreement.load_rules())
    rows = [row | _hint(row) for row in found.rows]
    failures = [_sentence(row) for row in rows if fails(row)]
    about = {**_verdict(rows), "failures": failures, **found.about}
    return outcome.write(results, "verify", rows, about)


def fails(row: Row) -> bool:
    """Whether a row of ``verify.csv`` makes the verification fail."""
    return row["item"] in DECIDE and row["verdict"] in FAIL


def _hint(row: Row) -> Row:
    """What may be behind a failure."""
    if row["item"] != "equivalence" or row["verdict"] != "better":
        return {}
    return {
        "detail": "; ".join(part for part in (row["detail"], "a leak, or another task?") if part)
    }


def _verdict(rows: list[Row]) -> dict[str, Any]:
    items = pairing.items(rows)
    # The others inform: they neither pass nor fail.
    for item in DECIDE:
        mine = [row for row in rows if row["item"] == item]
        items[item]["passed"] = not any(map(fails, mine)) if mine else None
    # An older reference, or one of kept scores alone, has no losses to compare.
    decided = [
        items[item]["passed"] for item in DECIDE if item != "training" or items[item]["verdicts"]
    ]
    verdict = "nothing compared" if None in decided else "verified"
    return {"verdict": "not verified" if False in decided else verdict, "items": items}


def _sentence(row: Row) -> str:
    what = " ".join(str(row[name]) for name in METHOD if row.get(name))
    detail = f" ({row['detail']})" if row.get("detail") else ""
    return f"{row['item']}, {row['check'].replace('_', ' ')} of {what}: {row['verdict']}{detail}"
