"""Which cells are shown first where there is no room for all: the page's first, then the best."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from report.tables import Tables

# So many stand beside each other on a first screen.
MOST = 6


def leading(tables: Tables, cells: Iterable[str], most: int = MOST) -> list[str]:
    """At most ``most`` of these cells, in the page's order.

    What the page has always shown comes first, then those that get furthest as a mean over all
    tasks (``aggregate.csv``; without it by their scores), of equal ones the soonest.
    """
    there = tables.palette.present(cells)
    first = [cell for cell in tables.palette.first if cell in there]
    others = [cell for cell in there if cell not in first]
    table, column = tables["aggregate"], "mean"
    if table.empty:
        table, column = tables["scores"], "progress"
    else:
        # What was run on a few tasks only says less.
        table = table[table["tasks"] == table["tasks"].max()]
    solved = tables["scores"].assign(steps=tables["scores"]["median_steps_to_solve"].fillna(np.inf))
    rank = pd.DataFrame(index=others).assign(
        reached=table.groupby("cell")[column].mean(), steps=solved.groupby("cell")["steps"].mean()
    )
    best = rank.sort_values(["reached", "steps"], ascending=[False, True], kind="stable").index
    return tables.palette.present([*first, *best][:most])
