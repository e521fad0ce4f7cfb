"""The tables of the page that sets contributed folders beside each other: ``results/site/``.

Which framework is fastest is weighed here, by the rules of ``advice.csv``; verdicts on claims are
those of each folder. Nothing is averaged over machines: it is counted how many agree.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from analysis.evidence import advice, claims, evidence_tables
from analysis.folders import agreement, machines
from analysis.folders.machines import Tables
from analysis.folders.pairing import SIZES
from analysis.folders.reference_results import description
from harness import layout
from harness.registry import ROOT

FOLDER = ROOT / "results" / "site"
KIND = ["processor", "generation", "cores", "memory_gb", "system"]
# What a machine's timed models are told apart by.
MODEL = ["shape", *SIZES, "cell"]
DECIDED = ("supported", "refuted")
Row = dict[Any, Any]


def write(target: Path = FOLDER, folder: Path = machines.FOLDER) -> int:
    """Write the tables of the folders in ``folder`` to ``target``; how many folders there are.

    Raises :class:`UserError` for the first thing that is wrong with one of them.
    """
    found = machines.read_all(folder)
    steps, fastest = _timed(found)
    verdicts = _verdicts(found)
    tables = {
        "site_folders": [row for name, tables in found.items() for row in _machines(name, tables)],
        "site_steps": steps,
        "site_fastest": fastest,
        "site_claims": verdicts,
        "site_agreement": [*_agreed_paces(fastest), *_agreed_claims(verdicts)],
    }
    for name, rows in tables.items():
        layout.write(target, name, rows)
    return len(found)


def _machines(name: str, tables: Tables) -> Iterable[Row]:
    """A folder's machines, each with what ran there."""
    for kind, runs in agreement.runs_of(tables).groupby(KIND, dropna=False, sort=False):
        own = tables["machines"][tables["machines"]["machine"].isin(runs["machine"])]
        about = description({"runs": runs, "machines": own})
        versions = (f"{k} {' or '.join(v)}" for k, v in about["versions"].items())
        yield {
            "folder": name, **dict(zip(KIND, kind, strict=True)), "runs": len(runs),
            "ended_well": int((runs["status"] == "ok").sum()),
            "tasks": runs["task"].nunique(), "seeds": runs["seed"].nunique(),
            "versions": ", ".join(versions),
            "gatebench": ", ".join(sorted(set(runs["gatebench"]) - {""})),
            "commits": ", ".join(about["commits"]), "first": about["first"], "last": about["last"],
        }  # fmt: skip


def _timed(found: Mapping[str, Tables]) -> tuple[list[Row], list[Row]]:
    """Every framework's step where frameworks were timed against each other, and who is ahead."""
    steps: list[Row] = []
    fastest: list[Row] = []
    for folder, tables in found.items():
        bad = evidence_tables.not_comparable(tables["scores"])
        timing = tables["timing"]
        timing = timing[(timing["phase"] == "step") & timing["median_ms"].notna()]
        timing = evidence_tables.comparable(timing, bad)
        ratios = evidence_tables.speed_ratios(tables["speed_ratios"])
        ratios = evidence_tables.comparable(ratios, bad)
        for machine, mine in ratios.groupby("machine"):
            own = timing[timing["machine"] == machine]
            for row in advice.fastest_framework(mine):
                there = own[(own["shape"] == row.get("shape")) & (own["cell"] == row.get("cell"))]
                if row["question"] != "fastest_framework" or there.empty:
                    continue
                place = {"folder": folder, "machine": machine}
                place |= {str(k): v for k, v in there.iloc[0][MODEL].items()}
                columns = layout.TABLES["site_fastest"].columns
                fastest.append({k: v for k, v in row.items() if k in columns} | place)
                # Of each framework the implementation that is fastest there.
                best = there.sort_values("median_ms").drop_duplicates("framework")
                columns = layout.TABLES["site_steps"].columns
                steps += [
                    {k: v for k, v in one.items() if k in columns} | place
                    for one in best.sort_values("framework").to_dict("records")
                ]
    return steps, fastest


def _verdicts(found: Mapping[str, Tables]) -> list[Row]:
    """The verdicts of every folder, claim by claim in the order of the ledger, then by name."""
    names = layout.TABLES["site_claims"].columns
    rows = [
        {k: v for k, v in row.items() if k in names} | {"folder": folder}
        for folder, tables in found.items()
        for row in tables["claims"].to_dict("records")
    ]
    order = list(_ledger())
    place = {claim: at for at, claim in enumerate(order)}
    return sorted(rows, key=lambda row: (place.get(row["claim"], len(order)), row["claim"]))


def _ledger() -> dict[str, claims.Claim]:
    return {claim.id: claim for claim in claims.load({}).claims}


def _agreed_paces(fastest: list[Row]) -> Iterable[Row]:
    """Of every model that was timed, on how many machines none is faster than a framework."""
    models: dict[tuple[Any, ...], list[str]] = {}
    for row in fastest:
        answer = row["better"] if row["verdict"] != "unknown" else ""
        models.setdefault(tuple(row[name] for name in MODEL), []).append(answer)
    for model, answers in models.items():
        yield {"about": "fastest", **dict(zip(MODEL, model, strict=True)), **_counted(answers)}


def _agreed_claims(verdicts: list[Row]) -> Iterable[Row]:
    """Of every claim that was tested, in how many folders it comes out alike.

    Sentences are those of this version's ledger: a folder's own could say anything.
    """
    ledger = _ledger()
    known: dict[str, list[str]] = {}
    for row in verdicts:
        if row["verdict"] != claims.NOT_TESTED:
            answer = row["verdict"] if row["verdict"] in DECIDED else ""
            known.setdefault(row["claim"], []).append(answer)
    for claim, answers in known.items():
        own = ledger.get(claim)
        said = {"sentence": own.sentence, "source": own.source} if own else {}
        yield {"about": "claim", "claim": claim, **said, **_counted(answers)}


def _counted(answers: list[str]) -> Row:
    """How many of the answers have in them what most have; an empty one is none.

    Where two frameworks are equally fast, a machine's answer has both.
    """
    decided = [answer.split() for answer in answers if answer]
    votes = Counter(word for words in decided for word in words)
    agree = max(votes.values(), default=0)
    others, still_open = len(decided) - agree, len(answers) - len(decided)
    says = "where decided" if still_open else "everywhere"
    if not agree or others:
        says = "differs" if others else "open"
    return {
        "answer": " ".join(sorted(word for word, n in votes.items() if n == agree)),
        "machines": len(answers), "agree": agree, "others": others, "open": still_open,
        "says": says,
    }  # fmt: skip
