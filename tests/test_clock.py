"""The clock: campaigns with real processes, on the tiniest shape; no time is asserted."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.speed import stage, times
from harness import layout
from harness.clock import block, campaign, checks, processes, samples, worker
from harness.errors import UserError
from harness.plan import campaigns
from harness.plan.campaigns import Method
from tests import fakes
from tests.conftest import ROOT, table
from tests.fakes import METHODS, PLAN


def silent(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clock")
    fakes.pass_the_gate(folder)
    campaign.run(PLAN, folder, silent, folder / "conformance")
    stage.write(folder, ["tiny"])
    return folder


def test_every_phase_is_timed_in_every_process(results):
    rows = table(results, "timing")
    assert list(rows.columns) == list(layout.TABLES["timing"].columns)
    assert set(rows["cell"]) == {"lstm", "gru"}
    for _, mine in rows.groupby("cell"):
        assert set(mine["phase"]) == {*times.START, *campaigns.PHASES}
        mine = mine.set_index("phase")
        assert (mine["median_ms"] > 0).all()
        assert set(mine["peak_rss_mb"] > 50) == {True}
        assert mine.loc["step", ["processes", "rounds"]].tolist() == [2, 2]
        assert mine.loc[["first_step", "first_step_cached"], "processes"].tolist() == [1, 1]
        assert mine.loc["step", "low_ms"] < mine.loc["step", "median_ms"]
        assert mine.loc["step", "gflops"] < table(results, "peaks")["gflops"].max()
        assert "2 processes only" in mine.loc["step", "warning"]
        assert pd.isna(mine.loc["data", "flop"])


def test_every_sample_is_kept_with_what_disturbs_it(results):
    rows = pd.read_csv(results / "timing" / "tiny.csv", keep_default_na=False)
    assert list(rows.columns) == list(samples.COLUMNS)
    steps = rows[rows["phase"] == "step"]
    assert len(steps) == len(METHODS) * 2 * 3  # processes, and rounds with the one that warms up
    assert set(steps["cores"]) == {str(processes.cores_here()[-1])}
    counts = steps[steps["method"] != "pytorch/stock/gru"].groupby("method")["steps"].unique()
    assert counts.map(len).eq(1).all(), "a block's length is fixed"
    assert counts.iloc[0] == counts.iloc[1], "the twin's blocks are as long"
    order = steps.sort_values("start").groupby(["process", "round"])["method"].agg(tuple)
    assert order.map(len).eq(3).all(), "the rounds follow each other"


def test_the_control_stands_among_the_ratios(results):
    rows = table(results, "speed_ratios").set_index("kind")
    columns = list(layout.TABLES["speed_ratios"].columns)
    assert list(table(results, "speed_ratios").columns) == columns
    assert set(rows.index) == {"aa", "cell", "forward"}
    control = rows.loc["aa"]
    assert control["numerator"] == control["denominator"] + "/again"
    assert control["low"] < control["ratio"] < control["high"]
    assert rows.loc["cell", "numerator_cell"] == "gru"


def test_a_killed_campaign_is_begun_anew_and_its_samples_stay(tmp_path):
    fakes.pass_the_gate(tmp_path)
    plan = json.dumps(PLAN.as_dict())
    words = [sys.executable, "-m", "harness", "time", "--results", str(tmp_path), "--plan", plan,
             "--conformance", str(tmp_path / "conformance")]  # fmt: skip
    killed = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    path = tmp_path / "timing" / "tiny.csv"
    while not path.exists() or len(path.read_text().splitlines()) < 20:
        assert killed.poll() is None
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    with pytest.raises(UserError, match=r"tiny\.json: cannot be read"):
        stage.write(tmp_path, ["tiny"])
    # As a write that was cut off would leave it.
    path.write_text(path.read_text() + "half,a,li")
    campaign.run(replace(PLAN, methods=METHODS[:1]), tmp_path, silent, tmp_path / "conformance")
    written = pd.read_csv(path, keep_default_na=False)
    assert written[written["campaign"] != "half"]["campaign"].nunique() == 2
    stage.write(tmp_path, ["tiny"])
    rows = table(tmp_path, "timing")
    assert rows[rows["phase"] == "step"]["rounds"].tolist() == [2]
    assert rows["cell"].unique().tolist() == ["lstm"], "nothing of the killed campaign"


def test_what_fails_is_a_row_with_the_reason(tmp_path, monkeypatch):
    """One kernel does not pass the gate, one raises, one dies; the fourth is timed."""
    monkeypatch.setattr(checks, "look_up_or_check", lambda course, _: course.problems.update(gate))
    real = processes.Process.ask

    def ask(self, do, **values):
        if values.get("kernel") == "dies":
            self._process.kill()
        return real(self, do, **values)

    monkeypatch.setattr(processes.Process, "ask", ask)
    methods = tuple(Method("pytorch", k, "lstm") for k in ("off", "none", "dies", "stock"))
    gate = {"pytorch/off/lstm": "does not conform: gradient"}
    plan = replace(PLAN, methods=methods, phases=("step",), rounds=1, peak=False)
    campaign.run(plan, tmp_path, silent, tmp_path / "conformance")
    stage.write(tmp_path, ["tiny"])
    rows = table(tmp_path, "timing").set_index("kernel")
    assert rows.loc["off", "warning"] == "does not conform: gradient"
    assert "KeyError: 'none'" in rows.loc["none", "warning"]
    assert "the process died (killed by signal 9)" in rows.loc["dies", "warning"]
    assert rows["median_ms"].notna().tolist() == [False, False, False, True]


def test_the_gate_checks_what_the_pipeline_did_not(tmp_path):
    wrong = {"check": "forward", "dtype": "float64", "max_error": 0.5, "tolerance": 1e-10}
    assert worker.verdict(wrong) == (
        "does not conform: forward in float64 is off by 0.5, allowed 1e-10"
    )
    fakes.pass_the_gate(tmp_path)
    known = checks._known(tmp_path / "conformance")
    assert known == {("pytorch", "stock", cell, 1): True for cell in ("lstm", "gru")}
    process = processes.Process(subprocess.DEVNULL)
    methods = [("stock", "gru", 1)]
    verdicts = process.ask(
        "conform",
        framework="pytorch",
        methods=methods,
        threads=1,
        cores=[0],
        cache=str(tmp_path),
        device="cpu",
    )
    process.end()
    assert verdicts == {"stock/gru": ""}


@pytest.mark.parametrize(
    ("cores", "threads", "groups"),
    [([0], 1, [[0]]), ([0, 1, 2], 1, [[2], [1], [0]]), ([0, 1, 2], 2, [[2, 1]]), ([0], 4, [[0]])],
)
def test_groups_of_cores(monkeypatch, cores, threads, groups):
    monkeypatch.setattr(processes, "cores_here", lambda: cores)
    assert processes.core_groups(threads) == groups


def test_one_core_and_no_pinning_are_said_in_the_table(tmp_path, monkeypatch):
    fakes.pass_the_gate(tmp_path)
    for module in (campaign, processes):
        monkeypatch.setattr(module, "cores_here", lambda: [0])
    real = processes.Process.ask

    def ask(self, do, **values):
        answer = real(self, do, **values)
        return answer | {"pinned": None} if do == "pin" else answer

    monkeypatch.setattr(processes.Process, "ask", ask)
    plan = replace(PLAN, methods=METHODS[:1], processes=1, rounds=1, phases=("step",), peak=False)
    campaign.run(plan, tmp_path, silent, tmp_path / "conformance")
    stage.write(tmp_path, ["tiny"])
    warning = table(tmp_path, "timing")["warning"][0]
    assert "one core only" in warning
    assert "cannot be pinned" in warning
    assert "1 process only" in warning


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"wall_s": 0.044}, "disturbed"),
        ({"switches": 5}, "disturbed"),
        ({"switches": 3}, ""),
        # Two threads on one core wait for each other, and no time is lost.
        ({"switches": 5, "waited_s": 0.02}, ""),
        ({"wall_s": 0.044, "waited_s": 0.02}, "disturbed"),
        # What it waited is what it lost: another process was on the core.
        ({"switches": 5, "wall_s": 0.041, "waited_s": 0.001}, "disturbed"),
        ({"jump_s": 3600.0}, "suspended"),
        ({"cpu_s": 0.08}, ""),  # two threads
    ],
)
def test_marks(changes, expected):
    times = {"wall_s": 0.04, "cpu_s": 0.04, "waited_s": 0.0}
    sample = times | {"switches": 0, "jump_s": 0.0} | changes
    assert samples.mark(sample) == expected


def test_others_on_the_core_are_seen_and_do_not_count():
    """A process of the test's own takes turns with the block on one core."""
    cores, here = os.sched_getaffinity(0), processes.cores_here()[-1]
    words = [sys.executable, "-c", "while True: pass"]
    try:
        block.pin([here])
        other = subprocess.Popen(words)  # on the same core
        time.sleep(0.2)
        sample = block.timed(lambda: sum(range(10_000_000)))
    finally:
        other.kill()
        other.wait()
        block.pin(sorted(cores))
    assert sample["wall_s"] > 1.4 * sample["cpu_s"]
    assert sample["other_s"] > 0.2 * sample["wall_s"]
    alone = samples.with_a_core(sample, 1)
    assert alone == pytest.approx(sample["cpu_s"], rel=0.1)


