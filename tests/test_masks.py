"""Weights beside the targets, and the loss of several labels: every stage sees them."""

import types
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from analysis.inside import example, gradient_flow, model
from cells import ModelSpec, network
from harness import layout
from harness.conformance import against_reference
from harness.conformance.examples import (
    random_batches,
    random_sample_weights,
    random_weights,
)
from harness.plan.run import Run
from harness.plan.settings import Settings, resolve
from harness.plan.tracks import model_of
from harness.registry import framework_names
from harness.run import initialisation, loop, streams
from tasks import (
    Budget,
    Classification,
    MultiLabel,
    Regression,
    binary_cross_entropy,
    squared_error,
)
from tests.fakes import with_model
from tests.test_implementations import CACHE, pinned

STEP = 1e-30  # a complex step has no subtraction, so it may be as small as one likes
SPEC = ModelSpec("gru", 1, 2, 4, 3, True, "mse", "float64")
LOSSES = ["mse", "cross_entropy", "binary_cross_entropy"]


@dataclass(frozen=True)
class Labels(MultiLabel):
    """Repeat two bits of the step before, in sequences of different lengths."""

    name: ClassVar = "labels"
    summary: ClassVar = "Repeat two bits of the step before."
    references: ClassVar = ("made for this test",)
    every_step: ClassVar = True
    input_size: ClassVar = 2
    outputs: ClassVar = 2
    sequence_length: ClassVar = 9
    baseline: ClassVar = 2 * np.log(2)
    solved: ClassVar = 0.1
    budget: ClassVar = Budget(1, 6, 8, 6, 1e-2, evaluate_every=3, validation_examples=8)

    behind: ClassVar = 0.0  # the targets of the steps that do not count

    def sample(self, rng, n):
        bits = rng.integers(0, 2, (n, 10, 2)).astype(np.float32)
        lengths = rng.integers(2, 10, n)
        counts = np.arange(9) < lengths[:, None]
        targets = np.where(counts[..., None], bits[:, :-1], self.behind)
        return bits[:, 1:], targets.astype(np.float32), counts.astype(np.float32)


@dataclass(frozen=True)
class Wrong(Labels):
    """The same with other targets where they do not count."""

    behind: ClassVar = 1.0


def data_of(spec: ModelSpec, steps: int = 1):
    inputs, targets = random_batches(spec, steps)
    return inputs, targets, random_sample_weights(spec, steps)


def test_a_weighted_loss_is_what_it_is_by_hand():
    weights, spec = np.array([[1.0, 0.5], [0.0, 2.5]]), replace(SPEC, outputs=2)
    a = np.array([[[1.0, 2.0], [0.0, -1.0]], [[9.0, 9.0], [3.0, -2.0]]])
    y = np.array([[[1.0, 0.0], [2.0, -1.0]], [[0.0, 0.0], [1.0, 0.0]]])
    # (0 + 4)/2, (4 + 0)/2, not counted, (4 + 4)/2
    expected = (1 * 2 + 0.5 * 2 + 2.5 * 4) / 4
    assert network.loss(spec, a, y, weights) == pytest.approx(expected)
    assert squared_error(a, y, weights) == pytest.approx(expected)

    spec, classes = replace(spec, loss="cross_entropy"), np.array([[0, 1], [0, 0]])
    each = [np.log(1 + np.exp(1)), np.log(1 + np.exp(1)), np.log(1 + np.exp(-5))]
    expected = (each[0] + 0.5 * each[1] + 2.5 * each[2]) / 4
    assert network.loss(spec, a, classes, weights) == pytest.approx(expected)

    spec, on = replace(spec, loss="binary_cross_entropy"), np.array([[[1, 0], [0, 1]]] * 2)

    def nats(a, y):
        chance = 1 / (1 + np.exp(-a))
        return -np.sum(y * np.log(chance) + (1 - y) * np.log(1 - chance))

    each = nats(a[0, 0], on[0, 0]), nats(a[0, 1], on[0, 1]), nats(a[1, 1], on[1, 1])
    expected = (each[0] + 0.5 * each[1] + 2.5 * each[2]) / 4
    assert network.loss(spec, a, on, weights) == pytest.approx(expected)
    assert binary_cross_entropy(a, on, weights) == pytest.approx(expected)
    mean = np.mean([each[0], each[1], nats(a[1, 0], on[1, 0]), each[2]])
    assert network.loss(spec, a, on) == binary_cross_entropy(a, on) == pytest.approx(mean)


