"""Making a finished run the reference: its tables, not its weights, into ``results/reference/``."""

import hashlib
import io
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.evidence import claims
from analysis.folders import agreement, foreign
from harness import documents, layout
from harness.errors import UserError
from harness.files import write_text
from harness.plan import settings, studies, tracks
from harness.registry import ROOT

FOLDER = ROOT / "results" / "reference"
# What a comparison reads, and what a reader of the reference wants to see beside it.
TABLES = (
    *foreign.TABLES, "scores", "summary", "comparisons", "parameter_counts", "classical",
    "frameworks", "aggregate", "peaks", "cases", "studies", "advice", "changes", "frontier",
    "published",
)  # fmt: skip
MOST_BYTES = 3_000_000


def make(results: Path, target: Path = FOLDER, command: str = "") -> dict[str, Any]:
    """Copy the tables of ``results`` to ``target`` and describe them in ``reference.json`` there.

    The reference of all has every task that a verification needs; one beside it, as
    ``results/reference/cells``, those of its studies.
    Raises :class:`UserError` when seeds are too few, a run did not end, or it is too large.
    """
    rules = agreement.load_rules()
    tables = foreign.read(results)
    runs = tables["runs"]
    _refuse(results, runs, rules, rules.reference["tasks"] if target == FOLDER else [])
    paths = [layout.path(results, name) for name in TABLES]
    texts = {path.name: foreign.read_text(path) for path in paths if path.exists()}
    size = sum(len(text.encode()) for text in texts.values())
    if size > MOST_BYTES:
        raise UserError(
            f"{results}: its tables have {size / 1e6:.1f} MB, a reference at most "
            f"{MOST_BYTES / 1e6:g}; take fewer runs."
        )
    described = description(tables)
    of_studies = pd.read_csv(io.StringIO(foreign.read_text(layout.path(results, "studies"))))
    about = described | {
        "made": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "command": command,
        "rules": rules_in_force(tables | {"studies": of_studies}),
        "tables": sorted(texts),
    }
    for old in target.glob("*.csv"):
        old.unlink()
    for name, text in texts.items():
        write_text(target / name, text)
    # Last: where it is, the tables are whole.
    write_text(target / "reference.json", json.dumps(about, indent=1) + "\n")
    return about


def rules_in_force(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """The SHA-256 of what decides which runs there are and what they are judged by, by file.

    A reference is of the rules that it was made by. Of learning rates and tracks those of its
    ``runs`` count, of ``studies`` its own, of ``claims`` those that it tested, so that others can
    be added. Another claim in the group of one changes how both are corrected.
    """
    runs, verdicts = tables["runs"], tables["claims"]
    ledger = documents.read(claims.LEDGER)
    rules = {claim["id"]: claim for claim in ledger["claims"]}
    tested = set(verdicts["claim"][verdicts["verdict"] != claims.NOT_TESTED]) & {*rules}
    groups = {rules[name]["group"] for name in tested}
    sizes = Counter(c["group"] for c in ledger["claims"] if c["group"] in groups)
    of_all = {"margins": ledger["margins"], "sizes of groups": sizes}
    counted: dict[str, tuple[Mapping[str, Any], Iterable[str]]] = {
        "claims.yaml": (rules | of_all, {*tested, *of_all}),
        "rates.yaml": (settings.rates(), runs["task"]),
        "tracks.yaml": (documents.read(tracks.FILE), runs["track"]),
        "studies.yaml": (documents.read(studies.FILE), tables["studies"]["study"]),
    }
    found = {}
    for name, (content, names) in counted.items():
        text = json.dumps({n: content[n] for n in sorted({*names} & {*content})}, sort_keys=True)
        found[name] = hashlib.sha256(text.encode()).hexdigest()
    return found


def _refuse(results: Path, runs: pd.DataFrame, rules: agreement.Rules, tasks: list[str]) -> None:
    bad = runs[~runs["status"].isin(["ok", "diverged"])]
    if len(bad):
        first = " ".join(str(bad.iloc[0][k]) for k in (*agreement.METHOD, "seed", "status"))
        raise UserError(
            f"{results}: {len(bad)} of its runs did not end ({first}); a reference has only "
            "finished runs, so run the pipeline again."
        )
    seeds = rules.reference["seeds"]
    if missing := [task for task in tasks if task not in set(runs["task"])]:
        raise UserError(
            f"{results}: there is no run of {', '.join(missing)}; a reference has all of "
            f"{', '.join(tasks)}, so run these tasks too."
        )
    counts = runs.groupby(agreement.METHOD)["seed"].nunique()
    if counts.min() < seeds:
        fewest = " ".join(str(name) for name in counts.index[int(counts.argmin())])
        raise UserError(
            f"{results}: {fewest} has {counts.min()} seeds; a "
            f"reference has at least {seeds}, so run it with more."
        )


def description(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Machines, versions, commits, dates and numbers of a results folder, from its tables."""
    runs, machines = tables["runs"], tables["machines"]
    versions: dict[str, set[str]] = {}
    for text in machines["packages"]:
        for part in text.split(", "):
            name, _, version = part.partition(" ")
            versions.setdefault(name, set()).add(version)
    kinds = machines.drop(columns=["machine", "framework", "packages"]).drop_duplicates()
    return {
        "machines": [{str(k): v for k, v in row.items()} for row in kinds.to_dict("records")],
        "versions": {name: sorted(found) for name, found in sorted(versions.items())},
        "commits": sorted(set(runs["git_commit"])),
        "first": str(runs["finished"].min()),
        "last": str(runs["finished"].max()),
        "runs": len(runs),
        "tasks": sorted(set(runs["task"])),
        "seeds": sorted(int(seed) for seed in set(runs["seed"])),
    }
