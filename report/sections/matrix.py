"""The section "Matrix": every method's score on every task, and what needs no network."""

from typing import Any

from report.answers.cells import BOUNDS
from report.figures.style import tracks
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
    """By (task, track) and (framework, cell) every score with its state and its interval."""
    scores, palette = tables["scores"], tables.palette
    method = ["task", "framework", "cell", "track"]
    summary = tables["summary"][[*method, "n", "median_low", "median_high"]]
    joined = scores.merge(summary, how="left", on=method)
    shown = joined[joined["track"].isin(tracks(scores["track"]))]
    columns = set(zip(scores["framework"], scores["cell"], strict=True))
    return {
        "matrix": crossed(shown, ["task", "track"], ["framework", "cell"]),
        "states": STATES,
        "bounds": BOUNDS,
        "columns": sorted(
            columns, key=lambda m: (palette.frameworks.index(m[0]), palette.cells.index(m[1]))
        ),
    }
