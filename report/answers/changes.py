"""Which gate matters, and does a simpler cell do as well?"""

from collections import Counter
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from report import words
from report.answers.answer import FEWEST, MORE_SEEDS, Answer, Row, these
from report.answers.phrases import capital, fitting, less, plural, title
from report.numbers import PERCENT, number
from report.tables import Tables

# Beyond this share of the way to solved all of it is lost.
ALL = 0.995
# Nearly as far as another cell is within this share of the way.
NEARLY = 0.05


@dataclass(frozen=True)
class Change:
    """A cell beside its parent, with the rows of the tasks that one of both learns.

    ``size`` is its parameters over its parent's, on the first task of the table.
    """

    cell: str
    parent: str
    size: float
    rows: list[Row]

    def on(self, *verdicts: str) -> list[Row]:
        """The tasks on which it comes to one of these verdicts."""
        return [row for row in self.rows if row["verdict"] in verdicts]

    @property
    def gain(self) -> float:
        """What it wins on average, as a share of the way from baseline to solved."""
        gains = [row["progress_change"] for row in self.rows]
        return sum(gains) / len(gains) if gains else 0.0

    @property
    def says(self) -> str:
        """What it changes: ``LSTM with no forget gate``, or against what it stands."""
        changed, parent = words.changed(self.cell), words.cell(self.parent)
        return f"{parent} with {changed}" if changed else f"{words.cell(self.cell)} beside {parent}"


def by_cell(tables: Tables) -> list[Change]:
    """Every change, those of one parent together, the greatest loss first.

    The parent that most cells change comes first.
    """
    order, found = tables.palette.cells, dict[str, Change]()
    for row in tables["changes"].to_dict("records"):
        size = row["parameters"] / row["parent_parameters"]
        one = found.setdefault(row["cell"], Change(row["cell"], row["parent"], size, []))
        if row["learned"]:
            one.rows.append(row)
    children = Counter(one.parent for one in found.values())
    return sorted(
        found.values(),
        key=lambda one: (-children[one.parent], order.index(one.parent), one.gain),
    )


def change(tables: Tables) -> Answer:
    """Which change costs most, and which cell with fewer parameters does as well."""
    every = [one for one in by_cell(tables) if one.rows]
    if not every:
        return Answer("Neither these cells nor those that they change learn any task here.")
    if all(row["n"] < FEWEST for one in every for row in one.rows):
        return _few(tables, every)
    open_ = sum(len(one.on("open", "few seeds")) for one in every)
    total = sum(len(one.rows) for one in every)
    stays = "stays" if open_ == 1 else "stay"
    tell = Markup("{} of {} {} open; more seeds would tell {}.")
    costly, simple = costliest(every), simplest(every, tables["frontier"])
    evidence = [_most(costly)] if costly else []
    if simple and (saved := _saved(tables, simple)):
        evidence.append(saved)
    return Answer(
        _text(every, costly, simple),
        " ".join(evidence),
        tell.format(open_, plural(total, "comparison"), stays, MORE_SEEDS) if open_ else "",
    )


def costliest(every: list[Change]) -> Change | None:
    """The change that loses on the most tasks and, of several, most; None where none does."""
    losing = [one for one in every if one.on("worse")]
    return min(losing, key=lambda one: (-len(one.on("worse")), one.gain), default=None)


def simplest(every: list[Change], frontier: pd.DataFrame) -> Change | None:
    """The change that saves most parameters of those that are as good on every task.

    Those come first that get nearly as far as any cell: to do as well as one that fails is little.
    """
    near = nearly_furthest(frontier)
    good = [one for one in every if one.size < 1 and as_good(one)]
    return min(good, key=lambda one: (one.cell not in near, one.size), default=None)


def nearly_furthest(frontier: pd.DataFrame) -> list[str]:
    """The cells that get nearly as far as the one that gets furthest, the cheapest first."""
    known = frontier[frontier["progress"] >= frontier["progress"].max() - NEARLY]
    return list(known.sort_values("operations")["cell"])


def as_good(one: Change) -> bool:
    """Whether a change is shown to lose nothing on every task."""
    return bool(one.rows) and len(one.on("as good", "better")) == len(one.rows)


