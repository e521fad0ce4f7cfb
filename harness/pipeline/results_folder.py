"""What the Snakefile asks for before it plans: one pipeline a folder, and a clean start."""

from __future__ import annotations

import atexit
import base64
import fcntl
import hashlib
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from harness import machine
from harness.clock import samples
from harness.errors import UnwritableError, UserError
from harness.files import check_room
from harness.pipeline import import_server
from harness.plan.campaigns import Campaign
from harness.plan.run import Run
from harness.run import records

# The open lock file: the kernel drops the lock when this process ends, however it ends.
_held: list[IO[str]] = []
ROOM = 1_000_000  # bytes: some records and their logs
# What Snakemake makes and compares by its time, and by how much clocks may differ, in seconds.
PRODUCTS = (
    "*.csv", "*.html", "*.json", "runs/*.json", "conformance/*.csv", "timing/*.json",
    "insides/*/*.csv", "benchmarks/*.tsv",
)  # fmt: skip
SKEW = 60


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
    notes = Path(".snakemake")
    for path in (notes, *notes.glob("*/")) if notes.exists() else [Path()]:
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(
                f"{path.absolute()}: cannot be written in, and Snakemake keeps its notes there; "
                "work in a copy of the project that can be written in."
            )
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
    _held.append(file)
    file.truncate(0)
    _tidy(results)
    _need_room(results)
    file.write(str(os.getpid()))
    file.flush()
    # In the system's temporary folder: a socket's path must be short.
    sockets = tempfile.TemporaryDirectory(prefix="gatebench-", ignore_cleanup_errors=True)
    atexit.register(sockets.cleanup)
    import_server.announce(sockets.name)
    for lock in Path(".snakemake/locks").glob("*.lock"):
        if any(_belongs(Path(line), results) for line in lock.read_text().splitlines()):
            lock.unlink(missing_ok=True)


def _tidy(results: Path) -> None:
    """Remove what processes that were killed had begun to write."""
    # Not in all folders: another pipeline may fill one that lies in this one.
    for kind in {Path(kind).with_name(".*.tmp") for kind in PRODUCTS}:
        for path in results.glob(str(kind)):
            path.unlink(missing_ok=True)


def _need_room(results: Path) -> None:
    """Refuse a folder on a full disk: nothing that is trained could be kept."""
    try:
        check_room(results / "runs", ROOM)
    except UnwritableError as error:
        raise UserError(
            f"{results}: not even {ROOM / 1e6:.0f} MB can be written there ({error.reason}); "
            "make room or choose another results folder."
        ) from error


def _belongs(path: Path, results: Path) -> bool:
    """Whether ``path`` is a product of the folder itself, not of one nested in it."""
    if not path.is_relative_to(results):
        return False
    parts = path.relative_to(results).parts
    return len(parts) == 1 or parts[0] in ("runs", "logs", "benchmarks", "timing")


def mark_unfinished(results: Path, runs: tuple[Run, ...], campaigns: tuple[Campaign, ...]) -> None:
    """Name every record that is damaged or failed and have it made again; campaigns too."""
    for campaign in campaigns:
        path = results / "timing" / f"{campaign.name}.json"
        if reason := samples.damaged(path) if path.exists() else "":
            _again(path, reason)
    for run in runs:
        path = run.path(results)
        reason = records.unfinished(path) if path.exists() else ""
        if reason:
            _again(path, reason)
        else:
            # A record is renamed into place when it is whole. If the pipeline was killed
            # before it took note of that, Snakemake would throw the record away.
            _note("incomplete", path).unlink(missing_ok=True)


def _note(kind: str, path: Path) -> Path:
    """Where Snakemake notes something of a product: its path in pieces that a name can hold."""
    mark = base64.urlsafe_b64encode(str(path).encode()).decode()
    pieces = [mark[i : i + 254] for i in range(0, len(mark), 254)]
    return Path(".snakemake", kind, *(f"@{piece}" for piece in pieces[:-1]), pieces[-1])


def _again(path: Path, reason: str) -> None:
    """Have Snakemake make ``path`` again, whatever it was called for, and keep a copy."""
    print(f"Once more: {reason}", file=sys.stderr)
    shutil.copy2(path, path.with_suffix(f"{path.suffix}.old"))
    # Not taken away: what is missing is not made when only products of it are asked for.
    note = _note("incomplete", path)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("{}", encoding="utf-8")


def age_the_future(results: Path) -> None:
    """Name products from after now and make them old, or no later edit would be seen.

    A clock that was ahead left them. Where the code is newer, Snakemake looks at what it was
    when the product was made, by checksum, and makes again just what really changed. Where it
    has no note of that, they count as just made.
    """
    now = time.time()
    products = [p for kind in PRODUCTS for p in sorted(results.glob(kind))]
    late = [p for p in products if p.stat().st_mtime > now + SKEW]
    for path in late:
        # All at once, so that none seems newer than what is made from it.
        at = 1 if _note("metadata", path).exists() else now
        os.utime(path, (at, at))
    if late:
        more = f" and {len(late) - 1} more" if len(late) > 1 else ""
        print(
            f"From the future: {late[0]}{more}; what is up to date is told by content.",
            file=sys.stderr,
        )


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
