"""What the page calls frameworks, tasks, cells and tracks, and the terms that it explains."""

from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

_WORDS: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("words.yaml").read_text(encoding="utf-8")
)
# By name, in the order of the file: the word on the page, and the line that explains it.
TERMS: dict[str, dict[str, str]] = _WORDS["terms"]


def framework(name: Any) -> str:
    """A framework as people write it."""
    return str(_WORDS["frameworks"].get(name, name))


def task(name: Any) -> str:
    """A task's title, without an article."""
    return str(_WORDS["tasks"].get(name, str(name).replace("_", " ")))


def cell(name: Any) -> str:
    """A cell's name; those of few letters are initials."""
    return str(name).upper()


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
