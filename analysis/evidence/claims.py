"""The ledger of published claims: read, tested against the tables, judged by rules set before.

A claim is tested case by case, and the cases together give it one p. A claim of every case is
supported where all of them support it (the largest p), and refuted where one refutes it (the
smallest p, times their number); a claim of some case the other way round. Holm's correction then
runs over the claims of its group, those of the ledger that nothing was run for included, so that
to test further claims never weakens a verdict.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.evidence.claim_tests import ALPHA, TESTS, Finding, select
from harness import documents, layout
from harness.errors import UserError
from harness.plan.studies import studies
from harness.registry import ROOT, check_names

LEDGER = ROOT / "workflows" / "claims.yaml"
# The verdict on a claim for which there are no runs.
NOT_TESTED = "not tested"
# Tests of identities, which need no p.
EXACT = ("equals",)
# The tables of the clock, whose rows are each of one machine.
CLOCK = ("speed_ratios", "timing")
# What a case says of its claim.
SUPPORTS, REFUTES, OPEN, LEFT_OUT = "supports", "refutes", "open", "left out"
VERDICT_OF = {SUPPORTS: "supported", REFUTES: "refuted"}
COUNTED = {"interval": "processes", "happens": "runs"}
Margin = float | Mapping[str, float]
Row = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """One claim of the ledger; the fields are described in ``workflows/claims.yaml``."""

    id: str
    group: str
    sentence: str
    source: str
    data: Mapping[str, Any]
    test: Mapping[str, Any]
    margin: Margin
    minimum: int
    supported_if: str
    refuted_if: str
    studies: tuple[str, ...] = ()
    needs: str = ""
    of_cases: Literal["every", "some"] = "every"

    @property
    def wants(self) -> str:
        """What to run so that it can be tested."""
        if self.needs or not self.studies:
            return self.needs or "any configuration"
        return f"the studies {', '.join(self.studies)}"


@dataclass(frozen=True)
class Ledger:
    """All claims, and the margins within which a difference counts as none, by metric."""

    claims: tuple[Claim, ...]
    margins: Mapping[str, Margin]


def load(score: Mapping[str, float], path: Path = LEDGER) -> Ledger:
    """The ledger at ``path``, with the tasks' own margins of the ``score``.

    Raises :class:`UserError`, which names the first entry that is wrong.
    """
    content = documents.load(path, LEDGER.with_suffix(".schema.json"))
    documents.check_ids(content["claims"], f"{path.name}: claims")
    margins = content["margins"] | {"score": score}
    claims = []
    for entry in content["claims"]:
        margin, serve = entry["margin"], tuple(entry.get("studies", ()))
        check_names(f"{path.name}: {entry['id']}.studies", "study", serve, studies())
        margin = margins.get(margin, margin) if isinstance(margin, str) else margin
        if isinstance(margin, Mapping) and "task" not in entry["data"]["by"]:
            raise UserError(
                f"{path.name}: {entry['id']}.data.by: lacks task, which its margin by task needs; "
                "add it."
            )
        claims.append(Claim(**entry | {"margin": margin, "studies": serve}))
    return Ledger(tuple(claims), margins)


def margin_of(margin: Margin, task: Any) -> float | None:
    """The margin for ``task``; None where margins stand by task and this one has none."""
    if isinstance(margin, Mapping):
        return margin.get(str(task))
    return margin


def evaluate(
    ledger: Ledger, tables: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdicts, a row a claim, and what each case says, a row a case."""
    verdicts: list[Row] = []
    cases: list[Row] = []
    # A test that nothing was run for takes its place in the family all the same.
    families = Counter(c.group for c in ledger.claims if c.test["name"] not in EXACT)
    for claim in ledger.claims:
        rows = _rows(claim, tables.get(claim.data["table"]))
        found = [] if rows is None else _cases(claim, rows)
        for case in found:
            basis = case.pop("basis", None)
            if basis is not None and case["says"] == OPEN:
                case["seeds_needed"] = basis.seeds(ALPHA / families[claim.group])
        verdicts.append(_about(claim, rows) | _together(claim, found))
        cases += found
    table = pd.DataFrame(verdicts)
    tested = ~table["test"].isin(EXACT)
    table["p_holm"] = np.nan
    for _, group in table[tested].groupby("group"):
        table.loc[group.index, "p_holm"] = statistics.holm(group["p"].fillna(1.0).to_numpy(float))
    table.loc[table["p"].isna(), "p_holm"] = np.nan
    for index, row in table.iterrows():
        table.loc[index, ["verdict", "detail"]] = _corrected(row, families[row["group"]])
    return (
        table.reindex(columns=list(layout.TABLES["claims"].columns)),
        pd.DataFrame(cases).reindex(columns=list(layout.TABLES["cases"].columns)),
    )


def _rows(claim: Claim, table: pd.DataFrame | None) -> pd.DataFrame | None:
    """The rows that the claim is about; None where there is none.

    A claim about cells is tested in one framework, that with the most rows: all of them compute
    the same function, so that another one would be the same experiment once more.
    """
    if table is None:
        return None
    rows = select(table, claim.data["where"])
    by = claim.data["by"]
    if rows.empty or any(name not in rows for name in by):
        return None
    if "framework" in rows and "framework" not in by and claim.test["name"] != "agree":
        counts = rows["framework"].value_counts()
        rows = rows[rows["framework"] == min(counts[counts == counts.max()].index)]
    return rows


