"""Where the values of a configuration came from: the files, and the command line after them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UserError

# The name and what it says of each source, in order.
Sources = list[tuple[str, Any]]
ABSENT = object()


def check_file(path: Path) -> None:
    """Raise :class:`UserError` with the line where ``path`` is not YAML with keys at the top.

    Snakemake says so too, but names neither the file nor the line.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not text in UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable"
        raise UserError(f"{path}{line}: is not YAML ({problem}).") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: must have keys and their values at its top level.")


def place_of(config: dict[str, Any], sources: Sources, *path: str) -> str:
    """The place of a key for an error: where its value came from, and its path."""
    return f"{origin_of(config, sources, path)}: {'.'.join(path)}"


def origin_of(config: dict[str, Any], sources: Sources, path: tuple[str, ...]) -> str:
    """The name of the last source that says something at ``path``."""
    return sources[last_of(_at(config, path), sources, path)][0]


def last_of(value: Any, sources: Sources, path: tuple[str, ...]) -> int:
    """The place of the source of ``value``; as a mapping is merged, of its latest part."""
    if isinstance(value, dict) and value:
        return max(last_of(part, sources, (*path, key)) for key, part in value.items())
    places = [i for i, (_, content) in enumerate(sources) if _at(content, path) is not ABSENT]
    return places[-1] if places else 0


def _at(content: Any, path: tuple[str, ...]) -> Any:
    """What stands at ``path``; ABSENT where there is nothing."""
    for key in path:
        content = content.get(key, ABSENT) if isinstance(content, dict) else ABSENT
    return content


def plain(value: Any, as_text: bool = False) -> Any:
    """Numbers and truth values that the command line passed on as text, as what they are.

    Those among the overrides stay text: a task knows what its values are, such as the name of
    a column that looks like a number.
    """
    if isinstance(value, dict):
        return {str(k): plain(v, as_text or k == "overrides") for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v, as_text) for v in value]
    if as_text:
        return value
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return float(value)
    return value


def sources_of(files: list[str]) -> Sources:
    """The name and content of each file, in order; a file that cannot be read set nothing."""
    sources = []
    for name in files:
        try:
            content = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError):
            continue
        sources.append((os.path.relpath(name), plain(content)))
    return sources
