"""The tasks and frameworks of the runs, and what methods without a network reach."""

from pathlib import Path
from typing import Any

from analysis.tables.groups import Rows
from harness.plan import tracks
from harness.plan.settings import Settings, require, resolve
from harness.registry import ROOT, docstring, implementation
from harness.run import records, streams
from harness.run.records import Record


def rows(found: list[Record]) -> Rows:
    """Each task as its settings make it."""
    return [_row(settings, found) for settings in _settings(found).values()]


def _row(settings: Settings, found: list[Record]) -> dict[str, Any]:
    task = settings.task
    mine = [r for r in found if r["task"] == task.name]
    # Where all runs are of tracks with settings of their own, the first such track stands for them.
    plain = [r for r in mine if r["track"] not in tracks.own()]
    plain = plain or [r for r in mine if r["track"] == mine[0]["track"]]
    # What a configuration gives each cell apart is said by cell.
    by_cell = {r["cell"]: r["settings"] for r in plain}
    shown = {}
    for key, value in settings.as_dict().items():
        values = {cell: own.get(key, value) for cell, own in sorted(by_cell.items())}
        apart = len(set(values.values())) > 1
        shown[key] = ", ".join(f"{v} ({c})" for c, v in values.items()) if apart else value
    return {
        "task": task.name,
        "summary": task.summary,
        "metric": task.metric,
        "direction": "higher" if task.higher_is_better else "lower",
        "baseline": task.baseline,
        "solved": task.solved,
        "margin": task.margin,
        # For people; the runs have each setting in a column.
        "settings": "; ".join(f"{k} {v}" for k, v in shown.items()),
        "references": "; ".join(task.references),
        "documentation": docstring(ROOT / "tasks" / f"{task.name}.py"),
    }


def _settings(found: list[Record]) -> dict[str, Settings]:
    """The settings of each task, from its first record on a track that changes none."""
    firsts: dict[str, Record] = {}
    for record in sorted(found, key=lambda r: r["track"] in tracks.own()):
        firsts.setdefault(record["task"], record)
    settings = {}
    for name, record in firsts.items():
        where = f"the record of {records.identity(record).title}"
        settings[name] = resolve(name, record["settings"], where)
        require(settings[name].task, where)
    return settings


def classical(found: list[Record]) -> Rows:
    """What methods without a network reach on each seed's own test data."""
    result = []
    for name, settings in _settings(found).items():
        budget, task = settings.budget, settings.task
        for seed in sorted({r["seed"] for r in found if r["task"] == name}):
            train = streams.examples(task, "train", seed, budget.train_examples or 1024)
            test = streams.examples(task, "test", seed, budget.test_examples)
            for method, score in task.classical_scores(train, test).items():
                result.append({"task": name, "method": method, "seed": seed, "score": score})
    return result


def frameworks(found: list[Record]) -> Rows:
    """What each framework says of itself."""
    return [
        {"framework": name, "documentation": docstring(path)}
        for name in sorted({r["framework"] for r in found})
        if (path := _init_file(name)).exists()
    ]


def _init_file(framework: str) -> Path:
    return ROOT / "implementations" / implementation(framework) / "__init__.py"
