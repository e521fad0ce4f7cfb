"""Cells: shapes, the reference and its gradients, and the packed vector."""

import ast
import sys
from dataclasses import replace

import numpy as np
import pytest

import cells
from analysis.tables.cells import rows
from cells import CELLS, ModelSpec, network
from harness.conformance.examples import random_batches, random_weights
from harness.registry import ROOT
from implementations import packed

STEP = 1e-30  # a complex step has no subtraction, so it may be as small as one likes
SPEC = ModelSpec("lstm", 2, 2, 4, 3, False, "mse", "float64")
# Every shape of a model once for the cells that frameworks have too, and one for all others.
MODELS = [
    *((cell, layers, every, loss) for cell in cells.FIRST for layers, every, loss in (
        (1, False, "mse"), (2, False, "cross_entropy"), (2, True, "mse"),
        (1, True, "cross_entropy"),
    )),
    *((cell, 2, True, "mse") for cell in CELLS if cell not in cells.FIRST),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "layers", "every_step", "loss"), MODELS)
def test_gradients_are_those_of_complex_steps(cell, layers, every_step, loss):
    spec = replace(SPEC, cell=cell, layers=layers, every_step=every_step, loss=loss)
    weights, (inputs, targets) = random_weights(spec), random_batches(spec, 1)
    x, y = inputs[0].astype(np.float64), targets[0]
    value, gradients = network.loss_and_gradients(spec, weights, x, y)
    assert value == pytest.approx(network.loss(spec, network.outputs(spec, weights, x), y))
    assert gradients.keys() == weights.keys()
    for name, weight in weights.items():
        for place in np.ndindex(weight.shape):
            moved = weight.astype(complex)
            moved[place] += 1j * STEP
            outputs = network.outputs(spec, weights | {name: moved}, x)
            expected = np.imag(network.loss(spec, outputs, y)) / STEP
            assert gradients[name][place] == pytest.approx(expected, rel=1e-9, abs=1e-14), name


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru_before", "slstm"])
def test_gradients_by_states_are_those_of_complex_steps(cell, layers):
    """What follows step t is computed anew from a state that was moved by a complex step.

    The LSTM's h follows from the c of its own step: o tanh(c).
    """
    spec = replace(SPEC, cell=cell, layers=layers, hidden=3)
    weights, (inputs, _) = random_weights(spec), random_batches(spec, 1)
    below = network.forward(spec, weights, inputs[0].astype(np.float64)).sequences[-2]
    own = cells.layer_weights(weights, layers - 1)
    steps = network.run(spec, weights, layers - 1, below)
    last = np.random.default_rng(1).standard_normal(steps[-1][0][0].shape)
    found = network.state_gradients(spec, weights, below, last)
    assert tuple(found) == cells.cell(cell).states
    step = cells.step_of(cells.cell(cell), own, network.MATH)
    products = below @ own["input"] + own["bias"]
    for t, (states, gates) in enumerate(steps):
        for kind, name in enumerate(found):
            for unit in range(spec.hidden):
                state = [s.astype(complex) for s in states]
                state[kind][:, unit] += 1j * STEP
                if (cell, name) == ("lstm", "c"):
                    state[0] = gates["o"] * np.tanh(state[1])
                if cell == "slstm" and name in "cn":
                    state[0] = gates["o"] * state[1] / state[2]
                if (cell, name) == ("slstm", "m"):
                    continue  # i, f, c, n and h of the same step follow from it
                for a in products[t + 1 :]:
                    state = step(a, tuple(state))[0]
                expected = np.imag((last * state[0]).sum(axis=1)) / STEP
                np.testing.assert_allclose(found[name][t][:, unit], expected, rtol=1e-9, atol=1e-14)


def test_one_step_of_each_cell_by_hand():
    own = {"input": np.array([[0.5, -1.0, 2.0, 0.3]]), "recurrent": np.full((1, 4), 0.1)}
    own["bias"] = np.array([0.0, 1.0, 0.0, 0.0])

    def h(cell, own):
        step = cells.step_of(cells.cell(cell), own, network.MATH)
        zero = (np.zeros((1, 1)),) * len(cells.cell(cell).states)
        return step(0.7 * own["input"] + own["bias"], zero)[0][0].item()

    def s(a):
        return 1 / (1 + np.exp(-a))

    assert h("lstm", own) == pytest.approx(s(0.21) * np.tanh(s(0.35) * np.tanh(1.4)))
    gru = {k: v[..., :3] for k, v in own.items()} | {"recurrent_bias": np.array([0.4])}
    n = np.tanh(1.4 + s(0.35) * 0.4)
    z = s(1 - 0.7)
    assert h("gru", gru) == pytest.approx((1 - z) * n)
    assert h("rnn", {k: v[..., :1] for k, v in own.items()}) == pytest.approx(np.tanh(0.35))


