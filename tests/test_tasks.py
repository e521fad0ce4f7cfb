"""Every discovered task keeps its contract; the analytic values are checked by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from harness import streams
from harness.plugins import load_task, task_names
from tasks import Task
from tasks.adding import Adding
from tasks.copying import Copying
from tasks.sine import Sine


@pytest.fixture(params=task_names())
def task(request: pytest.FixtureRequest) -> Task:
    return load_task(request.param)


def draw(task: Task, n: int = 500, seed: int = 0):
    return task.sample(streams.generator("test", seed), n)


def oracle(task: Task, targets: np.ndarray) -> np.ndarray:
    return np.eye(task.outputs)[targets] if task.loss == "cross_entropy" else targets


def test_shapes_and_types(task):
    inputs, targets = draw(task, 7)
    steps = (inputs.shape[1],) if task.every_step else ()
    assert inputs.dtype == np.float32
    assert inputs.shape[0] == 7
    assert inputs.shape[2] == task.input_size
    if task.loss == "mse":
        assert targets.dtype == np.float32
        assert targets.shape == (7, *steps, task.outputs)
    else:
        assert targets.dtype == np.int32
        assert targets.shape == (7, *steps)
        assert 0 <= targets.min() <= targets.max() < task.outputs


def test_same_seed_same_bytes(task):
    first, again, other = (draw(task, 20, seed) for seed in (1, 1, 2))
    assert streams.sha256(first) == streams.sha256(again)
    assert streams.sha256(first) != streams.sha256(other)


def test_an_oracle_scores_perfectly_and_solves(task):
    _, targets = draw(task)
    score = task.score(oracle(task, targets), targets)
    assert score == (1 if task.higher_is_better else 0)
    assert task.is_solved(score)
    assert not task.is_solved(task.baseline)


def test_it_is_documented(task):
    assert task.summary
    assert task.references
    assert type(task).__doc__
    assert task.metric


def test_adding_shows_one_marker_in_each_half_and_asks_for_their_sum():
    inputs, targets = draw(Adding(sequence_length=21))
    numbers, markers = inputs[..., 0], inputs[..., 1]
    assert np.all(markers[:, :10].sum(axis=1) == 1)
    assert np.all(markers[:, 10:].sum(axis=1) == 1)
    np.testing.assert_allclose((numbers * markers).sum(axis=1), targets[:, 0], rtol=1e-6)


def test_addings_baseline_is_the_error_of_always_answering_one():
    task = Adding()
    _, targets = draw(task, 200_000)
    assert task.score(np.ones_like(targets), targets) == pytest.approx(task.baseline, rel=0.01)


def test_copying_shows_waits_and_asks():
    task = Copying(delay=7, symbols=5, recall=3)
    inputs, targets = draw(task)
    tokens = inputs.argmax(axis=-1)
    assert tokens.shape[1] == 7 + 2 * 3
    assert np.all(tokens[:, :3] == targets[:, -3:])
    assert np.all(tokens[:, 3:9] == 5), "T - 1 blanks"
    assert np.all(tokens[:, 9] == 6), "the delimiter"
    assert np.all(tokens[:, 10:] == 5)
    assert np.all(targets[:, :-3] == 5)


def test_copyings_baselines_are_those_of_a_guess_without_memory():
    task = Copying(delay=20)
    _, targets = draw(task, 20_000)
    length, recall = task.sequence_length, task.recall
    logits = np.full((length, task.outputs), -np.inf)
    logits[:-recall, task.symbols] = 0
    logits[-recall:, : task.symbols] = -np.log(task.symbols)
    loss = -np.take_along_axis(logits[None], targets[..., None].clip(0), axis=-1).mean()
    assert loss == pytest.approx(task.baseline_loss)
    assert task.baseline_loss == pytest.approx(10 * np.log(8) / 40)
    guess = np.random.default_rng(0).random((*targets.shape, task.outputs))
    guess[..., task.symbols] = 0
    assert task.score(guess, targets) == pytest.approx(task.baseline, abs=0.005)


def test_sine_is_a_sine_with_noise_of_the_given_size():
    quiet, _ = draw(Sine(noise=0.0, shortest_period=20, longest_period=20))
    x = quiet[..., 0]
    turned = 2 * np.cos(2 * np.pi / 20) * x[:, 1:-1] - x[:, :-2]
    np.testing.assert_allclose(turned, x[:, 2:], atol=1e-5)
    noisy, _ = draw(Sine(noise=0.3))
    clean, _ = draw(Sine(noise=0.0))
    assert (noisy - clean).std() == pytest.approx(0.3, rel=0.05)


def test_sines_baseline_is_the_error_of_the_mean():
    task = Sine()
    _, targets = draw(task, 100_000)
    assert task.score(np.zeros_like(targets), targets) == pytest.approx(task.baseline, rel=0.01)


def test_no_forecast_beats_sines_noise_floor():
    task = Sine()
    train, test = draw(task, 4000, 1), draw(task, 4000, 2)
    scores = task.classical_scores(train, test)
    assert scores["noise floor"] == pytest.approx(task.noise_floor, rel=0.06)
    assert scores["noise floor"] < scores["ridge"] < scores["persistence"]
    assert task.noise**2 < task.noise_floor < task.solved < task.baseline


def test_sines_best_forecast_is_exact_when_nothing_is_unknown():
    """With the period known and little noise, the posterior mean is the next value."""
    task = Sine(noise=0.01, shortest_period=20, longest_period=20.001)
    inputs, targets = draw(task, 100)
    forecast = task.best_forecast(inputs[:, :, 0])
    assert task.score(forecast, targets) < 5e-4
