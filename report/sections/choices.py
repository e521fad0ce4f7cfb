"""What a view can be filtered by, the baselines, and what colours and lines mean."""

from typing import Any

from report import words
from report.figures.style import Palette, in_order, tracks, variable
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


def key(palette: Palette) -> list[tuple[str, str, str, str, str]]:
    """Of each framework and cell: kind, name, words, colour of its stroke and its dashes."""
    return [
        *(
            ("framework", name, words.framework(name), variable(palette.framework(name)), "")
            for name in palette.frameworks
        ),
        *(
            ("cell", name, words.cell(name), variable(palette.cell(name)),
             _dashes(palette.line(name)))
            for name in palette.cells
        ),
    ]  # fmt: skip


def _dashes(line: Any) -> str:
    """A line style of matplotlib as an attribute of an SVG stroke twice as wide."""
    return "" if line == "-" else " ".join(str(2 * length) for length in line[1])