# Of the reference that had every gradient by hand, at f0f4226: the loss, and the norms of the
# gradients by the first layer's input, recurrent and bias weights.
GOLDEN = {
    "rnn": (1.1088435006036752, 0.10693303383157837, 0.14916747289569274, 0.1388683189231879),
    "lstm": (1.382166848852735, 0.023850146460000617, 0.003566395717651255, 0.034968463680395336),
    "gru": (1.0927713102055976, 0.03838187725305306, 0.015763202944012865, 0.08367275056834785),
}


@pytest.mark.parametrize("cell", GOLDEN)
def test_losses_and_gradients_are_what_they_were_by_hand(cell):
    spec = replace(SPEC, cell=cell, every_step=True, loss="cross_entropy")
    weights, (inputs, targets) = random_weights(spec), random_batches(spec, 1)
    loss, gradients = network.loss_and_gradients(
        spec, weights, inputs[0].astype(np.float64), targets[0]
    )
    norms = [np.linalg.norm(gradients[f"layers.0.{n}"]) for n in ("input", "recurrent", "bias")]
    np.testing.assert_allclose([loss, *norms], GOLDEN[cell], rtol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_redundant_bias_adds_to_the_first_and_has_its_gradient(cell):
    spec = replace(SPEC, cell=cell)
    weights, (inputs, targets) = random_weights(spec), random_batches(spec, 1)
    whole = dict(weights)
    for layer in range(spec.layers):
        bias = weights[f"layers.{layer}.bias"]
        size = 2 * spec.hidden if cell == "gru" else bias.size
        whole[f"layers.{layer}.redundant_bias"] = 0.25 * bias[:size]
        whole[f"layers.{layer}.bias"] = bias.copy()
        whole[f"layers.{layer}.bias"][:size] *= 0.75
    x = inputs[0].astype(np.float64)
    loss, gradients = network.loss_and_gradients(spec, weights, x, targets[0])
    same_loss, same = network.loss_and_gradients(spec, whole, x, targets[0])
    assert same_loss == pytest.approx(loss, rel=1e-12)
    assert set(same) == set(whole)
    for layer in range(spec.layers):
        second = same[f"layers.{layer}.redundant_bias"]
        expected = gradients[f"layers.{layer}.bias"][: second.size]
        np.testing.assert_allclose(second, expected, rtol=1e-9)


def test_shapes_and_counts():
    """An LSTM has 4h(d + h) + 4h weights, a GRU 3h(d + h) + 4h, what is left out counts nothing."""
    spec = ModelSpec("lstm", 1, 2, 5, 1, False, "mse")
    counts = {
        "gru_before": 3 * 5 * 7 + 15, "peephole": 4 * 5 * 7 + 20 + 15, "indrnn": 5 * 2 + 5 + 5,
        "slstm": 4 * 5 * 7 + 20, "mut1": 3 * 5 * 2 + 2 * 25 + 15 + 5, "mingru": 2 * 5 * 2 + 10,
        "cifg": 3 * 5 * 7 + 15 + 10, "fgr": 4 * 5 * 7 + 20 + 15 + 9 * 25,
    }  # fmt: skip
    assert {name: cells.count(replace(spec, cell=name)) - 6 for name in counts} == counts
    assert cells.count(spec) == 4 * 5 * 7 + 20 + 6
    gru = replace(spec, cell="gru")
    assert cells.count(gru) - cells.count(gru, inner_bias=False) == 5
    assert list(cells.shapes(gru))[:4] == [
        f"layers.0.{name}" for name in ("input", "recurrent", "bias", "recurrent_bias")
    ]


@pytest.mark.parametrize("cell", CELLS)
def test_a_packed_vector_holds_every_weight_once(cell):
    spec = replace(SPEC, cell=cell)
    weights = random_weights(spec)
    layout = packed.layout(spec, weights)
    vector = layout.pack(weights)
    mask = layout.mask()
    assert (len(vector) if mask is None else mask.sum()) == cells.count(spec)
    pieces = layout.pieces(vector)
    for name, value in weights.items():
        np.testing.assert_array_equal(pieces[name], value)


def test_a_cell_is_found_by_being_there_and_said_on_the_page():
    files = {p.stem for p in (ROOT / "cells").glob("[a-z]*.py")} - {"network"}
    assert set(CELLS) == files
    assert CELLS[:3] == ("rnn", "lstm", "gru")
    said = rows(["lstm", "of another suite", "gru"])
    assert [cell["cell"] for cell in said] == ["lstm", "gru"]
    assert said[1]["equations"].split("\n")[2] == "n = tanh(x W_n + b_n + r ⊙ (h′ U_n + b_hn))"


def test_no_cell_knows_a_framework():
    for path in (ROOT / "cells").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            allowed = {"autograd", "cells", "numpy"}
            for name in names:
                root = name.split(".")[0]
                assert root in allowed or root in sys.stdlib_module_names, path
