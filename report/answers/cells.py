"""Which cell should I choose for a task like mine?"""

import math
from collections import Counter
from typing import Any

from markupsafe import Markup

from report import words
from report.answers.answer import (
    ENOUGH,
    MORE_SEEDS,
    MOST_SAID,
    Answer,
    Row,
    advice,
    metric,
    these,
    unweighed,
)
from report.answers.phrases import (
    MOST_NAMED,
    capital,
    cells,
    difference,
    fitting,
    less,
    plural,
    ratio,
    title,
    titles,
)
from report.numbers import listed, number
from report.tables import Tables

# Stands among the classical methods and is none: what no forecast can beat.
BOUNDS = ("noise floor",)
# Where there is nothing to choose between.
ALIKE = {"none": "no cell", "equal": "any cell"}


def cell(tables: Tables) -> Answer:
    """Which cell to choose."""
    rows = advice(tables, "which_cell")
    if not rows:
        return unweighed(tables, "advice")
    known = [row for row in rows if row["verdict"] != "unknown"]
    open_ = [row for row in rows if row["verdict"] == "unknown"]
    if not known and all(row["why"] == "few_seeds" for row in rows):
        return _solved(tables, rows)
    if all(row["why"] == "one_name" for row in rows):
        return Answer(
            "Only one cell was trained here, so there is nothing to choose between.",
            tell=Markup("A second one in <code>cells</code> would tell."),
        )
    evidence = [text for row in known if (text := _decided(tables, row))]
    return Answer(
        _choice(known, open_),
        evidence[0] if evidence else "",
        _open_cells(open_),
        " ".join([*evidence[1:MOST_SAID], *_beaten(tables)]),
    )


def _choice(known: list[Row], open_: list[Row]) -> str:
    """Every task in its clause, or grouped, or counted: what is short enough."""
    total = len(known) + len(open_)
    clauses = [_clause(row) for row in known]
    stay = "stays" if len(open_) == 1 else "stay"
    if open_:
        clauses.append(f"{titles(row['task'] for row in open_)} {stay} open")
    groups: dict[str, list[Row]] = {}
    for row in known:
        same = row["verdict"] if _any(row) else row["better"]
        groups.setdefault(same, []).append(row)
    order = sorted(
        ((_chosen(mine[0]), mine) for mine in groups.values()),
        key=lambda one: (one[0] == ALIKE["none"], -len(one[1])),
    )
    named = [f"{who} on {titles(row['task'] for row in mine)}" for who, mine in order]
    counted = [f"{who} on {len(mine)}" for who, mine in order]
    counted[:1] = [f"{one} of {plural(total, 'task')}" for one in counted[:1]]
    rest = f"; {number(len(open_))} {stay} open" if open_ else ""
    if not known:
        least = f"No difference between the cells was found on {plural(total, 'task')}"
        there = titles(row["task"] for row in open_)
        return fitting(f"No difference between the cells was found on {there}.", f"{least}.")
    if any(len((row["better"] or "").split()) > MOST_NAMED for row in known):
        return _unbeaten(known + open_)
    return fitting(
        f"{capital('; '.join(clauses))}.",
        f"{capital('; '.join(named))}{rest}.",
        f"Choose {', '.join(counted)}{rest}.",
        f"A choice was found for {len(known)} of {plural(total, 'task')}.",
    )


def _unbeaten(rows: list[Row]) -> str:
    """Of many cells, which are among the best on every task, or on most."""
    best = Counter(name for row in rows for name in (row["better"] or "").split())
    every = {name for row in rows for side in ("better", "worse")
             for name in (row[side] or "").split()}  # fmt: skip
    count = max(best.values())
    names = [name for name in best if best[name] == count]
    tasks = "all" if count == len(rows) else f"{count} of"
    maybe = "probably " if any(row["sure"] != "sure" for row in rows) else ""
    are = "is" if len(names) == 1 else "are"
    end = (
        f"on {tasks} {plural(len(rows), 'task')}"
        if len(rows) > 1
        else f"on {title(rows[0]['task'])}"
    )
    return fitting(
        f"{capital(listed(map(words.cell, names)))} {are} {maybe}among the best of {len(every)} "
        f"cells {end}.",
        f"{len(names)} of {len(every)} cells are {maybe}among the best {end}.",
    )


def _clause(row: Row) -> str:
    """What to use for a task, with how much that saves."""
    one, task = _names(row, "better"), title(row["task"])
    maybe = "probably " if row["sure"] == "likely" else ""
    match row["verdict"]:
        case "none":
            return f"no cell learns {task}"
        case "equal":
            every = one if row["worse"] else "all cells"
            return f"{every} score alike on {task}"
        case "sooner":
            if " " in (row["better"] or ""):
                return f"{one} learn {task} soonest"
            few = _few(row)
            return f"{one} learns {task} {few}" if few else f"{one} learns {task} soonest"
    if " " in (row["better"] or ""):
        worse = (row["worse"] or "").split()
        rest = _names(row, "worse") if len(worse) <= MOST_NAMED else f"the other {len(worse)}"
        return f"{one} {maybe}score better than {rest} on {task}"
    return f"{one} {maybe}scores best on {task}"


