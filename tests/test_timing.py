"""The tables of the clock: on times that a test makes up, and formulae on known numbers."""

import json
import re
from dataclasses import replace
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

from analysis.evidence import evidence_tables
from analysis.speed import growth, stage
from benchmarks import planted_slowdown
from harness import layout
from harness.clock import samples, stopping
from harness.clock.pairs import pairs
from harness.clock.worker import initial_weights, product_sizes
from harness.conformance import against_reference
from harness.errors import UserError
from harness.pipeline import again
from harness.plan import campaigns
from harness.plan.campaigns import Campaign, Method, Shape, Sweep
from harness.registry import framework
from tests.conftest import ROOT, table
from tests.fakes import METHODS, PLAN


def made(
    folder: Path, plan: Campaign, milliseconds, phases=("step",), machine="A", other=lambda _: 0.0
) -> None:
    """A whole campaign with times as ``milliseconds(method, shape, process, round, phase)``.

    None where a method takes no part; ``other(round)`` is what others worked, in seconds.
    """
    (folder / "timing").mkdir(exist_ok=True)
    path = folder / "timing" / f"{plan.name}.csv"
    path.unlink(missing_ok=True)
    with samples.appended(path, "made") as write:
        for process in range(plan.processes):
            for turn in range(plan.rounds + 1):
                for method in plan.methods:
                    for shape, phase in product(plan.shapes, phases):
                        ms = milliseconds(method, shape, process, turn, phase)
                        if ms is None:
                            continue
                        wall = ms / 1000
                        sample = {"wall_s": wall, "cpu_s": wall, "switches": 0, "jump_s": 0.0}
                        write(method, process, turn, sample | {
                            "shape": shape.name, "phase": phase, "steps": 1, "start": 0.0,
                            "other_s": other(turn), "waited_s": 0.0,
                        })  # fmt: skip
    about = {"campaign": "made", "asked": plan.as_dict(), "problems": {}, "notes": []}
    about["machine"] = {"processor": machine, "generation": "family 1", "cores": 2}
    path.with_suffix(".json").write_text(json.dumps(about))
    stage.write(folder, [plan.name])


@pytest.mark.parametrize("text", ["", "[]", '{"campaign": "made"}', '{"campaign": "other"}'])
def test_a_damaged_campaign_is_named_and_timed_again(tmp_path, text):
    made(tmp_path, replace(PLAN, phases=("step",), peak=False), lambda *_: 1.0)
    path = tmp_path / "timing" / "tiny.json"
    assert again.of_a_campaign(path) == ""
    path.write_text(text)
    assert again.of_a_campaign(path).startswith(f"{path}: cannot be read (")
    again.set_aside([path])
    assert path.with_suffix(".json.old").read_text() == text
    assert again.of_a_campaign(path).endswith("was set aside and has not been made again.")


def test_ratios_are_paired_by_round_and_a_bad_control_marks_the_campaign(tmp_path):
    """Drift of a factor of two within each process cancels; a twin 10 % slower shows."""
    plan = replace(PLAN, processes=5, rounds=4, phases=("step",), peak=False)

    def milliseconds(method, shape, process, turn, phase):
        base = 10.0 * 2 ** (turn / 4) * (1 + 0.001 * process * (method.cell == "gru"))
        return base * (1.1 if method.twin else 1) * (0.75 if method.cell == "gru" else 1)

    made(tmp_path, plan, milliseconds)
    rows = table(tmp_path, "speed_ratios").set_index("kind")
    assert rows.loc["aa", "ratio"] == pytest.approx(1.1)
    assert rows.loc["cell", "ratio"] == pytest.approx(0.75 * 1.002, rel=1e-3)
    assert rows.loc["cell", "high"] - rows.loc["cell", "low"] < 0.01
    warnings = table(tmp_path, "timing")["warning"]
    assert warnings.str.contains("the A/A interval lies beyond 3 %").all()
    assert warnings.str.contains("deviation 2").all()


