"""The section "Inside the gates": one example seen, then what all runs do, a cell a colour."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

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
MOST_PANELS = 6
# A gate whose means at the marked steps and elsewhere are nearer than this hardly moves.
HARDLY = 0.03
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
    import matplotlib as mpl

    colours = mpl.colormaps[inside_examples.COLOURS]
    return [(round(100 * x), mpl.colors.to_hex(colours(x))) for x in (0, 0.2, 0.4, 0.6, 0.8, 1)]


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


def _moves(gates: pd.DataFrame) -> pd.DataFrame:
    """Gates with their means at marked steps and elsewhere, and by how much these differ."""
    known = gates[gates["at_marked"].notna() & gates["elsewhere"].notna()]
    return known.assign(moved=known["at_marked"] - known["elsewhere"])


def _widest(rows: pd.DataFrame) -> str:
    """The gate whose middle run moves most."""
    found = {str(name): middle(mine, "moved")["moved"] for name, mine in rows.groupby("gate")}
    return max(found, key=lambda name: abs(found[name]))


def _verb(moved: float) -> str:
    return "hardly moves" if abs(moved) < HARDLY else "opens" if moved > 0 else "closes"


def _answer(tables: Tables) -> Answer:
    for task in tables.tasks:
        moves = _moves(_matched(tables, "gates", task))
        if moves.empty:
            continue
        says, evidence = [], []
        for cell, mine in _by_cell(tables, moves):
            gate = _widest(mine)
            own = mine[mine["gate"] == gate]
            row = middle(own, "moved")
            verb = _verb(row["moved"])
            says.append(f"the {cell}’s {gate} gate {verb}")
            same = int((own["moved"] < 0).sum() if row["moved"] < 0 else (own["moved"] > 0).sum())
            way = "lower" if row["moved"] < 0 else "higher"
            evidence.append(
                f"{cell}: {number(row['at_marked'], 2)} at the marked steps and "
                f"{number(row['elsewhere'], 2)} elsewhere in the middle run, {way} in {same} of "
                f"{len(own)} runs"
            )
        text = f"At the marked steps of the {words.task(task)} {listed(says)}."
        return Answer(text, f"Mean over all units. {'; '.join(evidence)}.")
    return _open_or_shut(tables)


def _open_or_shut(tables: Tables) -> Answer:
    """Where no task marks a step: how often the most decided gate is open or shut."""
    for task in tables.tasks:
        if text := _decided(tables, _matched(tables, "gates", task)):
            return Answer(f"On the {words.task(task)} {text}.")
    return Answer("Not known yet.", "No gate has been looked into.")


def _decided(tables: Tables, gates: pd.DataFrame) -> str:
    says = []
    for cell, mine in _by_cell(tables, gates):
        sides = [
            (row[side], f"the {cell}’s {row['gate']} gate is {word} {100 * row[side]:.0f} % of the time")
            for side, word in (("above", "open"), ("below", "shut"))
            if (row := middle(mine, side)) is not None
        ]  # fmt: skip
        says += [max(sides)[1]] if sides else []
    return listed(says)


def _of_example(tables: Tables, task: str) -> pd.DataFrame:
    """The rows of the gates of the runs whose example is shown."""
    shown = tables.of_task("gate_examples", task)[[*layout.RUN]].drop_duplicates()
    return _matched(tables, "gates", task).merge(shown, on=list(layout.RUN))


def _example_finding(tables: Tables, task: str) -> str:
    gates = _of_example(tables, task)
    moves = _moves(gates)
    if moves.empty:
        decided = _decided(tables, gates)
        return f"{_title(task)}: {decided}" if decided else _title(task)
    says = []
    for cell, mine in _by_cell(tables, moves):
        row = mine[mine["gate"] == _widest(mine)].iloc[0]
        values = f"({number(row['at_marked'], 2)} against {number(row['elsewhere'], 2)})"
        says.append(f"the {cell}’s {row['gate']} gate {_verb(row['moved'])} {values}")
    return f"{_title(task)}: at the marked steps {listed(says)}"


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
    says = []
    for cell, mine in _by_cell(tables, data):
        row = middle(mine, column)
        if row is not None:
            says.append(f"{number(row[column], 2)}{unit if not says else ''} in the {cell}")
    return says


def _scales(tables: Tables, task: str) -> pd.DataFrame:
    """The time scales of a task's last layer."""
    gates = _matched(tables, "gates", task)
    gates = gates[gates["timescale_q50"].notna()]
    return gates[gates["layer"] == gates["layer"].max()]


def _kept(tables: Tables, task: str) -> str:
    says = _each_cell(tables, _scales(tables, task), "timescale_q50", " steps")
    return f"On the {words.task(task)} a unit keeps its state for {listed(says)}" if says else ""


def _reached(tables: Tables, task: str) -> str:
    data = _matched(tables, "gradient_flow", task)
    says = _each_cell(tables, data[data["lag"] == 0], "horizon", " steps")
    if not says:
        return ""
    return f"On the {words.task(task)} a third of the gradient is left after {listed(says)}"


def _held(tables: Tables, task: str) -> str:
    last, metric, _ = _probed(tables, task)
    says = [
        f"{number(row['score'], 2)} in the {cell}"
        for cell, mine in _by_cell(tables, last)
        if (row := middle(mine, "score")) is not None
    ]
    if not says:
        return ""
    return f"What is left of the value at the end of the {words.task(task)}: {metric} {listed(says)}"


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