def _few(row: Row) -> str:
    """How many steps fewer than the next; nothing where that one never solves."""
    if not 0 < row["effect"] < 1 or not math.isfinite(row["high"]):
        return ""
    return f"in {less(row['effect'], of='fewer steps')} than {words.cell(row['b'])}"


def _chosen(row: Row) -> str:
    """A group of tasks: who is the choice there."""
    if _any(row):
        return ALIKE[row["verdict"]]
    return _names(row, "better", "or")


def _any(row: Row) -> bool:
    """Whether all cells of a task are alike; with one that is worse, only the others are."""
    return row["verdict"] == "none" or (row["verdict"] == "equal" and not row["worse"])


def _names(row: Row, side: str, word: str = "and") -> str:
    names = (row[side] or "").split()
    return cells(names, word) if names else "none"


def _decided(tables: Tables, row: Row) -> str:
    """What decided, as a number with its interval."""
    if not math.isfinite(row["effect"]) or not row["low"] <= row["high"]:
        return ""
    one, other, task = words.cell(row["a"]), words.cell(row["b"]), title(row["task"])
    where = f"{plural(row['n'], 'seed')} in {words.framework(row['framework'])}"
    if row["frameworks"] and row["frameworks"] > 1:
        where += f", the least clear of {row['frameworks']:.0f} frameworks"
    match row["verdict"]:
        case "sooner" if row["effect"]:
            steps = ratio(row, "fewer", "more")
            return f"Steps for {task}, {one} against {other}: {steps}, {where}."
        case "better":
            by = f"{difference(row)} in {metric(tables, row['task'])}"
            return f"On {task} {one} is ahead of {other} by {by}, {where}."
        case "equal":
            by = f"{difference(row)} in {metric(tables, row['task'])}"
            return f"On {task} {one} and {other} differ by {by}, {where}."
    return ""


def _open_cells(rows: list[Row]) -> str:
    """What would tell where nothing is known."""
    if not rows:
        return ""
    n = max((row["n"] for row in rows if row["n"]), default=0)
    where = titles(row["task"] for row in rows)
    if any(row["why"] == "few_seeds" for row in rows):
        return Markup("For {}: {}.").format(where, ENOUGH)
    more = f"more seeds than {'this one' if n == 1 else f'these {n:.0f}'}" if n else "more seeds"
    return Markup("For {} {} would tell {}.").format(where, more, MORE_SEEDS)


def _solved(tables: Tables, rows: list[Row]) -> Answer:
    """Of too few runs: what they came to, task by task."""
    runs, said, failing, evidence = tables["runs"], [], [], ""
    for row in rows:
        task, mine = row["task"], runs[(runs["task"] == row["task"])]
        solved = mine[(mine["track"] == row["track"]) & (mine["solved"].astype(str) == "True")]
        names = list(dict.fromkeys(solved["cell"]))
        if not names:
            failing.append(task)
            continue
        steps = solved.groupby("cell")["steps_to_solve"].min().dropna()
        first = list(steps[steps == steps.min()].index)
        lead = f", {words.cell(first[0])} first" if len(names) > 1 and len(first) == 1 else ""
        said.append(f"{cells(names)} solved {title(task)}{lead}")
        evidence = evidence or _reached(tables, solved.iloc[0])
    if failing:
        said.append(f"no cell solved {titles(failing, 'or')}")
    counted = f"{len(rows) - len(failing)} of {plural(len(rows), 'task')} were solved"
    text = fitting(*(f"{these(tables)} {one}." for one in ("; ".join(said), counted)))
    return Answer(text, evidence, Markup("{}.").format(ENOUGH))


def _reached(tables: Tables, run: Any) -> str:
    """The score of a run that solved its task, and what counts as solved."""
    return (
        f"{words.cell(run['cell'])} on {title(run['task'])}: {number(run['score'])} in "
        f"{metric(tables, run['task'])}; {number(run['solved_at'])} counts as solved."
    )


def _beaten(tables: Tables) -> list[str]:
    """Where a method without a network does better than every network."""
    found = []
    for task in tables.rows("tasks"):
        name, sign = task["task"], -1 if task["direction"] == "higher" else 1
        scores = tables.of_task("scores", name)["median"].dropna() * sign
        best = classical(tables, name)
        if len(scores) and best and sign * best[1] < scores.min():
            network = number(sign * scores.min())
            found.append(
                f"On {title(name)} {best[0]}, which is no network, does better than every network: "
                f"{number(best[1])} against {network} ({task['metric']})."
            )
    return found


def classical(tables: Tables, task: str) -> tuple[str, float] | None:
    """The best method without a network on ``task``, and its median score."""
    rows = tables.of_task("classical", task)
    rows = rows[~rows["method"].isin(BOUNDS)]
    if rows.empty:
        return None
    directions = dict(zip(tables["tasks"]["task"], tables["tasks"]["direction"], strict=True))
    scores = rows.groupby("method")["score"].median().sort_values()
    place = -1 if directions.get(task) == "higher" else 0
    return str(scores.index[place]), float(scores.iloc[place])
