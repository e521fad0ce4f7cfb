"""Every discovered implementation keeps its contract and agrees with the others.

All frameworks live in one process here, as they never do in a run.
"""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cells import FIRST, Array, ModelSpec, Weights, network
from harness.conformance import against_reference, framework_contract, textbook_rules
from harness.conformance.examples import random_batches as batches
from harness.conformance.examples import random_weights
from harness.conformance.parameter_counts import formula
from harness.plan import tracks
from harness.plan.run import Run
from harness.plan.settings import Settings, resolve
from harness.registry import framework as named
from harness.registry import framework_names
from harness.run import learners, streams
from implementations import EQUATIONS, FACTORS, Framework, device_of
from implementations.rule import Optimiser, updates

_FOLDER = tempfile.TemporaryDirectory(prefix="gatebench-test-")
CACHE = Path(_FOLDER.name)
ADAM = Optimiser("adam", 1e-2, clip=0.1)
# As many inputs as a GRU of Keras has rows of biases: shapes alike must not be confused.
SPEC = ModelSpec("lstm", 2, 2, 6, 3, False, "mse", "float64")


@cache
def pinned(name: str) -> Framework:
    """The framework, which may be imported from now on."""
    named(name).pin(1, CACHE, "cpu")
    return named(name)


def learner(run: Run, settings: Settings) -> learners.Learner:
    return learners.learner(run, settings, pinned(run.framework))


def train(model, inputs: Array, targets: Array, optimiser: Optimiser = ADAM, first: int = 1):
    return model.train(model.place(inputs, targets, updates(optimiser, first, len(inputs))))[0]


@pytest.fixture(params=framework_names())
def framework(request: pytest.FixtureRequest) -> Framework:
    return pinned(request.param)


@pytest.fixture(params=FIRST)
def cell(request: pytest.FixtureRequest) -> str:
    return request.param


def build(framework: Framework, spec: ModelSpec, seed: int = 0):
    return framework.build(spec, random_weights(spec, seed=seed), framework.choice(spec, 4, 4))


@pytest.mark.parametrize(("cell", "every_step"), [("rnn", True), ("lstm", False), ("gru", True)])
def test_shapes(framework, cell, every_step):
    loss = "cross_entropy" if every_step else "mse"
    spec = replace(SPEC, cell=cell, every_step=every_step, loss=loss, dtype="float32", layers=1)
    model = build(framework, spec)
    inputs, targets = batches(spec, 3)
    assert model.predict(inputs[0]).shape == ((4, 4, 3) if every_step else (4, 3))
    placed = model.place(inputs, targets, updates(ADAM, 1, 3))
    before, gradients = model.losses(placed), model.gradients(placed)
    losses, norms = model.train(placed)
    assert before[0] == pytest.approx(losses[0], rel=1e-6)
    assert gradients[0] == pytest.approx(norms[0], rel=1e-6)
    assert before.shape == gradients.shape == (3,)
    assert losses.shape == norms.shape == (3,)
    assert losses.dtype == norms.dtype == np.float32
    assert device_of(model) == "cpu"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_come_back_bit_for_bit(framework, cell, dtype):
    spec = replace(SPEC, cell=cell, dtype=dtype)
    given, returned = random_weights(spec), build(framework, spec).weights()
    assert sorted(given) == sorted(returned)
    for name, value in given.items():
        assert returned[name].dtype == value.dtype
        assert np.array_equal(returned[name], value), name


@pytest.mark.parametrize("track", ["matched", "native"])
def test_parameter_counts_follow_the_frameworks_formula(framework, cell, track):
    spec = replace(SPEC, cell=cell, layers=2, input_size=1, hidden=50, outputs=1)
    model = framework.native(spec, ADAM, 0) if track == "native" else build(framework, spec)
    assert sum(model.parameter_counts().values()) == formula(framework, track, spec)


def test_the_loss_falls(framework):
    spec = replace(SPEC, dtype="float32", layers=1)
    inputs, targets = batches(spec, 1)
    model = build(framework, spec)
    losses = train(model, np.repeat(inputs, 60, axis=0), np.repeat(targets, 60, axis=0))
    assert losses[-1] < 0.7 * losses[0]


def test_the_same_run_twice_is_the_same_bit_for_bit(framework, cell):
    spec = replace(SPEC, cell=cell, dtype="float32")
    inputs, targets = batches(spec, 10)
    first, second = (build(framework, spec) for _ in range(2))
    assert np.array_equal(train(first, inputs, targets), train(second, inputs, targets))
    for name, value in first.weights().items():
        assert np.array_equal(value, second.weights()[name]), name