def test_fits_find_the_overhead_and_the_speed(tmp_path):
    """0.5 ms and 20 ms per GFLOP, the held-out size 10 % slower than the line."""
    base = Shape("base", 8, 10, 2, 16, 1)
    sizes = [replace(base, name=f"hidden_{h}", hidden=h) for h in (16, 32, 64, 128)]
    sweep = Sweep("hidden", tuple(s.name for s in sizes[:3]), sizes[3].name)
    plan = Campaign(
        "sweeps", tuple(sizes), METHODS[:1], 3, 2, 1, ("step",), peak=False, sweeps=(sweep,)
    )

    def milliseconds(method, shape, process, turn, phase):
        line = 0.5 + 20 * shape.step_flop("lstm") / 1e9
        return line * (1.1 if shape.hidden == 128 else 1)

    made(tmp_path, plan, milliseconds)
    row = table(tmp_path, "scaling").iloc[0]
    assert row["overhead_ms"] == pytest.approx(0.5, rel=1e-4)
    assert row["ms_per_gflop"] == pytest.approx(20, rel=1e-4)
    assert row["prediction_error"] == pytest.approx(1 / 1.1 - 1, rel=1e-3)
    even = 20 * 6 * 8 * 10 * 4 * row["even_at"] * (row["even_at"] + 2 * 2 / 3) / 1e9
    assert even == pytest.approx(0.5, rel=1e-3)
    points = table(tmp_path, "scaling_points")
    assert points["value"].tolist() == [16, 32, 64, 128]
    assert points["held_out"].tolist() == [False, False, False, True]
    assert np.isnan(growth.even_point(lambda v: v, -0.1))


def test_what_the_products_of_a_step_alone_take(tmp_path):
    """Products at 100 GFLOP/s forward, 50 backward and 25 for the weights; a step of 1 ms."""
    shape = Shape("tiny", 4, 3, 2, 4, 2)
    plan = replace(PLAN, shapes=(shape,), phases=("step",))
    speeds = {"product_large": 200, "product_step": 100, "product_back": 50, "product_weights": 25}

    def milliseconds(method, shape, process, turn, phase):
        if phase == "step":
            return 1.0
        return 2 * prod(product_sizes(shape, method.cell, phase)) / speeds[phase] / 1e6

    made(tmp_path, plan, milliseconds, ("step", *speeds))
    row = table(tmp_path, "timing").set_index("cell").loc["gru"]
    # Layers with 2 and 4 inputs; the first needs no gradient of its inputs.
    forward = 2 * 3 * 4 * 3 * 4 * (2 + 4 + 4 + 4)
    back = 2 * 3 * 4 * 3 * 4 * (4 + 4 + 4)
    assert row["products_ms"] == pytest.approx(
        (forward / 100 + back / 50 + forward / 25) / 1e6, rel=1e-5
    )
    assert row["products_fraction"] == pytest.approx(
        (2 * forward + back) / row["products_ms"] / 1e6 / 200, rel=1e-4
    )
    assert set(table(tmp_path, "peaks")["product"]) == {"large", "step", "back", "weights"}


@pytest.mark.parametrize("layers", [1, 2])
def test_the_flop_formula_agrees_with_jax(layers):
    """XLA also counts what is done element by element and the sums of gradients over time.

    Both become a smaller share with more hidden units and sequences: 6 % in all at B = 8
    and h = 128, 2 % at these sizes.
    """
    import jax
    import jax.numpy as jnp

    shape = Shape("x", 64, 4, 16, 256, layers)
    weights = initial_weights(shape.spec("lstm"), True)
    # The state is an argument, or XLA would drop the first step's products with zeros.
    states = jnp.zeros((2, layers, 64, 256))

    def loss(weights, states, x):
        for layer in range(layers):
            h, c = states[:, layer]
            outputs = []
            for t in range(4):
                gates = x[t] @ weights[f"layers.{layer}.input"]
                gates += h @ weights[f"layers.{layer}.recurrent"] + weights[f"layers.{layer}.bias"]
                i, f, g, o = jnp.split(gates, 4, axis=-1)
                c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
                h = jax.nn.sigmoid(o) * jnp.tanh(c)
                outputs.append(h)
            x = outputs
        return (x[-1] ** 2).sum()

    def flop(function):
        arguments = (weights, states, jnp.ones((4, 64, 16)))
        return jax.jit(function).lower(*arguments).compile().cost_analysis()["flops"]

    assert 1 <= flop(loss) / shape.forward_flop("lstm") < 1.03
    assert 1 <= flop(jax.grad(loss, (0, 1))) / shape.step_flop("lstm") < 1.03


def test_the_formula_in_numbers():
    shape = Shape("reference", 64, 100, 2, 128, 1)
    assert shape.forward_flop("lstm") == 2 * 100 * 64 * 4 * 128 * 130
    assert shape.step_flop("gru") == 2 * 100 * 64 * 3 * 128 * (2 * 130 + 128)


