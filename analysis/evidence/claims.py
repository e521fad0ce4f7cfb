"""The ledger of published claims: read, tested against the tables, judged by rules set before."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.evidence.claim_tests import ALPHA, TESTS, Finding, select
from harness import documents, layout
from harness.registry import ROOT

LEDGER = ROOT / "workflows" / "claims.yaml"
VERDICTS = ("supported", "refuted", "inconclusive", "not tested")
Margin = float | Mapping[str, float]
# The values of `by`, the margin, and what the test found.
Case = tuple[dict[str, Any], float | None, Finding | None]


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
    needs: str


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
    claims = tuple(
        Claim(**entry | {"margin": margins.get(entry["margin"], entry["margin"])
                         if isinstance(entry["margin"], str) else entry["margin"]})
        for entry in content["claims"]
    )  # fmt: skip
    return Ledger(claims, margins)


def margin_of(margin: Margin, task: Any) -> float | None:
    """The margin for ``task``; None where margins stand by task and this one has none."""
    if isinstance(margin, Mapping):
        return margin.get(str(task))
    return margin


def evaluate(ledger: Ledger, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The table of verdicts: one row for every case of every claim, at least one a claim.

    Holm's correction is over all tests of the ledger that could decide; a test without a p
    (counts, the clock's intervals) is decided by its interval alone.
    """
    rows = []
    findings: list[Finding | None] = []
    for claim in ledger.claims:
        for case, margin, finding in _cases(claim, tables.get(claim.data["table"])):
            rows.append(_row(claim, case, margin, finding))
            findings.append(finding)
    enough = [
        f.p if f is not None and row["n"] >= row.pop("minimum") else np.nan
        for row, f in zip(rows, findings, strict=True)
    ]
    adjusted = statistics.holm(enough)
    family = int(np.isfinite(enough).sum())
    for row, finding, p in zip(rows, findings, adjusted, strict=True):
        row["p_holm"] = p
        if finding is not None and row["verdict"] == "":
            row |= _verdict(finding, p, family)
    return pd.DataFrame(rows, columns=list(layout.TABLES["claims"].columns))


def _cases(claim: Claim, table: pd.DataFrame | None) -> list[Case]:
    """The cases of ``by`` that the table has data for; one without a finding when there is none.

    A task that has no margin is a case without a finding.
    """
    nothing: list[Case] = [({}, None, None)]
    if table is None:
        return nothing
    rows = select(table, claim.data["where"])
    by = list(claim.data["by"])
    if rows.empty or any(name not in rows for name in by):
        return nothing
    cases: list[Case] = []
    for key, group in rows.groupby(by, sort=True):
        case = dict(zip(by, key, strict=True))
        margin = margin_of(claim.margin, case.get("task"))
        if margin is None:
            cases.append((case, None, None))
            continue
        finding = TESTS[claim.test["name"]](group, claim.test, margin)
        if finding is not None:
            cases.append((case, margin, finding))
    return cases or nothing


def _row(
    claim: Claim, case: dict[str, Any], margin: float | None, finding: Finding | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "claim": claim.id, "group": claim.group, "source": claim.source,
        "sentence": claim.sentence, "verdict": "",
        "framework": case.get("framework"), "task": case.get("task"), "margin": margin,
        "case": " ".join(str(v) for k, v in case.items() if k not in ("framework", "task")),
        "expect": claim.test.get("expect"), "supported_if": claim.supported_if,
        "refuted_if": claim.refuted_if, "n": 0, "minimum": claim.minimum,
    }  # fmt: skip
    if finding is None:
        needs = f"a margin in tasks/{case.get('task')}.py" if case else claim.needs
        return row | {"verdict": "not tested", "detail": f"needs {needs}"}
    row |= {k: getattr(finding, k) for k in ("effect", "low", "high", "n", "unit", "p", "detail")}
    if finding.n < claim.minimum and finding.unit != "value" and claim.minimum > 1:
        counted = {"interval": "processes", "happens": "runs"}.get(claim.test["name"], "seeds")
        detail = f"{finding.n} of at least {claim.minimum} {counted}"
        row |= {
            "verdict": "inconclusive",
            "detail": "; ".join(text for text in (detail, finding.detail) if text),
        }
    return row


def _verdict(finding: Finding, p_holm: float, family: int) -> dict[str, Any]:
    """The verdict on a case with enough seeds, and why it is not more than it is."""
    if not (finding.supports or finding.refutes):
        return {"verdict": "inconclusive"}
    verdict = "supported" if finding.supports else "refuted"
    if not np.isnan(p_holm) and p_holm >= ALPHA:
        reason = f"{verdict} if it were the only test, not after Holm over {family}"
        detail = "; ".join(text for text in (reason, finding.detail) if text)
        return {"verdict": "inconclusive", "detail": detail}
    return {"verdict": verdict}
