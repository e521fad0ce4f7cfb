"""Reading a configuration: what is wrong with it in one sentence, or the runs it asks for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cells import CELLS
from harness.errors import UserError, one_of
from harness.limits import Limits
from harness.plan import studies, tracks
from harness.plan.campaigns import Campaign, campaigns
from harness.plan.run import Run
from harness.plan.schema import check_schema
from harness.plan.settings import Settings, require, resolve
from harness.plan.sources import Sources, last_of, origin_of, place_of, plain, sources_of
from harness.registry import (
    framework,
    framework_names,
    known_frameworks,
    misnamed,
    task_names,
    unknown,
)
from implementations import FACTORS, NATIVE, Framework

Names = Callable[[], list[str]]
# An axis' kind, the names it may have, and those that "all" stands for.
AXES: dict[str, tuple[str, Names, Names]] = {
    "tasks": ("task", task_names, task_names),
    "frameworks": ("framework", known_frameworks, framework_names),
    "cells": ("cell", lambda: list(CELLS), lambda: list(CELLS)),
}
# The folders in a results folder.
PARTS = ("runs", "logs", "benchmarks", "conformance", "insides", "timing", "cache")
# Places on this machine, which are no part of what was done.
PLACES = ("results", "other")
# "factors" and "studies" stand for a track each.
TRACK_KEYS = ("matched", "native", "factors", "studies")


@dataclass(frozen=True)
class Configuration:
    """A checked configuration: where results go and which runs there are."""

    results: Path
    threads: int
    # What the frameworks of the runs say of themselves, by name.
    frameworks: dict[str, Framework]
    runs: tuple[Run, ...]
    # By task and cell: a value may differ from cell to cell.
    settings: dict[tuple[str, str], Settings]
    conformance: bool
    limits: Limits
    # Chosen by the configuration, by framework and cell; the implementation chooses the others.
    kernels: dict[tuple[str, str], str]
    campaigns: tuple[Campaign, ...]
    # The results folder to compare with, if there is one.
    other: Path | None
    # All values, but for places.
    resolved: dict[str, Any]

    def settings_of(self, run: Run) -> Settings:
        """The settings of ``run``: its task's, what its study changes, and the kernel for it."""
        kernel = self.kernels.get((run.framework, run.cell), "")
        settings = studies.applied(self.settings[run.task, run.cell], run)
        return replace(settings, kernel="" if run.track == NATIVE else kernel)

    def kernels_in_use(self, name: str) -> list[str]:
        """``CELL=KERNEL`` for every kernel that a framework's runs use, native runs apart."""
        used = set()
        for run in self.runs:
            if run.framework == name and run.track != NATIVE:
                settings = self.settings_of(run)
                spec = tracks.model_spec(run.cell, settings)
                kernel = tracks.kernel_of(self.frameworks[name], spec, settings)
                used.add(f"{run.cell}={kernel}")
        return sorted(used)


def load(
    config: dict[str, Any], files: list[str], given: dict[str, Any] | None = None
) -> Configuration:
    """Check a merged configuration that came from ``files`` and was ``given`` by ``--config``.

    Raises :class:`UserError` that names the file and the key of the first
    thing that is wrong.
    """
    config = plain(config)
    sources = [*sources_of(files), ("--config", plain(given or {}))]
    check_schema(config, sources)
    for kind in ("task", "framework"):
        if config[f"{kind}s"] == "all" and (wrong := misnamed(kind)):
            raise UserError(next(iter(wrong.values())))
    axes = {
        axis: every() if config[axis] == "all" else config[axis]
        for axis, (_, _, every) in AXES.items()
    }
    for axis, (kind, names, _) in AXES.items():
        for value in axes[axis]:
            if value not in names():
                raise unknown(place_of(config, sources, axis), kind, value, names())
        if not axes[axis]:
            raise UserError(f"{place_of(config, sources, axis)}: there is none.")
    overrides = config["overrides"]
    for name in overrides:
        if name not in task_names():
            origin = origin_of(config, sources, ("overrides", name))
            raise unknown(f"{origin}: overrides", "task", name, task_names())
    settings = {
        (name, cell): _settings(config, sources, name, cell)
        for name in axes["tasks"]
        for cell in axes["cells"]
    }
    if config["tasks"] == "all":
        settings = {key: s for key, s in settings.items() if not s.task.missing}
        axes["tasks"] = list(dict.fromkeys(name for name, _ in settings))
    for found in settings.values():
        require(found.task, place_of(config, sources, "tasks"))
    frameworks = {name: framework(name) for name in axes["frameworks"]}
    on_track = _tasks_of_tracks(config, axes["tasks"], sources)
    runs = tuple(
        run
        for seed in config["seeds"]
        for task in axes["tasks"]
        for name, its in frameworks.items()
        for cell in axes["cells"]
        for track, tasks in on_track.items()
        if task in tasks and tracks.is_run(run := Run(task, name, cell, track, seed), its)
    )
    if not runs:
        where = place_of(config, sources, "tracks")
        raise UserError(f"{where}: there is no task on any track.")
    results = Path(config["results"])
    _check_writable(results, place_of(config, sources, "results"))
    kernels = _kernels(config, sources)
    for cell in config["timing"]["cells"]:
        if cell not in CELLS:
            raise one_of(place_of(config, sources, "timing", "cells"), "cell", cell, list(CELLS))
    return Configuration(
        results=results,
        threads=config["threads"],
        frameworks=frameworks,
        runs=runs,
        settings=settings,
        conformance=config["conformance"],
        limits=Limits(**config["limits"]),
        kernels=kernels,
        campaigns=campaigns(
            config["timing"],
            list(frameworks.values()),
            kernels,
            config["device"],
            lambda key: place_of(config, sources, "timing", key),
        ),
        other=_other(config, sources),
        resolved={key: value for key, value in config.items() if key not in PLACES}
        | {"overrides": _understood(overrides, settings)},
    )


