"""What the Snakefile asks for before it plans: one pipeline a folder, and a clean start."""

from __future__ import annotations

import atexit
import base64
import fcntl
import hashlib
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

from harness import machine, preload, records
from harness.errors import UserError
from harness.records import Run

# The open lock file: the kernel drops the lock when this process ends, however it ends.
_held: list[IO[str]] = []


def is_dry_run(words: list[str]) -> bool:
    """Whether Snakemake was called to plan only (it does not say so this early itself)."""
    return any(w in ("--dry-run", "--dryrun", "--unlock", "--lint") for w in words) or any(
        w.startswith("-") and not w.startswith("--") and "n" in w for w in words
    )


def start(results: Path) -> None:
    """Take the results folder for this pipeline, or say who has it.

    Snakemake's own lock outlives a killed pipeline. Ours does not, so once it is
    held, what Snakemake's lock says of this folder is stale and is removed.
    """
    results.mkdir(parents=True, exist_ok=True)
    file = (results / ".lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise UserError(
            f"{results}: another pipeline (process {file.read().strip() or 'unknown'}) is "
            "working in this folder; wait for it or choose another results folder."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held.append(file)
    # In the system's temporary folder: a socket's path must be short.
    sockets = tempfile.TemporaryDirectory(prefix="gatebench-", ignore_cleanup_errors=True)
    atexit.register(sockets.cleanup)
    preload.announce(sockets.name)
    for lock in Path(".snakemake/locks").glob("*.lock"):
        if any(_belongs(Path(line), results) for line in lock.read_text().splitlines()):
            lock.unlink(missing_ok=True)


def _belongs(path: Path, results: Path) -> bool:
    """Whether ``path`` is a product of the folder itself, not of one nested in it."""
    if not path.is_relative_to(results):
        return False
    parts = path.relative_to(results).parts
    return len(parts) == 1 or parts[0] in ("runs", "logs", "benchmarks", "timing")


def set_aside_unfinished(results: Path, runs: tuple[Run, ...]) -> None:
    """Name every record that is damaged or failed and move it away, so that it is made again."""
    for run in runs:
        path = run.path(results)
        reason = records.unfinished(path) if path.exists() else ""
        if reason:
            print(f"Once more: {reason}", file=sys.stderr)
            path.replace(path.with_suffix(".json.old"))
        else:
            # A record is renamed into place when it is whole. If the pipeline was killed
            # before it took note of that, Snakemake would throw the record away.
            mark = base64.urlsafe_b64encode(str(path).encode()).decode()
            Path(".snakemake", "incomplete", mark).unlink(missing_ok=True)


def set_environment(root: Path) -> None:
    """Let jobs find the project's modules and this very Python, activated or not."""
    for name, first in (("PYTHONPATH", root), ("PATH", Path(sys.executable).parent)):
        rest = os.environ.get(name)
        os.environ[name] = f"{first}{os.pathsep}{rest}" if rest else str(first)


def cache_folder(results: Path, framework: str) -> Path:
    """Where compiled code is kept between runs: code for one kind of processor only."""
    kind = hashlib.sha256(str(machine.description()).encode()).hexdigest()[:12]
    return results / "cache" / f"{framework}-{kind}"


def quieten_snakemake() -> None:
    """Drop Snakemake's lines on its own scheduling: two for every job."""
    noise = ("Select jobs to execute", "Execute ", "Assuming unrestricted", "Using shell:")
    logging.getLogger("snakemake.logging").addFilter(
        lambda record: not str(record.msg or "").startswith(noise)
    )
