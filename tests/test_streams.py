"""Streams: the same bytes for everyone, whatever the chunks; sound initial weights."""

import numpy as np
import pytest

from harness.plan.settings import resolve
from harness.run import initialisation, streams
from tasks import Budget
from tasks.adding import Adding


def collect(chunks: list[int], budget: Budget, seed: int = 0):
    stream = streams.TrainingStream(Adding(sequence_length=10), budget, seed)
    parts, first = [], 0
    for count in chunks:
        parts.append(stream.chunk(first, count)[0])
        first += count
    return np.concatenate(parts), stream.sha256


BUDGET = Budget(layers=1, hidden=4, batch=8, steps=12, learning_rate=1e-2)


@pytest.mark.parametrize("examples", [0, 32])
def test_batches_do_not_depend_on_the_chunks(examples):
    budget = Budget(1, 4, 8, 12, 1e-2, train_examples=examples)
    whole, _ = collect([12], budget)
    parts, _ = collect([5, 1, 6], budget)
    assert np.array_equal(whole, parts)


def test_the_digest_tells_streams_apart():
    assert collect([12], BUDGET)[1] == collect([12], BUDGET)[1]
    assert collect([12], BUDGET)[1] != collect([12], BUDGET, seed=1)[1]
    assert collect([12], BUDGET)[1] != collect([11], BUDGET)[1]


def test_a_finite_set_is_seen_once_an_epoch_in_changing_order():
    budget = Budget(1, 4, 8, 8, 1e-2, train_examples=32)
    batches, _ = collect([8], budget)
    epochs = batches.reshape(2, 32, -1)
    assert not np.array_equal(epochs[0], epochs[1])
    assert np.array_equal(np.unique(epochs[0], axis=0), np.unique(epochs[1], axis=0))
    assert len(np.unique(epochs[0], axis=0)) == 32


def test_splits_and_parameters_have_streams_of_their_own():
    task = Adding(sequence_length=10)
    digests = {
        streams.sha256(streams.examples(Adding(sequence_length=length), split, seed, 4))
        for length in (10, 11)
        for split in ("train", "validation", "test")
        for seed in (0, 1)
    }
    assert len(digests) == 12
    assert streams.task_key(task) != streams.task_key(Adding())


def test_philox_gives_the_numbers_it_always_gave():
    """A change here changes every data set: results would no longer compare."""
    numbers = streams.generator("adding", "train", 0, step=3).integers(0, 1000, 5)
    assert numbers.tolist() == [209, 834, 304, 932, 350]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_initial_weights_are_what_they_say(cell):
    settings = resolve("copying", {}, "test")
    weights = initialisation.initial_weights(settings.task, cell, 2, 32, 0)
    blocks = np.split(
        weights["layers.1.recurrent"].astype(np.float64),
        len(weights["layers.1.bias"]) // 32,
        axis=1,
    )
    for block in blocks:
        np.testing.assert_allclose(block @ block.T, np.eye(32), atol=1e-6)
    limit = np.sqrt(6 / (10 + 32))
    assert 0.9 * limit < np.abs(weights["layers.0.input"]).max() <= limit
    forget = weights["layers.0.bias"][32:64] if cell == "lstm" else None
    assert forget is None or np.all(forget == 1)
    assert sum(np.abs(weights[f"layers.{i}.bias"]).sum() for i in (0, 1)) == (
        64 if cell == "lstm" else 0
    )
    again = initialisation.initial_weights(settings.task, cell, 2, 32, 0)
    assert streams.sha256(weights.values()) == streams.sha256(again.values())
