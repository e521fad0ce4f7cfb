"""What the page calls frameworks, tasks, cells and tracks, and the terms that it explains."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

_WORDS: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("words.yaml").read_text(encoding="utf-8")
)
# By name, in the order of the file: the word on the page, and the line that explains it.
TERMS: dict[str, dict[str, str]] = _WORDS["terms"]
# Cells as their files write them, by name: those of the tables that were read last.
_TITLES: dict[str, str] = {}
# Names of so many letters are initials.
INITIALS = 5


def framework(name: Any) -> str:
    """A framework as people write it, also in an environment or on a device of its own.

    Of ``jax_0_4_31_gpu`` it is ``JAX 0.4.31 GPU``.
    """
    return " ".join(filter(None, _label(str(name))))


def versioned(name: Any, version: str) -> str:
    """The same with its version, unless that is said already: ``JAX 0.10.2``, ``JAX 0.4.31 again``.

    ``TensorFlow 2.20`` says 2.20.0, too.
    """
    word, own = _label(str(name))
    first = own.partition(" ")[0]
    if not version or (first and f"{version}.".startswith(f"{first}.")):
        return framework(name)
    return f"{word} {version}" + (f" ({own})" if own else "")


def _label(name: str) -> tuple[str, str]:
    """The word for a framework, and what the label of one of its environments says beyond."""
    known: dict[str, str] = _WORDS["frameworks"]
    found = max((one for one in known if f"{name}_".startswith(f"{one}_")), key=len, default="")
    if not found:
        return name, ""
    own = re.sub(r"(?<=\d)_(?=\d)", ".", name[len(found) :]).replace("_", " ").strip()
    return known[found], re.sub(r"\bgpu\b", "GPU", own)


def task(name: Any) -> str:
    """A task's title, without an article."""
    return str(_WORDS["tasks"].get(name, str(name).replace("_", " ")))


def titles() -> dict[str, str]:
    """The titles of cells that :func:`entitle` was given, for another process."""
    return dict(_TITLES)


def entitle(cells: Mapping[str, str]) -> None:
    """From now on :func:`cell` knows these titles by name, and no others."""
    _TITLES.clear()
    _TITLES.update(cells)


def cell(name: Any) -> str:
    """A cell as people write it: by its title, or its name, in capitals where it is initials."""
    name = str(name)
    short = len(name) <= INITIALS and name.isalnum()
    return _TITLES.get(name) or (name.upper() if short else name.replace("_", " "))


def changed(cell: Any) -> str:
    """What a cell changes of its parent, as it follows "with"; empty for one without a phrase."""
    return str(_WORDS["changes"].get(cell, ""))


def track(name: Any) -> str:
    """What a track is called on the page."""
    return str(_WORDS["tracks"].get(name, str(name).replace("_", " ")))


def term(name: str, text: str = "") -> Markup:
    """A term of the glossary, or ``text`` in its place, which shows its explanation on a tap."""
    return Markup('<button type="button" class="term" popovertarget="term-{}">{}</button>').format(
        name, text or TERMS[name]["word"]
    )
