"""The section "Overview": the answers, the cells side by side, and what was run, on one screen."""

from typing import Any

from report import answers
from report.figures.drawing import Job
from report.sections import overview_figures, overview_table, provenance
from report.tables import Tables


def content(tables: Tables) -> dict[str, Any]:
    """The answers with the views that they lead to, the table, and what was run where."""
    tasks = overview_table.shown(tables)
    drawn = [(one, overview_figures.lines(tables, one)) for one in tasks]
    return {
        "answers": [
            ("accuracy", "Which cell?", answers.cell(tables)),
            ("speed", "Which framework?", answers.framework(tables)),
            ("same", "Same results if ported?", answers.same(tables)),
            ("claims", "Do the claims hold?", answers.claims(tables)),
            *_upgraded(tables),
        ],
        "seeds": answers.seeds(tables),
        "few": answers.seeds(tables) < answers.FEWEST,
        "enough": answers.ENOUGH,
        "beside": overview_table.content(tables, tasks) if tasks else None,
        "heading": overview_table.heading,
        "finding": overview_figures.finding(drawn),
        "provenance": provenance.of(tables),
    }


def _upgraded(tables: Tables) -> list[tuple[str, str, answers.Answer]]:
    """The answer on versions of a framework, where there are two."""
    there = len(tables["versions"])
    return [("versions", "Another version?", answers.upgrade(tables))] if there else []


def figures(tables: Tables) -> dict[str, Job]:
    """Scores against time."""
    drawn = [
        (one, overview_figures.shown(tables, overview_figures.lines(tables, one)))
        for one in overview_table.shown(tables)
    ]
    return {"time": (overview_figures.time, (drawn, tables.palette))}
