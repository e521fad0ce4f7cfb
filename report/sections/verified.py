"""The section "Verified?": these runs against the reference results."""

from typing import Any

from report.sections import sides
from report.tables import Tables


def content(tables: Tables) -> dict[str, Any]:
    """What the verification came to, if it is of these runs."""
    return {"verified": sides.content(tables, "verify")}