def test_certain_labels_have_finite_losses():
    a, y = np.array([[900.0, -900.0, 900.0]]), np.array([[1.0, 0.0, 0.0]])
    spec = replace(SPEC, every_step=False, loss="binary_cross_entropy")
    assert network.loss(spec, a, y) == binary_cross_entropy(a, y) == 900
    np.testing.assert_allclose(network.output_gradient(spec, a, y), [[0, 0, 1]], atol=1e-300)
    zero = np.zeros((1, 3))
    np.testing.assert_allclose(network.output_gradient(spec, zero, y), [[-0.5, 0.5, 0.5]])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_those_of_complex_steps(loss, weighted):
    spec = replace(SPEC, loss=loss)
    weights, (inputs, *answers) = random_weights(spec), data_of(spec)
    x, answers = inputs[0].astype(np.float64), [a[0] for a in answers[: 1 + weighted]]
    value, gradients = network.loss_and_gradients(spec, weights, x, *answers)
    assert value == pytest.approx(network.loss(spec, network.outputs(spec, weights, x), *answers))
    for name, weight in weights.items():
        for place in np.ndindex(weight.shape):
            moved = weight.astype(complex)
            moved[place] += 1j * STEP
            outputs = network.outputs(spec, weights | {name: moved}, x)
            expected = np.imag(network.loss(spec, outputs, *answers)) / STEP
            assert gradients[name][place] == pytest.approx(expected, rel=1e-9, abs=1e-14), name


def test_scores_are_weighted():
    weights, targets = np.array([3.0, 0.0, 1.0]), np.array([0, 1, 1])
    outputs = np.array([[2.0, 1.0], [2.0, 1.0], [5.0, 1.0]])
    found = Classification.score(object(), outputs, targets, outputs, weights)
    assert found == 0.75
    found = Regression.score(object(), outputs, np.zeros((3, 2)), outputs, weights)
    assert found == pytest.approx((3 * 2.5 + 13) / 4)


def settings_of(task) -> Settings:
    return replace(resolve("adding", {}, "test"), task=task, budget=task.budget)


@pytest.fixture(scope="module")
def runs():
    """A run of each framework on the masked task, and on one with wrong targets where masked."""
    return {
        (framework, task): run_of(Run("labels", framework, "gru", "matched", 0), task)
        for framework in framework_names()
        for task in (Labels(), Wrong())
    }


def run_of(run: Run, task):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Settings, "command", lambda *_: "")  # the task has no file
        return loop.run(pinned(run.framework), run, settings_of(task), 1, CACHE, lambda *_: None)


def test_frameworks_train_on_masks_of_different_lengths_alike(runs):
    for (framework, task), (record, progress) in runs.items():
        assert record["status"] == "ok", record["reason"]
        in_jax, expected = runs["jax", task]
        losses, expected = (p.dynamics()["losses"] for p in (progress, expected))
        np.testing.assert_allclose(losses, expected, rtol=1e-5)
        assert record["score"] == pytest.approx(in_jax["score"], rel=1e-5)
        assert record["data_sha256"] == in_jax["data_sha256"], framework


