"""The section "What the models write": a text of the user's, continued by each cell's model."""

import re
from typing import Any

import pandas as pd

from harness import layout
from report.numbers import number
from report.sections.leading import leading
from report.tables import Tables

# So many cells stand open; the others are folded.
MOST = 3
# What is shown as it is; other control characters stay as they are escaped.
PLAIN = {r"\n": "\n", r"\t": "\t", "\\\\": "\\"}
KEY = list(layout.RUN)


def content(tables: Tables) -> dict[str, Any]:
    """By task the cells that are open and those that are folded, each with what it wrote."""
    found = {}
    for task in dict.fromkeys(tables["samples"]["task"]):
        mine = tables.of_task("samples", task)
        cells = {str(cell): _written(tables, own) for cell, own in mine.groupby("cell")}
        first = leading(tables, cells, MOST)
        rest = [cell for cell in tables.palette.present(cells) if cell not in first]
        found[task] = [[cells[cell] for cell in some] for some in (first, rest)]
    return {"written": found}


def _written(tables: Tables, own: pd.DataFrame) -> dict[str, Any]:
    """What one model wrote, its score, and the prompt that it went on from."""
    first = own.iloc[0]
    runs = tables["runs"].set_index(KEY)["score"]
    units = tables["tasks"].set_index("task")["metric"]
    return {
        **{name: first[name] for name in KEY},
        "score": number(runs.get(tuple(first[KEY]))),
        "metric": units.get(first["task"], ""),
        "prompt": plain(first["prompt"]),
        "texts": [
            (number(row["temperature"]), plain(row["text"])) for row in own.to_dict("records")
        ],
    }


def plain(text: str) -> str:
    r"""An escaped text with its line ends and tabs; ``\x1b`` and the like stay what they are."""
    return re.sub(r"\\[nt\\]", lambda found: PLAIN[found[0]], text)
