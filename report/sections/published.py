"""The section "Published values": rows of published tables beside ours, each with a verdict."""

from typing import Any

from report.tables import Tables

# How each verdict looks.
VERDICTS = {
    "reproduced": ("solved", "✓"), "better": ("solved", "✓"), "worse": ("failed", "✕"),
    "inconclusive": ("above", "?"), "not run": ("at", "–"),
}  # fmt: skip


def content(tables: Tables) -> dict[str, Any]:
    """Whether there was a comparison, and how its verdicts look."""
    return {"compared": "published" not in tables.missing, "verdicts": VERDICTS}
