"""The section "Side by side": these runs and those of any other results folder."""

from typing import Any

from report.sections import sides
from report.tables import Tables


def content(tables: Tables) -> dict[str, Any]:
    """What the comparison came to, if it is of these runs."""
    return {"compared": sides.content(tables, "compare")}
