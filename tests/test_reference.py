"""The reference's gradients by complex steps, and its equations by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cells import reference
from harness.conformance.against_reference import random_batches as batches
from harness.conformance.against_reference import random_weights
from tests.test_implementations import SPEC

STEP = 1e-30  # a complex step has no subtraction, so it may be as small as one likes

SHAPES = [
    (1, False, "mse"),
    (2, False, "cross_entropy"),
    (2, True, "mse"),
    (1, True, "cross_entropy"),
]


@pytest.mark.parametrize(("layers", "every_step", "loss"), SHAPES)
@pytest.mark.parametrize(
    ("cell", "reset"), [("rnn", "after"), ("lstm", "after"), ("gru", "after"), ("gru", "before")]
)
def test_gradients_are_those_of_complex_steps(cell, reset, layers, every_step, loss):
    spec = replace(SPEC, cell=cell, layers=layers, every_step=every_step, loss=loss, hidden=4)
    weights = random_weights(spec)
    if reset == "before":
        weights |= {k: 0 * v for k, v in weights.items() if k.endswith("recurrent_bias")}
    inputs, targets = batches(spec, 1)
    x, y = inputs[0].astype(np.float64), targets[0]
    value, gradients = reference.loss_and_gradients(spec, weights, x, y, reset)
    assert value == pytest.approx(
        reference.loss(spec, reference.outputs(spec, weights, x, reset), y)
    )
    for name, weight in weights.items():
        if reset == "before" and name.endswith("recurrent_bias"):
            assert not gradients[name].any()
            continue
        for place in np.ndindex(weight.shape):
            moved = weight.astype(complex)
            moved[place] += 1j * STEP
            outputs = reference.outputs(spec, weights | {name: moved}, x, reset)
            expected = np.imag(reference.loss(spec, outputs, y)) / STEP
            assert gradients[name][place] == pytest.approx(expected, rel=1e-9, abs=1e-14), name


def test_one_step_of_each_cell_by_hand():
    own = {"input": np.array([[0.5, -1.0, 2.0, 0.3]]), "recurrent": np.full((1, 4), 0.1)}
    own["bias"] = np.array([0.0, 1.0, 0.0, 0.0])
    x = np.array([[[0.7]]])

    def s(a):
        return 1 / (1 + np.exp(-a))

    c = s(0.35) * np.tanh(1.4)
    h = reference.lstm_forward(own, x, "after")[0]
    assert h.item() == pytest.approx(s(0.21) * np.tanh(c))
    gru = {k: v[..., :3] for k, v in own.items()} | {"recurrent_bias": np.array([0.4])}
    n = np.tanh(1.4 + s(0.35) * 0.4)
    z = s(1 - 0.7)
    assert reference.gru_forward(gru, x, "after")[0].item() == pytest.approx((1 - z) * n)
    rnn = {k: v[..., :1] for k, v in own.items()}
    assert reference.rnn_forward(rnn, x, "after")[0].item() == pytest.approx(np.tanh(0.35))


def test_the_two_resets_are_different_functions():
    spec = replace(SPEC, cell="gru")
    weights, (inputs, _) = random_weights(spec), batches(spec, 1)
    after, before = (
        reference.outputs(spec, weights, inputs[0], reset) for reset in ("after", "before")
    )
    assert np.abs(after - before).max() > 1e-3


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_redundant_bias_adds_to_the_first_and_has_its_gradient(cell):
    spec = replace(SPEC, cell=cell)
    weights, (inputs, targets) = random_weights(spec), batches(spec, 1)
    whole = dict(weights)
    for layer in range(spec.layers):
        bias = weights[f"layers.{layer}.bias"]
        size = 2 * spec.hidden if cell == "gru" else bias.size
        whole[f"layers.{layer}.redundant_bias"] = 0.25 * bias[:size]
        whole[f"layers.{layer}.bias"] = bias.copy()
        whole[f"layers.{layer}.bias"][:size] *= 0.75
    x = inputs[0].astype(np.float64)
    loss, gradients = reference.loss_and_gradients(spec, weights, x, targets[0])
    same_loss, same = reference.loss_and_gradients(spec, whole, x, targets[0])
    assert same_loss == pytest.approx(loss, rel=1e-12)
    assert set(same) == set(whole)
    for layer in range(spec.layers):
        second = same[f"layers.{layer}.redundant_bias"]
        expected = gradients[f"layers.{layer}.bias"][: second.size]
        np.testing.assert_allclose(second, expected, rtol=1e-9)