def test_steps_do_not_depend_on_the_chunks(framework):
    inputs, targets = batches(SPEC, 6)
    whole, parts = (build(framework, SPEC) for _ in range(2))
    losses = train(whole, inputs, targets)
    pieces = [
        train(parts, inputs[:4], targets[:4]),
        train(parts, inputs[4:], targets[4:], first=5),
    ]
    np.testing.assert_allclose(np.concatenate(pieces), losses, rtol=1e-12)


@pytest.mark.parametrize(("cell", "every_step"), [("rnn", True), ("lstm", False), ("gru", True)])
def test_every_implementation_passes_the_gate(framework, cell, every_step):
    """Some of the combinations that the pipeline's own rule goes through."""
    spec = next(
        s for s in against_reference.SPECIFICATIONS
        if (s.cell, s.layers, s.every_step, s.dtype) == (cell, 2, every_step, "float64")
    )  # fmt: skip
    kernels = framework.kernels_of(cell)
    if cell == "rnn":
        kernels.remove(EQUATIONS)  # tests/test_equations.py has it at other cells
    for kernel in kernels:
        rows = against_reference.check_one(framework, spec, kernel, "cpu")
        assert len(rows) == 8
        assert [against_reference.sentence(row) for row in rows if not row["passed"]] == []


RULES = {
    "pytorch": Optimiser("adam", 1e-2, 0.1),
    "tensorflow": Optimiser("adam", 1e-2, 0.1, clip_each=True, epsilon=1e-7, epsilon_hat=True),
    "jax": Optimiser("adam", 1e-2, 0.1),
}


def native_reference(
    framework: str,
    rule: Optimiser,
    spec: ModelSpec,
    weights: Weights,
    inputs: Array,
    targets: Array,
) -> Weights:
    """Losses and final weights by the textbook rule, but for one oddity of two frameworks.

    PyTorch divides by the norm + 1e-6 when it clips. Keras takes its β through float32
    before the bias correction, even for a float64 model.
    """
    losses, w = [], dict(weights)
    m, v = ({name: np.zeros_like(value) for name, value in w.items()} for _ in range(2))
    for t, (x, y) in enumerate(zip(inputs.astype(np.float64), targets, strict=True), start=1):
        loss, g = network.loss_and_gradients(spec, w, x, y)
        losses.append(loss)
        now = rule
        if framework == "pytorch":
            norm = np.sqrt(sum((value**2).sum() for value in g.values()))
            now = replace(rule, clip=rule.clip * norm / (norm + 1e-6))
        if framework == "tensorflow":
            beta1, beta2 = (float(np.float32(beta)) for beta in (rule.beta1, rule.beta2))
            off = (1 - rule.beta1**t) / (1 - beta1**t)
            off *= np.sqrt((1 - beta2**t) / (1 - rule.beta2**t))
            now = replace(rule, learning_rate=rule.learning_rate * off)
        g = textbook_rules.clipped(g, now)
        for name in w:
            state = w[name], g[name], m[name], v[name]
            w[name], m[name], v[name] = textbook_rules.step(now, t, *state)
    return w | {"losses": np.array(losses)}


def test_a_native_model_is_what_its_defaults_say(framework, cell):
    """Its own weights, by the reference's textbook rule with the declared constants."""
    rule, spec = RULES[framework.name], replace(SPEC, cell=cell)
    own = Optimiser("adam", 1e-2, rule.clip, steps=20, cooldown=0.4)
    model = framework.native(spec, own, 0)
    weights, (inputs, targets) = model.weights(), batches(spec, 20)
    for default in framework.defaults:
        for field, value in default.optimiser.items():
            assert getattr(rule, field) == value
    rule = replace(rule, steps=20, cooldown=0.4)
    expected = native_reference(framework.name, rule, spec, weights, inputs, targets)
    losses, norms = model.train(inputs, targets)
    assert norms.min() > rule.clip, "it clips at every step"
    error, worst = against_reference.worst_named(model.weights() | {"losses": losses}, expected)
    assert error < 1e-9, worst


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_the_rate_of_a_native_model_falls_as_the_matched_one(framework, name):
    """In chunks as a run has them, in float32: every step moves the weights by its own rate.

    Twice the same batch, at a constant rate and at a falling one: until the fall begins the
    weights are the same, from the end of the budget on they stand still.
    """
    spec = replace(SPEC, dtype="float32")
    rule = Optimiser(name, 1e-2, 0.1)
    falling, constant = (
        framework.native(spec, replace(rule, steps=8, cooldown=cooldown), 0)
        for cooldown in (0.5, 0.0)
    )
    inputs, targets = batches(spec, 12)
    moved = []
    for first in range(0, 12, 4):
        before = falling.weights()
        chunk = slice(first, first + 4)
        losses = [model.train(inputs[chunk], targets[chunk])[0] for model in (falling, constant)]
        same = [np.array_equal(v, constant.weights()[k]) for k, v in falling.weights().items()]
        moved.append(any(not np.array_equal(v, before[k]) for k, v in falling.weights().items()))
        assert np.array_equal(*losses) == all(same) == (first == 0)
    assert moved == [True, True, False]


