"""What "Inside the gates" says of the tables: its answer and the titles of its figures."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from harness import layout
from report import words
from report.answers import Answer
from report.answers.phrases import MOST_NAMED, capital, title
from report.answers.phrases import cells as named
from report.numbers import listed, number
from report.sections.inside_spreads import middle
from report.tables import Tables

# A gate that is open, or shut, for less than this share of the time stays between.
OFTEN = 0.05
# What is read from a state better than by guessing, by this much, is held.
CLEARLY = 0.1
# What is said of a cell, and what it is said of.
Found = tuple[str, Any]
# What a unit's gate may do at the marked steps.
WAYS = {"opening": "open", "closing": "close"}


def matched(tables: Tables, name: str, task: str) -> pd.DataFrame:
    """What a table has of a task's trained models that had the same start and rule."""
    mine = tables.of_task(name, task)
    mine = mine[(mine["track"] == "matched") & (mine["moment"] == "trained")]
    return mine[mine["cotangent"] == "loss"] if "cotangent" in mine else mine


def by_cell(tables: Tables, data: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for cell in tables.palette.present(data["cell"]):
        yield words.cell(cell), data[data["cell"] == cell]


def first(tables: Tables, find: Callable[[Tables, str], str]) -> str:
    """The finding of the first task that has one."""
    return next((found for task in tables.tasks if (found := find(tables, task))), "")


def _movers(gates: pd.DataFrame) -> tuple[str, str] | None:
    """The gate and the way in which most units of the middle run move at the marked steps.

    None where the task marks no step.
    """
    found = {
        (str(gate), way): middle(mine, way)[way]
        for gate, mine in gates[gates["opening"].notna()].groupby("gate", sort=False)
        for way in WAYS
    }
    return max(found, key=lambda key: found[key]) if found else None


def _moved(tables: Tables, task: str, gates: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """By cell what moves most in all runs, said of the middle one of ``gates``; and its rows."""
    for cell, mine in by_cell(tables, matched(tables, "gates", task)):
        movers = _movers(mine)
        if movers is None:
            continue
        gate, way = movers
        own = gates[(gates["cell"] == mine["cell"].iloc[0]) & (gates["gate"] == gate)]
        # The example of a run may mark no step where those of other runs do.
        own = own[own[way].notna()]
        if own.empty:
            continue
        share = middle(own, way)[way]
        says = f"{percent(share)} of the {cell}’s units {WAYS[way]} their {gate} gate"
        if not share:
            says = f"none of the {cell}’s units moves a gate"
        yield says, own.assign(share=own[way])


def _ends(found: list[Found], size: Callable[[Any], float]) -> list[Found]:
    """All that was found or, of many cells, the one with the most and the one with the least."""
    if len(found) <= MOST_NAMED:
        return found
    (most, high), (least, low) = (
        pick(found, key=lambda one: size(one[1])) for pick in (max, min)
    )  # fmt: skip
    return [(f"{most} (the most of {len(found)} cells)", high), (f"{least} (the fewest)", low)]


def _range(shares: pd.Series) -> str:
    low, high = percent(shares.min()), percent(shares.max())
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def answer(tables: Tables) -> Answer:
    for task in tables.tasks:
        found = list(_moved(tables, task, matched(tables, "gates", task)))
        found = _ends(found, lambda own: float(middle(own, "share")["share"]))
        if found:
            moved = listed(says for says, _ in found)
            text = f"At the marked steps of {title(task)} {moved}."
            ranges = [
                f"{words.cell(own['cell'].iloc[0])}: {_range(own['share'])} in {len(own)} runs"
                for _, own in found
                if len(own) > 1
            ]
            counted = (
                "Counted are units whose gate is there on average more than 0.2 higher or lower"
            )
            spread = f", in the middle run ({'; '.join(ranges)})" if ranges else ""
            return Answer(text, f"{counted} than elsewhere{spread}.")
    return _open_or_shut(tables)


def _open_or_shut(tables: Tables) -> Answer:
    """Where no task marks a step: how often the most decided gate is open or shut."""
    for task in tables.tasks:
        if text := _decided(tables, matched(tables, "gates", task)):
            return Answer(f"On {title(task)} {text}.")
    return Answer("Not known yet.", "No run with the same start and rule has been looked into.")


def _decided(tables: Tables, gates: pd.DataFrame) -> str:
    """Of each cell how often the gate that is most often open, or shut, is so."""
    says: list[Found] = []
    between = []
    for cell, mine in by_cell(tables, gates):
        found = {
            (f"{gate} gate", word): middle(own, side)[side]
            for gate, own in mine.groupby("gate", sort=False)
            for side, word in (("above", "open"), ("below", "shut"))
        }
        gate, word = max(found, key=lambda key: found[key])
        share = found[gate, word]
        if share < OFTEN:
            between.append(cell)
        else:
            says.append((f"the {cell}’s {gate} is {word} {percent(share)} of the time", share))
    texts = [text for text, _ in _ends(says, float)]
    if between:
        few = len(between) <= MOST_NAMED
        whose = listed(between) if few else f"{len(between)} cells"
        texts.append(f"the gates of {whose} stay between open and shut")
    return listed(texts) if texts else ""


def gates_of_example(tables: Tables, task: str, cells: list[str] | None = None) -> pd.DataFrame:
    """The rows of the gates of the runs whose example is shown, in these cells or in all."""
    shown = tables.of_task("gate_examples", task)[[*layout.RUN]].drop_duplicates()
    shown = shown if cells is None else shown[shown["cell"].isin(cells)]
    return matched(tables, "gates", task).merge(shown, on=list(layout.RUN))


def of_example(tables: Tables, task: str, cells: list[str]) -> str:
    """What the example shows in these cells, which stand open."""
    gates = gates_of_example(tables, task, cells)
    moved = [says for says, _ in _moved(tables, task, gates)]
    if moved:
        return f"{_title(task)}, in the run shown: at the marked steps {listed(moved)}"
    decided = _decided(tables, gates)
    return f"{_title(task)}, in the run shown: {decided}" if decided else _title(task)


def _title(task: str) -> str:
    return capital(words.task(task))


def _each_cell(tables: Tables, data: pd.DataFrame, column: str, unit: str) -> list[str]:
    """What the middle run of each cell comes to, or of many the two ends; the unit is said once."""
    found = [
        (row[column], cell)
        for cell, mine in by_cell(tables, data)
        if (row := middle(mine, column)) is not None
    ]
    if len(found) > MOST_NAMED:
        (low, least), (high, most) = min(found), max(found)
        return [f"{number(low, 2)}{unit} in the {least} to {number(high, 2)} in the {most}"]
    return [
        f"{number(value, 2)}{unit if not place else ''} in the {cell}"
        for place, (value, cell) in enumerate(found)
    ]


def unkept(tables: Tables) -> str:
    """The cells that were looked into and have no gate that keeps their state."""
    keeping = tables["gates"].loc[tables["gates"]["timescale_q50"].notna(), "cell"]
    left = set(tables["gradient_flow"]["cell"]) - set(keeping)
    return listed(words.cell(cell) for cell in tables.palette.present(left)) if left else ""


def scales(tables: Tables, task: str) -> pd.DataFrame:
    """The time scales of a task's last layer."""
    gates = matched(tables, "gates", task)
    gates = gates[gates["timescale_q50"].notna()]
    last: pd.DataFrame = gates[gates["layer"] == gates["layer"].max()]
    return last


def kept(tables: Tables, task: str) -> str:
    says = _each_cell(tables, scales(tables, task), "timescale_q50", " steps")
    return f"On {title(task)} a unit keeps its state for {listed(says)}" if says else ""


def reached(tables: Tables, task: str) -> str:
    data = matched(tables, "gradient_flow", task)
    data = data[data["lag"] == 0]
    rows = {cell: middle(data[data["cell"] == cell], "horizon") for cell in data["cell"].unique()}
    endless = [cell for cell, row in rows.items() if row is not None and row["horizon"] == math.inf]
    says = _each_cell(tables, data[~data["cell"].isin(endless)], "horizon", " steps")
    start = f"On {title(task)} the gradient"
    said = f"{start} shrinks to a third every {listed(says)}" if says else ""
    if not endless:
        return said
    article = "the " if len(endless) <= MOST_NAMED else ""
    in_these = f"in {article}{named(tables.palette.present(endless))}"
    return (
        f"{said}; {in_these} it does not shrink" if says else f"{start} does not shrink {in_these}"
    )


def held(tables: Tables, task: str) -> str:
    """Which cell tells the shown value best at the end, and which least."""
    last, metric, chance = probed(tables, task)
    found = [
        (row["score"], cell)
        for cell, mine in last.groupby("cell")
        if (row := middle(mine, "score")) is not None
    ]
    if not found:
        return ""
    (least, worst), (most, _) = min(found), max(found)
    best = tables.palette.present(
        cell for score, cell in found if number(score, 2) == number(most, 2)
    )
    end = f"At the end of {title(task)}"
    if most < chance + CLEARLY:
        return f"{end} no cell holds the shown value any more"
    beside = f" and worst from the {words.cell(worst)}’s ({number(least, 2)})"
    whose = (
        f"the {words.cell(best[0])}’s state" if len(best) == 1 else f"the states of {named(best)}"
    )
    said = f"the shown value is read best from {whose} ({metric} {number(most, 2)})"
    return f"{end} {said}{beside if worst not in best else ''}"


def probed(tables: Tables, task: str) -> tuple[pd.DataFrame, str, Any]:
    """The probes at the last step, by what they are scored, and what guessing reaches."""
    data = matched(tables, "memory_probe", task)
    if data.empty:
        return data, "", None
    first = data.iloc[0]
    return data[data["step"] == data["step"].max()], first["metric"], first["chance"]
