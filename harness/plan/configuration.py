"""Reading a configuration: what is wrong with it in one sentence, or the runs it asks for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cells import CELLS
from harness import documents
from harness.errors import UserError
from harness.limits import Limits
from harness.plan import environments, places, shards, tracks
from harness.plan.campaigns import Campaign, campaigns
from harness.plan.environments import Entry, Environment
from harness.plan.given import origin, plain
from harness.plan.run import Run
from harness.plan.settings import Settings, require, resolve
from harness.plan.studies import AXES, expanded, planned, studies
from harness.registry import (
    KINDS,
    ROOT,
    check_names,
    framework,
    framework_names,
    implementation,
    known_frameworks,
    misnamed,
    task_names,
)
from implementations import NATIVE, Framework

FORM = ROOT / "workflows" / "config" / "schema.json"
# Places on this machine and the part that it makes, which are no part of what is asked for.
PLACES = ("results", "other", "shard")


@dataclass(frozen=True)
class Configuration:
    """A checked configuration: where results go and which runs there are."""

    results: Path
    threads: int
    # What the frameworks of the runs and of the clock say of themselves, by label.
    frameworks: dict[str, Framework]
    # Those that have an environment or a device of their own among them, by label.
    entries: dict[str, Entry]
    # The runs that each study wants.
    studies: dict[str, tuple[Run, ...]]
    # By task and cell: a value may differ from cell to cell.
    settings: dict[tuple[str, str], Settings]
    conformance: bool
    limits: Limits
    # Chosen by the configuration, by framework and cell; the implementation chooses the others.
    kernels: dict[tuple[str, str], str]
    campaigns: tuple[Campaign, ...]
    # The results folder to compare with, if there is one.
    other: Path | None
    # The part of the runs that this machine makes, where it does not make all: only its runs are
    # in the studies.
    shard: shards.Shard | None
    # All values, but for places and the shard.
    resolved: dict[str, Any]

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run once, whatever studies want it, seed by seed."""
        runs = dict.fromkeys(run for its in self.studies.values() for run in its)
        return tuple(sorted(runs, key=lambda run: run.seed))

    def settings_of(self, run: Run) -> Settings:
        """The settings of ``run``: its task's, what its study changes, and the kernel for it."""
        kernel = self.kernels.get((run.framework, run.cell), "")
        settings = tracks.applied(self.settings[run.task, run.cell], run)
        return replace(
            settings,
            kernel="" if run.track == NATIVE else kernel,
            device=self.device_of(run.framework),
            environment=self.environment_of(run.framework),
        )

    def device_of(self, label: str) -> str:
        """Where a framework computes."""
        entry = self.entries.get(label)
        return (entry.device if entry else "") or str(self.resolved["device"])

    def environment_of(self, label: str) -> str:
        """The file that describes a framework's environment; empty for the project's own."""
        entry = self.entries.get(label)
        return entry.file if entry else ""

    @property
    def environments(self) -> dict[str, Environment]:
        """The environments that are used, by the name of what describes each."""
        used = (entry.environment for entry in self.entries.values())
        return {one.key: one for one in used if one}

    def kernels_in_use(self, name: str) -> list[str]:
        """``CELL=KERNEL`` for every kernel that a framework's runs use, native runs apart."""
        used = set()
        for run in self.runs:
            if run.framework == name and run.track != NATIVE:
                kernel = tracks.kernel_of(self.frameworks[name], run.cell, self.settings_of(run))
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
    try:
        return _checked(config)
    except UserError as error:
        where = origin(str(error), config, files, given, _checked)
        raise UserError(where + str(error)) from error


