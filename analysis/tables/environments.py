"""The environments in which frameworks ran."""

from pathlib import Path

from analysis.tables.groups import Rows
from harness.run.records import Record


def rows(results: Path, found: list[Record]) -> Rows:
    """A row for every label of the plan; none without environments."""
    return []
