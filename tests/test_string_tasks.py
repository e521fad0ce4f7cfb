"""Strings, streams and pairs: generators against brute force and the sources' examples."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from harness.conformance import contract
from harness.plan.run import Run
from harness.registry import framework_names
from harness.run import loop
from harness.run.streams import generator
from tasks import SPLITS
from tasks._tape import Tape
from tasks.associative_recall import AssociativeRecall
from tasks.continual_recall import ContinualRecall
from tasks.counting import Counting
from tasks.duplicate_string import DuplicateString
from tasks.modular_arithmetic import MINUS, PLUS, TIMES, ModularArithmetic, values
from tasks.narma import Narma
from tasks.parity import Parity
from tasks.reverse_string import ReverseString
from tasks.shuffle_dyck import ShuffleDyck
from tasks.stack_manipulation import END, StackManipulation, left
from tests.test_implementations import CACHE, pinned
from tests.test_masks import settings_of

TAPES = (Parity, ModularArithmetic, StackManipulation, ReverseString, DuplicateString)


def drawn(task, split="train", n=300, seed=0):
    return task.draw(split, generator("test", split, seed), n)


def read(task: Tape, example) -> tuple[list[int], list[int]]:
    """The string of an example and the answer behind it, as far as it has a weight."""
    inputs, targets, weights = example
    tokens = inputs.argmax(axis=-1)
    length = int(np.argmax(tokens == task.symbols))
    assert (tokens[length:] == task.symbols).all()
    places = np.flatnonzero(weights)
    count = task.answer_length(length)
    assert places.tolist() == list(range(length, length + count))
    np.testing.assert_allclose(weights[places], 1 / count)
    return tokens[:length].tolist(), targets[places].tolist()


def value(string: list[int]) -> int:
    return eval("".join({PLUS: "+", MINUS: "-", TIMES: "*"}.get(s, str(s)) for s in string)) % 5


def stack_of(string: list[int]) -> list[int]:
    stack: list[int] = []
    for symbol in string:
        if symbol == 2:
            del stack[-1:]
        else:
            stack.append(symbol % 3)  # 0 and 3, 1 and 4
    return [*stack[::-1], END, *[0] * (len(string) - len(stack))]


ANSWERS = {
    Parity: lambda string: [sum(string) % 2],
    ModularArithmetic: lambda string: [value(string)],
    StackManipulation: stack_of,
    ReverseString: lambda string: string[::-1],
    DuplicateString: lambda string: string * 2,
}


@pytest.mark.parametrize("kind", TAPES)
def test_the_answer_is_that_of_the_string_in_front_of_it(kind):
    task = kind(longest=9, reach=30, lengths=4)
    for split in SPLITS:
        for example in zip(*drawn(task, split, 200), strict=True):
            string, answer = read(task, example)
            assert answer == ANSWERS[kind](string)


@pytest.mark.parametrize("kind", TAPES)
def test_training_has_lengths_from_1_to_40_and_the_test_20_from_41_to_500(kind):
    task, lengths = kind(), {}
    for split, n in (("train", 2000), ("test", 100)):
        inputs, _, _ = drawn(task, split, n)
        lengths[split] = Counter((inputs[..., task.symbols] == 0).sum(axis=1).tolist())
    step = 2 if kind is ModularArithmetic else 1
    assert set(lengths["train"]) == set(range(1, 41, step))
    assert min(lengths["train"].values()) > 20 * step, "all alike"
    assert set(lengths["test"].values()) == {5}
    assert len(lengths["test"]) == 20
    assert (min(lengths["test"]), max(lengths["test"])) in ((52, 488), (51, 487))
    # A mean over these lengths stands for one over all from 41 to 500.
    assert np.mean(list(lengths["test"])) == pytest.approx((41 + 500) / 2, abs=1)


@pytest.mark.parametrize("kind", TAPES)
def test_a_constant_answer_reaches_the_baseline_and_no_more(kind):
    task = kind()
    inputs, targets, weights = drawn(task, "test", 600)
    for answer in range(task.outputs):
        outputs = np.broadcast_to(np.eye(task.outputs)[answer], (*targets.shape, task.outputs))
        found = task.score(outputs, targets, inputs, weights)
        if answer != END or kind is not StackManipulation:
            # Four standard errors of 600 answers; strings have hundreds of symbols each.
            spread = 0.08 if task.answer_length(9) == 1 else 0.008
            assert found == pytest.approx(task.baseline, abs=spread)
        else:
            assert found < 0.02


def test_modular_arithmetic_is_that_of_the_sources_examples():
    strings = [[1, PLUS, 2, TIMES, 3, 0, 0], [1, MINUS, 1, MINUS, 1, 0, 0], [0, TIMES, 1, PLUS, 4]]
    strings[2] += [TIMES, 3]
    assert values(np.array(strings), np.array([5, 5, 7])).tolist() == [2, 4, 2]
    longer = np.array([[0, TIMES, 1, PLUS, 4, TIMES, 3, MINUS, 2]])
    assert values(longer, np.array([9])).tolist() == [0]


@pytest.mark.parametrize("numbers", [1, 2, 3])
def test_a_product_is_0_more_often_and_a_sum_is_not(numbers):
    """All expressions of so many numbers: 1/5 and 4/5 · the mean of what products add."""
    axes = [range(5) if i % 2 == 0 else range(PLUS, TIMES + 1) for i in range(2 * numbers - 1)]
    every = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2 * numbers - 1)
    found = np.mean(values(every, np.full(len(every), 2 * numbers - 1)) == 0)
    # Only a product of all numbers is not uniform: 1/3 of those of two, 1/9 of those of three.
    excess = (1 - 0.8 ** (numbers - 1)) / 3 ** (numbers - 1)
    assert found == pytest.approx(0.2 + 0.8 * excess)


def test_the_stack_is_that_of_the_sources_examples():
    first, second = [0, 1, 1, 0, 4, 2, 2], [1, 1, 0, 2, 2, 2, 0]
    found = left(np.array([first, second]), np.array([7, 6]))
    assert found.tolist() == [[1, 1, 0, 2, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, -1]]


def test_what_is_behind_the_end_of_a_stack_is_no_part_of_the_score():
    task = StackManipulation()
    inputs, targets, weights = drawn(task, "test", 100)
    end = targets.argmax(axis=1)[:, None]
    behind = np.arange(targets.shape[1]) > end
    wrong = np.eye(3)[np.where(behind, (targets + 1) % 3, targets)]
    assert task.score(wrong, targets, inputs, weights) == 1
    assert (weights * behind).any(), "though the loss counts it"


@pytest.mark.parametrize(("kept", "share"), [(20, 0.55), (40, 0.61)])
def test_who_keeps_a_few_symbols_of_a_reversed_string_has_what_is_said(kept, share):
    task = ReverseString()
    inputs, targets, weights = drawn(task, "test", 1000)
    length = (inputs[..., task.symbols] == 0).sum(axis=1)[:, None]
    known = np.arange(targets.shape[1]) < length + kept
    found = task.score(np.eye(2)[np.where(known, targets, 0)], targets, inputs, weights)
    assert found == pytest.approx(share, abs=0.008)


def test_frameworks_train_on_short_strings_and_test_on_long_ones_alike():
    task = ReverseString(longest=5, reach=30, lengths=3)
    budget = replace(task.budget, hidden=6, batch=8, steps=4, evaluate_every=4)
    budget = replace(budget, validation_examples=8, test_examples=24)
    settings, found = replace(settings_of(task), budget=budget), {}
    for name in framework_names():
        run = Run("reverse_string", name, "gru", "matched", 0)
        record, progress = loop.run(pinned(name), run, settings, 1, CACHE, lambda *_: None)
        assert record["status"] == "ok", record["reason"]
        found[name] = [*progress.dynamics()["losses"], record["score"]]
    for values_of in found.values():
        np.testing.assert_allclose(values_of, found["jax"], rtol=1e-5)


def test_a_test_of_another_length_than_said_is_found(monkeypatch):
    monkeypatch.setattr(Counting, "test_length", 81)
    found = contract.check_task("counting")
    assert found[0].startswith("tasks/counting.py: validation: inputs are float32 (64, 80, 2), exp")


def test_a_shuffle_is_any_that_its_kinds_make():
    """Of two pairs: ()(), (()) and the same of the other kind, 1/8 each; six shuffles, 1/12."""
    n = 24_000
    moves = ShuffleDyck(longest=4).moves(np.random.default_rng(0), np.full(n, 2), 4)
    names = np.array(["(", ")", "[", "]"])
    signs = np.concatenate([moves == 1, moves == -1], axis=-1)[..., [0, 2, 1, 3]]
    counts = Counter("".join(names[row]) for row in signs.argmax(axis=-1))
    mixed = {"()[]", "([)]", "([])", "[]()", "[(])", "[()]"}
    expected = dict.fromkeys(("()()", "(())", "[][]", "[[]]"), n / 8) | dict.fromkeys(mixed, n / 12)
    assert set(counts) == set(expected)
    # Chi squared with 9 degrees of freedom is above 27.9 once in a thousand.
    assert sum((counts[k] - m) ** 2 / m for k, m in expected.items()) < 27.9


def test_shuffle_dyck_asks_what_may_be_closed_and_tests_longer_strings():
    task, lengths = ShuffleDyck(kinds=3, longest=10), {}
    for split in SPLITS:
        inputs, targets, weights = drawn(task, split)
        depths = (inputs[..., :3] - inputs[..., 3:]).cumsum(axis=1)
        assert depths.min() == 0
        assert not depths[:, -1].any(), "every kind is balanced"
        assert np.array_equal(targets, depths > 0)
        assert np.array_equal(weights, inputs.sum(axis=-1))
        assert np.array_equal(weights, -np.sort(-weights, axis=1)), "from the first step on"
        lengths[split] = set(weights.sum(axis=1).tolist())
    assert lengths["train"] == {2, 4, 6, 8, 10}
    assert lengths["validation"] == lengths["test"] == {12, 14, 16, 18, 20}


def test_without_memory_no_shuffle_is_recognised():
    task = ShuffleDyck()
    inputs, targets, weights = drawn(task, "test")
    # The kind that was just opened is open; of everything else the more frequent answer.
    opened = inputs[..., : task.kinds] == 1
    common = np.average(targets[~opened], axis=0) > 0.5
    outputs = np.where(opened | common, 1.0, -1.0)
    assert task.score(outputs, targets, inputs, weights) == task.baseline == 0


def test_a_stream_asks_for_the_symbol_marked_last():
    task, delays = ContinualRecall(length=60, shortest=2, longest=4, reach=3), []
    for split, length in (("train", 60), ("test", 180)):
        inputs, targets, weights = drawn(task, split, 100)
        assert inputs.shape == (100, length, 9)
        for x, y, counts in zip(inputs, targets, weights, strict=True):
            kept, since, before_asked = None, 0, False
            for t in range(length):
                marked, shown = x[t, 8] == 1, x[t, :8].sum() == 1
                asks = marked and not shown
                assert marked or shown
                assert counts[t] == asks
                if asks:
                    assert y[t] == kept
                    delays.append(since)
                if marked and shown:
                    assert t == 0 or before_asked, "the next round follows at once"
                    kept, since = int(x[t].argmax()), 0
                elif shown:
                    since += 1
                before_asked = asks
    assert set(delays) == {2, 3, 4}
    assert min(Counter(delays).values()) > 0.9 * len(delays) / 3, "all delays alike"


def test_narma_obeys_its_equation():
    u, y = Narma().run(np.random.default_rng(0).uniform(0, 0.5, (3, 40)))
    for inputs, outputs in zip(u, y, strict=True):
        made, given = [0.0] * 11, [0.0] * 10 + inputs.tolist()
        for t in range(10, 50):
            last = made[-1]
            total = sum(made[-10:])
            made.append(0.3 * last + 0.05 * last * total + 1.5 * given[t - 9] * given[t] + 0.1)
        np.testing.assert_allclose(outputs, made[11:])


def test_narma_is_judged_by_the_variance_and_a_linear_forecast():
    task = Narma()
    train, test = drawn(task, "train", 200), drawn(task, "test", 200)
    inputs, targets, weights = test
    assert weights.sum(axis=1).tolist() == [70] * 200
    assert targets[:, 30:].max() <= 1
    mean = np.full_like(targets, targets[:, 30:].mean())
    assert task.score(mean, targets, inputs, weights) == pytest.approx(task.baseline, rel=1e-5)
    # Least squares on lags 0 to 9, lag by lag.
    rows = [
        np.stack([np.ones((200, 70)), *(x[:, 30 - k : 100 - k, 0] for k in range(10))], axis=-1)
        for x in (train[0], inputs)
    ]
    known = train[1][:, 30:, 0].ravel()
    fit = np.linalg.lstsq(rows[0].reshape(-1, 11), known, rcond=None)[0]
    outputs = np.zeros_like(targets)
    outputs[:, 30:, 0] = rows[1] @ fit
    found = task.classical_scores(train, test)
    error = task.score(outputs, targets, inputs, weights)
    assert found["linear in 10 inputs"] == pytest.approx(error, rel=1e-3)
    assert task.solved == pytest.approx(error / 10, rel=0.1)
    assert found["linear in 20 inputs"] < error < 1


def test_associative_recall_asks_for_the_value_of_a_key_that_was_shown():
    task = AssociativeRecall(keys=3, pairs=4)
    inputs, targets = drawn(task, n=3000)
    asked, tokens = Counter(), inputs.argmax(axis=-1)
    assert tokens.shape[1] == 10
    assert (tokens[:, -2] == 6).all()
    for row, target in zip(tokens.tolist(), targets, strict=True):
        pairs = dict(zip(row[0:-2:2], row[1:-2:2], strict=True))
        assert {(k, v) for k, v in zip(row[0:-2:2], row[1:-2:2], strict=True)} == set(pairs.items())
        assert set(pairs) <= {0, 1, 2}
        assert pairs[row[-1]] == 3 + target
        if len(pairs) == 3:
            asked[row[-1]] += 1
    assert min(asked.values()) > 0.9 * sum(asked.values()) / 3, "all keys that were shown alike"


def test_what_values_alone_tell_in_associative_recall_is_what_it_is_by_hand():
    """Two pairs of two keys: the last value is right with 1/2 + 1/2·(1/2 + 1/4)."""
    task = AssociativeRecall(keys=2, pairs=2)
    data = drawn(task, n=20_000)
    assert task.classical_scores(data, data)["last value"] == pytest.approx(0.875, abs=0.01)
    assert np.mean(data[1]) == pytest.approx(task.baseline, abs=0.015)
