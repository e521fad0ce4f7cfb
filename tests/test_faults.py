"""What the pipeline does when something goes wrong: damage, failures, kills, two at once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from benchmarks import faults, made_up
from harness.run import records
from tests import fakes
from tests.conftest import SMALL, overrides, snakemake, start_snakemake, table


def test_damage_is_named_and_made_again_and_nothing_else_is_lost(tmp_path, project):
    fakes.add(project, "steady")
    config = SMALL | {
        "frameworks": "[steady]", "seeds": "[0, 1, 2, 3]", "overrides": overrides(["adding"]),
    }  # fmt: skip
    results = tmp_path / "results"
    assert snakemake(results, "tables", root=project, **config).returncode == 0
    cut_off, foreign, weights, whole = sorted((results / "runs").glob("*.json"))
    cut_off.write_text(cut_off.read_text()[:200])
    foreign.write_text(foreign.read_text().replace(f'"schema": {records.SCHEMA}', '"schema": 1'))
    arrays = weights.with_suffix(".npz")
    arrays.write_bytes(arrays.read_bytes()[:-100])
    kept = whole.stat().st_mtime_ns

    # When only the tables are made, what cannot be read is named and stands as failed.
    words = [sys.executable, "-m", "analysis", "tables", "--results", str(results)]
    made = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    said = made.stderr.splitlines()
    assert made.returncode == 0
    assert said[0].startswith(f"{cut_off}: is not a readable record (")
    version = f"{foreign}: is a record of another version (schema 1, not {records.SCHEMA})"
    assert said[1:] == [f"{version}. The pipeline makes it again."]
    runs = table(results, "runs").set_index("seed")
    assert dict(runs["status"]) == {0: "failed", 1: "failed", 2: "ok", 3: "ok"}
    assert runs.loc[1, "error"] == version
    assert table(results, "scores").loc[0, ["runs", "ended_well"]].tolist() == [4, 2]

    done = snakemake(results, "tables", root=project, **config)
    assert done.returncode == 0, done.stderr
    assert f"Once more: {cut_off}: is not a readable record" in done.stderr
    assert f"Once more: {version}.\n" in done.stderr
    assert f"Once more: {arrays}: is not a readable file of weights.\n" in done.stderr
    assert records.read(cut_off)["status"] == records.read(foreign)["status"] == "ok"
    assert set(table(results, "runs")["status"]) == {"ok"}
    assert whole.stat().st_mtime_ns == kept


@pytest.fixture
def broken_frameworks(project):
    """Two more implementations: one dies or raises, by the cell, one cannot be imported."""
    bodies = {
        "broken": "import os\n\n\ndef build(spec, weights, kernel, device):\n"
        "    if spec.cell == 'rnn':\n        os.kill(os.getpid(), 9)\n"
        "    raise RuntimeError('no <b>kernel</b> for this')\n",
        "missing": "import not_installed_anywhere\n",
    }
    for name, body in bodies.items():
        folder = project / "implementations" / name
        folder.mkdir()
        (folder / "__init__.py").write_text(fakes.INIT.format(name=name, optional=False))
        (folder / "model.py").write_text(body)


@pytest.mark.usefixtures("broken_frameworks")
def test_failures_are_results_and_stop_nothing(tmp_path, project):
    config = {
        "tasks": "[adding]", "frameworks": "[broken, missing, pytorch]", "cells": "[rnn, lstm]",
        "seeds": "[0]", "overrides": overrides(["adding"]), "studies": "[cells]",
    }  # fmt: skip
    results = tmp_path / "results"
    done = snakemake(results, root=project, **config)
    assert done.returncode == 1
    runs = table(results, "runs").set_index(["framework", "cell"])
    assert set(runs.loc["pytorch"]["status"]) == {"ok"}
    assert set(runs.loc["broken"]["status"]) == {"failed"}
    assert set(runs.loc["missing"]["status"]) == {"unavailable"}
    assert "killed by signal 9" in runs.loc[("broken", "rnn"), "error"]
    reason = "RuntimeError: no <b>kernel</b> for this"
    assert runs.loc[("broken", "lstm"), "error"] == reason
    assert "not_installed_anywhere" in runs.loc[("missing", "lstm"), "error"]
    last = done.stdout.strip().splitlines()[-5:]
    starts = ["unavailable: adding missing "] * 2 + ["failed: adding broken "] * 2
    starts.append("failed: the conformance check of broken: the process died (killed by signal 9)")
    assert all(line.startswith(start) for line, start in zip(last, starts, strict=True))
    scores = table(results, "scores").set_index(["framework", "cell"])["comparable"]
    assert scores["pytorch"].all()
    assert not scores[["broken", "missing"]].any()
    gate = table(results, "conformance")
    assert set(gate.loc[gate["framework"] == "broken", "check"]) == {"process"}
    page = (results / "report.html").read_text()
    assert "no &lt;b&gt;kernel&lt;/b&gt; for this" in page
    assert "<b>kernel" not in page
    again = snakemake(results, "tables", root=project, **config)
    assert again.stderr.count("Once more: ") == 5, "these are tried again, the others stand"


def wait_for(condition, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def processes_in(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder and (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def words_of(process: int) -> bytes:
    """The command line of a process; nothing of one that is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def waiting(project) -> dict[str, str]:
    """Four runs that end at once, and four that wait until there is a file ``go``."""
    wait = f"while not Path({str(project / 'go')!r}).exists(): time.sleep(0.05)"
    fakes.add(project, "steady", lstm=wait)
    config = {"frameworks": "[steady]", "cells": "[rnn, lstm]", "seeds": "[0, 1, 2, 3]"}
    return SMALL | config | {"overrides": overrides(["adding"])}


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_pipeline_goes_on_with_what_it_had(project, waiting, sign):
    # One core is always free for those that do not wait.
    results, words = Path("results"), ("tables", "--cores", "5")
    process = start_snakemake(results, *words, root=project, **waiting)
    folder = project / results / "runs"
    noted = project / ".snakemake" / "metadata"
    # What Snakemake notes: two files of each run that ended, and those of the code.
    code = project / results / "code"
    wait_for(
        lambda: noted.is_dir() and len([*noted.iterdir()]) == 8 + len([*code.glob("*.txt")]) > 8
    )
    # The preloader and a child for each of the four that wait: all have begun.
    wait_for(lambda: sum(b"\0preload\0" in words_of(p) for p in processes_in(project)) == 5)
    if sign == signal.SIGINT:
        os.killpg(process.pid, sign)  # as Ctrl-C does
    else:
        os.kill(process.pid, sign)
    if sign == signal.SIGTERM:
        # Snakemake lets the jobs that it has begun come to their end.
        (project / "go").touch()
    process.wait(timeout=120)
    process.communicate(timeout=120)
    wait_for(lambda: not processes_in(project))
    before = {p: p.stat().st_mtime_ns for p in folder.glob("*.json")}
    rnn = {f"adding-steady-rnn-matched-seed{seed}.json" for seed in range(4)}
    names = {p.name for p in before}
    assert names >= rnn if sign == signal.SIGTERM else names == rnn
    assert not (project / "results" / "runs.csv").exists(), "it was stopped before its end"
    (project / "go").touch()
    done = snakemake(results, *words, root=project, **waiting)
    assert done.returncode == 0, done.stderr
    assert "Directory cannot be locked" not in done.stderr
    assert {p: p.stat().st_mtime_ns for p in before} == before, "finished runs are kept"
    assert set(table(project / results, "runs")["status"]) == {"ok"}
    assert len(table(project / results, "runs")) == 8


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_a_single_run_that_is_killed_is_named_and_the_others_complete(project, waiting):
    waiting = waiting | {"seeds": "[0]"}
    process = start_snakemake(Path("results"), "tables", root=project, **waiting)

    def waits() -> list[int]:
        """The process of the job that waits; what it does is forked by the preloader."""
        lines = {p: words_of(p) for p in processes_in(project)}
        return [p for p, words in lines.items() if b"\0train\0" in words and b"lstm" in words]

    wait_for(lambda: (project / "results/runs/adding-steady-rnn-matched-seed0.json").exists())
    wait_for(waits)
    os.kill(waits()[0], signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "adding steady lstm matched seed 0: the process died (killed by signal 9)" in said
    wait_for(lambda: not processes_in(project))  # what was forked for it is gone too
    found = table(project / "results", "runs").set_index("cell")["status"]
    assert dict(found) == {"rnn": "ok", "lstm": "failed"}


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_runs_whose_preloader_is_killed_are_done_all_the_same(project, waiting):
    waiting = waiting | {"seeds": "[0]"}
    process = start_snakemake(Path("results"), "tables", root=project, **waiting)

    def forked() -> list[int]:
        """The preloader, and the child of it that waits."""
        return [p for p in processes_in(project) if b"\0preload\0" in words_of(p)]

    wait_for(lambda: (project / "results/runs/adding-steady-rnn-matched-seed0.json").exists())
    wait_for(lambda: len(forked()) == 2)
    before = forked()
    (preloader,) = (p for p in before if psutil.Process(p).ppid() not in before)
    os.kill(preloader, signal.SIGKILL)
    wait_for(lambda: not set(before) & set(processes_in(project)))  # the child is gone with it
    (project / "go").touch()
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert set(table(project / "results", "runs")["status"]) == {"ok"}


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_a_pipeline_killed_while_it_times_begins_that_shape_anew(project, waiting):
    """The killed one's campaign hangs on; the next one waits for its end and mixes in nothing."""
    results = project / "results"
    shape = "name: tiny, batch: 4, sequence_length: 3, input_size: 2, hidden: 4, layers: 1"
    waiting = waiting | {
        "cells": "[lstm]", "conformance": "true",
        "timing": f"{{shapes: [{{{shape}}}], sweeps: [], cells: [gru, lstm], processes: 1, "
        "rounds: 1, phases: [step]}",
    }  # fmt: skip
    fakes.pass_the_gate(results, "steady")

    def running(word: bytes) -> int:
        return sum(word in words_of(p) for p in processes_in(project))

    process = start_snakemake(Path("results"), "timing", root=project, **waiting)
    samples = results / "timing" / "tiny.csv"
    wait_for(lambda: running(b"harness.clock.worker") == 3)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=120)
    assert not samples.with_suffix(".json").exists()
    again = start_snakemake(Path("results"), "timing", root=project, **waiting)
    wait_for(lambda: running(b"\0time\0") == 2)
    (project / "go").touch()
    said, _ = again.communicate(timeout=120)
    assert again.returncode == 0, said
    wait_for(lambda: not processes_in(project))
    process.communicate(timeout=120)
    whole = json.loads(samples.with_suffix(".json").read_text())["campaign"]
    found = pd.read_csv(samples)
    # No row of the first stands among those of the second.
    assert set(found["campaign"]) == {whole}
    steps = table(results, "timing").query("phase == 'step'").set_index("cell")
    assert steps["median_ms"].gt(0).all()
    assert set(steps.index) == {"gru", "lstm"}


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_whenever_everything_is_killed_what_was_finished_is_kept(tmp_path):
    """Three of the moments that ``python -m benchmarks.faults`` tries fifty of."""
    folder = made_up.project(tmp_path / "copy", 2, seconds=0.02)
    rows = faults.killed(folder, 3, 2, ["--until", "train"], span=9.0)
    assert [row["lost"] for row in rows] == [0, 0, 0, 0]
    assert rows[-1]["finished after"] == 8


def test_a_second_pipeline_in_the_same_folder_says_so(tmp_path):
    config = SMALL | {"overrides": overrides(["adding"], steps=100_000, evaluate_every=10)}
    process = start_snakemake(tmp_path, **config)
    try:
        wait_for(lambda: (tmp_path / "plan.json").exists())
        second = snakemake(tmp_path, **config)
        assert second.returncode != 0
        assert f"{tmp_path}: another pipeline (process {process.pid}) is working" in second.stderr
        assert "Traceback" not in second.stderr
        other = snakemake(tmp_path / "other", "tables", **SMALL, overrides=overrides(["adding"]))
        assert other.returncode == 0, "another folder is free"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_broken_task_file_gets_one_sentence(tmp_path, project, new_task):
    new_task.write_text("def broken(\n")
    done = snakemake(tmp_path / "results", root=project, **SMALL | {"tasks": "[echo_test]"})
    assert done.returncode != 0
    assert "tasks/echo_test.py: cannot be imported (SyntaxError" in done.stderr
    assert "Traceback" not in done.stderr
