"""The section "Inside the gates": one example seen, then what all runs do, a cell a colour."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import matplotlib as mpl
import pandas as pd
from markupsafe import Markup

from harness import layout
from report import words
from report.answers import Answer
from report.figures.drawing import Job
from report.numbers import listed, number
from report.sections import inside_examples, inside_spreads
from report.sections.inside_spreads import middle, spoken
from report.tables import Tables

# So many seeds are looked into by the analysis.
SEEDS = 10
# Panels of a kind that are shown at once; those of further tasks are folded.
MOST_PANELS = 4
# A gate that is open, or shut, for less than this share of the time stays between.
OFTEN = 0.05
# What is read from a state better than by guessing, by this much, is held.
CLEARLY = 0.1
# What a unit's gate may do at the marked steps.
WAYS = {"opening": "open", "closing": "close"}
# The table and the function of each kind of panel.
KINDS: dict[str, tuple[str, Callable[..., Markup]]] = {
    "time_scales": ("gates", inside_spreads.time_scales),
    "reach": ("gradient_flow", inside_spreads.reach),
    "remembered": ("memory_probe", inside_spreads.remembered),
    "saturation": ("gates", inside_spreads.saturation),
    "untrained": ("gradient_flow", inside_spreads.reach),
    "dynamics": ("dynamics", inside_spreads.dynamics),
}


def content(tables: Tables) -> dict[str, Any]:
    """The answer, a finding for each figure, the table in numbers, or what is missing."""
    there = set(tables["gate_examples"]["task"])
    return {
        "lacking": [name for name in layout.names("insides") if name in tables.missing],
        "answer": _answer(tables),
        "tasks": tables.tasks,
        "examples": [task for task in tables.tasks if task in there],
        "findings": {task: _example_finding(tables, task) for task in there},
        "about": {task: _about(tables, task) for task in there},
        "kept": _first(tables, _kept),
        "reached": _first(tables, _reached),
        "held": _first(tables, _held),
        "numbers": [row for task in tables.tasks for row in _numbers(tables, task)],
        "most": MOST_PANELS,
        "seeds": SEEDS,
        "stops": _stops(),
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """The example of every task, and its panel of every kind."""
    jobs: dict[Hashable, Job] = {}
    for task in tables.tasks:
        given = tables["gate_examples"], task, _hover(tables, task), tables.palette
        jobs["example", task] = inside_examples.draw, given
        for kind, (source, draw) in KINDS.items():
            data = tables.of_task(source, task)
            if "moment" in data:
                moment = "initialisation" if kind == "untrained" else "trained"
                data = data[data["moment"] == moment]
            if source == "gradient_flow":
                data = data[data["cotangent"] == "loss"]
            jobs[kind, task] = draw, (data, task, tables.palette)
    return jobs


def _stops() -> list[tuple[int, str]]:
    """The colours of the heat maps from closed to open, for their scale."""
    colours = mpl.colormaps[inside_examples.COLOURS]
    return [(round(100 * x), mpl.colors.to_hex(colours(x))) for x in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]


def _matched(tables: Tables, name: str, task: str) -> pd.DataFrame:
    """What a table has of a task's trained models that had the same start and rule."""
    mine = tables.of_task(name, task)
    mine = mine[(mine["track"] == "matched") & (mine["moment"] == "trained")]
    return mine[mine["cotangent"] == "loss"] if "cotangent" in mine else mine


