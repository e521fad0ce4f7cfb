"""The head of the view "Accuracy": the answer and the filters that hold for all below."""

from typing import Any

from report import answers
from report.tables import Tables


def content(tables: Tables) -> dict[str, Any]:
    """Which cell to choose."""
    return {"answer": answers.cell(tables)}
