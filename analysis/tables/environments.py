"""Where each framework ran, where some had an environment or a device of their own."""

from pathlib import Path
from typing import Any

from analysis.tables.groups import Rows
from harness.plan import asked
from harness.registry import implementation
from harness.run.records import Record


def rows(results: Path, found: list[Record]) -> Rows:
    """A row for every framework that ran, by its label; none where all are as installed here."""
    if not any("implementation" in record for record in found):
        return []
    device = asked.read_plan(results)["configuration"].get("device", "")
    first: dict[str, Record] = {}
    # A run that ended well says where it was.
    for record in sorted(found, key=lambda r: r["status"] != "ok"):
        first.setdefault(record["framework"], record)
    return [_row(first[name], device) for name in sorted(first)]


def _row(record: Record, device: str) -> dict[str, Any]:
    own = record.get("environment", {})
    packages = own.get("packages", record["versions"])
    unavailable = record["status"] == "unavailable"
    return {
        "framework": record["framework"],
        "implementation": record.get("implementation", implementation(record["framework"])),
        "environment": own.get("name", ""),
        "device": record["device"] or device,
        "python": own.get("python", record["versions"].get("python", "")),
        "requirements": ", ".join(own.get("requirements", ())),
        "packages": ", ".join(f"{k} {v}" for k, v in packages.items() if k != "python"),
        "error": record["reason"] if unavailable else "",
    }
