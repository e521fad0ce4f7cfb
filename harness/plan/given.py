"""The values of a configuration as they were given: what they are, and where each comes from."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import documents
from harness.errors import UserError


def plain(value: Any, as_text: bool = False) -> Any:
    """Numbers and truth values that the command line passed on as text, as what they are.

    Those among the overrides stay text: a task knows what its values are, such as the name of
    a column that looks like a number.
    """
    if isinstance(value, dict):
        return {str(k): plain(v, as_text or k == "overrides") for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v, as_text) for v in value]
    if as_text or not isinstance(value, str):
        return value
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(r"[+-]?\d+", value):
        return int(value)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return float(value)
    return value


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Both mappings, where they differ the other one's values, mapping by mapping."""
    return one | {
        key: merged(one[key], value)
        if isinstance(value, dict) and isinstance(one.get(key), dict)
        else value
        for key, value in other.items()
    }


def origin(
    refusal: str, config: dict[str, Any], files: list[str], given: dict[str, Any] | None,
    check: Callable[[dict[str, Any]], object],
) -> str:  # fmt: skip
    """Where a refused value comes from: the last source without which it is not refused so.

    As it stands before the refusal, which ``check`` raises; nothing where it is of no key.
    """
    sources = [(os.path.relpath(name), documents.read(Path(name))) for name in files]
    sources = [(name, plain(content)) for name, content in [*sources, ("--config", given or {})]]
    # A refusal begins with the key that is wrong, but for keys that there are not.
    key = re.split(r"[.:]", refusal)[0]
    if key not in config:
        key = next((key for key in config if f"key {key!r}" in refusal), "")
    if not key:  # of a plugin's file, which the refusal names
        return ""
    named = [name for name, content in sources if key in content] or ["--config"]
    for name in reversed(named):
        values: dict[str, Any] = {}
        for other, content in sources:
            if other != name and key in content:
                values = merged(values, {key: content[key]})
        try:
            check(config | values)
        except UserError as error:
            if str(error) == refusal:
                continue
        return f"{name}: "
    return f"{named[-1]}: "
