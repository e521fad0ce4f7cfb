"""The pipeline, by running it: end to end, what reruns, kills, faults, and two at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from harness import progress, records
from harness.plugins import CELLS, framework_names, task_names
from tests.conftest import ROOT, command, overrides, snakemake, start_snakemake

SMALL = {"tasks": "[adding]", "frameworks": "[pytorch]", "cells": "[rnn]", "seeds": "[0]"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Every task, framework and cell once, on three steps each."""
    results = tmp_path_factory.mktemp("whole") / "results"
    done = snakemake(results, seeds="[0]", overrides=overrides(task_names()))
    assert done.returncode == 0, done.stdout + done.stderr
    (results / "stdout").write_text(done.stdout)
    return results


def table(results: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(results / f"{name}.csv")


def test_every_combination_ends_well(whole):
    runs = table(whole, "runs")
    assert len(runs) == len(task_names()) * len(framework_names()) * len(CELLS)
    assert set(runs["status"]) == {"ok"}
    assert not runs["score"].isna().any()
    assert set(runs["steps"]) == {3}
    assert (runs["peak_rss_mb"] < 1500).all()
    wanted = (
        "task framework cell track seed status error parameters score baseline solved steps",
        "steps_to_solve train_seconds peak_rss_mb data_sha256",
    )
    wanted = " ".join(wanted).split()
    assert set(wanted) <= set(runs.columns)


def test_every_framework_sees_the_same_bytes_and_starts_alike(whole):
    found = [records.read(p) for p in (whole / "runs").glob("*.json")]
    for task in task_names():
        mine = [r for r in found if r["task"] == task]
        assert len({json.dumps(r["data_sha256"]) for r in mine}) == 1
        for cell in CELLS:
            alike = [r for r in mine if r["cell"] == cell]
            assert len({r["weights_sha256"]["initial"] for r in alike}) == 1
            scores = [r["score"] for r in alike]
            assert max(scores) - min(scores) <= 1e-4 * abs(max(scores))


def test_one_line_for_every_finished_run_and_where_the_results_are(whole):
    lines = (whole / "stdout").read_text().splitlines()
    runs = [line for line in lines if " seed 0: " in line]
    assert len(runs) == len(table(whole, "runs"))
    assert runs[-1].endswith(f"[{len(runs)}/{len(runs)}]")
    assert lines[-1] == f"Report: {whole / 'report.html'}"


def test_tables_hold_together(whole):
    runs, scores, curves = (table(whole, name) for name in ("runs", "scores", "curves"))
    assert len(scores) == len(runs)
    assert len(curves) == 2 * len(runs)
    tasks = table(whole, "tasks")
    assert sorted(tasks["task"]) == task_names()
    assert set(tasks["direction"]) <= {"lower", "higher"}
    cost = table(whole, "cost")
    assert cost["share"].sum() == pytest.approx(1, abs=0.01)
    assert {"training", "compile", "import", "data", "evaluation"} <= set(cost["phase"])


@pytest.mark.parametrize("framework", framework_names())
def test_the_command_in_a_record_repeats_it_bit_for_bit(whole, tmp_path, framework):
    """By hand, without the preloader that carried out the pipeline's run."""
    path = whole / "runs" / f"adding-{framework}-gru-matched-seed0.json"
    record = records.read(path)
    again = tmp_path / path.name
    words = [*record["command"].split(), "--record", str(again)]
    words[0] = sys.executable
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    repeated = records.read(again)
    for key in ("settings", "curve", "score", "data_sha256", "weights_sha256", "parameters"):
        assert repeated[key] == record[key], key


def test_a_second_call_does_nothing(whole):
    before = {p: p.stat().st_mtime_ns for p in (whole / "runs").iterdir()}
    done = snakemake(whole, seeds="[0]", overrides=overrides(task_names()))
    assert done.returncode == 0
    assert "Nothing to be done" in done.stderr
    assert before == {p: p.stat().st_mtime_ns for p in (whole / "runs").iterdir()}


def planned(results: Path, clone: Path) -> set[str]:
    """The jobs of a dry run in ``clone``: rule, and for a run its task and framework."""
    words = command(
        results, "-n", "--quiet", "host", seeds="[0]", overrides=overrides(task_names())
    )
    done = subprocess.run(words, cwd=clone, capture_output=True, text=True, check=True)
    jobs, rule = set(), ""
    for line in done.stdout.splitlines() + done.stderr.splitlines():
        if line.startswith("rule "):
            rule = line.removeprefix("rule ").rstrip(":")
            if rule != "train":
                jobs.add(rule)
        elif line.strip().startswith("output:") and rule == "train":
            jobs.add("-".join(Path(line.split()[-1]).stem.split("-")[:2]))
    return jobs


def test_an_edit_reruns_what_depends_on_it_and_nothing_else(whole, tmp_path):
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns(".git", ".venv", "results", ".snakemake", "*_cache")
    shutil.copytree(ROOT, clone, ignore=ignored)
    # What Snakemake knows of the finished jobs goes along, under the same relative names.
    shutil.copytree(whole, clone / "results")
    words = command(Path("results"), seeds="[0]", overrides=overrides(task_names()))
    touched = subprocess.run(
        [*words[:3], "--touch", *words[3:]], cwd=clone, capture_output=True, text=True, check=False
    )
    assert touched.returncode == 0, touched.stderr
    here = Path("results")
    assert planned(here, clone) == set()

    def edit(name: str) -> set[str]:
        path = clone / name
        original = path.read_text()
        comment = "<!-- x -->" if name.endswith(".html") else "# x"
        path.write_text(f"{original}\n{comment}\n")
        os.utime(path, (time.time() + 5, time.time() + 5))
        jobs = planned(here, clone)
        path.write_text(original)
        os.utime(path, (1, 1))
        return jobs - {"all"}

    after = {"tables", "report"}
    frameworks, tasks = framework_names(), task_names()
    assert edit("tasks/sine.py") == after | {f"sine-{f}" for f in frameworks}
    assert edit("implementations/jax/model.py") == after | {f"{t}-jax" for t in tasks}
    assert edit("harness/streams.py") == after | {f"{t}-{f}" for t in tasks for f in frameworks}
    assert edit("report/page.html") == {"report"}
    assert edit("harness/tables.py") == after
    assert edit("harness/progress.py") == set()
    assert edit("README.md") == set()


def test_damage_is_named_and_made_again_and_nothing_else_is_lost(tmp_path):
    config = SMALL | {"seeds": "[0, 1]", "overrides": overrides(["adding"])}
    assert snakemake(tmp_path, **config).returncode == 0
    first, second = sorted((tmp_path / "runs").glob("*.json"))
    first.write_text(first.read_text()[:200])
    kept = second.stat().st_mtime_ns
    done = snakemake(tmp_path, **config)
    assert done.returncode == 0, done.stderr
    assert f"Once more: {first}: is not a readable record" in done.stderr
    assert records.read(first)["status"] == "ok"
    assert second.stat().st_mtime_ns == kept


@pytest.fixture
def broken_frameworks():
    """Two more implementations: one dies or raises, by the cell, one cannot be imported."""
    bodies = {
        "broken": "import os\n\n\ndef build(spec, weights):\n"
        "    if spec.cell == 'rnn':\n        os.kill(os.getpid(), 9)\n"
        "    raise RuntimeError('no <b>kernel</b> for this')\n",
        "missing": "import not_installed_anywhere\n",
    }
    folders = []
    for name, body in bodies.items():
        folder = ROOT / "implementations" / name
        folder.mkdir()
        folders.append(folder)
        (folder / "__init__.py").write_text(
            f'"""{name.title()} on purpose."""\n\nPACKAGES = ()\n\n\n'
            "def environment(threads, cache):\n    return {}\n"
        )
        (folder / "model.py").write_text(body)
    yield
    for folder in folders:
        shutil.rmtree(folder)


@pytest.mark.usefixtures("broken_frameworks")
def test_failures_are_results_and_stop_nothing(tmp_path):
    config = {
        "tasks": "[adding]", "frameworks": "[broken, missing, pytorch]", "cells": "[rnn, lstm]",
        "seeds": "[0]", "overrides": overrides(["adding"]),
    }  # fmt: skip
    done = snakemake(tmp_path, **config)
    assert done.returncode == 1
    runs = table(tmp_path, "runs").set_index(["framework", "cell"])
    assert set(runs.loc["pytorch"]["status"]) == {"ok"}
    assert set(runs.loc["broken"]["status"]) == {"failed"}
    assert set(runs.loc["missing"]["status"]) == {"unavailable"}
    assert "killed by signal 9" in runs.loc[("broken", "rnn"), "error"]
    reason = "RuntimeError: no <b>kernel</b> for this"
    assert runs.loc[("broken", "lstm"), "error"] == reason
    assert "not_installed_anywhere" in runs.loc[("missing", "lstm"), "error"]
    last = done.stdout.strip().splitlines()[-4:]
    starts = ["unavailable: adding missing "] * 2 + ["failed: adding broken "] * 2
    assert all(line.startswith(start) for line, start in zip(last, starts, strict=True))
    page = (tmp_path / "report.html").read_text()
    assert "no &lt;b&gt;kernel&lt;/b&gt; for this" in page
    assert "<b>kernel" not in page
    again = snakemake(tmp_path, **config)
    assert again.stderr.count("Once more: ") == 4, "these are tried again, the others stand"


def wait_for(condition, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def pids_with(text: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if text in words:
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_pipeline_goes_on_with_what_it_had(tmp_path, sign):
    config = SMALL | {
        "seeds": "[0, 1, 2, 3, 4, 5, 6, 7]",
        "overrides": overrides(["adding"], steps=400, evaluate_every=1),
    }
    process = start_snakemake(tmp_path, **config)
    folder = tmp_path / "runs"
    wait_for(lambda: len(list(folder.glob("*.json"))) >= 4)
    if sign == signal.SIGINT:
        os.killpg(process.pid, sign)  # as Ctrl-C does
    else:
        os.kill(process.pid, sign)
    process.communicate(timeout=60)
    wait_for(lambda: not pids_with(str(tmp_path)), 30)
    before = {p: p.stat().st_mtime_ns for p in folder.glob("*.json")}
    assert 2 <= len(before) < 8
    assert all(records.read(p)["status"] == "ok" for p in before)
    done = snakemake(tmp_path, **config)
    assert done.returncode == 0, done.stderr
    assert "Directory cannot be locked" not in done.stderr
    # Two jobs run at a time: of those that were just ending Snakemake may not have heard.
    kept = sorted(before, key=before.__getitem__)[:-2]
    assert all(p.stat().st_mtime_ns == before[p] for p in kept), "finished runs are kept"
    assert len(table(tmp_path, "runs")) == 8


def test_a_second_pipeline_in_the_same_folder_says_so(tmp_path):
    config = SMALL | {"overrides": overrides(["adding"], steps=100_000, evaluate_every=10)}
    process = start_snakemake(tmp_path, **config)
    try:
        wait_for(lambda: (tmp_path / "plan.json").exists())
        second = snakemake(tmp_path, **config)
        assert second.returncode != 0
        assert f"{tmp_path}: another pipeline (process {process.pid}) is working" in second.stderr
        assert "Traceback" not in second.stderr
        other = snakemake(tmp_path / "other", **SMALL, overrides=overrides(["adding"]))
        assert other.returncode == 0, "another folder is free"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def new_task():
    """A task that appears as one more file, with no other edit."""
    path = ROOT / "tasks" / "echo_test.py"
    text = (ROOT / "tasks" / "adding.py").read_text()
    path.write_text(
        text.replace("class Adding", "class Echo").replace('= "adding"', '= "echo_test"')
    )
    yield "echo_test"
    path.unlink()


def test_a_new_file_is_in_the_next_plan(tmp_path, new_task):
    config = SMALL | {"tasks": "all", "overrides": overrides([*task_names(), new_task])}
    done = snakemake(tmp_path, **config)
    assert done.returncode == 0, done.stderr
    assert new_task in set(table(tmp_path, "runs")["task"])
    assert new_task in (tmp_path / "report.html").read_text()


def test_a_broken_task_file_gets_one_sentence(tmp_path, new_task):
    (ROOT / "tasks" / "echo_test.py").write_text("def broken(\n")
    done = snakemake(tmp_path, **SMALL | {"tasks": "all"})
    assert done.returncode != 0
    assert "tasks/echo_test.py: cannot be imported (SyntaxError" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plan_is_read_back(tmp_path):
    run = records.Run("adding", "jax", "gru", "matched", 0)
    progress.write_plan(tmp_path, (run,), [], 2)
    assert progress.read_plan(tmp_path)["runs"] == [run.name]
    assert progress.read_plan(tmp_path / "none")["runs"] == []


def test_snakemake_finds_nothing_to_lint():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    found = [line for line in (done.stderr + done.stdout).splitlines() if line[:6] == "    * "]
    # There is one environment for the whole workflow, in which Snakemake itself runs.
    wrong = "    * Specify a conda environment or container for each rule.:"
    assert set(found) <= {wrong}, done.stderr + done.stdout