CONFIG = {
    "threads": 1, "cells": ["lstm"], "processes": 1, "most_processes": 3, "minutes": 1,
    "rounds": 1, "phases": ["step"], "shapes": [], "sweeps": [],
    "sweep_processes": 1, "sweep_rounds": 1,
    "sweep_base": {"batch": 4, "sequence_length": 3, "input_size": 2, "hidden": 4, "layers": 1},
}  # fmt: skip


def test_campaigns_of_a_configuration():
    values = {"name": "one", "kernels": "all", "phases": ["step"]} | CONFIG["sweep_base"]
    sweeps = [
        {"axis": "hidden", "values": [4, 8], "held_out": 16},
        {"axis": "layers", "values": [1, 2], "held_out": 3},
    ]
    timed = CONFIG | {"shapes": [values], "sweeps": sweeps}
    one, swept = campaigns.campaigns(
        timed, [framework("pytorch")], {("pytorch", "lstm"): "stock"}, "cpu"
    )
    assert sum(m.twin for m in one.methods) == 1
    assert [m.kernel for m in swept.methods] == ["stock"], "what ranks nothing needs no control"
    assert (one.last, one.minutes, swept.may_go_on) == (3, 1, False)
    assert len(swept.shapes) == 5, "the base stands once"
    values["kernels"] = "fastest and stock"
    (both,) = campaigns.campaigns(
        CONFIG | {"shapes": [values]},
        [framework("pytorch")],
        {("pytorch", "lstm"): "manual"},
        "cpu",
    )
    assert [m.kernel for m in both.methods if not m.twin] == ["manual", "stock"], "first the chosen"
    (two,) = campaigns.campaigns(
        CONFIG | {"shapes": [values], "cells": ["lstm", "gru"]},
        [framework("pytorch"), framework("jax")],
        {},
        "cpu",
    )
    twins = [m.original for m in two.methods if m.twin]
    assert [(m.framework, m.cell) for m in twins] == [("pytorch", "lstm"), ("jax", "lstm")]
    assert set(twins) <= {m for _, *both in pairs(two) for m in both}
    values["kernels"] = "all"
    assert [s.shapes[0] for s in swept.sweeps] == ["hidden_4", "hidden_4"]
    assert campaigns.campaign_from(json.loads(json.dumps(swept.as_dict()))) == swept
    with pytest.raises(UserError, match=r"timing\.shapes: the name 'one' is taken"):
        campaigns.campaigns(
            CONFIG | {"shapes": [values, values]}, [framework("pytorch")], {}, "cpu"
        )
    sweeps[0]["held_out"] = 8
    with pytest.raises(UserError, match="hidden: held_out 8 is among the values"):
        campaigns.campaigns(timed, [framework("pytorch")], {}, "cpu")
    lacking = replace(framework("pytorch"), kernels={})
    with pytest.raises(UserError, match=r"timing\.cells: no framework of this configuration has"):
        campaigns.campaigns(CONFIG | {"shapes": [values]}, [lacking], {}, "cpu")


def test_each_row_says_on_which_machine_it_was_timed(tmp_path):
    for machine in ("A", "B"):
        plan = replace(PLAN, name=machine.lower(), phases=("step",), peak=False)
        made(tmp_path, plan, lambda *_: 1.0, machine=machine)
    stage.write(tmp_path, ["a", "b"])
    for name in ("timing", "speed_ratios"):
        rows = table(tmp_path, name)
        assert set(rows["machine"]) == {f"{m} (family 1), 2 cores" for m in "AB"}, name


def test_no_campaign_gives_empty_tables(tmp_path):
    stage.write(tmp_path, [])
    assert all(table(tmp_path, name).empty for name in layout.names("timing"))


def test_a_hidden_size_by_cell_gives_equal_parameter_counts():
    """The full configuration's shape for the claim on equal parameter counts."""
    default, full = (
        yaml.safe_load((ROOT / f"workflows/config/{name}.yaml").read_text())["timing"]
        for name in ("default", "full")
    )
    times = default | full
    (values,) = (s for s in times["shapes"] if s["name"] == "equal_parameters")
    shape = Shape(**{k: v for k, v in values.items() if k != "phases"})
    counts = [
        against_reference.formula(framework("jax"), "matched", shape.spec(cell))
        for cell in ("lstm", "gru")
    ]
    assert counts[1] == pytest.approx(counts[0], rel=0.01)
    assert shape.spec("gru").hidden == values["hidden"]["gru"]
    assert product_sizes(shape, "gru", "product_step") == (64, 148, 444)
    assert product_sizes(shape, "gru", "product_back") == (64, 444, 148)
    assert product_sizes(shape, "lstm", "product_weights") == (128, 6400, 512)
    only = times | {"shapes": [values | {"hidden": {"lstm": 128}}], "sweeps": []}
    with pytest.raises(UserError, match="hidden has no size for gru"):
        campaigns.campaigns(only, [framework("jax")], {}, "cpu")
    wrong = {"lstm": 128, "gru": 148, "lstn": 1}
    only = times | {"shapes": [values | {"hidden": wrong}], "sweeps": []}
    with pytest.raises(UserError, match="equal_parameters: hidden: unknown cell 'lstn'"):
        campaigns.campaigns(only, [framework("jax")], {}, "cpu")


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


