"""The studies: each a question, the runs that answer it, and how a configuration cuts them down.

A study of ``workflows/studies.yaml`` has a grid or several: tasks, frameworks, cells, tracks and
seeds. What a configuration names along an axis cuts every grid down to it; where a study leaves an
axis open, it is what the study looks at instead.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from cells import CELLS
from harness import documents
from harness.errors import UserError
from harness.plan import tracks
from harness.plan.run import Run
from harness.registry import (
    ROOT,
    check_names,
    framework,
    framework_names,
    implementation,
    known_frameworks,
    load_task,
    task_names,
)
from implementations import FACTORS

FILE = ROOT / "workflows" / "studies.yaml"
# What stands for all factors among the tracks.
EVERY_FACTOR = "factors"

Names = Callable[[], list[str]]
# An axis: its kind, the names that it may have, and those that "all" stands for.
AXES: dict[str, tuple[str, Names, Names]] = {
    "tasks": ("task", task_names, lambda: [t for t in task_names() if not load_task(t).missing]),
    "frameworks": ("framework", known_frameworks, framework_names),
    "cells": ("cell", lambda: list(CELLS), lambda: list(CELLS)),
    "tracks": ("track", lambda: [*tracks.names(), EVERY_FACTOR], tracks.names),
}


@dataclass(frozen=True)
class Axis:
    """The names along one axis of a grid; an ``open`` one gives way to those that are named."""

    names: tuple[str, ...]
    open: bool

    def cut(self, named: list[str] | None, of: Callable[[str], str] = str) -> tuple[str, ...]:
        """The names that are left where a configuration names some; None where it names none.

        ``of`` is what the study calls a named one by, of whose names it may be a label.
        """
        if named is None:
            return self.names
        if self.open:
            return tuple(named)
        return tuple(own for name in self.names for own in named if of(own) == name)


@dataclass(frozen=True)
class Grid:
    """Every run of some names along each axis of :data:`AXES`, with each of the seeds."""

    axes: Mapping[str, Axis]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Study:
    """One question and the grids of its runs."""

    question: str
    grids: tuple[Grid, ...]

    def runs(self, named: Mapping[str, list[str] | None], seeds: list[int] | None) -> Iterator[Run]:
        """The runs of the study under a configuration.

        A task that lacks something (a package, a path) takes part only where it is named.
        """
        for grid in self.grids:
            its = [seed for seed in grid.seeds if seeds is None or seed in seeds]
            of = {"frameworks": implementation}
            axes = (grid.axes[axis].cut(named[axis], of.get(axis, str)) for axis in AXES)
            for task, name, cell, track in product(*axes):
                if task not in (named["tasks"] or ()) and load_task(task).missing:
                    continue
                runs = [Run(task, name, cell, track, seed) for seed in its]
                if runs and not tracks.why_not(runs[0], framework(name)):
                    yield from runs


@cache
def studies() -> dict[str, Study]:
    """All studies by name; :class:`UserError` names what is wrong in their file."""
    content = documents.load(FILE, FILE.with_suffix(".schema.json"))
    return {name: _study(name, values) for name, values in content.items()}


def _study(name: str, values: Mapping[str, Any]) -> Study:
    grids = []
    for grid in values.get("grids", [{}]):
        where, whole = f"{FILE.name}: {name}", {**values, **grid}
        for axis in AXES:
            if axis not in whole:
                raise UserError(f"{where}: lacks the key {axis!r}.")
        axes = {axis: _axis(whole[axis], axis, f"{where}.{axis}") for axis in AXES}
        seeds = whole["seeds"]
        grids.append(Grid(axes, tuple(range(seeds) if isinstance(seeds, int) else seeds)))
    return Study(values["question"], tuple(grids))


def _axis(value: Any, axis: str, where: str) -> Axis:
    is_open = isinstance(value, dict)
    names = value["unless_named"] if is_open else value
    kind, known, every = AXES[axis]
    if names != "all":
        check_names(where, kind, names, known())
    return Axis(tuple(expanded(every() if names == "all" else names)), is_open)


def expanded(names: Iterable[str]) -> list[str]:
    """Tracks in which ``factors`` stands for each of them."""
    return [n for name in names for n in (FACTORS if name == EVERY_FACTOR else (name,))]


def planned(
    chosen: Iterable[str], named: Mapping[str, list[str] | None], seeds: list[int] | None
) -> dict[str, tuple[Run, ...]]:
    """The runs of each chosen study, which may share some.

    Raises :class:`UserError` for a name, or a seed, that no study has a run of.
    """
    found = {name: tuple(dict.fromkeys(studies()[name].runs(named, seeds))) for name in chosen}
    runs = [run for its in found.values() for run in its]
    of = f"no study of this configuration ({', '.join(found)}) has a run of"
    for axis, (kind, _, _) in AXES.items():
        for name in named[axis] or ():
            if not any(getattr(run, kind) == name for run in runs):
                raise UserError(
                    f"{axis}: {of} {name}{' with the other axes' if runs else ''}; name others, "
                    f"or a study of workflows/{FILE.name} that has one."
                )
    for seed in seeds or ():
        if not any(run.seed == seed for run in runs):
            raise UserError(f"seeds: {of} seed {seed}; see their seeds in workflows/{FILE.name}.")
    return found
