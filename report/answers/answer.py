"""What an answer is, and what all of them need of the tables."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from report.tables import Tables

Row = dict[Any, Any]
# Of how many tasks or model sizes an answer gives the numbers; the folds have all.
MOST_SAID = 3
# Fewer seeds than these decide nothing.
FEWEST = 5
# What has so many seeds.
ENOUGH = Markup(
    "<code>make report</code>, about half an hour, trains each model five times or more"
)
# Where the seeds of a study stand.
MORE_SEEDS = Markup("(<code>seeds</code> in <code>workflows/studies.yaml</code>)")
METHOD = ["task", "framework", "cell", "track"]


@dataclass(frozen=True)
class Answer:
    """A text of at most 30 words, its number with interval, n and place, and what would tell.

    ``more`` is further evidence that a first screen has no room for.
    """

    text: str
    evidence: str = ""
    tell: str = ""
    more: str = ""


def seeds(tables: Tables) -> int:
    """The most seeds that any method has."""
    most = tables["runs"].groupby(METHOD)["seed"].nunique().max()
    return 0 if pd.isna(most) else int(most)


def these(tables: Tables) -> str:
    """How a sentence on too few runs begins."""
    n = seeds(tables)
    return "In this single run" if n == 1 else f"In these {n} runs of each model"


def advice(tables: Tables, question: str) -> list[Row]:
    """The advice on a question; what is missing of a text or a count is None."""
    mine = tables["advice"][tables["advice"]["question"] == question]
    kept = ("effect", "low", "high", "margin")
    return [
        {k: None if k not in kept and pd.isna(v) else v for k, v in row.items()}
        for row in mine.to_dict("records")
    ]


def metric(tables: Tables, task: str) -> str:
    """What a task's score is."""
    metrics = dict(zip(tables["tasks"]["task"], tables["tasks"]["metric"], strict=True))
    return str(metrics.get(task, "score"))


def unweighed(tables: Tables, table: str) -> Answer:
    """The answer where the table that would give it is not there."""
    return Answer("These runs have not been weighed yet.", tell=makes(tables, table, "weighs them"))


def makes(tables: Tables, table: str, does: str) -> Markup:
    """What the command that makes a table does."""
    return Markup("<code>{}</code> {}.").format(tables.command(table), does)