def _checked(config: dict[str, Any]) -> Configuration:
    """The configuration of merged values; an error begins with the key that is wrong."""
    documents.check(config, FORM)
    for kind in KINDS:
        if config[f"{kind}s"] == "all" and (wrong := misnamed(kind)):
            raise UserError(next(iter(wrong.values())))
    entries = environments.entries(config["frameworks"], config.get("environments", {}))
    named = {axis: None if config[axis] == "all" else config[axis] for axis in AXES}
    named["frameworks"] = list(entries) or None
    for axis, (kind, names, _) in AXES.items():
        if axis != "frameworks":
            check_names(axis, kind, named[axis] or (), names())
    named["tracks"] = named["tracks"] and expanded(named["tracks"])
    check_names("studies", "study", config["studies"], studies())
    check_names("overrides", "task", config["overrides"], task_names())
    seeds = None if config["seeds"] == "all" else config["seeds"]
    wanted = planned(config["studies"], named, seeds)
    runs = dict.fromkeys(run for its in wanted.values() for run in its)
    if not runs:
        raise UserError(
            "studies: none of their runs can be made here: their tasks lack a package or a file, "
            "or their frameworks cannot compute the cells; name a task under tasks to see what it "
            "lacks."
        )
    settings = {
        (run.task, run.cell): replace(
            _settings(config["overrides"].get(run.task, {}), run.task, run.cell),
            device=config["device"],
            precision=config["precision"],
        )
        for run in runs
    }
    for found in settings.values():
        require(found.task, "tasks")
    # The clock times a framework whether or not a study trains in it.
    timed = named["frameworks"] or framework_names()
    known = sorted({*timed, *(run.framework for run in runs)})
    frameworks = {name: framework(name) for name in known}
    devices = {
        name: (name in entries and entries[name].device) or config["device"] for name in known
    }
    kernels = _kernels(config["kernels"], devices, config["device"])
    check_names("timing.cells", "cell", config["timing"]["cells"], CELLS)
    whole = Configuration(
        results=places.results(config["results"]),
        threads=config["threads"],
        frameworks=frameworks,
        entries=entries,
        studies=wanted,
        settings=settings,
        conformance=config["conformance"],
        limits=Limits(**config["limits"]),
        kernels=kernels,
        campaigns=_campaigns(config, frameworks, kernels, devices, entries),
        other=places.other(config["other"]),
        shard=shards.shard(config["shard"] or ""),
        resolved={key: value for key, value in config.items() if key not in PLACES}
        | {"overrides": _understood(config["overrides"], settings)},
    )
    if whole.shard is None:
        return whole
    part = replace(whole, studies=shards.cut(wanted, whole.settings_of, whole.shard))
    if not part.runs:
        raise UserError(f"shard: {whole.shard} has none of the {len(runs)} runs; make fewer parts.")
    return part


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


def _settings(overrides: dict[str, Any], task: str, cell: str) -> Settings:
    """The settings of ``task`` in ``cell``; a mapping among the overrides has a value by cell.

    A cell that such a mapping leaves out has its default.
    """
    values = {}
    for key, value in overrides.items():
        by_cell = value if isinstance(value, dict) else {cell: value}
        check_names(f"overrides.{task}.{key}", "cell", by_cell, CELLS)
        if cell in by_cell:
            values[key] = by_cell[cell]
    return resolve(task, values, f"overrides.{task}", cell)


def _kernels(
    chosen: dict[str, dict[str, str]], devices: dict[str, str], device: str
) -> dict[tuple[str, str], str]:
    """The kernels chosen for a label, or else for the implementation that it is of."""
    check_names("kernels", "framework", chosen, {*known_frameworks(), *devices})
    found = {}
    for name, by_cell in chosen.items():
        check_names(f"kernels.{name}", "cell", by_cell, CELLS)
        its = [label for label in devices if implementation(label) == name and label not in chosen]
        for cell, kernel in by_cell.items():
            for label in (name, *its):
                check_names(
                    f"kernels.{name}.{cell}", "kernel", [kernel],
                    framework(label).kernels_of(cell, devices.get(label, device)),
                )  # fmt: skip
                found[label, cell] = kernel
    return found


def _campaigns(
    config: dict[str, Any],
    frameworks: dict[str, Framework],
    kernels: dict[tuple[str, str], str],
    devices: dict[str, str],
    entries: dict[str, Entry],
) -> tuple[Campaign, ...]:
    """The clock's campaigns, each on one device; those on another device are called after it."""
    found: list[Campaign] = []
    for device in sorted(set(devices.values()), key=lambda name: name != config["device"]):
        mine = [its for name, its in frameworks.items() if devices[name] == device]
        files = {its.name: entries[its.name].file for its in mine if its.name in entries}
        files = {name: file for name, file in files.items() if file}
        for one in campaigns(config["timing"], mine, kernels, device, config["precision"]):
            name = one.name if device == config["device"] else f"{one.name}_{device}"
            if name in [other.name for other in found]:
                raise UserError(f"timing.shapes: the name {name!r} is taken; choose another.")
            found.append(replace(one, name=name, environments=files))
    return tuple(found)
