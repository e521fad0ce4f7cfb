"""Comparing a results folder with the reference: a verdict for each item, and for all."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd

from harness import agreement, imported
from harness.agreement import METHOD, Row
from harness.errors import UserError
from harness.files import write_text
from harness.plugins import ROOT
from harness.reference_run import FOLDER, description

Tables = dict[str, pd.DataFrame]

COLUMNS = (
    "item", "check", *METHOD, "case", "verdict", "n", "here", "there", "effect", "low", "high",
    "unit", "margin", "p_equal", "detail",
)  # fmt: skip
ITEMS = ("exact", "equivalence", "claims", "speed")
DECIDE = ("exact", "equivalence")
FAIL = ("different", "better", "worse", "not shown")


def verify(results: Path, reference: Path = FOLDER) -> dict[str, Any]:
    """Compare and write ``verify.csv`` and ``verify.json`` into ``results``; the latter returned.

    Raises :class:`UserError` when a folder is not there or does not hold what it should.
    """
    if not (reference / "runs.csv").exists():
        raise UserError(
            f"{reference}: there is no reference; make one with python -m harness reference "
            "--results FOLDER, or name one with --reference."
        )
    here, there = imported.read(results), imported.read(reference)
    rows, skipped = compare(here, there, agreement.load_rules())
    found = {
        "schema": 1,
        **_verdict(rows),
        "failures": [_sentence(row) for row in rows if _fails(row)],
        "not_compared": skipped,
        "differs": differences(here, there),
        "here": description(here),
        "reference": description(there),
        "runs_sha256": digest(results),
        "made": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
    }
    schema = json.loads((ROOT / "harness" / "verify.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    write_text(results / "verify.csv", frame.to_csv(index=False))
    write_text(results / "verify.json", json.dumps(found, indent=1) + "\n")
    return found


def digest(results: Path) -> str:
    """SHA-256 of the runs' table: what tells whether a verdict is of these very runs."""
    return hashlib.sha256((results / "runs.csv").read_bytes()).hexdigest()


def compare(here: Tables, there: Tables, rules: agreement.Rules) -> tuple[list[Row], list[str]]:
    """The rows of all items, and what is not compared and why."""
    mine, other = (agreement.budgets(agreement.with_machines(tables)) for tables in (here, there))
    both = agreement.pairs(mine, other)
    tasks = here["tasks"][["task", "direction"]].to_numpy()
    higher = {str(task): direction == "higher" for task, direction in tasks}
    rows = [
        *agreement.exact(both),
        *agreement.equivalence(both, higher, rules),
        *_claims(here["claims"], there["claims"]),
        *_speed(here["speed_ratios"], there["speed_ratios"]),
    ]
    return rows, _skipped(mine, other, both)


def _skipped(mine: pd.DataFrame, other: pd.DataFrame, both: pd.DataFrame) -> list[str]:
    methods = [
        {tuple(map(str, key)) for key in frame[METHOD].drop_duplicates().to_numpy()}
        for frame in (both, mine, other)
    ]
    found = []
    for key in sorted((methods[1] | methods[2]) - methods[0]):
        if key not in methods[2]:
            why = "not in the reference"
        elif key not in methods[1]:
            why = "not here"
        else:
            seeds = [
                set(f.loc[(f[METHOD] == list(key)).all(axis=1), "seed"]) for f in (mine, other)
            ]
            why = "other settings" if seeds[0] & seeds[1] else "other seeds"
        found.append(f"{' '.join(key)}: {why}, not compared")
    return found


def _claims(here: pd.DataFrame, there: pd.DataFrame) -> list[Row]:
    """Item 3: the verdict on every case of every claim that both judged."""
    key = ["claim", "framework", "task", "case"]
    rows: list[Row] = []
    both = here.drop_duplicates(key).merge(
        there.drop_duplicates(key), on=key, suffixes=("", "_there")
    )
    for row in both.to_dict("records"):
        one, two = str(row["verdict"]), str(row["verdict_there"])
        rows.append({
            "item": "claims", "check": row["claim"], "task": row["task"],
            "framework": row["framework"], "case": row["case"], "here": row["effect"],
            "there": row["effect_there"],
            "verdict": "same verdict" if one == two else "other verdict",
            "detail": one if one == two else f"{one} here, {two} there",
        })  # fmt: skip
    return rows


