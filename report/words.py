"""What the page calls frameworks, tasks, cells and tracks, and the terms that it explains."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

from report.numbers import listed, number

_WORDS: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("words.yaml").read_text(encoding="utf-8")
)
# By name, in the order of the file: the word on the page, and the line that explains it.
TERMS: dict[str, dict[str, str]] = _WORDS["terms"]
# Cells and tracks as their files write them, by name: those of the tables that were read last.
_TITLES: dict[str, dict[str, str]] = {"cells": {}, "tracks": {}}
# Names of so many letters are initials.
INITIALS = 5
# What the analysis writes into texts, and how the page has it: see :func:`told`.
_METHOD = re.compile(r"(?<![\w./-])(\w+)/(\w+)/(\w+)(?![\w/])")
_PAIR = re.compile(r"furthest apart of (\d+) pairs: (\w+) and (\w+)")
_HOLM = re.compile(
    r"(supported|refuted) if it were the only claim, not after Holm over the (\d+) of ([\w ]+)"
)
_NEEDS = re.compile(r"needs the studies ([\w, ]+)$")
_POWER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?e[+-]\d+(?![\w.])")
_MINUS = re.compile(r"(?<![\w.)\]-])-(?=\.?\d)")


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


def titles() -> tuple[dict[str, str], dict[str, str]]:
    """The titles that :func:`entitle` was given, for another process."""
    return dict(_TITLES["cells"]), dict(_TITLES["tracks"])


def entitle(cells: Mapping[str, str], tracks: Mapping[str, str]) -> None:
    """From now on :func:`cell` and :func:`track` know these titles by name, and no others."""
    _TITLES.update(cells=dict(cells), tracks=dict(tracks))


def cell(name: Any) -> str:
    """A cell as people write it: by its title, or its name, in capitals where it is initials."""
    name = str(name)
    short = len(name) <= INITIALS and name.isalnum()
    return _TITLES["cells"].get(name) or (name.upper() if short else name.replace("_", " "))


def changed(cell: Any) -> str:
    """What a cell changes of its parent, as it follows "with"; empty for one without a phrase."""
    return str(_WORDS["changes"].get(cell, ""))


def track(name: Any) -> str:
    """What a track is called on the page: what it changes, as its table says, or its name."""
    known = _TITLES["tracks"] | _WORDS["tracks"]
    return str(known.get(name, str(name).replace("_", " ")))


def told(text: Any) -> str:
    """A detail, a rule or a warning of the analysis with the page's names, numbers and signs.

    Of ``jax/manual/gru`` it is ``JAX GRU (manual)``, of ``9.5e-12`` it is ``9.5·10⁻¹²``.
    """
    said = _METHOD.sub(_method, str(text or ""))
    said = _PAIR.sub(_pair, said)
    said = _HOLM.sub(_alone, said)
    said = _NEEDS.sub(_needs, said)
    said = re.sub(r"(?<=mean lead by )\w+", lambda found: found[0].replace("_", " "), said)
    said = _POWER.sub(lambda found: number(float(found[0]), 2), said)
    return _MINUS.sub("−", said)


def _method(found: re.Match[str]) -> str:
    if not any(f"{found[1]}_".startswith(f"{one}_") for one in _WORDS["frameworks"]):
        return found[0]
    return f"{framework(found[1])} {cell(found[3])} ({found[2]})"


def _pair(found: re.Match[str]) -> str:
    both = f"{framework(found[2])} and {framework(found[3])}"
    return both if found[1] == "1" else f"furthest apart of {found[1]} pairs: {both}"


def _alone(found: re.Match[str]) -> str:
    would = "hold" if found[1] == "supported" else "be refuted"
    return (
        f"would {would} if it were the only claim, but not after Holm's correction for the "
        f"{found[2]} claims on {found[3]}"
    )


def _needs(found: re.Match[str]) -> str:
    names = [f"“{name}”" for name in found[1].split(", ")]
    return f"needs the stud{'y' if len(names) == 1 else 'ies'} {listed(names)}"


def term(name: str, text: str = "") -> Markup:
    """A term of the glossary, or ``text`` in its place, which shows its explanation on a tap."""
    return Markup('<button type="button" class="term" popovertarget="term-{}">{}</button>').format(
        name, text or TERMS[name]["word"]
    )
