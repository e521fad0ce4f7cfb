"""What the parts share: which frameworks there are, and processes side by side."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from harness.registry import ROOT, framework

FRAMEWORKS = ("pytorch", "tensorflow", "jax", "equinox")


def there(wanted: Iterable[str]) -> list[str]:
    """Those of the wanted frameworks that are installed; of the others a sentence each."""
    found = []
    for name in wanted:
        if find_spec(framework(name).packages[0]):
            found.append(name)
        else:
            print(f"{name}: is not installed here, and so left out.", flush=True)
    return found


def command(*words: str) -> list[str]:
    """``python -m harness`` with these words."""
    return [sys.executable, "-m", "harness", *words]


def side_by_side(
    jobs: dict[str, list[str]], at_once: int, seconds: float, logs: Path,
    surroundings: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, int | None]:  # fmt: skip
    """The exit status of each job by name, None where it was not over in time; some at once.

    ``surroundings`` are variables that a job has beside those of this process.
    """
    logs.mkdir(parents=True, exist_ok=True)
    waiting, end = list(jobs), time.monotonic() + seconds
    running: dict[str, subprocess.Popen[bytes]] = {}
    found: dict[str, int | None] = {}
    while (waiting or running) and time.monotonic() < end:
        while waiting and len(running) < at_once:
            name = waiting.pop(0)
            with (logs / f"{name}.log").open("w", encoding="utf-8") as log:
                running[name] = subprocess.Popen(
                    jobs[name], cwd=ROOT, stdout=log, stderr=log,
                    env=os.environ | {"OMP_NUM_THREADS": "1"} | dict(surroundings.get(name, {})),
                )  # fmt: skip
        for name in [n for n, process in running.items() if process.poll() is not None]:
            found[name] = running.pop(name).returncode
        time.sleep(0.1)
    for name, process in running.items():
        process.kill()
        process.wait()
        found[name] = None
    return found | dict.fromkeys(waiting)