def _by_cell(tables: Tables, data: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for cell in tables.palette.present(data["cell"]):
        yield words.cell(cell), data[data["cell"] == cell]


def _first(tables: Tables, find: Callable[[Tables, str], str]) -> str:
    """The finding of the first task that has one."""
    return next((found for task in tables.tasks if (found := find(tables, task))), "")


# ---- What gates do at the marked steps.


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
    for cell, mine in _by_cell(tables, _matched(tables, "gates", task)):
        movers = _movers(mine)
        if movers is None:
            continue
        gate, way = movers
        own = gates[(gates["cell"] == mine["cell"].iloc[0]) & (gates["gate"] == gate)]
        if own.empty:
            continue
        share = middle(own, way)[way]
        says = f"{percent(share)} of the {cell}’s units {WAYS[way]} their {gate} gate"
        if not share:
            says = f"none of the {cell}’s units moves a gate"
        yield says, own.assign(share=own[way])


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _answer(tables: Tables) -> Answer:
    for task in tables.tasks:
        found = list(_moved(tables, task, _matched(tables, "gates", task)))
        if found:
            moved = listed(says for says, _ in found)
            text = f"At the marked steps of the {words.task(task)} {moved}."
            ranges = [
                f"{words.cell(own['cell'].iloc[0])}: {100 * own['share'].min():.0f} to "
                f"{percent(own['share'].max())} in {len(own)} runs"
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
        if text := _decided(tables, _matched(tables, "gates", task)):
            return Answer(f"On the {words.task(task)} {text}.")
    return Answer("Not known yet.", "No gate has been looked into.")


def _decided(tables: Tables, gates: pd.DataFrame) -> str:
    """Of each cell how often the gate that is most often open, or shut, is so."""
    says, between = [], []
    for cell, mine in _by_cell(tables, gates):
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
            says.append(f"the {cell}’s {gate} is {word} {percent(share)} of the time")
    if between:
        says.append(f"the gates of {listed(between)} stay between open and shut")
    return listed(says) if says else ""


def _of_example(tables: Tables, task: str) -> pd.DataFrame:
    """The rows of the gates of the runs whose example is shown."""
    shown = tables.of_task("gate_examples", task)[[*layout.RUN]].drop_duplicates()
    return _matched(tables, "gates", task).merge(shown, on=list(layout.RUN))


def _example_finding(tables: Tables, task: str) -> str:
    gates = _of_example(tables, task)
    moved = [says for says, _ in _moved(tables, task, gates)]
    if moved:
        return f"{_title(task)}: at the marked steps {listed(moved)}"
    decided = _decided(tables, gates)
    return f"{_title(task)}: {decided}" if decided else _title(task)


def _title(task: str) -> str:
    name = words.task(task)
    return name[:1].upper() + name[1:]


def _about(tables: Tables, task: str) -> dict[str, Any]:
    """Which runs are shown, and what the reader has to know of their example."""
    shown = inside_examples.examples(tables["gate_examples"], task, tables.palette)
    one = shown[0]
    whole = one.steps[-1] - one.steps[0] + 1
    return {
        "runs": listed(dict.fromkeys(example.about for example in shown)),
        "marked": len(one.marked),
        "thinned": [len(one.steps), int(whole)] if whole > len(one.steps) else None,
        "states": [
            words.cell(example.cell) for example in shown if len(example.values("state"))
        ],
    }  # fmt: skip


def _hover(tables: Tables, task: str) -> dict[tuple[str, Any, str], str]:
    """By cell, layer and gate of the shown runs what the table says of them."""
    found = {}
    for row in _of_example(tables, task).to_dict("records"):
        says = (
            f" Over 64 examples it is open (above 0.9) {100 * row['above']:.0f} % of the time "
            f"and shut (below 0.1) {100 * row['below']:.0f} %"
        )
        if pd.notna(row["at_marked"]):
            says += (
                f"; mean {number(row['at_marked'], 2)} at the marked steps and "
                f"{number(row['elsewhere'], 2)} elsewhere; {100 * row['opening']:.0f} % of units "
                f"open there by more than 0.2 and {100 * row['closing']:.0f} % close"
            )
        found[row["cell"], row["layer"], row["gate"]] = f"{says}."
    return found


# ---- What all runs do.


def _each_cell(tables: Tables, data: pd.DataFrame, column: str, unit: str) -> list[str]:
    """What the middle run of each cell comes to; the unit is said once."""
    says: list[str] = []
    for cell, mine in _by_cell(tables, data):
        row = middle(mine, column)
        if row is not None:
            says.append(f"{number(row[column], 2)}{unit if not says else ''} in the {cell}")
    return says


def _scales(tables: Tables, task: str) -> pd.DataFrame:
    """The time scales of a task's last layer."""
    gates = _matched(tables, "gates", task)
    gates = gates[gates["timescale_q50"].notna()]
    last: pd.DataFrame = gates[gates["layer"] == gates["layer"].max()]
    return last


def _kept(tables: Tables, task: str) -> str:
    says = _each_cell(tables, _scales(tables, task), "timescale_q50", " steps")
    return f"On the {words.task(task)} a unit keeps its state for {listed(says)}" if says else ""


def _reached(tables: Tables, task: str) -> str:
    data = _matched(tables, "gradient_flow", task)
    says = _each_cell(tables, data[data["lag"] == 0], "horizon", " steps")
    if not says:
        return ""
    return f"On the {words.task(task)} the gradient shrinks to a third every {listed(says)}"


def _held(tables: Tables, task: str) -> str:
    """Which cell tells the shown value best at the end, and which least."""
    last, metric, chance = _probed(tables, task)
    found = [
        (row["score"], cell)
        for cell, mine in _by_cell(tables, last)
        if (row := middle(mine, "score")) is not None
    ]
    if not found:
        return ""
    (least, worst), (most, best) = min(found), max(found)
    end = f"At the end of the {words.task(task)}"
    if most < chance + CLEARLY:
        return f"{end} no cell holds the shown value any more"
    beside = f" and worst from the {worst}’s ({number(least, 2)})" if worst != best else ""
    said = f"the shown value is read best from the {best}’s state ({metric} {number(most, 2)})"
    return f"{end} {said}{beside}"


def _probed(tables: Tables, task: str) -> tuple[pd.DataFrame, str, Any]:
    """The probes at the last step, by what they are scored, and what guessing reaches."""
    data = _matched(tables, "memory_probe", task)
    if data.empty:
        return data, "", None
    first = data.iloc[0]
    return data[data["step"] == data["step"].max()], first["metric"], first["chance"]


def _numbers(tables: Tables, task: str) -> Iterator[dict[str, Any]]:
    """A row a cell: what its runs with the same start come to."""
    scales = _scales(tables, task)
    flow = _matched(tables, "gradient_flow", task)
    flow = flow[flow["lag"] == 0]
    last, metric, chance = _probed(tables, task)
    lags = flow["task_lag"].dropna()
    for cell in tables.palette.present(flow["cell"]):
        yield {
            "task": task,
            "cell": cell,
            "runs": int((flow["cell"] == cell).sum()),
            "lag": number(lags.iloc[0]) if len(lags) else "–",
            "kept": spoken(scales[scales["cell"] == cell], "timescale_q50"),
            "reached": spoken(flow[flow["cell"] == cell], "horizon"),
            "held": spoken(last[last["cell"] == cell], "score"),
            "by": f"{metric}, guessing {number(chance, 2)}" if metric else "",
        }