def _speed(here: pd.DataFrame, there: pd.DataFrame) -> list[Row]:
    """Item 4: the clock's ratios and whether their intervals overlap."""
    key = ["shape", "kind", "numerator", "denominator"]
    rows: list[Row] = []
    both = here.drop_duplicates(key).merge(
        there.drop_duplicates(key), on=key, suffixes=("", "_there")
    )
    for row in both.to_dict("records"):
        apart = row["low"] > row["high_there"] or row["high"] < row["low_there"]
        rows.append({
            "item": "speed", "check": row["kind"], "unit": "ratio",
            "case": f"{row['shape']}: {row['numerator']} / {row['denominator']}",
            "verdict": "apart" if apart else "overlap", "here": row["ratio"],
            "there": row["ratio_there"], "low": row["low"], "high": row["high"],
            "detail": f"there {row['low_there']:.3g} to {row['high_there']:.3g}",
        })  # fmt: skip
    return rows


def differences(here: Tables, there: Tables) -> list[str]:
    """Processors, package versions and commits that the two folders do not share."""
    mine, other = description(here), description(there)
    found = []
    for name in sorted(mine["versions"].keys() & other["versions"].keys()):
        one, two = (", ".join(side["versions"][name]) for side in (mine, other))
        if one != two:
            found.append(f"{name} {one} here, {two} there")
    for name in ("processor", "generation", "cores", "system"):
        one, two = (
            "; ".join(sorted({str(m[name]) or "unknown" for m in side["machines"]}))
            for side in (mine, other)
        )
        if one != two:
            found.append(f"{name} {one} here, {two} there")
    one, two = (", ".join(c[:12] for c in side["commits"]) for side in (mine, other))
    if one != two:
        found.append(f"commit {one} here, {two} there")
    return found


def _fails(row: Row) -> bool:
    return row["item"] in DECIDE and row["verdict"] in FAIL


def _verdict(rows: list[Row]) -> dict[str, Any]:
    items: dict[str, Any] = {}
    for item in ITEMS:
        mine = [row for row in rows if row["item"] == item]
        # Items 3 and 4 inform: they neither pass nor fail.
        passed = not any(map(_fails, mine)) if mine and item in DECIDE else None
        items[item] = {"passed": passed, "verdicts": dict(Counter(r["verdict"] for r in mine))}
    decided = [items[item]["passed"] for item in DECIDE]
    if None in decided:
        return {"verdict": "nothing compared", "items": items}
    return {"verdict": "verified" if all(decided) else "not verified", "items": items}


def _sentence(row: Row) -> str:
    what = " ".join(str(row[name]) for name in METHOD if row.get(name))
    detail = f" ({row['detail']})" if row.get("detail") else ""
    return f"{row['item']}, {row['check'].replace('_', ' ')} of {what}: {row['verdict']}{detail}"


def status(results: Path) -> int:
    """Say what ``verify.json`` of ``results`` says: 0 verified, 1 not, 2 nothing to compare."""
    found = json.loads((results / "verify.json").read_text(encoding="utf-8"))
    print(f"Verdict: {found['verdict']} ({results / 'verify.json'})")
    for name, item in found["items"].items():
        counts = ", ".join(f"{n} {verdict}" for verdict, n in item["verdicts"].items())
        print(f"  {name}: {counts or 'nothing to compare'}")
    for sentence in found["failures"]:
        print(f"  {sentence}")
    if found["verdict"] == "nothing compared":
        print(
            "No run here has the settings and the seed of one of the reference; "
            "verify a configuration that has them, such as the default one."
        )
    return {"verified": 0, "not verified": 1}.get(str(found["verdict"]), 2)