def _understood(
    overrides: dict[str, Any], settings: dict[tuple[str, str], Settings]
) -> dict[str, Any]:
    """The overrides with the values as the tasks understood them, which may have come as text."""
    found = {task: dict(values) for task, values in overrides.items()}
    for (task, cell), known in settings.items():
        for key, value in overrides.get(task, {}).items():
            if not isinstance(value, dict):
                found[task][key] = known.as_dict()[key]
            elif cell in value:
                found[task][key] = found[task][key] | {cell: known.as_dict()[key]}
    return found


def _other(config: dict[str, Any], sources: Sources) -> Path | None:
    """The results folder to compare with; what it holds is checked when it is read."""
    if not config["other"]:
        return None
    folder = Path(config["other"])
    if not (folder / "runs.csv").is_file():
        where = place_of(config, sources, "other")
        raise UserError(f"{where}: {folder} is no results folder: it has no runs.csv.")
    return folder


def _settings(config: dict[str, Any], sources: Sources, task: str, cell: str) -> Settings:
    """The settings of ``task`` in ``cell``; a mapping among the overrides has a value by cell.

    A cell that such a mapping leaves out has the value of the task's file.
    """
    values, places = {}, {}
    for key, value in config["overrides"].get(task, {}).items():
        places[key] = last_of(value, sources, ("overrides", task, key))
        if not isinstance(value, dict):
            values[key] = value
            continue
        for name in value:
            if name not in CELLS:
                where = place_of(config, sources, "overrides", task, key)
                raise one_of(where, "cell", name, list(CELLS))
        if cell in value:
            values[key] = value[cell]
    try:
        found = resolve(task, values, place_of(config, sources, "overrides", task))
        return replace(found, device=config["device"])
    except UserError:
        # The first source whose values are refused is the one to name.
        for place, (name, _) in enumerate(sources):
            known = {key: value for key, value in values.items() if places[key] <= place}
            resolve(task, known, f"{name}: overrides.{task}")
        raise


def _kernels(config: dict[str, Any], sources: Sources) -> dict[tuple[str, str], str]:
    chosen = {}
    for name, by_cell in config["kernels"].items():
        if name not in known_frameworks():
            where = f"{origin_of(config, sources, ('kernels', name))}: kernels"
            raise unknown(where, "framework", name, known_frameworks())
        its = framework(name)
        for cell, kernel in by_cell.items():
            if cell not in CELLS:
                where = place_of(config, sources, "kernels", name)
                raise one_of(where, "cell", cell, list(CELLS))
            if kernel not in (known := its.kernels_of(cell)):
                where = place_of(config, sources, "kernels", name, cell)
                raise one_of(where, "kernel", kernel, known)
            chosen[name, cell] = kernel
    return chosen


def _tasks_of_tracks(
    config: dict[str, Any], tasks: list[str], sources: Sources
) -> dict[str, list[str]]:
    """The tasks that each track runs on; a task that the configuration leaves out is left out."""
    chosen: dict[str, list[str]] = {}
    for key, names in config["tracks"].items():
        if key not in TRACK_KEYS:
            origin = origin_of(config, sources, ("tracks", key))
            raise one_of(f"{origin}: tracks", "key", key, list(TRACK_KEYS))
        if key == "studies":
            for name in [] if names == "all" else names:
                if name not in studies.STUDIES:
                    where = place_of(config, sources, "tracks", key)
                    raise one_of(where, "study", name, list(studies.STUDIES))
            chosen |= dict.fromkeys(studies.STUDIES if names == "all" else names, tasks)
            continue
        for name in [] if names == "all" else names:
            if name not in task_names():
                raise one_of(place_of(config, sources, "tracks", key), "task", name, task_names())
        for track in FACTORS if key == "factors" else [key]:
            chosen[track] = tasks if names == "all" else names
    return chosen


def _check_writable(folder: Path, where: str) -> None:
    """Refuse a results folder that cannot be made or written in, before anything trains."""
    if bad := sorted({c for c in str(folder) if c in "{}" or not c.isprintable()}):
        raise UserError(f"{where}: {str(folder)!r} must not have {bad[0]!r} in its name.")
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    for path in (nearest, *(p for p in map(folder.joinpath, PARTS) if p.exists())):
        if not path.is_dir():
            raise UserError(f"{where}: {path} is not a folder; choose another one.")
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(f"{where}: {path} cannot be written in; choose another folder.")
