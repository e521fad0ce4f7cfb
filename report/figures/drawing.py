"""The page's figures, drawn side by side in a few processes."""

import gc
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from report import words

# What draws a figure, and what it is given.
Job = tuple[Callable[..., Any], tuple[Any, ...]]
Key = TypeVar("Key")
# Each process holds matplotlib: more than these take memory and hardly save time.
MOST_PROCESSES = 4


def draw(wanted: Mapping[Key, Job]) -> dict[Key, Any]:
    """What each job returns, by its key."""
    # macOS does not tell which cores a process may use.
    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    workers, known = min(MOST_PROCESSES, len(usable)), words.titles()
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=known) as pool:
        futures = {key: pool.submit(function, *given) for key, (function, given) in wanted.items()}
        return {key: future.result() for key, future in futures.items()}


def _begin(cells: dict[str, str], tracks: dict[str, str]) -> None:
    # Whoever collects garbage in a process need not look through all modules each time: matplotlib
    # leaves so much of it that this is a third of the time.
    gc.freeze()
    words.entitle(cells, tracks)
