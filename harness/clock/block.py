"""A block of calls that is timed: by which clocks, and what disturbed it."""

import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from harness.clock.card import Sample, Stopwatch


def timed(
    call: Callable[[], Any], calls: int = 1, steps: int = 1, device: Stopwatch | None = None
) -> Sample:
    """Do ``call`` so many times, each of so many steps: seconds, CPU seconds and disturbances.

    With the stopwatch of a ``device`` there are its seconds too: what reads the processor's
    counters before and after takes milliseconds, which are not among them.
    """
    start, before, worked = time.time(), resource.getrusage(resource.RUSAGE_SELF), busy()
    ready = waited()
    if device:
        device[0]()
    cpu, clock = time.process_time(), time.perf_counter()
    for _ in range(calls):
        call()
    wall = time.perf_counter() - clock
    on_device = {"device_s": device[1]()} if device else {}
    used = time.process_time() - cpu
    ready = waited() - ready
    jump = time.time() - start - wall
    # The kernel counts hundredths of a second, so one block alone says little.
    other = busy() - worked - used
    after = resource.getrusage(resource.RUSAGE_SELF)
    return on_device | {
        "start": start,
        "wall_s": wall,
        "cpu_s": used,
        "waited_s": ready,
        "other_s": other,
        "switches": after.ru_nivcsw - before.ru_nivcsw,
        "load": os.getloadavg()[0],
        # The monotonic clock stands still while a machine is suspended, this one does not.
        "jump_s": jump,
        "steps": calls * steps,
    }


def busy() -> float:
    """Seconds that all cores together have worked since the machine started, for whomever.

    What a hypervisor takes from a virtual machine is in it. Linux counts guests twice.
    """
    times = psutil.cpu_times()._asdict()
    none = ("idle", "iowait", "guest", "guest_nice")
    return float(sum(value for name, value in times.items() if name not in none))


def waited() -> float:
    """Seconds that the threads of this process were ready to work and no core was free, summed.

    Linux keeps them, as the second number of ``schedstat``; 0 where nobody does.
    """
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError, IndexError):  # the thread has just ended
            total += int(path.read_text().split()[1])
    return total / 1e9


def pin(cores: list[int]) -> list[int] | None:
    """Pin every thread of this process; the cores as read back, None where they cannot be set."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        found: set[int] = set()
        for task in Path("/proc/self/task").iterdir():
            os.sched_setaffinity(int(task.name), cores)
            found |= os.sched_getaffinity(int(task.name))
    except OSError:
        return None
    return sorted(found)
