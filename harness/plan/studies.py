"""The studies of ``workflows/studies.yaml``: tracks that are matched, but for some settings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cells import CELLS
from harness import documents
from harness.errors import UserError
from harness.plan.run import Run
from harness.plan.settings import Settings, resolve
from harness.registry import ROOT, check_names
from implementations import FACTORS

# The tracks that are none of a study.
TRACKS = ("matched", "native", *FACTORS)
FILE = ROOT / "workflows" / "studies.yaml"


@dataclass(frozen=True)
class Study:
    """What differs from matched: for each task of the study, the settings that it changes."""

    what: str
    settings: Mapping[str, Mapping[str, Any]]
    cells: tuple[str, ...]


@cache
def studies() -> dict[str, Study]:
    """All studies by name; :class:`UserError` names what is wrong in their file."""
    found = {}
    for name, values in documents.load(FILE, FILE.with_suffix(".schema.json")).items():
        if name in TRACKS:
            raise UserError(f"{FILE.name}: {name} is a track already; rename the study.")
        cells = tuple(values.get("cells", CELLS))
        check_names(f"{FILE.name}: {name}.cells", "cell", cells, CELLS)
        found[name] = Study(values["what"], values["settings"], cells)
    return found


def overrides(run: Run) -> dict[str, Any]:
    """The settings that the run's track changes; none outside the studies."""
    study = studies().get(run.track)
    return dict(study.settings.get(run.task, {})) if study else {}


def applied(settings: Settings, run: Run) -> Settings:
    """The settings of ``run`` where the matched runs of its task have ``settings``."""
    changes = overrides(run)
    if not changes:
        return settings
    found = resolve(run.task, settings.as_dict() | changes, f"{FILE.name}: {run.track}")
    return replace(settings, task=found.task, budget=found.budget)
