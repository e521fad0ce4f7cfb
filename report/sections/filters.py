"""What the whole page can be filtered by, the baselines, and what colours and lines mean."""

from typing import Any

from report.figures.style import in_order, tracks, variable
from report.tables import Tables


def content(tables: Tables) -> dict[str, Any]:
    """The choices of each filter, and what colours and lines mean in every figure."""
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
        "key": [
            *(("framework", n, variable(palette.framework(n)), "") for n in palette.frameworks),
            *(("cell", n, "currentColor", _dashes(palette.line(n))) for n in palette.cells),
        ],
    }


def _dashes(line: Any) -> str:
    """A line style of matplotlib as an attribute of an SVG stroke twice as wide."""
    return "" if line == "-" else " ".join(str(2 * length) for length in line[1])
