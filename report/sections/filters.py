"""What the whole page can be filtered by, the baselines, and what colours and lines mean."""

from typing import Any

from report.figures.style import Palette, in_order, tracks, variable
from report.tables import Tables


def content(tables: Tables) -> dict[str, Any]:
    """The choices of each filter, and the key of the figures."""
    runs, palette = tables["runs"], tables.palette
    return {
        "choices": {
            "task": list(dict.fromkeys(runs["task"])),
            "framework": in_order(runs["framework"], palette.frameworks),
            "cell": palette.present(runs["cell"]),
            "track": in_order(runs["track"], tuple(tracks(runs["track"]))),
            "status": in_order(runs["status"], ("ok",)),
            "baseline": sorted(set(tables["ratios"]["baseline"])),
        },
        "key": key(palette),
    }


def key(palette: Palette) -> list[dict[str, str]]:
    """What colours and lines mean in every figure, as attributes of an SVG stroke."""
    rows = [
        {
            "kind": "framework", "name": name, "stroke": variable(palette.framework(name)),
            "dashes": "",
        }
        for name in palette.frameworks
    ]  # fmt: skip
    for cell in palette.cells:
        line = palette.line(cell)
        dashes = "" if line == "-" else " ".join(str(2 * v) for v in line[1])
        rows.append({"kind": "cell", "name": cell, "stroke": "currentColor", "dashes": dashes})
    return rows
