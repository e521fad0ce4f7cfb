"""Every discovered implementation keeps its contract and agrees with the others.

All frameworks live in one process here, as they never do in a run.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from harness.plugins import CELLS, framework_names, load_implementation, load_model_module
from implementations import GATES, Array, ModelSpec, Optimiser, Weights, adam_schedule

_FOLDER = tempfile.TemporaryDirectory(prefix="gatebench-test-")
CACHE = Path(_FOLDER.name)
ADAM = Optimiser("adam", 1e-2, clip=0.1)
# As many inputs as a GRU of Keras has rows of biases: shapes alike must not be confused.
SPEC = ModelSpec("lstm", 2, 2, 6, 3, False, "mse", ADAM, "float64")


@cache
def module(framework: str):
    os.environ.update(load_implementation(framework).environment(1, CACHE))
    return load_model_module(framework)


def random_weights(spec: ModelSpec, seed: int = 0) -> Weights:
    rng, gates = np.random.default_rng(seed), GATES[spec.cell]
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(spec.layers):
        size = spec.input_size if layer == 0 else spec.hidden
        shapes[f"layers.{layer}.input"] = (size, gates * spec.hidden)
        shapes[f"layers.{layer}.recurrent"] = (spec.hidden, gates * spec.hidden)
        shapes[f"layers.{layer}.bias"] = (gates * spec.hidden,)
        if spec.cell == "gru":
            shapes[f"layers.{layer}.recurrent_bias"] = (spec.hidden,)
    shapes |= {"output.weight": (spec.hidden, spec.outputs), "output.bias": (spec.outputs,)}
    return {name: rng.normal(0, 0.4, shape).astype(spec.dtype) for name, shape in shapes.items()}


def batches(spec: ModelSpec, steps: int, seed: int = 1) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(steps, 5, 7, spec.input_size)).astype(np.float32)
    shape = (steps, 5, 7) if spec.every_step else (steps, 5)
    if spec.loss == "mse":
        return inputs, rng.normal(size=(*shape, spec.outputs)).astype(np.float32)
    return inputs, rng.integers(0, spec.outputs, shape).astype(np.int32)


@pytest.fixture(params=framework_names())
def framework(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=CELLS)
def cell(request: pytest.FixtureRequest) -> str:
    return request.param


def build(framework: str, spec: ModelSpec, seed: int = 0):
    return module(framework).build(spec, random_weights(spec, seed))


@pytest.mark.parametrize("every_step", [False, True])
def test_shapes(framework, cell, every_step):
    loss = "cross_entropy" if every_step else "mse"
    spec = replace(SPEC, cell=cell, every_step=every_step, loss=loss, dtype="float32", layers=1)
    model = build(framework, spec)
    inputs, targets = batches(spec, 3)
    assert model.predict(inputs[0]).shape == ((5, 7, 3) if every_step else (5, 3))
    losses = model.train(inputs, targets)
    assert losses.shape == (3,)
    assert losses.dtype == np.float32
    assert model.device() == "cpu"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_come_back_bit_for_bit(framework, cell, dtype):
    spec = replace(SPEC, cell=cell, dtype=dtype)
    given, returned = random_weights(spec), build(framework, spec).weights()
    assert sorted(given) == sorted(returned)
    for name, value in given.items():
        assert returned[name].dtype == value.dtype
        assert np.array_equal(returned[name], value), name


# Beside G·h(d + h) weights a layer has so many biases, in multiples of h as each API documents.
BIASES = {
    "pytorch": {"rnn": 2, "lstm": 8, "gru": 6},
    "tensorflow": {"rnn": 1, "lstm": 4, "gru": 6},
    "jax": {"rnn": 1, "lstm": 4, "gru": 4},
}


def test_parameter_counts_follow_the_frameworks_formula(framework, cell):
    spec = replace(SPEC, cell=cell, layers=2, input_size=1, hidden=50, outputs=1)
    counts = build(framework, spec).parameter_counts()
    biases = BIASES.get(framework, BIASES["jax"])[cell]
    weights = GATES[cell] * 50 * ((1 + 50) + (50 + 50))
    assert sum(counts.values()) == weights + 2 * biases * 50 + 51


def test_keras_counts_the_articles_model_as_published():
    spec = replace(SPEC, layers=2, input_size=1, hidden=50, outputs=1)
    counts = {
        cell: sum(build("tensorflow", replace(spec, cell=cell)).parameter_counts().values())
        for cell in ("lstm", "gru")
    }
    assert counts == {"lstm": 30_651, "gru": 23_301}


def test_the_loss_falls(framework, cell):
    spec = replace(SPEC, cell=cell, dtype="float32", layers=1)
    inputs, targets = batches(spec, 1)
    model = build(framework, spec)
    losses = model.train(np.repeat(inputs, 60, axis=0), np.repeat(targets, 60, axis=0))
    assert losses[-1] < 0.7 * losses[0]


def test_the_same_run_twice_is_the_same_bit_for_bit(framework, cell):
    spec = replace(SPEC, cell=cell, dtype="float32")
    inputs, targets = batches(spec, 10)
    first, second = (build(framework, spec) for _ in range(2))
    assert np.array_equal(first.train(inputs, targets), second.train(inputs, targets))
    for name, value in first.weights().items():
        assert np.array_equal(value, second.weights()[name]), name


def test_steps_do_not_depend_on_the_chunks(framework):
    inputs, targets = batches(SPEC, 6)
    whole, parts = (build(framework, SPEC) for _ in range(2))
    losses = whole.train(inputs, targets)
    pieces = [parts.train(inputs[:4], targets[:4]), parts.train(inputs[4:], targets[4:])]
    np.testing.assert_allclose(np.concatenate(pieces), losses, rtol=1e-12)


def results(framework: str, spec: ModelSpec) -> dict[str, Array]:
    model = build(framework, spec)
    inputs, targets = batches(spec, 20)
    outcome = {"outputs": model.predict(inputs[0])}
    outcome |= {f"gradient of {k}": v for k, v in model.gradients(inputs[0], targets[0]).items()}
    outcome["losses"] = model.train(inputs, targets)
    return outcome | {f"trained {k}": v for k, v in model.weights().items()}


@pytest.mark.parametrize(("rule", "every_step"), [("adam", 1), ("rmsprop", 0), ("sgd", 0)])
def test_frameworks_compute_the_same_function(cell, rule, every_step):
    loss = "cross_entropy" if every_step else "mse"
    optimiser = Optimiser(rule, 1e-2, clip=0.1)
    spec = replace(SPEC, cell=cell, every_step=bool(every_step), loss=loss, optimiser=optimiser)
    outcomes = {name: results(name, spec) for name in framework_names()}
    first = next(iter(outcomes.values()))
    for name, outcome in outcomes.items():
        for key, value in first.items():
            error = np.abs(outcome[key] - value).max() / np.abs(value).max()
            assert error < 1e-10, (name, key)


def test_a_weight_of_zero_gradient_survives_clipping(framework):
    """The global norm is zero, and 0/0 must not spread."""
    spec = replace(SPEC, dtype="float32")
    weights = {name: np.zeros_like(value) for name, value in random_weights(spec).items()}
    model = module(framework).build(spec, weights)
    inputs, targets = batches(spec, 2)
    assert np.isfinite(model.train(inputs, np.zeros_like(targets))).all()
    assert all(np.isfinite(value).all() for value in model.weights().values())


def test_adams_schedule_is_kingma_and_bas_rule():
    rule, g = Optimiser("adam", 0.1), np.array([0.3, -0.7, 0.2])
    rates, epsilons = adam_schedule(rule, 1, 3)
    m = v = w = ours = 0.0
    for t in range(1, 4):
        m = rule.beta1 * m + (1 - rule.beta1) * g[t - 1]
        v = rule.beta2 * v + (1 - rule.beta2) * g[t - 1] ** 2
        corrected = np.sqrt(v / (1 - rule.beta2**t)) + rule.epsilon
        w -= rule.learning_rate * m / (1 - rule.beta1**t) / corrected
        ours -= rates[t - 1] * m / (np.sqrt(v) + epsilons[t - 1])
        assert ours == pytest.approx(w, rel=1e-12)
