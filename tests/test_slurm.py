"""On Slurm: the profile, on a cluster of two nodes that these tests start on this machine."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.run import records
from tests import fakes
from tests.conftest import ROOT, SMALL, overrides, snakemake, start_snakemake, table

SCRIPT = ROOT / "tests" / "slurm_cluster.sh"
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
missing = [name for name in NEEDED if not shutil.which(name)]
pytestmark = pytest.mark.skipif(
    bool(missing),
    reason=f"there is no Slurm here ({', '.join(missing)} missing): apt-get install slurm-wlm",
)

# As quick as it gets; the profile's own values are for a cluster that others use too.
QUICK = ("--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1")
SHAPE = "{name: tiny, batch: 4, sequence_length: 3, input_size: 2, hidden: 4, layers: 1}"


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody has."""
    for first in range(20000 + os.getpid() % 9000, 60000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[None]:
    """Two nodes with four cores each, of which this machine need not have any."""
    folder = tmp_path_factory.mktemp("slurm")
    before = dict(os.environ)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    os.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{before['PATH']}"
    try:
        words = ["bash", SCRIPT, "up", folder, str(free_ports(3))]
        started = subprocess.run(words, capture_output=True, text=True)
        assert started.returncode == 0, started.stderr
        yield
    finally:
        subprocess.run(["bash", SCRIPT, "down", folder], check=False)
        os.environ.clear()
        os.environ.update(before)


def wait_for(condition: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, squeue("%i %k %T %N %r")
        time.sleep(0.1)


def squeue(what: str) -> str:
    return subprocess.run(
        ["squeue", "--noheader", "--states=all", f"--format={what}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def jobs(name: str, state: str) -> list[tuple[str, str]]:
    """The numbers and nodes of the jobs in a state whose rule or run has ``name`` in it."""
    found = (line.split("|") for line in squeue("%i|%k|%T|%N").splitlines())
    return [(job, node) for job, comment, now, node in found if name in comment and now == state]


@pytest.fixture
def grid(project) -> Iterator[dict[str, str]]:
    """Two runs that end at once, two that wait until there is a file ``go``, and the clock."""
    yield _grid(project)
    # Of the job whose node was taken away Snakemake itself is left: this machine did not go down.
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(project):
                process.kill()


def _grid(project: Path) -> dict[str, str]:
    wait = f"while not Path({str(project / 'go')!r}).exists(): time.sleep(0.05)"
    fakes.add(project, "steady", lstm=wait)
    fakes.pass_the_gate(project / "results", "steady")
    return SMALL | {
        "frameworks": "[steady]", "cells": "[rnn, lstm]", "seeds": "[0, 1]", "conformance": "true",
        "overrides": overrides(["adding"]),
        "limits": "{seconds: 300, gate_seconds: 300, memory_mb: 1000}",
        "timing": f"{{shapes: [{SHAPE}], sweeps: [], cells: [gru], processes: 1, rounds: 1, "
        "phases: [step]}",
    }  # fmt: skip


def test_jobs_that_slurm_ends_leave_a_record_and_the_same_command_repairs(
    cluster, project, grid, request
):
    words, runs = ("tables", "timing", *QUICK), project / "results" / "runs"
    process = start_snakemake(Path("results"), *words, root=project, **grid)
    request.addfinalizer(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
    wait_for(lambda: len(jobs("lstm", "RUNNING")) == 2 and len(jobs("rnn", "COMPLETED")) == 2)
    (cancelled, _), (bereft, node) = jobs("lstm", "RUNNING")
    subprocess.run(["scancel", cancelled], check=True)
    wait_for(lambda: not jobs("lstm", "COMPLETING") and len(jobs("lstm", "RUNNING")) == 1)
    take_away = ["scontrol", "update", f"nodename={node}", "reason=test", "state=down"]
    subprocess.run(take_away, check=True)
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 1, said
    for job, how, state in (
        (cancelled, "was cancelled", "CANCELLED"), (bereft, "lost its node", "NODE_FAIL")
    ):  # fmt: skip
        line = (
            rf"adding steady lstm .*: FAILED: its job on the cluster {how} \(job {job}, {state}\)"
        )
        assert re.search(line, said), said
    # Who trained is said here too, and not only in a job's log on its node.
    assert re.search(r"^adding steady rnn matched seed 0: .* \[\d/4", said, re.M), said
    found = table(project / "results", "runs").groupby("cell")["status"].agg(list)
    assert dict(found) == {"rnn": ["ok", "ok"], "lstm": ["failed", "failed"]}
    steps = table(project / "results", "timing").query("phase == 'step'").set_index("cell")
    assert steps["median_ms"].gt(0).all()
    # Alone: the clock's job had all four cores of the node.
    (clock,) = jobs("rule_time_", "COMPLETED")
    assert "OverSubscribe=NO" in about(clock[0])
    assert "NumCPUs=4" in about(clock[0])

    # The node has come back by itself: its daemon was there all the while.
    (project / "go").touch()
    quick = {path: path.stat().st_mtime_ns for path in runs.glob("*-rnn-*.json")}
    timed = (project / "results" / "timing" / "tiny.json").stat().st_mtime_ns
    done = snakemake(Path("results"), *words, root=project, **grid)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was cancelled" in done.stderr, "what is made again, and why"
    assert {records.read(path)["status"] for path in runs.glob("*.json")} == {"ok"}
    assert {path: path.stat().st_mtime_ns for path in quick} == quick, "the others are kept"
    assert (project / "results" / "timing" / "tiny.json").stat().st_mtime_ns == timed


def about(job: str) -> str:
    return subprocess.run(
        ["scontrol", "show", "job", job], capture_output=True, text=True, check=True
    ).stdout
