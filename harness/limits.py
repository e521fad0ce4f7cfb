"""How long a run may take and how much memory: what goes beyond is stopped, and says so.

A process beside the run watches it, since code that hangs in a framework lets no thread
of its own process run. It sends a signal for each limit; the run's process prints where it
stands, whatever it is doing, and dies of that signal, by which the next command knows why.

The limits travel in the environment and not as arguments: they do not change what a run
computes, so Snakemake shall not make runs again when they change.
"""

import faulthandler
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from harness.errors import PIPELINE

VARIABLE = "GATEBENCH_LIMITS"
TOO_LONG, TOO_LARGE = signal.SIGALRM, signal.SIGUSR2
# The exit statuses, as a shell reports them, of a process that was stopped by a limit.
STOPPED = (128 + TOO_LONG, 128 + TOO_LARGE)
# Between two looks, and until a process that did not die of its signal is killed; seconds.
EVERY, GRACE = 0.2, 5.0
# A watcher ends when the other end of its input is closed: when the run does.
_watchers: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Limits:
    """Wall seconds of one run and of one framework's check; resident MB of either."""

    seconds: int
    gate_seconds: int
    memory_mb: int


def announce(limits: Limits) -> None:
    """Let the jobs of this process, a pipeline, know the limits."""
    os.environ[VARIABLE] = json.dumps(asdict(limits))


def announced() -> Limits | None:
    """The pipeline's limits; None for a command by hand, which has none."""
    text = os.environ.get(VARIABLE)
    return Limits(**json.loads(text)) if text else None


def watch(key: str, note: Path | None = None) -> None:
    """Have this process stopped when it takes longer than the limit ``key`` or too much memory.

    The most memory that it was seen to take, in MB, then stands in the file ``note``.

    A crash in native code, too, prints where Python stood to the standard error.
    """
    faulthandler.enable()
    limits = announced()
    if limits is None:
        return
    for number in (TOO_LONG, TOO_LARGE):
        faulthandler.register(number, all_threads=True, chain=True)
    root = str(Path(__file__).resolve().parent.parent)
    words = [str(os.getpid()), str(asdict(limits)[key]), str(limits.memory_mb)]
    words += [str(note.absolute())] if note else []
    watcher = subprocess.Popen(
        [sys.executable, "-m", "harness.limits", *words],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _watchers.append(watcher)


def unwatch() -> None:
    """Have this process, and what it forks, stopped no more.

    Its watcher is waited for. In a container, where nobody buries orphans, each run would leave a
    dead process, and Snakemake looks through all processes at every job.
    """
    while _watchers:
        watcher = _watchers.pop()
        assert watcher.stdin is not None
        watcher.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            watcher.wait(GRACE)


def pipeline_is_gone() -> bool:
    """Whether the pipeline that this process works for has ended without it.

    A pipeline on another host, as with a cluster's executor, cannot be seen.
    """
    host, _, process = os.environ.get(PIPELINE, "").rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def reason(code: int, key: str) -> str:
    """Why a process ended with the status ``code`` as a shell reports it; see :func:`watch`."""
    limits = announced()
    if limits and code == 128 + TOO_LONG:
        return f"took more than {asdict(limits)[key]} s (limits.{key})"
    if limits and code == 128 + TOO_LARGE:
        return f"took more than {limits.memory_mb} MB of memory (limits.memory_mb)"
    if code == os.EX_IOERR:
        return "what it made could not be written"
    how = f"killed by signal {code - 128}" if code > 128 else f"exit status {code}"
    return f"the process died ({how})"


def _stop_beyond(process: psutil.Process, seconds: float, memory_mb: float, note: str = "") -> None:
    end, peak = time.monotonic() + seconds, 0.0
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        peak = max(peak, process.memory_info().rss / 1e6)
        too_large = peak > memory_mb
        if too_large or time.monotonic() > end:
            with suppress(OSError):
                if note:
                    Path(note).write_text(f"{peak:.1f}", encoding="utf-8")
            process.send_signal(TOO_LARGE if too_large else TOO_LONG)
            if not select.select([sys.stdin], [], [], GRACE)[0]:
                process.kill()
            return


if __name__ == "__main__":
    # The run may end between two lines.
    with suppress(psutil.NoSuchProcess):
        bounds = float(sys.argv[2]), float(sys.argv[3])
        _stop_beyond(psutil.Process(int(sys.argv[1])), *bounds, *sys.argv[4:])