def test_the_first_loss_is_the_references(runs):
    task, progress = Labels(), runs["pytorch", Labels()][1]
    spec = model_of(task, "gru", 1, 6)
    inputs, *answers = (a[0] for a in streams.TrainingStream(task, task.budget, 0).chunk(0, 1))
    outputs = network.outputs(spec, progress.initial, inputs.astype(np.float64))
    expected = network.loss(spec, outputs, *answers)
    assert progress.dynamics()["losses"][0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("framework", framework_names())
def test_a_masked_step_whose_target_is_wrong_changes_nothing(runs, framework):
    right, wrong = runs[framework, Labels()][0], runs[framework, Wrong()][0]
    assert right["data_sha256"]["train"] != wrong["data_sha256"]["train"]
    assert right["losses_sha256"] == wrong["losses_sha256"]
    assert right["weights_sha256"] == wrong["weights_sha256"]
    assert right["score"] == wrong["score"]


@dataclass(frozen=True)
class Whole(Labels):
    """The same with one weight for a sequence, in training any that is wanted."""

    weight: float = 1.0

    def draw(self, split, rng, n):
        inputs, targets, _ = super().sample(rng, n)
        weight = self.weight if split == "train" else 1
        return inputs, targets, np.full(n, weight, np.float32)


def test_a_weight_of_a_sequence_is_that_of_each_answer():
    _, _, weights = streams.examples(Whole(weight=2.0), "train", 0, 5)
    assert weights.shape == (5, 9)
    assert (weights == 2).all()
    for examples in (0, 16):
        budget = replace(Labels.budget, train_examples=examples)
        _, _, weights = streams.TrainingStream(Whole(), budget, 0).chunk(0, 2)
        assert weights.shape == (2, 8, 9)


def test_a_batch_without_an_answer_that_counts_ends_the_run_in_one_sentence():
    with pytest.raises(ValueError, match="all weights of the batch of step 4 are zero"):
        streams.TrainingStream(Whole(weight=0.0), Labels.budget, 0).chunk(3, 2)
    record, _ = run_of(Run("labels", "jax", "gru", "matched", 0), Whole(weight=0.0))
    assert record["status"] == "failed"
    assert "all weights" in record["reason"]


def test_weights_are_part_of_the_digest():
    digests = set()
    for weight in (1.0, 2.0):
        stream = streams.TrainingStream(Whole(weight=weight), Labels.budget, 0)
        stream._key = "same"
        stream.chunk(0, 1)
        digests.add(stream.sha256)
    assert len(digests) == 2


class Forgetful:
    """A model that drops the weights it is given."""

    def __init__(self, own):
        self._own = own

    def __getattr__(self, name):
        return getattr(self._own, name)

    def place(self, inputs, targets, constants, sample_weights=None):
        return self._own.place(inputs, targets, constants)


def test_the_gate_catches_weights_that_are_dropped():
    its = pinned("pytorch")
    build = its.load().build
    forgetful = types.SimpleNamespace(build=lambda *given: Forgetful(build(*given)))
    rows = against_reference.check_losses(with_model(its, forgetful), "lstm", "stock", "cpu")
    failed = {row["check"] for row in rows if not row["passed"]}
    assert failed == {row["check"] for row in rows if row["check"].endswith(", weighted")}
    assert len(failed) == 6
    assert all(row["passed"] for row in against_reference.check_losses(its, "lstm", "stock", "cpu"))


def test_the_look_inside_ends_with_the_last_answer_that_counts():
    task, spec = Labels(), model_of(Labels(), "gru", 1, 6)
    data = model.examples(task, 6, 0)
    ends = model.last_counted(data["inputs"], data["weights"])
    assert (data["weights"][np.arange(len(ends)), ends] == 1).all()
    assert (data["weights"].sum(axis=1) == ends + 1).all()
    assert len(set(ends)) > 1
    weights = initialisation.initial_weights(task, "gru", 1, 6, 0)
    found = pd.DataFrame(model.inspect(task, spec, weights, data, 0)["gradient_flow"])
    found = found[found["cotangent"] == "loss"].set_index("lag")["gradient_h"]
    # Every example by itself, cut off where it ends, without a weight.
    parts: dict[int, list[float]] = {}
    for i, end in enumerate(ends):
        alone = {
            "inputs": data["inputs"][i : i + 1, : end + 1], "probe": None,
            "targets": data["targets"][i : i + 1, : end + 1], "weights": None,
        }  # fmt: skip
        rows = model.inspect(task, spec, weights, alone, 0)["gradient_flow"]
        for row in rows:
            if row["cotangent"] == "loss":
                parts.setdefault(row["lag"], []).append(row["gradient_h"])
    expected = {lag: np.mean(values) for lag, values in parts.items()}
    assert found.to_dict() == pytest.approx(expected, rel=2e-3)
    assert gradient_flow.mean_by_lag([np.array([[1.0, 3.0], [2.0, 4.0]])]).tolist() == [2, 3]


def test_gates_behind_the_end_do_not_count():
    task, spec = Labels(), model_of(Labels(), "lstm", 1, 6)
    weights, data = (
        initialisation.initial_weights(task, "lstm", 1, 6, 0),
        model.examples(task, 6, 0),
    )
    rows = model.inspect(task, spec, weights, data, 0)["gates"]
    behind = data["weights"] == 0
    other = data | {"inputs": np.where(behind[..., None], 50.0, data["inputs"])}
    assert model.inspect(task, spec, weights, other, 0)["gates"] == rows
    assert model.inspect(task, spec, weights, other | {"weights": None}, 0)["gates"] != rows


def test_the_example_shows_weights_and_how_likely_each_label_is():
    task, spec = Labels(), model_of(Labels(), "gru", 1, 6)
    weights = initialisation.initial_weights(task, "gru", 1, 6, 0)
    data = model.examples(task, 6, 0)
    rows = pd.DataFrame(example.rows(spec, weights, data)).set_index("quantity")["values"]
    allowed = layout.TABLES["gate_examples"].columns["quantity"]
    assert all(allowed.value(quantity) for quantity in rows.index)
    assert [float(v) for v in rows["weight"].split()] == data["weights"][0].tolist()
    shown = np.array([text.split() for text in rows["output"]], float)
    done = network.outputs(spec, weights, data["inputs"][:1])[0]
    np.testing.assert_allclose(shown.T, 1 / (1 + np.exp(-done)), atol=0.006)


def test_the_probe_looks_for_a_value_only_until_the_example_ends(monkeypatch):
    task, spec = Labels(), model_of(Labels(), "gru", 1, 6)
    data = model.examples(task, 6, 0)
    first = data["inputs"][:, 0, 0].astype(int), np.zeros(len(data["inputs"]), int)
    seen = []
    monkeypatch.setattr(model.memory_probe, "rows", lambda *given: seen.append(given[-1]) or [])
    weights = initialisation.initial_weights(task, "gru", 1, 6, 0)
    model.inspect(task, spec, weights, data | {"probe": first}, 0)
    assert np.array_equal(seen[0], data["weights"].T == 1)