def _text(every: list[Change], costly: Change | None, simple: Change | None) -> str:
    """Both answers, as full as there is room for."""
    tasks = len({row["task"] for one in every for row in one.rows})
    of = plural(tasks, "task")
    if len(every) == 1:
        return f"{_alone(every[0])}."
    if costly is None:
        full = brief = f"No change of a cell was found to lose anything on {of}"
    else:
        lost = max(-row["progress_change"] for row in costly.on("worse"))
        where = _of(len(costly.on("worse")), len(costly.rows))
        brief = f"{capital(costly.says)} loses most, on {where}"
        full = f"{brief}, up to {share(lost)} of the way to solved"
    if simple is None:
        second = "No smaller cell is shown to do as well everywhere"
        return fitting(f"{full}. {second}.", f"{brief}. {second}.", f"{brief}.")
    names = words.cell(simple.cell), words.cell(simple.parent)
    fewer = less(simple.size, of="fewer parameters")
    everywhere = _of(len(simple.rows), len(simple.rows))
    second = f"{capital(names[0])} does as well as {names[1]} on {everywhere}"
    return fitting(
        f"{full}. {second} with {fewer}.", f"{brief}. {second} with {fewer}.",
        f"{brief}. {second}.", f"{brief}.",
    )  # fmt: skip


def _alone(one: Change) -> str:
    """What the only change comes to."""
    said = [
        f"{words} on {_of(len(found), len(one.rows))}"
        for words, verdicts in (
            ("loses", ("worse",)), ("does as well", ("as good",)), ("does better", ("better",)),
            ("leaves open what it does", ("open", "few seeds")),
        ) if (found := one.on(*verdicts))
    ]  # fmt: skip
    return f"{capital(one.says)} {', '.join(said)}"


def _of(n: int, total: int) -> str:
    if n == total:
        return {1: "the one task", 2: "both tasks"}.get(total, f"all {total} tasks")
    return f"{n} of {total} tasks"


def share(way: float) -> str:
    """How much of the way to solved is lost or won: ``62 %``, ``all``."""
    return "all" if abs(way) > ALL else f"{points(abs(way))}{PERCENT}"


def ends(row: Row) -> str:
    """The interval of what is lost or won, in percent of the way; empty without one."""
    bounds = [row[f"progress_change_{end}"] for end in ("low", "high")]
    if pd.isna(bounds[0]):
        return ""
    if row["progress_change"] <= 0:
        bounds = [-bounds[1], -bounds[0]]
    return f"{' to '.join(points(min(bound, 1)) for bound in bounds)}{PERCENT}"


def points(way: float) -> str:
    """A share in percent; below ten with a tenth."""
    text = f"{100 * way:.{0 if abs(way) > 0.0995 else 1}f}".replace("-", "−")
    return "0" if text in ("−0.0", "0.0") else text


def _most(costly: Change) -> str:
    """The greatest loss that is decided, with its interval."""
    row = min(costly.on("worse"), key=lambda row: row["progress_change"])
    names = f"{words.cell(costly.cell)} against {words.cell(costly.parent)}"
    return (
        f"{capital(names)} on {title(row['task'])}: "
        f"{share(row['progress_change'])} of the way to solved is lost (95{PERCENT} interval "
        f"{ends(row)}), {plural(row['n'], 'seed')} in {words.framework(row['framework'])}."
    )


def _saved(tables: Tables, simple: Change) -> str:
    """How much less a simpler cell computes until it has solved the tasks."""
    known = {row["cell"]: row for row in tables["frontier"].to_dict("records")}
    if not {simple.cell, simple.parent} <= set(known):
        return ""
    ratio = float(known[simple.cell]["operations"] / known[simple.parent]["operations"])
    if not ratio > 0:
        return ""
    much = less(ratio, of="fewer") if ratio < 1 else f"{number(ratio, 2)} times as many"
    tasks = plural(known[simple.cell]["tasks"], "task")
    return (
        f"Until solved {words.cell(simple.cell)} takes {much} operations"
        f"{' than' if ratio < 1 else ' as'} {words.cell(simple.parent)}, on average over {tasks}."
    )


def _few(tables: Tables, every: list[Change]) -> Answer:
    """Of too few runs: what falls furthest behind in them."""
    tell = Markup("<code>make cells</code> trains every cell ten times.")
    row, one = min(
        ((row, one) for one in every for row in one.rows),
        key=lambda pair: pair[0]["progress_change"],
    )
    if row["progress_change"] > -0.01:
        return Answer(f"{these(tables)} no change of a cell loses anything.", tell=tell)
    by = f"{share(row['progress_change'])} of the way to solved on {title(row['task'])}"
    text = f"{these(tables)} {one.says} loses most: {by}."
    return Answer(fitting(text, f"{these(tables)} {one.says} loses most."), tell=tell)
