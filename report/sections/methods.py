"""The section "Methods": tasks, cells, frameworks, protocols, statistics and references."""

import re
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from report.figures.style import MOST_CELLS
from report.references import references
from report.tables import Tables
from report.words import TERMS


def content(tables: Tables) -> dict[str, Any]:
    """The works that the tables name, and the docstrings of tasks and frameworks in paragraphs."""
    named = [tables[name]["source"] for name in ("cells", "claims", "published")]
    shown = tables.palette.present(tables["cells"]["cell"])
    return {
        "cells": sorted(tables.rows("cells"), key=lambda cell: shown.index(cell["cell"])),
        "most": MOST_CELLS,
        "references": references(pd.concat([*named, tables["tasks"]["references"]]).dropna()),
        "terms": TERMS,
        "paragraphs": paragraphs,
        "subscripts": subscripts,
    }


def subscripts(equation: str) -> Markup:
    """An equation with ``W_i`` as W with a subscript."""
    return Markup(re.sub(r"_(\w+)", r"<sub>\1</sub>", str(escape(equation))))


def paragraphs(text: str | None) -> list[tuple[str, str]]:
    """A docstring's paragraphs without code quotes: ``text``, or ``equation`` if indented.

    An equation keeps its lines; all else is one line.
    """
    found = []
    for part in re.split(r"\n\s*\n", (text or "").strip().replace("``", "")):
        lines = part.splitlines()
        if lines and all(line.startswith("    ") for line in lines):
            found.append(("equation", "\n".join(line.strip() for line in lines)))
        else:
            # In a formula of a sentence a hyphen between spaces, or after t, is a minus.
            text = re.sub(r"(?<= )-(?= )|(?<=\(t)-(?=\d)", "−", re.sub(r"\s+", " ", part))
            found.append(("text", text))
    return found
