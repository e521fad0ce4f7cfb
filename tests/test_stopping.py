"""What the clock compares, when it knows enough, and what its intervals are worth."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.evidence import evidence_tables
from benchmarks import planted_slowdown
from harness.clock import samples, stopping
from harness.clock.pairs import pairs
from harness.plan.campaigns import Campaign, Method, Sweep
from tests.conftest import table
from tests.fakes import METHODS, PLAN
from tests.test_timing import made


def test_every_pair_of_kernels_of_a_cell_is_compared_once():
    """Two frameworks; the first kernel of each is the one that it declares fastest."""
    methods = [Method("jax", "manual", "lstm"), Method("jax", "stock", "lstm"),
               Method("jax", "scan", "lstm"), Method("jax", "manual", "gru"),
               Method("torch", "stock", "lstm"), Method("torch", "manual", "lstm"),
               Method("jax", "manual", "lstm", twin=True)]  # fmt: skip
    plan = replace(PLAN, methods=tuple(methods))
    found = [(kind, one.name, other.name) for kind, one, other in pairs(plan)]
    assert found[:3] == [
        ("aa", "jax/manual/lstm/again", "jax/manual/lstm"),
        ("cell", "jax/manual/gru", "jax/manual/lstm"),
        ("kernels", "jax/manual/lstm", "jax/stock/lstm"),
    ]
    lstm = [{one, other} for kind, one, other in found if kind in ("framework", "kernels")]
    assert len(lstm) == 5 * 4 / 2
    assert all(lstm.count(pair) == 1 for pair in lstm)
    assert ("kernels", "jax/scan/lstm", "jax/stock/lstm") in found, "over the framework's own"
    assert [f[1:] for f in found if f[0] == "framework"] == [
        ("jax/manual/lstm", "torch/stock/lstm")
    ]
    without = pairs(plan, ["jax/manual/lstm"])
    assert ("framework", methods[1], methods[4]) in without, "the next one stands for it"
    assert "aa" not in [kind for kind, *_ in without]
    assert pairs(replace(plan, sweeps=(Sweep("hidden", (), ""),))) == []


def taken(plan: Campaign, values, seconds: float = 10.0, compiling: float = 0.0) -> tuple[int, str]:
    """How many replicates of so many seconds a campaign takes, and why it stopped early.

    The first takes the seconds of ``compiling``, too.
    """
    done: list[int] = []

    def replicate(number: int) -> float:
        done.append(number)
        return compiling if number == 0 else 0.0

    key = ("tiny", METHODS[1], METHODS[0])
    stopped = stopping.replicates(
        plan,
        replicate,
        lambda: {key: values[: len(done)]},
        lambda: seconds * len(done) + compiling * bool(done),
    )
    assert done == list(range(len(done)))
    return len(done), stopped


def test_a_campaign_goes_on_until_it_knows_enough_or_its_time_is_up():
    plan = replace(PLAN, processes=3, most_processes=9, minutes=10.0)
    wide, close = [0.0, 0.1, 0.2], [0.1] * 6
    assert taken(plan, [0.1, 0.101, 0.1, *wide, *close]) == (3, "")
    count, stopped = taken(plan, [*wide, *close, *close])
    assert count == 9
    assert re.fullmatch(
        r"stopped at the most that are allowed after 9 processes: pytorch/stock/gru / "
        r"pytorch/stock/lstm is known to ±4\.\d %, not ±3 %", stopped,
    )  # fmt: skip
    # A replicate that would not end in time is not begun; the first are done whatever they take.
    count, stopped = taken(plan, [*wide, *close], seconds=110)
    assert count == 5
    assert stopped.startswith("stopped for time (10 min) after 5 processes")
    assert taken(plan, [*wide, *close], seconds=1000)[0] == 3
    # What the first alone compiles does not count for the others: 300 + 5 * 50 seconds.
    once = replace(plan, processes=1)
    assert taken(once, [*wide, *close], seconds=50, compiling=300)[0] == 6
    assert taken(replace(plan, most_processes=0), wide) == (3, "")
    assert taken(replace(plan, processes=1), [0.1, 0.1]) == (2, ""), "one process has no interval"
    assert taken(plan, []) == (3, ""), "what failed is not waited for"


@pytest.mark.parametrize("spread", [0.02, 0.05])
@pytest.mark.parametrize("shape", ["normal", "t3"])
def test_intervals_of_a_campaign_that_stops_when_it_knows_enough_cover(shape, spread):
    """Process effects of 2 and 5 %, as on a quiet machine and on one that others share."""
    rng = np.random.default_rng(3)
    plan = replace(PLAN, processes=5, most_processes=20)
    covered, plain, campaigns_, counts = 0, 0, 2000, []
    for _ in range(campaigns_):
        noise = rng.normal(size=20) if shape == "normal" else rng.standard_t(3, 20) / np.sqrt(3)
        values = list(0.1 + spread * noise)
        count, _ = taken(plan, values)
        found = stopping.over_processes(values[:count], may_go_on=True)
        covered += abs(found.mean - 0.1) <= found.half
        found = stopping.over_processes(values[:count], may_go_on=False)
        plain += abs(found.mean - 0.1) <= found.half
        counts.append(count)
    assert covered / campaigns_ >= 0.945
    assert 5 < np.mean(counts) < 20
    if (shape, spread) == ("normal", 0.05):
        assert plain / campaigns_ < 0.935, "what the wider intervals are for"


def test_the_interval_is_what_log_se_and_df_say(tmp_path):
    plan = replace(PLAN, processes=6, rounds=3, phases=("step",), peak=False)

    def milliseconds(method, shape, process, turn, phase):
        return 10.0 * (1 + (0.01 * process if method.cell == "gru" else 0))

    for most, confidence in ((0, 0.95), (20, 0.97)):
        made(tmp_path, replace(plan, most_processes=most), milliseconds)
        row = table(tmp_path, "speed_ratios").set_index("kind").loc["cell"]
        logs = np.log(1 + 0.01 * np.arange(6))
        reach = stats.t.ppf(0.5 + confidence / 2, 5) * stats.sem(logs)
        assert row["df"] == 5
        assert np.log(row["ratio"]) == pytest.approx(logs.mean(), abs=1e-5)
        half = stats.t.ppf(0.975, row["df"]) * row["log_se"]
        assert half == pytest.approx(reach, rel=1e-4)
        assert np.log(row["high"]) == pytest.approx(logs.mean() + half, abs=1e-5)
        assert np.log(row["low"]) == pytest.approx(logs.mean() - half, abs=1e-5)


@pytest.mark.parametrize(("off", "warns"), [(1.02, False), (1.029, False), (1.05, True)])
def test_a_control_warns_beyond_three_percent_only(tmp_path, off, warns):
    """Its interval leaves out 1 in all three; two methods take turns as their own control."""
    methods = (*METHODS, replace(METHODS[1], twin=True))
    plan = replace(PLAN, methods=methods, processes=6, phases=("step",), peak=False)

    def milliseconds(method, shape, process, turn, phase):
        away = method.twin and (method.cell == "gru") != process % 2
        return None if away else (off * (1 + 0.001 * process) if method.twin else 1.0)

    made(tmp_path, plan, milliseconds)
    rows = table(tmp_path, "speed_ratios").set_index("kind")
    control = rows.loc["aa"]
    assert control["low"] > 1
    assert control["processes"] == 6
    assert control["numerator"] == "pytorch/stock/lstm/again, pytorch/stock/gru/again"
    every = np.log(off * (1 + 0.001 * np.arange(6)))
    assert control["noise_percent"] == pytest.approx(100 * np.sqrt(np.mean(every**2)), rel=1e-4)
    said = rows["warning"].astype(str).str.contains("the A/A interval lies beyond 3 %")
    assert said.all() if warns else not said.any()
    if not warns:
        evidence = evidence_tables.speed_ratios(table(tmp_path, "speed_ratios"))
        assert evidence["control_ok"].all()


def test_a_declared_kernel_that_is_slower_than_another_is_named(tmp_path):
    methods = [Method("pytorch", "manual", "lstm"), Method("pytorch", "stock", "lstm"),
               Method("pytorch", "stock", "gru")]  # fmt: skip
    plan = replace(PLAN, methods=tuple(methods), processes=5, phases=("step",), peak=False)

    def milliseconds(method, shape, process, turn, phase):
        return 1.1 if method.kernel == "manual" else 1.0

    made(tmp_path, plan, milliseconds)
    rows = table(tmp_path, "speed_ratios").set_index("kind")
    assert rows.loc["cell", "denominator"] == "pytorch/manual/lstm", "not picked on the times"
    assert rows.loc["cell", "warning"] == (
        "pytorch/manual/lstm was declared the fastest, pytorch/stock/lstm is faster"
    )


def test_what_a_process_waited_for_its_core_is_taken_off():
    """One thread; two that take turns and wait for each other; several cores."""
    taken = [(0.03, 0.06, 1), (0.05, 0.09, 1), (0.15, 0.05, 2)]
    found = [
        samples.with_a_core({"wall_s": 0.1, "cpu_s": cpu, "waited_s": waited}, threads)
        for cpu, waited, threads in taken
    ]
    assert found == pytest.approx([0.04, 0.05, 0.1]), "10 ms asleep stay"


def test_a_planted_slowdown_waits_for_its_share(monkeypatch):
    """Calls of 10, 10 and 40 ms: after each, 5 % of the median so far."""
    now, durations = [0.0], [0.010, 0.010, 0.040]

    def clock():
        now[0] += 1e-6
        return now[0]

    def call():
        now[0] += durations.pop(0)

    monkeypatch.setattr(planted_slowdown.time, "process_time", clock)
    both, ends = planted_slowdown.slowed(call, 0.05), [0.0]
    for _ in range(3):
        both()
        ends.append(now[0])
    assert np.diff(ends) == pytest.approx([0.0105, 0.0105, 0.0405], abs=1e-5)


def test_the_evidence_has_one_row_for_two_frameworks(tmp_path):
    """The kernels that they declare fastest; other kernels only against those of their own."""
    methods = [Method(framework, kernel, "lstm") for framework in ("jax", "pytorch")
               for kernel in ("manual", "stock")]  # fmt: skip
    plan = replace(PLAN, methods=tuple(methods), processes=5, phases=("step",), peak=False)
    made(tmp_path, plan, lambda *_: 1.0)
    whole = table(tmp_path, "speed_ratios")
    assert len(whole) == 6
    found = evidence_tables.speed_ratios(whole).set_index("kind")
    across = found[~found["same_framework"]]
    assert across["numerator"].tolist() == ["jax/manual/lstm", "pytorch/manual/lstm"]
    assert len(found.loc["kernels"]) == 2 * 2
