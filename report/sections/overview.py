"""The section "Overview": the answers, the cells side by side, and what was run."""

from typing import Any

from report import answers
from report.sections import provenance
from report.tables import Tables


def content(tables: Tables) -> dict[str, Any]:
    """The answers, each with the view it leads to, and what was run where."""
    return {
        "answers": [
            ("accuracy", "Which cell?", answers.cell(tables)),
            ("speed", "Which framework?", answers.framework(tables)),
            ("same", "Same results if ported?", answers.same(tables)),
            ("claims", "Do the claims hold?", answers.claims(tables)),
        ],
        "count": len(tables["runs"]),
        "provenance": provenance.of(tables),
    }
