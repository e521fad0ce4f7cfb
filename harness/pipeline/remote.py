"""Jobs that a cluster carries out: what is said of each, and a record for those that it ended.

A run that raises, hangs or takes too much leaves its record itself. One that the cluster ends
does not: whoever cancels a job, or a node that goes down, ends the shell beside the run too. So
Snakemake's own process, which the executor tells of every job's end, leaves the record instead,
and the job counts as done like any other whose run failed.

An executor that cannot be listened to leaves things as they were: such a job fails, the others go
on, and the same command makes it again.
"""

import re
from collections.abc import Callable
from typing import Any

# How the Slurm plugin words a job's state, in what it says of one that failed.
STATE = re.compile(r"status is: '([A-Z_]+)")
WHY = {
    "CANCELLED": "was cancelled",
    "TIMEOUT": "ran out of its time",
    "DEADLINE": "ran out of its time",
    "OUT_OF_MEMORY": "ran out of its memory",
    "NODE_FAIL": "lost its node",
    "BOOT_FAIL": "lost its node",
}


def listen(workflow: Any, ended: Callable[[Any], None], lost: Callable[[Any, str], bool]) -> bool:
    """Call ``ended`` for every job that a cluster brought to its end, ``lost`` for the others.

    ``lost`` is given the job and a reason, and returns whether the job left what the next ones
    need. To be called in ``onstart``; returns whether there is a cluster's executor to listen to.
    A job that could not even be submitted is nobody's run that failed, and stays Snakemake's.
    """
    executor = getattr(getattr(workflow, "scheduler", None), "_executor", None)
    succeed, fail = (getattr(executor, f"report_job_{end}", None) for end in ("success", "error"))
    if workflow.local_exec or succeed is None or fail is None:
        return False

    def report_job_success(info: Any) -> None:
        for job in jobs_of(info.job):
            ended(job)
        succeed(info)

    def report_job_error(info: Any, msg: str | None = None, **more: Any) -> None:
        reason = why(info.external_jobid, msg or "")
        submitted = info.external_jobid is not None
        left = [submitted and lost(job, reason) for job in jobs_of(info.job)]
        if all(left):
            succeed(info)
        else:
            fail(info, msg=msg, **more)

    executor.report_job_success = report_job_success  # type: ignore[union-attr]
    executor.report_job_error = report_job_error  # type: ignore[union-attr]
    return True


def why(job: object, said: str) -> str:
    """Why a job of the cluster did not end well, from what its executor said; without a stop."""
    found = STATE.search(said)
    state = found[1] if found else "FAILED"
    how = WHY.get(state, "failed")
    return f"its job on the cluster {how} (job {job}, {state})"


def jobs_of(job: Any) -> list[Any]:
    """The jobs of a group, or the one job that stands alone."""
    return list(job.jobs) if job.is_group() else [job]
