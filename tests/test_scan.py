"""The kernel ``scan``: which cells have one, that it is their function, and what the clock asks."""

import numpy as np
import pytest
import yaml

import cells
from cells import Extra, ModelSpec, linear_step, network
from harness.conformance import against_reference
from harness.conformance.examples import random_weights
from harness.plan.campaigns import SWEEPS, campaigns
from harness.registry import ROOT, framework
from implementations import EQUATIONS, SCAN, STOCK
from implementations.rule import Optimiser, updates
from tests import cells_at_hand

WITH_ONE = ("jax", "pytorch")
LINEAR = [name for name in cells.CELLS if cells.is_linear(name)]


def pinned(name, tmp_path):
    its = framework(name)
    its.pin(1, tmp_path, "cpu")
    return its


def test_a_cell_has_one_if_it_says_that_it_is_linear():
    assert LINEAR == ["mingru", "minlstm"]
    for name in WITH_ONE:
        for cell in cells.CELLS:
            assert (SCAN in framework(name).kernels_of(cell)) == (cell in LINEAR)
    assert SCAN not in framework("tensorflow").kernels_of("mingru")


def test_a_cell_that_cannot_be_imported_stops_nobody_else(monkeypatch):
    def broken(name):
        raise SyntaxError(name)

    monkeypatch.setattr(cells, "cell", broken)
    assert framework("jax").kernels_of("mine") == [EQUATIONS]


@pytest.mark.parametrize("name", WITH_ONE)
def test_runs_take_the_equations_unless_they_are_told(name):
    its = framework(name)
    assert its.choice(ModelSpec("mingru", 1, 2, 64, 1, False, "mse"), 32, 1600) == EQUATIONS
    assert its.choice(ModelSpec("lstm", 1, 2, 64, 1, False, "mse"), 32, 100) not in (
        EQUATIONS, SCAN, STOCK if name == "jax" else ""
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("cell", LINEAR)
@pytest.mark.parametrize("name", WITH_ONE)
def test_it_passes_the_gate(tmp_path, name, cell, dtype):
    its = pinned(name, tmp_path)
    spec = ModelSpec(cell, 2, 2, 5, 3, True, "cross_entropy", dtype)
    rows = against_reference.check_one(its, spec, SCAN, "cpu")
    assert len(rows) == 8
    assert [against_reference.sentence(row) for row in rows if not row["passed"]] == []


def trained(its, spec, weights, inputs, targets):
    """The losses and last weights of a step of each batch."""
    model = its.build(spec, weights, SCAN, "cpu")
    rule = updates(Optimiser("sgd", 1.0), 1, len(inputs))
    losses, _ = model.train(model.place(inputs, targets, rule))
    return losses, model.weights()


# Around powers of two, where what is left over in a level comes and goes.
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 9, 31, 33])
@pytest.mark.parametrize("name", WITH_ONE)
def test_outputs_and_gradients_at_any_length(tmp_path, name, length):
    its = pinned(name, tmp_path)
    spec = ModelSpec("minlstm", 2, 2, 3, 2, True, "mse", "float64")
    rng, weights = np.random.default_rng(length), random_weights(spec)
    x, y = rng.normal(size=(1, 2, length, 2)), rng.normal(size=(1, 2, length, 2))
    loss, gradients = network.loss_and_gradients(spec, weights, x[0], y[0])
    losses, after = trained(its, spec, weights, x, y)
    np.testing.assert_allclose(losses, [loss], rtol=1e-12)
    for key, gradient in gradients.items():
        np.testing.assert_allclose(weights[key] - after[key], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", WITH_ONE)
def test_gates_that_are_shut_or_open_for_long_are_safe_in_float32(tmp_path, name):
    """Products of 1000 a are 0 where they are too small for a number, and no NaN in gradients."""
    its = pinned(name, tmp_path)
    spec = ModelSpec("mingru", 1, 1, 6, 1, False, "mse", "float32")
    weights = random_weights(spec)
    # By unit: 1 - z is 0, next to it, a half, next to 1 and 1 in float32, and it varies.
    weights["layers.0.bias"][:6] = [200, 12, 0, -7, -200, 0]
    weights["layers.0.input"][0, :6] = [0, 0, 0, 0, 0, 8]
    x = np.random.default_rng(0).normal(size=(1, 4, 1000, 1)).astype("float32")
    y = np.ones((1, 4, 1), "float32")
    exact = {key: value.astype(float) for key, value in weights.items()}
    loss, gradients = network.loss_and_gradients(spec, exact, x[0].astype(float), y[0])
    losses, after = trained(its, spec, weights, x, y)
    np.testing.assert_allclose(losses, [loss], rtol=1e-5)
    found = {key: exact[key] - after[key] for key in exact}
    assert against_reference.worst_named(found, gradients)[0] < 1e-4


@pytest.mark.parametrize("name", WITH_ONE)
def test_a_decay_that_is_the_same_at_every_step_may_have_no_time(tmp_path, monkeypatch, name):
    def linear(x, w, math):
        """A leaky average of each unit, as a diagonal state space has it."""
        a = math.sigmoid(w.decay)
        return a, (1 - a) * x.n, {"n": x.n}

    mine = cells_at_hand.make(
        "mingru", name="mine", gates=("n",), without_recurrent=("n",), sigmoids={}, writes=None,
        extras={"decay": Extra(-2, 2)}, step=linear_step(linear), linear=linear,
    )  # fmt: skip
    cells_at_hand.put(monkeypatch, mine)
    assert SCAN in framework(name).kernels_of("mine")
    spec = ModelSpec("mine", 2, 2, 5, 3, False, "mse", "float64")
    rows = against_reference.check_one(pinned(name, tmp_path), spec, SCAN, "cpu")
    assert [against_reference.sentence(row) for row in rows if not row["passed"]] == []


def test_a_cell_that_is_not_linear_has_no_coefficients():
    with pytest.raises(ValueError, match="the lstm is not linear in its state"):
        cells.coefficients(cells.cell("lstm"), {}, None, None)


def test_the_scans_clock_times_all_kernels_at_every_length():
    """A sweep may ask for all kernels; by default it has each framework's fastest."""
    timing, own = (
        yaml.safe_load((ROOT / f"workflows/config/{name}.yaml").read_text())["timing"]
        for name in ("default", "scan")
    )
    frameworks = [framework(name) for name in (*WITH_ONE, "tensorflow")]
    (swept,) = campaigns(timing | own, frameworks, {}, "cpu")
    assert swept.name == SWEEPS
    assert [shape.sequence_length for shape in swept.shapes] == [
        25, 50, 100, 200, 400, 800, 1600,
    ]  # fmt: skip
    kernels = {(m.framework, m.kernel) for m in swept.methods if m.cell == "mingru"}
    both = {(name, kernel) for name in WITH_ONE for kernel in (EQUATIONS, SCAN)}
    assert kernels == both | {("tensorflow", EQUATIONS)}
    base = {k: v for k, v in own["sweep_base"].items() if k != "kernels"}
    (usual,) = campaigns(timing | own | {"sweep_base": base}, frameworks, {}, "cpu")
    assert {m.kernel for m in usual.methods} == {EQUATIONS}
