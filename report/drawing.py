"""The page's figures, drawn side by side in a few processes."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from report import across, curves, insides, speed
from report.figures import attribution
from report.forest import forest
from report.reading import Tables

Key = tuple[Hashable, ...]
Job = tuple[Callable[..., Any], tuple[Any, ...]]
# Each process holds matplotlib: more than these take memory and hardly save time.
MOST_PROCESSES = 4
# The figures of the section "Inside the gates", each with its table.
INSIDES: dict[str, tuple[Callable[..., str], str]] = {
    "gradient_flow": (insides.gradient_flow, "gradient_flow"),
    "decay": (insides.decay, "gradient_flow"),
    "saturation": (insides.saturation, "gates"),
    "time_scales": (insides.time_scales, "gates"),
    "memory_probe": (insides.memory_probe, "memory_probe"),
    "dynamics": (insides.dynamics, "dynamics"),
}


def jobs(tables: Tables, frameworks: list[str]) -> dict[Key, Job]:
    """Every figure of the page by a key of its section, each with what draws it.

    ``frameworks`` are all that the page shows, so that a colour means the same in each figure.
    """
    found: dict[Key, Job] = {}
    for _, task in tables["tasks"].iterrows():
        name = task["task"]
        both = (tables[n][tables[n]["task"] == name] for n in ("curves", "curves_summary"))
        found["curves", name] = (curves.variants, (*both, task, frameworks))
        found["attribution", name] = (attribution, (tables["attribution"], task, frameworks))
        for figure, (draw, table) in INSIDES.items():
            mine = insides.drawn(tables[table], name)
            # The gradient's lines have the cells' colours.
            more = () if figure == "gradient_flow" else (frameworks,)
            found["insides", figure, name] = (draw, (mine, name, *more))
    found["across",] = (across.profiles, (tables["aggregate"], tables["profiles"]))
    for group in tables["claims"]["group"].unique():
        found["forest", group] = (forest, (tables["claims"], group, frameworks))
    for shape, rows in speed.shapes(tables):
        found["steps", shape] = (speed.steps, (rows, frameworks))
        found["fractions", shape] = (speed.fractions, (rows, frameworks))
    found["growth",] = (speed.growth, (tables["scaling_points"], frameworks))
    return found


def draw(wanted: Mapping[Key, Job]) -> dict[Key, Any]:
    """What each job returns, by its key."""
    processes = min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    # Whoever collects garbage in a process need not look through all modules each time: matplotlib
    # leaves so much of it that this is a third of the time.
    with ProcessPoolExecutor(processes, initializer=gc.freeze) as pool:
        futures = {key: pool.submit(function, *given) for key, (function, given) in wanted.items()}
        return {key: future.result() for key, future in futures.items()}
