"""``python -m harness new``: working files to start a cell, a task or an implementation from."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError
from harness.files import write_text
from harness.registry import ROOT, is_name

TEMPLATES = Path(__file__).parent / "templates"


def new_cell(name: str) -> list[Path]:
    """Write ``cells/<name>.py``, which works as it is; returns what was written."""
    return _write(name, {TEMPLATES / "cell.py": ROOT / "cells" / f"{name}.py"})


def new_task(name: str) -> list[Path]:
    """Write ``tasks/<name>.py``, likewise."""
    return _write(name, {TEMPLATES / "task.py": ROOT / "tasks" / f"{name}.py"})


def new_implementation(name: str) -> list[Path]:
    """Write the folder ``implementations/<name>``, which works as it is."""
    folder = ROOT / "implementations" / name
    sources = sorted((TEMPLATES / "implementation").glob("*.py"))
    return _write(name, {source: folder / source.name for source in sources})


def _write(name: str, files: dict[Path, Path]) -> list[Path]:
    if not is_name(name):
        raise UserError(
            f"NAME: {name!r} cannot be one; use small letters, digits and _, a letter first, "
            "40 at most."
        )
    for target in files.values():
        if target.exists():
            raise UserError(f"{target.relative_to(ROOT)}: exists already; choose another name.")
    for source, target in files.items():
        target.parent.mkdir(exist_ok=True)
        write_text(target, _renamed(source.read_text(encoding="utf-8"), name))
    return list(files.values())


def _renamed(text: str, name: str) -> str:
    """The template's text with ``name`` for every form of "example"."""
    title = "".join(part.capitalize() for part in name.split("_"))
    return text.replace("EXAMPLE", name).replace("Example", title).replace("example", name)
