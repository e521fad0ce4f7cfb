"""Reading a configuration: what is wrong with it in one sentence, or the runs it asks for."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from harness import studies, tracks
from harness.errors import UserError, one_of
from harness.plugins import CELLS, FACTORS, ROOT, framework_names, task_names
from harness.records import Run
from harness.settings import Settings, resolve

Names = Callable[[], list[str]]
AXES: dict[str, tuple[str, Names]] = {
    "tasks": ("task", task_names),
    "frameworks": ("framework", framework_names),
    "cells": ("cell", lambda: list(CELLS)),
}
# "factors" and "studies" stand for a track each.
TRACK_KEYS = ("matched", "native", "factors", "studies")


@dataclass(frozen=True)
class Configuration:
    """A checked configuration: where results go and which runs there are."""

    results: Path
    threads: int
    runs: tuple[Run, ...]
    settings: dict[str, Settings]
    conformance: bool

    def settings_of(self, run: Run) -> Settings:
        """The settings of one run: its task's, and what its study changes."""
        return studies.applied(self.settings[run.task], run)


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
    return Configuration(results, config["threads"], runs, settings, config["conformance"])


def _tasks_of_tracks(
    config: dict[str, Any], tasks: list[str], files: list[str]
) -> dict[str, list[str]]:
    """The tasks that each track runs on; a task that the configuration leaves out is left out."""
    where = f"{_origin('tracks', files)}: tracks"
    chosen: dict[str, list[str]] = {}
    for key, names in config["tracks"].items():
        if key not in TRACK_KEYS:
            raise one_of(where, "key", key, list(TRACK_KEYS))
        if key == "studies":
            for name in [] if names == "all" else names:
                if name not in studies.STUDIES:
                    raise one_of(f"{where}.{key}", "study", name, list(studies.STUDIES))
            chosen |= dict.fromkeys(studies.STUDIES if names == "all" else names, tasks)
            continue
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
