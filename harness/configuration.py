"""Reading a configuration: what is wrong with it in one sentence, or the runs it asks for."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from harness import studies, tracks
from harness.errors import UserError, one_of
from harness.limits import Limits
from harness.plugins import ROOT, framework_names, kernels_of, known_frameworks, task_names
from harness.records import Run
from harness.settings import Settings, require, resolve
from harness.shapes import Campaign, campaigns
from implementations import CELLS, FACTORS, NATIVE

Names = Callable[[], list[str]]
Sources = list[tuple[str, Any]]
# An axis' kind, the names it may have, and those that "all" stands for.
AXES: dict[str, tuple[str, Names, Names]] = {
    "tasks": ("task", task_names, task_names),
    "frameworks": ("framework", known_frameworks, framework_names),
    "cells": ("cell", lambda: list(CELLS), lambda: list(CELLS)),
}
# Places on this machine, which are no part of what was done.
PLACES = ("results", "other")
# "factors" and "studies" stand for a track each.
TRACK_KEYS = ("matched", "native", "factors", "studies")


@dataclass(frozen=True)
class Configuration:
    """A checked configuration: where results go and which runs there are."""

    results: Path
    threads: int
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

    def kernels_in_use(self, framework: str) -> list[str]:
        """``CELL=KERNEL`` for every kernel that a run computes with, native runs apart."""
        used = set()
        for run in self.runs:
            if run.framework == framework and run.track != NATIVE:
                settings = self.settings_of(run)
                kernel = settings.kernel or tracks.fastest(run, settings)
                used.add(f"{run.cell}={kernel}")
        return sorted(used)


def load(config: dict[str, Any], files: list[str]) -> Configuration:
    """Check a merged configuration that came from ``files`` and the command line.

    Raises :class:`UserError` that names the file and the key of the first
    thing that is wrong.
    """
    config = _values(config)
    sources = _sources(files)
    _check_schema(config, sources)
    axes = {
        axis: every() if config[axis] == "all" else config[axis]
        for axis, (_, _, every) in AXES.items()
    }
    for axis, (kind, names, _) in AXES.items():
        for value in axes[axis]:
            if value not in names():
                where = _where(config, sources, axis)
                raise one_of(where, kind, value, names())
        if not axes[axis]:
            raise UserError(f"{_where(config, sources, axis)}: there is none.")
    overrides = config["overrides"]
    for name in overrides:
        if name not in task_names():
            origin = _origin(config, sources, ("overrides", name))
            raise one_of(f"{origin}: overrides", "task", name, task_names())
    settings = {
        (name, cell): _settings(config, sources, name, cell)
        for name in axes["tasks"]
        for cell in axes["cells"]
    }
    if config["tasks"] == "all":
        settings = {key: s for key, s in settings.items() if not s.task.missing}
        axes["tasks"] = list(dict.fromkeys(name for name, _ in settings))
    for found in settings.values():
        require(found.task, _where(config, sources, "tasks"))
    on_track = _tasks_of_tracks(config, axes["tasks"], sources)
    runs = tuple(
        run
        for seed in config["seeds"]
        for task in axes["tasks"]
        for framework in axes["frameworks"]
        for cell in axes["cells"]
        for track, tasks in on_track.items()
        if task in tasks and tracks.is_run(run := Run(task, framework, cell, track, seed))
    )
    if not runs:
        where = _where(config, sources, "tracks")
        raise UserError(f"{where}: there is no task on any track.")
    results = Path(config["results"])
    _check_writable(results, _where(config, sources, "results"))
    kernels = _kernels(config, sources)
    for cell in config["timing"]["cells"]:
        if cell not in CELLS:
            raise one_of(_where(config, sources, "timing", "cells"), "cell", cell, list(CELLS))
    return Configuration(
        results=results,
        threads=config["threads"],
        runs=runs,
        settings=settings,
        conformance=config["conformance"],
        limits=Limits(**config["limits"]),
        kernels=kernels,
        campaigns=campaigns(
            config["timing"], axes["frameworks"], kernels, _where(config, sources, "timing")
        ),
        other=_other(config, sources),
        resolved={key: value for key, value in config.items() if key not in PLACES},
    )


def _other(config: dict[str, Any], sources: Sources) -> Path | None:
    """The results folder to compare with; what it holds is checked when it is read."""
    if not config["other"]:
        return None
    folder = Path(config["other"])
    if not (folder / "runs.csv").is_file():
        where = _where(config, sources, "other")
        raise UserError(f"{where}: {folder} is no results folder: it has no runs.csv.")
    return folder


def _settings(config: dict[str, Any], sources: Sources, task: str, cell: str) -> Settings:
    """The settings of ``task`` in ``cell``; a mapping among the overrides has a value by cell.

    A cell that such a mapping leaves out has the value of the task's file.
    """
    values = {}
    for key, value in config["overrides"].get(task, {}).items():
        if not isinstance(value, dict):
            values[key] = value
            continue
        for name in value:
            if name not in CELLS:
                where = _where(config, sources, "overrides", task, key)
                raise one_of(where, "cell", name, list(CELLS))
        if cell in value:
            values[key] = value[cell]
    return resolve(task, values, _where(config, sources, "overrides", task))


def _kernels(config: dict[str, Any], sources: Sources) -> dict[tuple[str, str], str]:
    chosen = {}
    for framework, by_cell in config["kernels"].items():
        if framework not in known_frameworks():
            where = f"{_origin(config, sources, ('kernels', framework))}: kernels"
            raise one_of(where, "framework", framework, known_frameworks())
        for cell, kernel in by_cell.items():
            if cell not in CELLS:
                where = _where(config, sources, "kernels", framework)
                raise one_of(where, "cell", cell, list(CELLS))
            if kernel not in (known := kernels_of(framework, cell)):
                where = _where(config, sources, "kernels", framework, cell)
                raise one_of(where, "kernel", kernel, known)
            chosen[framework, cell] = kernel
    return chosen


def _tasks_of_tracks(
    config: dict[str, Any], tasks: list[str], sources: Sources
) -> dict[str, list[str]]:
    """The tasks that each track runs on; a task that the configuration leaves out is left out."""
    chosen: dict[str, list[str]] = {}
    for key, names in config["tracks"].items():
        if key not in TRACK_KEYS:
            origin = _origin(config, sources, ("tracks", key))
            raise one_of(f"{origin}: tracks", "key", key, list(TRACK_KEYS))
        if key == "studies":
            for name in [] if names == "all" else names:
                if name not in studies.STUDIES:
                    where = _where(config, sources, "tracks", key)
                    raise one_of(where, "study", name, list(studies.STUDIES))
            chosen |= dict.fromkeys(studies.STUDIES if names == "all" else names, tasks)
            continue
        for name in [] if names == "all" else names:
            if name not in task_names():
                raise one_of(_where(config, sources, "tracks", key), "task", name, task_names())
        for track in FACTORS if key == "factors" else [key]:
            chosen[track] = tasks if names == "all" else names
    return chosen


@cache
def _validator() -> Any:
    path = ROOT / "workflows" / "config" / "schema.json"
    return jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def _check_schema(config: dict[str, Any], sources: Sources) -> None:
    allowed = list(_validator().schema["properties"])
    for key in config:
        if key not in allowed:
            raise one_of(_origin(config, sources, (key,)), "key", key, allowed)
    error = jsonschema.exceptions.best_match(_validator().iter_errors(config))
    if error is None:
        return
    if not error.absolute_path:
        raise UserError(f"{_origin(config, sources, ())}: {error.message}.")
    path = [str(part) for part in error.absolute_path]
    message = {
        "minItems": "must not be empty",
        "uniqueItems": "names a value twice",
        "const": f"must be {error.validator_value!r}, not {error.instance!r}",
        "minimum": f"must be at least {error.validator_value}, not {error.instance}",
        "oneOf": 'must be "all" or a list of names',
        "enum": f"must be one of {error.validator_value}, not {error.instance!r}",
        "contains": "must have step among its values",
        "pattern": f"{error.instance!r} is not a name of small letters, digits and underscores",
    }.get(str(error.validator), error.message)
    # Lists are not merged: a part of one came with the whole.
    names = tuple(takewhile(lambda part: isinstance(part, str), error.absolute_path))
    raise UserError(f"{_origin(config, sources, names)}: {'.'.join(path)}: {message}.")


def _sources(files: list[str]) -> Sources:
    """The name and content of each file, in order; a file that cannot be read set nothing."""
    sources = []
    for name in files:
        try:
            content = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError):
            continue
        sources.append((os.path.relpath(name), _values(content)))
    return sources


def _where(config: dict[str, Any], sources: Sources, *path: str) -> str:
    """The place of a key for an error: where its value came from, and its path."""
    return f"{_origin(config, sources, path)}: {'.'.join(path)}"


def _origin(config: dict[str, Any], sources: Sources, path: tuple[str, ...]) -> str:
    """The last file with the value that stands at ``path``; without one, the command line."""
    last = _last(_at(config, path), sources, path)
    return sources[last][0] if last < len(sources) else "--config"


def _last(value: Any, sources: Sources, path: tuple[str, ...]) -> int:
    """The place among the sources of ``value``; as a mapping is merged, of its latest part."""
    if isinstance(value, dict) and value:
        return max(_last(part, sources, (*path, key)) for key, part in value.items())
    places = [i for i, (_, content) in enumerate(sources) if _at(content, path) == value]
    return places[-1] if places else len(sources)


def _at(content: Any, path: tuple[str, ...]) -> Any:
    """What stands at ``path``; None where there is nothing."""
    for key in path:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _values(value: Any) -> Any:
    """Numbers and truth values that the command line passed on as text, as what they are."""
    if isinstance(value, dict):
        return {str(k): _values(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_values(v) for v in value]
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return float(value)
    return value


def _check_writable(folder: Path, where: str) -> None:
    """Refuse a results folder that cannot be made or written in, before anything trains."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise UserError(f"{where}: {nearest} is not a folder; choose another one.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"{where}: {nearest} cannot be written in; choose another folder.")
