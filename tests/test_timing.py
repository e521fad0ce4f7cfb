"""The tables of the clock: on times that a test makes up, and formulae on known numbers."""

import json
import re
from dataclasses import replace
from itertools import product
from math import prod
from pathlib import Path

import pytest
import yaml

from analysis.speed import stage
from benchmarks import report_page
from harness import layout
from harness.clock import samples
from harness.clock.pairs import pairs
from harness.clock.worker import initial_weights, product_sizes
from harness.conformance import parameter_counts
from harness.errors import UserError
from harness.pipeline import again
from harness.plan import campaigns
from harness.plan.campaigns import Campaign, Method, Shape
from harness.registry import framework
from report import tables as reading
from report.page import render
from tests.conftest import ROOT, table
from tests.fakes import PLAN


def made(
    folder: Path, plan: Campaign, milliseconds, phases=("step",), machine="A",
    other=lambda _: 0.0, notes=(),
) -> None:  # fmt: skip
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
    about = {"campaign": "made", "asked": plan.as_dict(), "problems": {}, "notes": list(notes)}
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
    plan = replace(PLAN, processes=5, rounds=4, phases=("step", "forward"), peak=False)

    def milliseconds(method, shape, process, turn, phase):
        base = 10.0 * 2 ** (turn / 4) * (1 + 0.001 * process * (method.cell == "gru"))
        gru = 0.75 if phase == "step" else 0.6
        return base * (1.1 if method.twin else 1) * (gru if method.cell == "gru" else 1)

    made(tmp_path, plan, milliseconds, plan.phases)
    rows = table(tmp_path, "speed_ratios").set_index("kind")
    assert rows.loc["aa", "ratio"] == pytest.approx(1.1)
    assert rows.loc["cell", "ratio"] == pytest.approx(0.75 * 1.002, rel=1e-3)
    assert rows.loc["cell", "high"] - rows.loc["cell", "low"] < 0.01
    assert rows.loc["forward", "ratio"] == pytest.approx(0.6 * 1.002, rel=1e-3)
    warnings = table(tmp_path, "timing").query("phase == 'step'")["warning"]
    assert warnings.str.contains("the A/A interval lies beyond 3 %").all()
    assert warnings.str.contains("deviation 2").all()


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
        parameter_counts.formula(framework("jax"), "matched", shape.spec(cell))
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


def test_what_else_the_machine_did_has_a_number(tmp_path):
    """Others used a core for a quarter of the step's time, as counted in hundredths of a second."""
    plan = replace(PLAN, processes=2, rounds=2, phases=("step",), peak=False)
    made(tmp_path, plan, lambda *_: 20.0, other=lambda turn: 0.01 if turn == 1 else 0.0)
    assert table(tmp_path, "timing")["other_cpu_percent"].tolist() == [25, 25]


def test_the_page_shows_ratios_by_kind_and_what_ran_beside_them(tmp_path):
    stock, manual, gru = (
        Method("pytorch", kernel, cell)
        for kernel, cell in (("stock", "lstm"), ("manual", "lstm"), ("stock", "gru"))
    )
    methods = (stock, manual, gru, replace(stock, twin=True))
    plan = replace(PLAN, methods=methods, processes=5, phases=("step",), peak=False)
    note = "stopped for time (2 min) after 5 processes"
    report_page.write(tmp_path, report_page.made_up(["adding"], 1, 1))
    made(tmp_path, plan, lambda *_: 20.0, other=lambda _: 0.007, notes=[note])
    page = render(reading.read(tmp_path), "speed")[0]
    form = r'region" aria-label="([^"]* at tiny)".*?<tbody>(.*?)</tbody>'
    tables = dict(re.findall(form, page, re.S))
    own = "Implementations of one cell at tiny"
    assert list(tables) == ["Times at tiny", "Cells at tiny", own]
    assert "<td>35</td>" in tables["Times at tiny"], "percent of a core"
    assert page.count(note) == 1, "what is warned of everywhere is said once"
    assert "PyTorch LSTM (manual)" in tables[own]
    assert "The ratio of the two times is\n  1 [1, 1] over 5 processes" in page