def taken(plan: Campaign, values, seconds: float = 10.0) -> tuple[int, str]:
    """How many replicates of so many seconds a campaign takes, and why it stopped early."""
    done: list[int] = []
    key = ("tiny", METHODS[1], METHODS[0])
    stopped = stopping.replicates(
        plan, done.append, lambda: {key: values[: len(done)]}, lambda: seconds * len(done)
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
        evidence = evidence_tables._speed_ratios(table(tmp_path, "speed_ratios"))
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


def test_what_else_the_machine_did_has_a_number(tmp_path):
    """Others used a core for a quarter of the step's time, as counted in hundredths of a second."""
    plan = replace(PLAN, processes=2, rounds=2, phases=("step",), peak=False)
    made(tmp_path, plan, lambda *_: 20.0, other=lambda turn: 0.01 if turn == 1 else 0.0)
    assert table(tmp_path, "timing")["other_cpu_percent"].tolist() == [25, 25]


def sweep(axis: str, sizes: list[int], processes: int) -> Campaign:
    """A campaign along one axis, the last size held out."""
    base = Shape("base", 8, 10, 2, 16, 1)
    shapes = [replace(base, name=f"{axis}_{v}", **{axis: v}) for v in sizes]
    along = Sweep(axis, tuple(s.name for s in shapes[:-1]), shapes[-1].name)
    return Campaign(
        "sweeps", tuple(shapes), METHODS[:1], processes, 2, 1, ("step",), peak=False,
        sweeps=(along,),
    )  # fmt: skip


@pytest.mark.parametrize(("processes", "known"), [(2, False), (5, True)])
def test_few_processes_give_a_fit_without_intervals(tmp_path, processes, known):
    """Overheads of 5, -10, 20 .. µs: none is left out because it is below zero."""
    overheads = np.array([0.005, -0.01, 0.02, -0.005, 0.03])[:processes]

    def milliseconds(method, shape, process, turn, phase):
        return overheads[process] + 20 * shape.step_flop("lstm") / 1e9

    made(tmp_path, sweep("hidden", [32, 64, 128, 256], processes), milliseconds)
    row = table(tmp_path, "scaling").iloc[0]
    assert row["overhead_ms"] == pytest.approx(overheads.mean(), abs=1e-5)
    ends = ["overhead_low", "ms_per_gflop_high"]
    assert row[ends].notna().all() == known
    assert ("2 processes only, so no intervals" in str(row["warning"])) != known
    if known:
        assert row["even_at"] > 0
        assert row["even_at_low"] == 0, "the overhead may be none"
        assert row["even_at_high"] > row["even_at"]
    else:
        assert np.isnan(row["even_at"]), "the mean is no overhead"


def test_along_the_time_steps_there_is_no_overhead(tmp_path):
    def milliseconds(method, shape, process, turn, phase):
        return 0.5 + 20 * shape.step_flop("lstm") / 1e9

    made(tmp_path, sweep("sequence_length", [5, 10, 20, 40], 5), milliseconds)
    row = table(tmp_path, "scaling").iloc[0]
    assert row["ms_per_gflop"] == pytest.approx(20, rel=1e-4)
    assert row["predicted_ms"] == pytest.approx(row["measured_ms"], rel=1e-4)
    assert row[["overhead_ms", "overhead_low", "even_at"]].isna().all()
    points = table(tmp_path, "scaling_points")
    assert points["fitted_ms"].tolist() == pytest.approx(points["median_ms"].tolist(), rel=1e-4)


def test_fiellers_interval_covers_a_ratio_of_means():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(2000):
        b = 2 + 0.3 * rng.normal(size=5)
        low, high = growth.fieller(1 + 0.2 * rng.normal(size=5) - 0.5 * (b - 2), b)
        covered += low <= 0.5 <= high
    assert 0.94 <= covered / 2000 <= 0.96
    assert np.isnan(growth.fieller(np.ones(5), np.array([-1.0, 1, -1, 1, 0.1]))).all()


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
