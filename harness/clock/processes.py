"""The clock's workers as the campaign sees them: processes that are asked and answer."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, TypeVar

from harness.environment import surroundings

T = TypeVar("T")
R = TypeVar("R")

# The longest that a worker may compile; a block takes a tenth of a second.
PATIENCE = 600.0
WORKER = ("-m", "harness.clock.worker")  # what Python is to run


class WorkerFailed(Exception):
    """A worker raised, died or did not answer; the message is one sentence without a stop."""


class Process:
    """A fresh process of a worker, by an interpreter; what it prints goes to ``log``."""

    def __init__(
        self,
        log: IO[str],
        worker: tuple[str, ...] = WORKER,
        python: str = sys.executable,
        handed: Path | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [python, *worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=surroundings(handed if python != sys.executable else None),
        )

    def ask(self, do: str, **values: Any) -> Any:
        """The answer to one request; raises :class:`WorkerFailed`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **values}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        # One line for one request: nothing of an earlier answer is left in the buffer.
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            self._process.kill()
            raise WorkerFailed(f"the process did not answer within {PATIENCE:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer

    def _died(self) -> WorkerFailed:
        code = self._process.wait()
        how = f"killed by signal {-code}" if code < 0 else f"exit status {code}"
        return WorkerFailed(f"the process died ({how}); see the log")

    def end(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        self._process.communicate()


def cores_here() -> list[int]:
    """The cores that this process may use; numbered from 0 where they cannot be asked for."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def core_groups(threads: int) -> list[list[int]]:
    """The machine's cores in groups of one for each thread, the one to measure on first.

    The last cores come first: the machine's own work is rather on core 0.
    """
    cores = cores_here()[::-1]
    whole = range(0, max(1, len(cores) - threads + 1), threads)
    return [cores[i : i + threads] for i in whole]


def side_by_side(
    groups: list[list[int]], items: list[T], do: Callable[[T, list[int]], R]
) -> list[tuple[T, R]]:
    """``do`` every item on cores of its own, as many at a time as there are groups of them."""
    free: SimpleQueue[list[int]] = SimpleQueue()
    for group in groups:
        free.put(group)

    def one(item: T) -> R:
        group = free.get()
        try:
            return do(item, group)
        finally:
            free.put(group)

    with ThreadPoolExecutor(len(groups)) as pool:
        return list(zip(items, pool.map(one, items), strict=True))
