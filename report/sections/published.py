"""The section "Published": what came out of published experiments that were run again."""

from collections import Counter
from typing import Any

from report.answers import Answer
from report.numbers import interval, listed, number
from report.tables import Tables

# The order of the answer, and what it says of one and of several.
WORDS = {
    "reproduced": ("is reproduced", "are reproduced"),
    "better": ("comes out better", "come out better"),
    "worse": ("comes out worse", "come out worse"),
    "no better than a constant": ("says nothing", "say nothing"),
    "inconclusive": ("stays open", "stay open"),
}


def content(tables: Tables) -> dict[str, Any]:
    """How many published values came out how, and the first that says something."""
    found = tables.rows("published")
    run = [row for row in found if row["verdict"] != "not run"]
    counts = Counter(row["verdict"] for row in run)
    if not run:
        return {"answer": Answer("No published experiment was run again yet.")}
    parts = [f"{counts[v]} {WORDS[v][counts[v] > 1]}" for v in WORDS if counts[v]]
    text = f"Of {len(run)} published value{'s' if len(run) > 1 else ''} that we ran again, "
    told = [row for row in run if row["verdict"] in ("reproduced", "better", "worse")] or run
    one = told[0]
    evidence = (
        f"{one['title']}: published {number(one['published'])}, here "
        f"{interval(one['ours'], one['low'], one['high'])} ({one['unit']}, {one['n']:.0f} seeds)."
    )
    few = any(row["n"] < 5 for row in run)
    left = "Five seeds of each would tell." if few else ""
    return {"answer": Answer(text + listed(parts) + ".", evidence, left)}
