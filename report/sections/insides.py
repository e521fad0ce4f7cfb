"""The section "Inside the gates": one example seen, then what all runs do, a cell a colour."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import matplotlib as mpl
import pandas as pd
from markupsafe import Markup

from harness import layout
from report import words
from report.figures.drawing import Job
from report.figures.style import MOST_CELLS
from report.numbers import listed, number
from report.sections import inside_examples, inside_findings, inside_lines, inside_spreads
from report.sections.inside_spreads import spoken
from report.sections.leading import leading
from report.tables import Tables

# So many seeds are looked into by the analysis.
SEEDS = 10
# Panels of a kind, and examples of cells, that are shown at once; the others are folded.
MOST_PANELS, MOST_EXAMPLES = 4, 3
# The table and the function of each kind of panel.
KINDS: dict[str, tuple[str, Callable[..., Markup]]] = {
    "time_scales": ("gates", inside_spreads.time_scales),
    "reach": ("gradient_flow", inside_lines.reach),
    "remembered": ("memory_probe", inside_lines.remembered),
    "saturation": ("gates", inside_spreads.saturation),
    "untrained": ("gradient_flow", inside_lines.reach),
    "dynamics": ("dynamics", inside_lines.dynamics),
}


def content(tables: Tables) -> dict[str, Any]:
    """The answer, a finding for each figure, the table in numbers, or what is missing."""
    own = [name for name in layout.names("insides") if name != "samples"]  # a section of its own
    there, cells = set(tables["gate_examples"]["task"]), tables["cells"].dropna(subset="summary")
    return {
        "lacking": [name for name in own if name in tables.missing],
        "answer": inside_findings.answer(tables),
        "tasks": tables.tasks,
        "examples": [task for task in tables.tasks if task in there],
        "findings": {
            task: inside_findings.of_example(tables, task, _parted(tables, task)[0])
            for task in there
        },
        "about": {task: _about(tables, task) for task in there},
        "many": any(_parted(tables, task)[1] for task in there),
        "shown": {task: _parted(tables, task) for task in there},
        "summaries": dict(zip(cells["cell"], cells["summary"], strict=True)),
        "unkept": inside_findings.unkept(tables),
        "kept": inside_findings.first(tables, inside_findings.kept),
        "reached": inside_findings.first(tables, inside_findings.reached),
        "held": inside_findings.first(tables, inside_findings.held),
        "numbers": [row for task in tables.tasks for row in _numbers(tables, task)],
        "most": {kind: max(1, MOST_PANELS // max(1, _parts(tables, kind))) for kind in KINDS},
        "families": {kind: _parts(tables, kind) > 1 for kind in KINDS},
        "seeds": SEEDS,
        "stops": _stops(),
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """The example of every task in every cell, and its panels of every kind."""
    jobs: dict[Hashable, Job] = {}
    for task in tables.tasks:
        shown = inside_examples.examples(tables["gate_examples"], task, tables.palette)
        most, hover = inside_examples.most_maps(shown), _hover(tables, task)
        for one in shown:
            given = one, task, most, hover, tables.palette
            jobs["example", task, one.cell] = inside_examples.draw, given
        for kind, (source, draw) in KINDS.items():
            data = tables.of_task(source, task)
            if "moment" in data:
                moment = "initialisation" if kind == "untrained" else "trained"
                data = data[data["moment"] == moment]
            if source == "gradient_flow":
                data = data[data["cotangent"] == "loss"]
            jobs[kind, task] = inside_lines.panels, (draw, data, task, tables.palette)
    return jobs


def _parted(tables: Tables, task: str) -> tuple[list[str], list[str]]:
    """The cells whose example stands open, and those whose is folded."""
    mine = tables.of_task("gate_examples", task)
    cells = tables.palette.present(mine["cell"])
    first = leading(tables, cells, MOST_EXAMPLES)
    return first, [cell for cell in cells if cell not in first]


def _parts(tables: Tables, kind: str) -> int:
    """How many panels a task has of a kind: of many cells a line's has one a family."""
    source, draw = KINDS[kind]
    by_family = draw in inside_lines.BY_FAMILY
    return len(tables.palette.families(tables[source]["cell"], MOST_CELLS)) if by_family else 1


def _stops() -> list[tuple[int, str]]:
    """The colours of the heat maps from closed to open, for their scale."""
    colours = mpl.colormaps[inside_examples.COLOURS]
    return [(round(100 * x), mpl.colors.to_hex(colours(x))) for x in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]


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
    for row in inside_findings.gates_of_example(tables, task).to_dict("records"):
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


def _numbers(tables: Tables, task: str) -> Iterator[dict[str, Any]]:
    """A row a cell: what its runs with the same start come to."""
    scales = inside_findings.scales(tables, task)
    flow = inside_findings.matched(tables, "gradient_flow", task)
    flow = flow[flow["lag"] == 0]
    last, metric, chance = inside_findings.probed(tables, task)
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
