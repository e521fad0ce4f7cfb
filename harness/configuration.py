"""Reading a configuration: what is wrong with it in one sentence, or the runs it asks for."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from harness import tracks
from harness.errors import UserError, one_of
from harness.plugins import CELLS, FACTORS, ROOT, framework_names, kernels_of, task_names
from harness.records import Run
from harness.settings import Settings, resolve
from harness.shapes import Campaign, campaigns
from implementations import NATIVE

Names = Callable[[], list[str]]
AXES: dict[str, tuple[str, Names]] = {
    "tasks": ("task", task_names),
    "frameworks": ("framework", framework_names),
    "cells": ("cell", lambda: list(CELLS)),
}
# "factors" stands for a track each.
TRACK_KEYS = ("matched", "native", "factors")


@dataclass(frozen=True)
class Configuration:
    """A checked configuration: where results go and which runs there are."""

    results: Path
    threads: int
    runs: tuple[Run, ...]
    settings: dict[str, Settings]
    conformance: bool
    # Chosen by the configuration, by framework and cell; the implementation chooses the others.
    kernels: dict[tuple[str, str], str]
    campaigns: tuple[Campaign, ...]

    def settings_of(self, run: Run) -> Settings:
        """The settings of ``run``: its task's, with the kernel chosen for it."""
        kernel = self.kernels.get((run.framework, run.cell), "")
        return replace(self.settings[run.task], kernel="" if run.track == NATIVE else kernel)

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
    _check_schema(config, files)
    axes = {
        axis: names() if config[axis] == "all" else config[axis]
        for axis, (_, names) in AXES.items()
    }
    for axis, (kind, names) in AXES.items():
        for value in axes[axis]:
            if value not in names():
                raise one_of(f"{_origin(axis, files)}: {axis}", kind, value, names())
        if not axes[axis]:
            raise UserError(f"{_origin(axis, files)}: {axis}: there is none.")
    where = f"{_origin('overrides', files)}: overrides"
    for name in config["overrides"]:
        if name not in task_names():
            raise one_of(where, "task", name, task_names())
    settings = {
        name: resolve(name, config["overrides"].get(name, {}), f"{where}.{name}")
        for name in axes["tasks"]
    }
    on_track = _tasks_of_tracks(config, axes["tasks"], files)
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
        raise UserError(f"{_origin('tracks', files)}: tracks: there is no task on any track.")
    results = Path(config["results"])
    _check_writable(results, f"{_origin('results', files)}: results")
    kernels = _kernels(config["kernels"], files)
    where = f"{_origin('timing', files)}: timing"
    for cell in config["timing"]["cells"]:
        if cell not in CELLS:
            raise one_of(f"{where}.cells", "cell", cell, list(CELLS))
    return Configuration(
        results=results,
        threads=config["threads"],
        runs=runs,
        settings=settings,
        conformance=config["conformance"],
        kernels=kernels,
        campaigns=campaigns(config["timing"], axes["frameworks"], kernels, where),
    )


def _kernels(chosen: dict[str, dict[str, str]], files: list[str]) -> dict[tuple[str, str], str]:
    where = f"{_origin('kernels', files)}: kernels"
    for framework, by_cell in chosen.items():
        if framework not in framework_names():
            raise one_of(where, "framework", framework, framework_names())
        for cell, kernel in by_cell.items():
            if cell not in CELLS:
                raise one_of(f"{where}.{framework}", "cell", cell, list(CELLS))
            if kernel not in (known := kernels_of(framework, cell)):
                raise one_of(f"{where}.{framework}.{cell}", "kernel", kernel, known)
    return {(f, cell): kernel for f, by_cell in chosen.items() for cell, kernel in by_cell.items()}


def _tasks_of_tracks(
    config: dict[str, Any], tasks: list[str], files: list[str]
) -> dict[str, list[str]]:
    """The tasks that each track runs on; a task that the configuration leaves out is left out."""
    where = f"{_origin('tracks', files)}: tracks"
    chosen = {}
    for key, names in config["tracks"].items():
        if key not in TRACK_KEYS:
            raise one_of(where, "key", key, list(TRACK_KEYS))
        for name in [] if names == "all" else names:
            if name not in task_names():
                raise one_of(f"{where}.{key}", "task", name, task_names())
        for track in FACTORS if key == "factors" else [key]:
            chosen[track] = tasks if names == "all" else names
    return chosen


@cache
def _validator() -> Any:
    path = ROOT / "workflows" / "config" / "schema.json"
    return jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def _check_schema(config: dict[str, Any], files: list[str]) -> None:
    allowed = list(_validator().schema["properties"])
    for key in config:
        if key not in allowed:
            raise one_of(_origin(key, files), "key", key, allowed)
    error = jsonschema.exceptions.best_match(_validator().iter_errors(config))
    if error is None:
        return
    if not error.absolute_path:
        raise UserError(f"{_origin('', files)}: {error.message}.")
    key = ".".join(str(part) for part in error.absolute_path)
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
    raise UserError(f"{_origin(str(error.absolute_path[0]), files)}: {key}: {message}.")


def _origin(key: str, files: list[str]) -> str:
    """The last of ``files`` that sets ``key``; without one it came by the command line."""
    for name in reversed(files):
        try:
            content = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError):
            continue
        if isinstance(content, dict) and (not key or key in content):
            return os.path.relpath(name)
    return "--config"


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