def test_the_contract_reads_the_rate_off_every_native_step(framework):
    assert list(framework_contract._falling(framework, "gru")) == []
    constant = replace(framework)
    object.__setattr__(
        constant,
        "native",
        lambda spec, rule, seed, device: framework.native(
            spec, replace(rule, cooldown=0.0), seed, device
        ),
    )
    assert list(framework_contract._falling(constant, "gru")) == [
        "the rate at step 6 of 8 is 0.01, expected 0.0075"
    ]


def test_declared_defaults_are_where_native_differs(framework, cell):
    """The presence and the values of native weights against the matched start."""
    assert list(framework_contract._as_declared(framework, cell)) == []


def test_a_seed_names_the_native_weights(framework):
    settings = resolve("adding", {"hidden": 8}, "test")
    first, again, other = (
        learner(Run("adding", framework.name, "gru", "native", seed), settings).initial
        for seed in (0, 0, 1)
    )
    assert streams.sha256(first.values()) == streams.sha256(again.values())
    for name in ("layers.0.input", "layers.0.recurrent", "output.weight"):
        assert not np.array_equal(first[name], other[name]), name


def test_every_factor_runs_and_only_where_it_differs(framework, cell):
    settings = resolve("adding", {"hidden": 8, "sequence_length": 4}, "test")
    for factor in FACTORS:
        run = Run("adding", framework.name, cell, factor, 0)
        if framework.default(factor, cell) is None:
            assert tracks.why_not(run, framework)
            with pytest.raises(ValueError, match="by default"):
                learner(run, settings)
            continue
        changed, matched = (learner(replace(run, track=t), settings) for t in (factor, "matched"))
        inputs = np.random.default_rng(0).normal(size=(6, 4, 4, 2)).astype(np.float32)
        targets = 100 * np.ones((6, 4, 1), np.float32)
        losses = [one.train((inputs, targets), 0)[0] for one in (changed, matched)]
        # No bias inside the reset product is no difference before the second step.
        assert not np.array_equal(*losses), factor


def test_a_weight_of_zero_gradient_survives_clipping(framework):
    """The global norm is zero, and 0/0 must not spread."""
    spec = replace(SPEC, dtype="float32")
    weights = {name: np.zeros_like(value) for name, value in random_weights(spec).items()}
    model = framework.build(spec, weights, framework.choice(spec, 4, 4))
    inputs, targets = batches(spec, 2)
    assert np.isfinite(train(model, inputs, np.zeros_like(targets))).all()
    assert all(np.isfinite(value).all() for value in model.weights().values())


@pytest.mark.parametrize(
    "rule",
    [
        Optimiser("adam", 0.1),
        Optimiser("adam", 0.1, epsilon=1e-3, epsilon_hat=True),
        Optimiser("rmsprop", 0.1, epsilon=1e-3),
        Optimiser("sgd", 0.1),
    ],
)
@pytest.mark.parametrize("cooldown", [0.0, 0.7, 1.0])
def test_the_constants_are_the_papers_rules(rule, cooldown):
    rule = replace(rule, steps=3, cooldown=cooldown)
    g = np.array([0.3, -0.7, 0.2])
    m = v = w = ours_m = ours_v = ours = np.float64(0)
    for t, row in enumerate(updates(rule, 1, 3), start=1):
        w, m, v = textbook_rules.step(rule, t, w, g[t - 1], m, v)
        rate, keep_m, keep_v, scale, epsilon, clip, clip_each = row
        ours_m = keep_m * ours_m + g[t - 1]
        ours_v = keep_v * ours_v + g[t - 1] ** 2
        ours -= rate * ours_m / (scale * np.sqrt(ours_v) + epsilon)
        assert ours == pytest.approx(w, rel=1e-12)
        assert clip == clip_each == np.inf


def test_the_rate_falls_to_zero_over_the_last_steps():
    rule = Optimiser("adam", 1.0, steps=10, cooldown=0.4)
    assert rule.rate(np.arange(1, 13)).tolist() == [1] * 7 + [0.75, 0.5, 0.25, 0, 0]
    table = [textbook_rules.rate_at(rule, t) for t in range(1, 11)]
    assert table == rule.rate(np.arange(1, 11)).tolist()
    assert updates(replace(rule, name="sgd"), 6, 5)[:, 0].tolist() == table[5:]
    for constant in (replace(rule, cooldown=0.0), replace(rule, steps=0)):
        assert constant.rate(np.arange(1, 20)).tolist() == [1] * 19