def test_twins_take_turns(tmp_path):
    """Each replicate has the twin of one method; together they are the control."""
    fakes.pass_the_gate(tmp_path)
    plan = replace(
        PLAN, methods=(*METHODS, replace(METHODS[1], twin=True)), phases=("step",), peak=False,
        rounds=1, most_processes=3,
    )  # fmt: skip
    campaign.run(plan, tmp_path, silent, tmp_path / "conformance")
    rows = pd.read_csv(tmp_path / "timing" / "tiny.csv", keep_default_na=False)
    done = range(rows["process"].max() + 1)
    for twin, method in enumerate(plan.methods[2:]):
        mine = rows[rows["method"] == method.name]
        assert mine["process"].unique().tolist() == [p for p in done if p % 2 == twin]


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_block_during_which_the_clock_jumps_is_marked(monkeypatch, jump):
    real = time.time
    steps = itertools.chain([0], itertools.repeat(jump))
    monkeypatch.setattr(block.time, "time", lambda: real() + next(steps))
    sample = block.timed(lambda: None)
    assert 0 < sample["wall_s"] < 1
    assert samples.mark(sample) == "suspended"


@pytest.mark.parametrize(
    "milliseconds", [[20, 20, 20], [115, 115, 35, 18, 18.5, 17.9], [20, 30, 17, 10, 11, 10]]
)
def test_a_phase_is_called_until_it_gets_no_faster(monkeypatch, milliseconds):
    left = [{"wall_s": value / 1000} for value in [*milliseconds, 1]]
    process = worker.Worker()
    monkeypatch.setattr(process, "block", lambda *_: left.pop(0))
    assert process.warm("any", "step")["wall_s"] == milliseconds[-1] / 1000
    assert len(left) == 1
