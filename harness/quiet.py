"""Nothing works beside the clock: who trains shares the machine, who times has it alone.

Snakemake gives a timing job all cores, and so starts nothing beside it. But some versions start
two such jobs at once (snakemake#3913), and a run may outlive its pipeline. The lock is the second
guarantee; the kernel drops it when a process ends, however it ends. On a cluster the profile gives
the clock a node to itself; where the nodes' shared file system knows no locks, that alone counts.
"""

import fcntl
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.errors import UnwritableError, UserError

PATIENCE = 2 * 3600.0  # seconds
POLL = 0.5  # seconds


@contextmanager
def shared(results: Path | None, say: Callable[[str], None]) -> Iterator[None]:
    """Work for ``results`` beside others, but not beside the clock; None: work by hand, at once."""
    try:
        lock = _lock(results).open("a") if results else None
    except OSError:  # a full disk: who works says so, and may still have something to keep
        lock = None
    if lock is None:
        yield
        return
    with lock:
        _take(lock, fcntl.LOCK_SH, f"{results}: the clock measures in this folder", say)
        yield


@contextmanager
def alone(results: Path, say: Callable[[str], None], patience: float = PATIENCE) -> Iterator[None]:
    """Work for ``results`` when nothing else does on this machine.

    Raises :class:`UserError` when that is not so for ``patience`` seconds.
    """
    path = _lock(results)
    try:
        lock = path.open("a")
    except OSError as error:
        raise UnwritableError(path, error) from error
    with lock:
        _take(lock, fcntl.LOCK_EX, f"{results}: a run or the clock works there", say, patience)
        yield


def _lock(results: Path) -> Path:
    # One for each machine: on a cluster the others may go on.
    return results / f".quiet-{socket.gethostname()}"


def _take(
    lock: IO[str], kind: int, why: str, say: Callable[[str], None], patience: float = PATIENCE
) -> None:
    begin = told = time.monotonic()
    while True:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            now = time.monotonic()
        except OSError as error:
            say(f"{lock.name}: cannot be locked ({error.strerror}); going on without.")
            return
        if now - begin > patience:
            raise UserError(
                f"{why}, and still does after {patience:.0f} s; end what an earlier pipeline has "
                "left behind and start again."
            )
        if told == begin:
            say(f"{why}; waiting for its end.")
            told = now
        time.sleep(POLL)
