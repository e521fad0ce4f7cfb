"""What a view can be filtered by, the baselines, and what colours and lines mean."""

from dataclasses import dataclass
from typing import Any

from report import words
from report.figures.style import MOST_CELLS, in_order, tracks, variable
from report.tables import Tables


def choices(tables: Tables) -> dict[str, list[tuple[str, str]]]:
    """By filter its choices: each as in the tables, and as the page calls it."""
    runs, palette = tables["runs"], tables.palette
    baselines = [name.split("/") for name in sorted(set(tables["ratios"]["baseline"]))]
    return {
        "task": [(name, words.task(name)) for name in dict.fromkeys(runs["task"])],
        "framework": [
            (name, words.framework(name))
            for name in in_order(runs["framework"], palette.frameworks)
        ],
        "cell": [(name, words.cell(name)) for name in palette.present(runs["cell"])],
        "track": [
            (name, words.track(name))
            for name in in_order(runs["track"], tuple(tracks(runs["track"])))
        ],
        "status": [(name, name) for name in in_order(runs["status"], ("ok",))],
        "baseline": [
            ("/".join(name), f"{words.framework(name[0])} {words.cell(name[-1])}")
            for name in baselines
        ],
    }


@dataclass(frozen=True)
class Mark:
    """How a framework or a cell looks: the colour of its stroke and its dashes."""

    kind: str
    name: str
    words: str
    stroke: str
    dashes: str = ""
    says: str = ""


def key(tables: Tables) -> dict[str, list[Mark]]:
    """The marks of frameworks and cells; those of many cells are ``folded``."""
    palette = tables.palette
    summaries = tables["cells"].dropna(subset="summary").set_index("cell")["summary"]
    frameworks = [
        Mark("framework", name, words.framework(name), variable(palette.framework(name)))
        for name in palette.frameworks
    ]
    cells = [
        Mark("cell", name, words.cell(name), variable(palette.cell(name)),
             _dashes(palette.line(name)), summaries.get(name, ""))
        for name in palette.cells
    ]  # fmt: skip
    many = len(cells) > MOST_CELLS
    return {"open": frameworks if many else frameworks + cells, "folded": cells if many else []}


def _dashes(line: Any) -> str:
    """A line style of matplotlib as an attribute of an SVG stroke twice as wide."""
    return "" if line == "-" else " ".join(str(2 * length) for length in line[1])