def _cases(claim: Claim, rows: pd.DataFrame) -> list[Row]:
    """What each case of ``by`` says; all rows are one case where ``by`` is empty."""
    by = list(claim.data["by"])
    # What several machines timed is a case on each of them.
    if claim.data["table"] in CLOCK and "machine" in rows and rows["machine"].nunique() > 1:
        by.append("machine")
    groups = rows.groupby(by, sort=True) if by else [((), rows)]
    found = []
    for key, group in groups:
        case = dict(zip(by, key, strict=True))
        margin = margin_of(claim.margin, case.get("task"))
        if margin is None:
            finding = None
            detail = f"needs a margin in tasks/{case['task']}.py"
        else:
            finding = TESTS[claim.test["name"]](group, claim.test, margin)
            detail = f"needs {claim.wants}" if finding is None else ""
        found.append(_case(claim, case, margin, finding, detail))
    return found


def _case(
    claim: Claim, case: Row, margin: float | None, finding: Finding | None, detail: str
) -> Row:
    row: Row = {
        "claim": claim.id, "framework": case.get("framework"), "task": case.get("task"),
        "case": re.sub(
            r"[^\w ./,:+()=-]", " ",
            " ".join(str(v) for k, v in case.items() if k not in ("framework", "task")),
        ),
        "says": LEFT_OUT, "margin": margin, "expect": claim.test.get("expect"), "n": 0,
        "detail": detail, "p": np.nan,
    }  # fmt: skip
    if finding is None:
        return row
    row |= {k: getattr(finding, k) for k in ("effect", "low", "high", "n", "unit", "p", "detail")}
    row["basis"] = finding.basis
    row["says"] = SUPPORTS if finding.supports else REFUTES if finding.refutes else OPEN
    if finding.n < claim.minimum:
        counted = COUNTED.get(claim.test["name"], "seeds")
        row |= {"says": OPEN, "p": np.nan}
        row["detail"] = _joined(f"{finding.n} of at least {claim.minimum} {counted}", row["detail"])
    return row


def _about(claim: Claim, rows: pd.DataFrame | None) -> Row:
    return {
        "claim": claim.id, "group": claim.group, "sentence": claim.sentence,
        "source": claim.source, "test": claim.test["name"], "studies": " ".join(claim.studies),
        "supported_if": claim.supported_if, "refuted_if": claim.refuted_if,
        "minimum": claim.minimum, "rates": "" if rows is None else rates_of(rows),
    }  # fmt: skip


def rates_of(rows: pd.DataFrame) -> str:
    """The learning rates of some runs, cell by cell; empty where the rows have none."""
    if rows.empty or not {"cell", "learning_rate"} <= set(rows):
        return ""
    found = rows.groupby("cell")["learning_rate"].unique()
    return ", ".join(f"{c} {' or '.join(f'{r:g}' for r in sorted(v))}" for c, v in found.items())


def _together(claim: Claim, cases: list[Row]) -> Row:
    """One answer from all cases, before Holm; the effect is that of the case that decides."""
    told = [case for case in cases if case["says"] != LEFT_OUT]
    if not told:
        detail = next((case["detail"] for case in cases), f"needs {claim.wants}")
        return {"verdict": NOT_TESTED, "p": np.nan, "n": 0, "cases": 0, "detail": detail}
    counts = {says: sum(case["says"] == says for case in told) for says in (SUPPORTS, REFUTES)}
    # What one case is enough for, and what takes all of them.
    one, all_of_them = (REFUTES, SUPPORTS) if claim.of_cases == "every" else (SUPPORTS, REFUTES)
    if enough := [case for case in told if case["says"] == one]:
        verdict, decisive = VERDICT_OF[one], min(enough, key=_p)
        p = decisive["p"] * len(told)
        p = p if np.isnan(p) else min(1.0, p)
    else:
        whole = counts[all_of_them] == len(told)
        verdict = VERDICT_OF[all_of_them] if whole else "inconclusive"
        decisive = max(told, key=lambda case: (case["says"] == OPEN, _p(case)))
        p = decisive["p"]
    shown = ("framework", "task", "case", "effect", "low", "high", "unit", "n", "margin", "expect")
    return {name: decisive.get(name) for name in shown} | {
        "verdict": verdict, "p": p, "cases": len(told), "supporting": counts[SUPPORTS],
        "refuting": counts[REFUTES], "detail": decisive["detail"],
        "seeds_needed": decisive.get("seeds_needed"),
    }  # fmt: skip


def _p(case: Row) -> float:
    """The p of a case for ordering; the certainty of an identity where there is none."""
    return 0.0 if np.isnan(case["p"]) else float(case["p"])


def _corrected(row: pd.Series, family: int) -> tuple[str, str]:
    """The verdict after Holm's correction, and why it is not more than it is."""
    verdict, detail = row["verdict"], row["detail"]
    decided = verdict in ("supported", "refuted")
    if decided and not np.isnan(row["p"]) and row["p_holm"] >= ALPHA:
        reason = f"{verdict} if it were the only claim, not after Holm over the {family} of {{}}"
        return "inconclusive", _joined(reason.format(row["group"]), detail)
    return verdict, detail


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
