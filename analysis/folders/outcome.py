"""What a comparison of two results folders came to: written, read back, and said.

The Snakefile imports this each time it is read, so nothing here needs the statistics.
"""

import json
import time
from pathlib import Path
from typing import Any

from harness import documents, layout
from harness.files import digest, write_text

SCHEMA = 3
FORM = Path(__file__).with_name("outcome.schema.json")


def write(
    results: Path, name: str, rows: list[dict[str, Any]], found: dict[str, Any]
) -> dict[str, Any]:
    """Write the rows and ``found`` as the comparison ``name`` of ``results``; the latter whole."""
    found = {
        "schema": SCHEMA,
        **found,
        "runs_sha256": digest(results / "runs.csv"),
        "made": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
    }
    documents.check(found, FORM)
    layout.write(results, name, rows)
    write_text(results / f"{name}.json", json.dumps(found, indent=1) + "\n")
    return found


def say_compared(results: Path) -> None:
    """Say what ``compare.json`` of ``results`` says."""
    found = _read(results, "compare")
    print(f"Compared with {found['folder']}: {results / 'compare.csv'}")
    _count(found)
    for sentence in (*found["differs"], *found["not_compared"]):
        print(f"  {sentence}")


def say_verified(results: Path) -> int:
    """Say what ``verify.json`` of ``results`` says: 0 verified, 1 not, 2 nothing to compare."""
    found = _read(results, "verify")
    print(f"Verdict: {found['verdict']} ({results / 'verify.json'})")
    _count(found)
    for sentence in found["failures"]:
        print(f"  {sentence}")
    if found["verdict"] == "nothing compared":
        print(
            "No run here has the settings and the seed of a run of the reference; "
            "verify a configuration that has such runs, as the default one has."
        )
    return {"verified": 0, "not verified": 1}.get(str(found["verdict"]), 2)


def _read(results: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = documents.load(results / f"{name}.json", FORM)
    return found


def _count(found: dict[str, Any]) -> None:
    """How many rows of each item have which verdict."""
    for name, item in found["items"].items():
        counts = ", ".join(f"{n} {verdict}" for verdict, n in item["verdicts"].items())
        print(f"  {name}: {counts or 'nothing to compare'}")
