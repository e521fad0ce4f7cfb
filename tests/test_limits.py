"""Runs that crash, hang or take too much: stopped, named, and made again when they are mended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness import limits
from tests import fakes
from tests.conftest import ROOT, overrides, snakemake, table

NAMES = ["faulty", "stuck", "asleep"]
CONFIG = {
    "tasks": "[adding]", "frameworks": f"[{', '.join(NAMES)}]", "seeds": "[0]",
    "studies": "[cells]", "overrides": overrides(["adding"]),
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="hangs by the C library's own name")
def test_what_crashes_hangs_or_grows_is_stopped_and_named_and_then_mended(tmp_path, project):
    fakes.add(project, "faulty", rnn="os.abort()", lstm=fakes.HANG, gru=fakes.GROW)
    hang = project / "hang"
    hang.touch()
    hangs = f"Path({str(hang)!r}).exists()"
    fakes.add(project, "stuck", build=f"if spec.dtype == 'float64' and {hangs}: {fakes.HANG}")
    fakes.add(project, "asleep")
    model = project / "implementations" / "asleep" / "model.py"
    imports = "import ctypes\nfrom pathlib import Path\n"
    model.write_text(f"{imports}if {hangs}:\n    {fakes.HANG}\n{model.read_text()}")
    results = tmp_path / "results"
    bounds = "{seconds: 5, gate_seconds: 5, memory_mb: 600}"
    done = snakemake(results, root=project, **CONFIG, limits=bounds)
    assert done.returncode == 1, done.stderr
    runs = table(results, "runs").set_index(["framework", "cell"])
    assert set(runs.loc["stuck", "status"]) == {"ok"}, "the rest completes"
    assert set(runs.loc["faulty", "status"]) == {"failed"}
    too_long = "took more than 5 s (limits.seconds); see the run's log"
    assert set(runs.loc["asleep", "error"]) == {too_long}, "it hangs while it is imported"
    reasons = {
        "rnn": "the process died (killed by signal 6); see the run's log",
        "lstm": too_long,
        "gru": "took more than 600 MB of memory (limits.memory_mb); see the run's log",
    }
    faulty = runs.loc["faulty"]
    assert faulty.loc["lstm", "total_seconds"] > 5, "what the run took, not who recorded it"
    assert faulty.loc["gru", "peak_rss_mb"] > 600
    assert np.isnan(faulty.loc["rnn", "peak_rss_mb"]), "nobody saw it die"
    page = (results / "report.html").read_text()
    for cell, reason in reasons.items():
        assert runs.loc[("faulty", cell), "error"] == reason
        assert f"failed: adding faulty {cell} matched seed 0: {reason}" in done.stdout
        assert reason.split(" (")[0] in page
        log = (results / "logs" / f"adding-faulty-{cell}-matched-seed0.log").read_text()
        assert "model.py" in log, "the log says where it stood"
        assert "in train" in log
    check = table(results, "conformance").set_index("framework")
    stopped = "took more than 5 s (limits.gate_seconds); see the log"
    assert set(check.loc["stuck", "detail"]) == {stopped}
    said = f"failed: the conformance check of stuck: {stopped}; the pipeline makes it again\n"
    assert said in done.stdout

    fakes.add(project, "faulty")
    hang.unlink()
    kept = {p: p.stat().st_mtime_ns for p in (results / "runs").glob("*-stuck-*.json")}
    assert len(kept) == 3
    # Another limit is no reason to make anything again; what failed is.
    again = snakemake(results, "tables", root=project, **CONFIG, limits="{seconds: 500}")
    assert again.returncode == 0, again.stderr
    # Three runs of each of two frameworks, and the checks of all three.
    assert again.stderr.count("Once more: ") == 9
    assert "process" not in set(table(results, "conformance")["check"])
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert set(table(results, "runs")["status"]) == {"ok"}


def watched(body: str, bounds: limits.Limits | None, note: Path | None = None) -> int:
    """The exit status of a process that watches itself and does ``body``."""
    environment = {k: v for k, v in os.environ.items() if k != limits.VARIABLE}
    if bounds is not None:
        limits.announce(bounds)
        environment[limits.VARIABLE] = os.environ.pop(limits.VARIABLE)
    where = f"limits.Path({str(note)!r})" if note else "None"
    code = f"import time\nfrom harness import limits\nlimits.watch('seconds', {where})\n{body}"
    return subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


def test_what_a_process_took_is_noted_before_it_is_stopped(tmp_path):
    note = tmp_path / "note"
    assert watched("time.sleep(60)", limits.Limits(1, 1, 10_000), note) == -limits.TOO_LONG
    assert 5 < float(note.read_text()) < 500


def test_a_run_by_hand_has_no_limit_and_one_within_its_limits_ends_as_it_would():
    assert watched("", None) == 0
    assert watched("raise SystemExit(3)", limits.Limits(100, 1, 10_000)) == 3


def test_a_process_that_ignores_the_signal_is_killed(monkeypatch):
    # The grace is for what a traceback takes; here the handler waits for good.
    body = (
        "import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\nwhile True: time.sleep(0.1)"
    )
    assert watched(body, limits.Limits(1, 1, 10_000)) == -signal.SIGKILL


def test_the_reason_names_the_limit_only_where_there_is_one(monkeypatch):
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    code = 128 + limits.TOO_LONG
    assert limits.reason(code, "seconds") == f"the process died (killed by signal {code - 128})"
    monkeypatch.setenv(limits.VARIABLE, '{"seconds": 7, "gate_seconds": 8, "memory_mb": 9}')
    assert limits.reason(code, "gate_seconds") == "took more than 8 s (limits.gate_seconds)"
    assert limits.reason(2, "seconds") == "the process died (exit status 2)"


def test_no_dead_process_is_left_where_nobody_buries_orphans():
    """As in a container without an init process: one for each run would slow down all that come."""
    code = (
        "import psutil; from harness import limits; here = psutil.Process()\n"
        "limits.announce(limits.Limits(60, 60, 4000)); limits.watch('seconds')\n"
        "assert len(here.children()) == 1; limits.unwatch(); assert not here.children()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
