"""The view "Which gate?": each cell beside the cell that it changes, and all of them by cost."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from report import answers, words
from report.answers.answer import metric
from report.answers.changes import Change, as_good, by_cell, ends, nearly_furthest, share
from report.answers.phrases import capital, less, plural
from report.figures.drawing import Job
from report.numbers import PERCENT, change, interval, number
from report.sections import changes_figures, frontier_figure
from report.tables import Tables

Row = dict[Any, Any]
# A verdict as the table marks it: its mark, its words and the style of its place.
VERDICTS = {
    "worse": ("✕", "worse", "failed"), "better": ("✓", "better", "solved"),
    "as good": ("=", "as good", "solved"), "open": ("?", "open", "above"),
    "neither learns": ("–", "neither learns it", "at"),
    "few seeds": ("?", "too few seeds", "above"),
}  # fmt: skip


def content(tables: Tables) -> dict[str, Any]:
    """The answer, what both figures show, and a row a comparison."""
    every = by_cell(tables)
    n = sorted({int(n) for n in tables["changes"]["n"]})
    return {
        "answer": answers.change(tables),
        "title": finding(every),
        "tasks": len({row["task"] for one in every for row in one.rows}),
        "seeds": f"{' or '.join(map(str, n))} seed{'s' * (n != [1])} of each",
        "weighed": bool(tables["changes"]["progress_change_low"].notna().any()),
        "frontier": frontier(tables),
        "frontier_tasks": int(tables["frontier"]["tasks"].max()) if len(tables["frontier"]) else 0,
        "rows": [_row(tables, row) for row in _sorted(tables, every)],
        "verdicts": VERDICTS,
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """What every change does to the score and to the steps, and the frontier."""
    every = by_cell(tables)
    about = dict(zip(tables["cells"]["cell"], tables["cells"]["summary"], strict=True))
    sizes = {one.cell: one.size for one in every}
    places = {task: place for place, task in enumerate(tables.tasks)}
    rows = tables["changes"].sort_values("task", key=lambda tasks: tasks.map(places), kind="stable")
    given = rows, sizes, tables["frontier"], about, tables.palette
    return {
        "score": (changes_figures.draw, ("score", *given)),
        "steps": (changes_figures.draw, ("steps", *given)),
        "frontier": (frontier_figure.draw, (tables["frontier"], tables.palette)),
    }


def finding(every: list[Change]) -> str:
    """How many changes lose on some task, win on some, or lose nothing on any."""
    learned = [one for one in every if one.rows]
    counts = {
        ("loses", "lose", "on some task"): sum(bool(one.on("worse")) for one in learned),
        ("wins", "win", "on some"): sum(bool(one.on("better")) for one in learned),
        ("is", "are", "as good on every task"): sum(
            as_good(one) and not one.on("better") for one in learned
        ),
    }
    if len(learned) == 1:
        names = [words.cell(name) for name in (learned[0].cell, learned[0].parent)]
        return f"{capital(names[0])} beside {names[1]}, task by task"
    if all(one.on("few seeds") for one in learned):
        return "Each cell beside the one that it changes, task by task"
    said = [
        f"{n} {one if n == 1 else several} {where}"
        for (one, several, where), n in counts.items()
        if n
    ]
    total = plural(len(learned), "changed cell")
    if not said:
        return f"Of {total} none is shown to lose or to win anything"
    return f"Of {total} {', '.join(said)}"


def frontier(tables: Tables) -> str:
    """Which cell gets furthest, and which nearly as far for the fewest operations."""
    table = tables["frontier"]
    near = nearly_furthest(table)
    if not near:
        return ""
    known = table.set_index("cell")
    cheap, best = near[0], str(known["progress"].idxmax())
    if cheap == best:
        return f"{capital(words.cell(best))} gets furthest, and no other cell as far for less"
    saved = less(known["operations"][cheap] / known["operations"][best], of="fewer operations")
    return f"{capital(words.cell(cheap))} gets nearly as far as any cell, for {saved} than " + (
        f"{words.cell(best)}, which gets furthest"
    )


def _sorted(tables: Tables, every: list[Change]) -> list[Row]:
    """The comparisons in the order of the figure, and within a cell in that of the tasks."""
    places = {one.cell: place for place, one in enumerate(every)}
    tasks = {task: place for place, task in enumerate(tables.tasks)}
    return sorted(
        tables.rows("changes"),
        key=lambda row: (places[row["cell"]], tasks.get(row["task"], len(tasks))),
    )


def _row(tables: Tables, row: Row) -> Row:
    """A comparison in words that a reader knows."""
    mark, word, style = VERDICTS[row["verdict"]]
    steps, spread = "–", ""
    if row["steps_ratio"] is not None:
        bounds = row["steps_ratio_low"], row["steps_ratio_high"]
        steps, spread = change(row["steps_ratio"], *bounds, "fewer", "more")
        if steps.endswith("times") or row["steps_ratio"] == 1:
            steps = "as many" if row["steps_ratio"] == 1 else f"{steps} as many"
    values = [row[f"score_change{end}"] for end in ("", "_low", "_high")]
    return row | {
        "mark": mark, "word": word, "style": style,
        "metric": metric(tables, row["task"]),
        "changed": words.changed(row["cell"]),
        "score": _signed(interval(*values), values[0]),
        "way": way(row),
        "steps": steps, "steps_ends": spread, "steps_sure": sure(row["steps_p_holm"]),
        "costs": [
            _cost(row, "parameters", "fewer", "more"), _cost(row, "step_mflop"),
            _cost(row, "step_ms"), _cost(row, "operations_to_solve"),
        ],
    }  # fmt: skip


def way(row: Row) -> str:
    """A change of the score as a share of the way from baseline to solved."""
    gain = row["progress_change"]
    if gain is None:
        return ""
    said = f"{share(gain)} of the way {'won' if gain > 0 else 'lost'}"
    between = ends({k: float("nan") if v is None else v for k, v in row.items()})
    return f"{said} ({between})" if between else said


def sure(p: float | None) -> bool:
    """Whether a difference is beyond chance, after the correction."""
    return p is not None and p < 0.05


def _signed(text: str, value: float | None) -> str:
    return f"+{text}" if value is not None and value > 0 else text


def _cost(row: Row, name: str, less: str = "less", more: str = "more") -> tuple[str, str]:
    """What a cell takes, and how that compares with its parent."""
    mine, its = row[name], row[f"parent_{name}"]
    if mine is None or pd.isna(mine):
        return "–", ""
    if mine == float("inf"):
        return "–", "under half solve it"
    if its is None or not 0 < its < float("inf"):
        return number(mine), ""
    if mine == its:
        return number(mine), "the same"
    return number(mine), change(mine / its, None, None, less, more)[0].replace(PERCENT, " %")
