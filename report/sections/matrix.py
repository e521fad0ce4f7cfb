"""The section "Matrix": every method's score on every task, and what needs no network."""

from typing import Any

from report.answers.cells import BOUNDS
from report.figures.style import MOST_CELLS, tracks
from report.tables import Tables, crossed

# How a state of the table of scores is marked and called; an error above its baseline would
# sound worse than it.
STATES = {
    "solved": ("✓", "solved"),
    "above baseline": ("◐", "better than the baseline"),
    "at baseline": ("○", "at the baseline"),
    "failed": ("✕", "no score"),
}


def content(tables: Tables) -> dict[str, Any]:
    """Every score with its state and interval: rows of tasks, or of methods if cells are many."""
    scores, palette = tables["scores"], tables.palette
    method = ["task", "framework", "cell", "track"]
    summary = tables["summary"][[*method, "n", "median_low", "median_high"]]
    joined = scores.merge(summary, how="left", on=method)
    shown = joined[joined["track"].isin(tracks(scores["track"]))]
    columns = set(zip(scores["framework"], scores["cell"], strict=True))
    matrix = crossed(shown, ["task", "track"], ["framework", "cell"])
    by_task = [
        (task, track, row)
        for task in tables.rows("tasks")
        for (name, track), row in matrix.items()
        if name == task["task"]
    ]
    turned = scores["cell"].nunique() > MOST_CELLS
    return {
        "by_task": by_task,
        "states": STATES,
        "bounds": BOUNDS,
        "turned": turned,
        "width": len(by_task if turned else columns),
        "columns": sorted(
            columns, key=lambda m: (palette.frameworks.index(m[0]), palette.cells.index(m[1]))
        ),
    }
