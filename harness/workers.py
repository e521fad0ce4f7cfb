"""The clock's workers as the campaign sees them: processes that are asked and answer."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from typing import IO, Any

from harness.plugins import ROOT

# The longest that a worker may compile; a block takes a tenth of a second.
PATIENCE = 600.0


class WorkerFailed(Exception):
    """A worker raised, died or did not answer; the message is one sentence without a stop."""


class Process:
    """A fresh process of :mod:`harness.clock`; what it prints goes to ``log``."""

    def __init__(self, log: IO[str]) -> None:
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.clock"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
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
