"""The studies: runs beside the main grid that a published claim asks for.

A study is a track of its own: matched, but for some settings of some tasks. Its runs have the
same seeds as the matched ones and are compared with them seed by seed. Where a task's own
parameters differ, its data differ with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cells import CELLS
from harness.plan.run import Run
from harness.plan.settings import Settings, resolve


@dataclass(frozen=True)
class Study:
    """What differs from matched: for each task of the study, the settings that it changes."""

    what: str
    settings: Mapping[str, Mapping[str, Any]]
    cells: tuple[str, ...] = CELLS


_GATED = ("lstm", "gru")
STUDIES = {
    "forget0": Study(
        "a forget bias of 0 instead of 1", {"adding": {"initial_biases": "zero"}}, ("lstm",)
    ),
    "chrono": Study(
        "chrono initialisation", {"adding": {"initial_biases": "chrono"}}, ("lstm",)
    ),
    "noclip": Study("gradients are not clipped", {"adding": {"clip": 0}, "copying": {"clip": 0}}),
    # A layer of the LSTM has 4h(d + h) + 4h parameters, of the GRU 3h(d + h) + 4h.
    "equalparameters": Study(
        "a GRU with as many parameters as the LSTM",
        {"adding": {"hidden": 74}, "copying": {"hidden": 111}},
        ("gru",),
    ),
    "length50": Study("adding at T = 50", {"adding": {"sequence_length": 50}}, _GATED),
    "length200": Study("adding at T = 200", {"adding": {"sequence_length": 200}}, _GATED),
    "delay10": Study("copying at T = 10", {"copying": {"delay": 10}}, _GATED),
    "delay20": Study("copying at T = 20", {"copying": {"delay": 20}}, _GATED),
    "delay30": Study("copying at T = 30", {"copying": {"delay": 30}}, _GATED),
    "symbols4": Study("copying of 4 symbols", {"copying": {"symbols": 4}}, _GATED),
    "symbols16": Study("copying of 16 symbols", {"copying": {"symbols": 16}}, _GATED),
    "delay30chrono": Study(
        "copying at T = 30 from chrono initialisation",
        {"copying": {"delay": 30, "initial_biases": "chrono"}},
        ("lstm",),
    ),
    # The memory horizon of each cell, with the matched runs at a delay of 10.
    **{
        f"recall{delay}": Study(
            f"delayed recall at a delay of {delay}", {"delayed_recall": {"delay": delay}}
        )
        for delay in (20, 40, 80, 160)
    },
    "permuteddigits": Study(
        "the pixels of digits in one random order", {"digits": {"permuted": True}}
    ),
    # About 16,000 parameters, as in Bai 2018; their T = 1000 would take five times as long.
    "delay200": Study(
        "copying at T = 200 with 58 units",
        {"copying": {"delay": 200, "hidden": 58, "batch": 32, "steps": 1000}},
        _GATED,
    ),
}  # fmt: skip


def is_run(run: Run) -> bool:
    """Whether the study that ``run`` is of has such a run."""
    study = STUDIES[run.track]
    return run.task in study.settings and run.cell in study.cells


def overrides(run: Run) -> dict[str, Any]:
    """The settings that the run's track changes; none outside the studies."""
    study = STUDIES.get(run.track)
    return dict(study.settings.get(run.task, {})) if study else {}


def applied(settings: Settings, run: Run) -> Settings:
    """The settings of ``run`` where the matched runs of its task have ``settings``."""
    changes = overrides(run)
    if not changes:
        return settings
    found = resolve(run.task, settings.as_dict() | changes, f"the study {run.track}")
    return replace(settings, task=found.task, budget=found.budget)
