"""A results folder in the hands of one pipeline: taken, tidied, with room on its disk."""

import atexit
import fcntl
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

from harness import machine
from harness.errors import UnwritableError, UserError
from harness.files import check_room
from harness.pipeline import preloader

# The open lock file: the kernel drops the lock when this process ends, however it ends.
_held: list[IO[str]] = []
ROOM = 1_000_000  # bytes: some records and their logs
# Where a process that was killed may have left what it had begun to write.
BEGUN = ("", "runs/", "conformance/", "timing/", "insides/*/", "benchmarks/")


def check_notes() -> None:
    """Raise :class:`UserError` where Snakemake cannot keep its notes, as it does even to plan."""
    notes = Path(".snakemake")
    for path in (notes, *notes.glob("*/")) if notes.exists() else [Path()]:
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(
                f"{path.absolute()}: cannot be written in, and Snakemake keeps its notes there; "
                "work in a copy of the project that can be written in."
            )


def take(results: Path, preload: bool = True) -> None:
    """Take the results folder for this pipeline, or say who has it.

    With ``preload`` the jobs share preloaders, for which all must be on this machine.
    """
    _held.append(taken(results))
    if not preload:
        preloader.announce()
        return
    # In the system's temporary folder: a socket's path must be short.
    sockets = tempfile.TemporaryDirectory(prefix="gatebench-", ignore_cleanup_errors=True)
    atexit.register(sockets.cleanup)
    preloader.announce(sockets.name)


def taken(results: Path) -> IO[str]:
    """The results folder's lock, which nobody else has until it is closed; or say who has it.

    What killed processes left is gone, and there is room. Snakemake's own lock, which the profile
    turns off, outlives a killed pipeline.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        file = (results / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise UnwritableError(results, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise UserError(
            f"{results}: another pipeline (process {file.read().strip() or 'unknown'}) is "
            "working in this folder; wait for it or choose another results folder."
        ) from None
    except OSError as error:  # some file systems that a cluster's nodes share know no locks
        print(
            f"{results}: cannot be locked ({error.strerror}): start no second pipeline there.",
            file=sys.stderr,
        )
    file.truncate(0)
    tidy(results)
    need_room(results)
    file.write(str(os.getpid()))
    file.flush()
    return file


def tidy(results: Path) -> None:
    """Remove what processes that were killed had begun to write."""
    # Not in all folders: another pipeline may fill one that lies in this one.
    for path in (path for part in BEGUN for path in results.glob(f"{part}.*.tmp")):
        path.unlink(missing_ok=True)


def need_room(results: Path) -> None:
    """Refuse a folder on a full disk: nothing that is trained could be kept."""
    try:
        check_room(results / "runs", ROOM)
    except UnwritableError as error:
        raise UserError(
            f"{results}: not even {ROOM / 1e6:.0f} MB can be written there ({error.reason}); "
            "make room or choose another results folder."
        ) from error


def cache(results: Path, framework: str) -> Path:
    """Where compiled code is kept between runs: code for one generation of processors only."""
    about = machine.description()
    kind = str(about["generation"] or about["processor"])
    return results / "cache" / f"{framework}-{hashlib.sha256(kind.encode()).hexdigest()[:12]}"


def set_environment(root: Path) -> None:
    """Let jobs find the project's modules and this very Python, activated or not."""
    for name, first in (("PYTHONPATH", root), ("PATH", Path(sys.executable).parent)):
        rest = os.environ.get(name)
        os.environ[name] = f"{first}{os.pathsep}{rest}" if rest else str(first)
