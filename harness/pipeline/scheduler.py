"""Snakemake's own part in a run: how often it wakes, what it costs, how many cores a job asks for.

After every pass of its loop Snakemake's scheduler (9.27) starts a timer of one second that
causes the next pass, as long as it has a rate limiter, which it has by default (100 jobs a
second). A job's end causes a pass too, so each leaves one more timer behind, and after N jobs
the scheduler wakes N times a second. Jobs on this machine need no such limit.

In every pass it looks at all jobs that are ready and at all that are left, of which two or three
can start. With twenty thousand runs that would cost more than some runs do; see :func:`narrow`.
"""

import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from harness.errors import PIPELINE, UnwritableError
from harness.files import write_text

# Snakemake's default of --max-jobs-per-timespan: jobs, seconds.
DEFAULT_RATE = (100, 1)
HEADER = "ended\ts"
# Ready jobs that Snakemake is shown beside two for each core.
FEW = 8


def calm(workflow: Any) -> bool:
    """Take away the rate limiter that wakes Snakemake's scheduler; whether there was one.

    To be called in ``onstart``, when the scheduler exists and has chosen no job yet. A rate
    that the user asked for stays. With a Snakemake that has no such limiter nothing changes.
    """
    scheduler = getattr(workflow, "scheduler", None)
    limiter = getattr(scheduler, "job_rate_limiter", None)
    rate = (getattr(limiter, "max_jobs", None), getattr(limiter, "timespan", None))
    if scheduler is None or rate != DEFAULT_RATE:
        return False
    scheduler.job_rate_limiter = None
    return True


def narrow(workflow: Any) -> bool:
    """Show Snakemake's scheduler few of the jobs that are ready; whether that could be done.

    Those that shall come first, by their priority, are always among them. To be called in
    ``onstart``. A cluster's jobs are left alone, since many of them may start at once, and so is a
    scheduler other than the greedy one, which may want to know what is left.
    """
    scheduler: Any = getattr(workflow, "scheduler", None)
    dag: Any = getattr(workflow, "dag", None)
    kind, known = type(scheduler), ("open_jobs", "remaining_jobs")
    chosen = getattr(getattr(scheduler, "_job_selector", None), "__self__", None)
    greedy = getattr(scheduler, "_greedy_scheduler", None)
    if chosen is None or greedy is None or not isinstance(chosen, type(greedy)):
        return False
    if not (workflow.local_exec and all(hasattr(kind, name) for name in known)):
        return False
    first = [job for job in dag.needrun_jobs() if dag.priority(job) > 0]
    most = 2 * cores(workflow) + FEW

    def open_jobs(self: Any) -> list[Any]:
        ready = dag.ready_jobs
        return list(dict.fromkeys([*filter(ready.__contains__, first), *islice(ready, most)]))

    own = {"open_jobs": property(open_jobs), "remaining_jobs": ()}
    scheduler.__class__ = type(kind.__name__, (kind,), own)
    return True


def cores(workflow: Any, otherwise: int = 1) -> int:
    """The cores that Snakemake was given; ``otherwise`` with a cluster's executor without --cores.

    ``workflow.cores`` itself is an error there.
    """
    return int(workflow.resource_settings.cores or otherwise)


def keep_cost(results: Path) -> None:
    """Add what this process, a pipeline that ends, has cost to what its folder keeps."""
    path = _kept(results)
    before = path.read_text(encoding="utf-8") if path.exists() else f"{HEADER}\n"
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    with suppress(UnwritableError):  # a full disk has been named by now
        write_text(path, f"{before}{ended}\t{time.process_time():.2f}\n")


def cost(results: Path) -> float:
    """CPU seconds of Snakemake's own process, without its jobs, over all pipelines of a folder.

    The one that this process is a job of counts as far as it is. One that was killed outright
    has kept nothing.
    """
    path, seconds = _kept(results), 0.0
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            with suppress(ValueError):  # of another version, or edited
                seconds += float(line.rpartition("\t")[2])
    host, _, process = os.environ.get(PIPELINE, "").rpartition(":")
    if host == socket.gethostname():
        with suppress(psutil.Error):
            times = psutil.Process(int(process)).cpu_times()
            seconds += times.user + times.system
    return seconds


def _kept(results: Path) -> Path:
    return results / "benchmarks" / "pipeline.tsv"
