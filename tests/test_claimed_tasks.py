"""The tasks that published claims need: generators against brute force, and baselines."""

import itertools
import re
from collections import Counter

import numpy as np
import pytest

from harness.run import streams
from harness.run.streams import TrainingStream, generator
from tasks import SPLITS
from tasks.capacity import Capacity
from tasks.counting import Counting
from tasks.dyck import EITHER, OPENS_ALONE, Dyck
from tasks.reber import SYMBOLS, Reber
from tasks.strings import Strings, lzw_complexity, seed_string
from tasks.warping import Warping


def drawn(task, split="train", n=500, seed=0):
    return task.draw(split, generator("test", split, seed), n)


def words(task: Dyck, inputs: np.ndarray) -> list[str]:
    signs = (inputs[..., 0] - inputs[..., 1]).astype(int)
    return ["".join({1: "(", -1: ")", 0: ""}[s] for s in row) for row in signs]


def test_dyck_draws_every_balanced_string_of_a_length_alike():
    """There are 14 of four pairs (the Catalan number); brute force lists them."""
    balanced = set()
    for word in itertools.product("()", repeat=8):
        depths = np.cumsum([1 if c == "(" else -1 for c in word])
        if depths.min() >= 0 and depths[-1] == 0:
            balanced.add("".join(word))
    task, n = Dyck(longest=8), 14_000
    moves = task.moves(np.random.default_rng(0), np.full(n, 4))
    counts = Counter(words(task, np.stack([moves == 1, moves == -1], axis=-1).astype(float)))
    assert set(counts) == balanced
    assert len(balanced) == 14
    # Chi squared with 13 degrees of freedom is above 34.5 once in a thousand.
    assert sum((c - 1000) ** 2 / 1000 for c in counts.values()) < 34.5


def test_dyck_asks_what_may_follow_and_tests_longer_strings():
    task, lengths = Dyck(longest=10), {}
    for split in SPLITS:
        inputs, targets = drawn(task, split)
        lengths[split] = set()
        for word, answers in zip(words(task, inputs), targets, strict=True):
            lengths[split].add(len(word))
            for t in range(20):
                open_ones = word[: t + 1].count("(") - word[: t + 1].count(")")
                assert answers[t] == (EITHER if open_ones else OPENS_ALONE)
    assert lengths["train"] == {2, 4, 6, 8, 10}
    assert lengths["validation"] == lengths["test"] == {12, 14, 16, 18, 20}


def test_without_memory_no_dyck_string_is_recognised():
    """The best answer to each input alone: after ) either, as more often right, or never."""
    task = Dyck()
    inputs, targets = drawn(task, "test", 1000)
    for after_close in (EITHER, OPENS_ALONE):
        answer = np.where(inputs[..., 0] == 1, EITHER, OPENS_ALONE)
        answer[inputs[..., 1] == 1] = after_close
        assert task.score(np.eye(2)[answer], targets, inputs) == task.baseline == 0


@pytest.mark.parametrize("uniform", [True, False])
def test_warping_asks_for_the_symbol_before(uniform):
    task = Warping(warp=4, uniform=uniform, length=30)
    inputs, targets = drawn(task, n=2000)
    stays = Counter()
    for tokens, answers in zip(inputs.argmax(axis=-1), targets, strict=True):
        runs = [(symbol, len(list(same))) for symbol, same in itertools.groupby(tokens.tolist())]
        before, expected = task.symbols, []
        for symbol, stay in runs:
            expected += stay * [before]
            before = symbol
        assert answers.tolist() == expected
        stays[runs[0][1]] += 1
    assert set(stays) == ({4} if uniform else {1, 2, 3, 4})
    if not uniform:
        # 500 each, with a standard deviation of 19.
        assert max(abs(count - 500) for count in stays.values()) < 75, "any of them alike"


def test_without_memory_warping_is_a_guess_among_the_other_symbols():
    task = Warping()
    inputs, targets = drawn(task, "test", 2000)
    guess = np.random.default_rng(0).random(inputs.shape)
    guess[inputs == 1] = 0
    outputs = np.concatenate([guess, np.zeros((*targets.shape, 1))], axis=-1)
    assert task.score(outputs, targets, inputs) == pytest.approx(task.baseline, abs=0.005)


def test_capacity_asks_each_run_for_what_it_was_trained_on():
    task = Capacity(patterns=256)
    stream = TrainingStream(task, task.budget, seed=5)
    inputs, labels = (part.reshape(-1, *part.shape[2:]) for part in stream.chunk(0, 40))
    known = {x.tobytes(): y for x, y in zip(inputs, labels, strict=True)}
    assert len(known) == 256, "no two sequences alike, all of them shown"
    assert sum(known.values()) == 128
    for split in ("validation", "test"):
        inputs, labels = streams.examples(task, split, 5, 256)
        assert {x.tobytes(): y for x, y in zip(inputs, labels, strict=True)} == known
    other, _ = streams.examples(task, "test", 6, 256)
    assert not {x.tobytes() for x in other} & set(known), "each run has its own"


def test_capacity_scores_the_mutual_information_of_labels_and_answers():
    """From the joint frequencies of label and answer, where the errors are symmetric."""
    task = Capacity()
    labels = np.arange(1000) % 2
    inputs = np.zeros((1000, 1, 1))
    for wrong in (0, 10, 100, 400):
        answers = labels.copy()
        answers[:wrong] = 1 - answers[:wrong]
        joint = np.histogram2d(labels, answers, bins=2)[0] / 1000
        product = joint.sum(axis=1)[:, None] * joint.sum(axis=0)
        there = joint > 0
        bits = (joint[there] * np.log2(joint[there] / product[there])).sum()
        assert task.score(np.eye(2)[answers], labels, inputs) == pytest.approx(bits, abs=1e-9)
    assert task.score(np.eye(2)[1 - labels], labels, inputs) == 0, "below a half: nothing"
    assert task.is_solved(
        task.score(np.eye(2)[np.r_[1 - labels[:10], labels[10:]]], labels, inputs)
    )


def test_lzw_complexity_is_the_length_of_a_code_that_can_be_read_back():
    """An encoder and a decoder as in Welch 1984, written apart from the task's count."""
    rng = np.random.default_rng(0)
    for symbols in (2, 3, 5):
        for length in (1, 2, 7, 60, 300):
            text = "".join(rng.choice(list("ABCDE"[:symbols]), length))
            table = {letter: i for i, letter in enumerate("ABCDE"[:symbols])}
            codes, rest = [], text
            while rest:
                longest = max((w for w in table if rest.startswith(w)), key=len)
                codes.append(table[longest])
                rest, grown = rest[len(longest) :], rest[: len(longest) + 1]
                table.setdefault(grown, len(table))
            back = dict(enumerate("ABCDE"[:symbols]))
            word = read = back[codes[0]]
            for code in codes[1:]:
                entry = back.get(code, word + word[0])
                read += entry
                back[len(back)] = word + entry[0]
                word = entry
            assert read == text
            found = lzw_complexity([ord(c) - ord("A") for c in text], symbols)
            assert found == (len(codes), length)


@pytest.mark.parametrize("complexity", [10, 20, 80, 320])
def test_strings_have_the_complexity_asked_for_and_are_their_own_period(complexity):
    for number in range(1, 6):
        task = Strings(complexity=complexity, string=number)
        string = seed_string(task)
        assert lzw_complexity(string.tolist(), 4)[0] == complexity
        assert set(string.tolist()) == {0, 1, 2, 3}
        text = "".join(map(str, string))
        assert (text + text).find(text, 1) == len(text), "no shorter period"


def test_strings_ask_for_what_follows_a_window_in_doubt_nowhere():
    task = Strings(complexity=40, string=7)
    text = "".join(map(str, seed_string(task)))
    followers = {}
    for split in SPLITS:
        inputs, targets = drawn(task, split, 2000)
        for window, follower in zip(inputs.argmax(axis=-1), targets, strict=True):
            shown = "".join(map(str, window))
            assert shown + str(follower) in 3 * text
            assert followers.setdefault(shown, follower) == follower
    assert len(followers) == len(text), "every place of the string is asked for"


def test_each_run_has_a_string_of_its_own_for_all_splits():
    task = Strings(complexity=40)
    shown = {}
    for seed in (1, 2):
        stream = TrainingStream(task, task.budget, seed)
        inputs = stream.chunk(0, 100)[0].reshape(-1, 16, 4)
        shown[seed] = {x.tobytes() for x in inputs}
        for split in ("validation", "test"):
            assert {x.tobytes() for x in streams.examples(task, split, seed, 500)[0]} <= shown[seed]
    assert not shown[1] & shown[2]
    named = Strings(complexity=40, string=3)
    assert named.of_run(generator("test")) == named, "a string that is named is for all runs"


def test_the_baseline_of_strings_is_what_the_last_symbol_tells():
    """Fitted to the training windows of some strings by counting, and tested on theirs."""
    task, shares = Strings(complexity=20), []
    for number in range(1000, 1100):
        own = Strings(complexity=20, string=number)
        (inputs, targets), (shown, asked) = drawn(own, "train", 1000), drawn(own, "test", 1000)
        last, now = inputs[:, -1].argmax(axis=-1), shown[:, -1].argmax(axis=-1)
        counts = np.array([np.bincount(targets[last == s], minlength=4) for s in range(4)])
        shares.append(own.score(counts[now], asked, shown))
    spread = np.std(shares) / np.sqrt(100)
    assert abs(np.mean(shares) - task.baseline) < 3.5 * spread * np.sqrt(1.5)


@pytest.mark.parametrize("reach", [2, 4])
def test_counting_can_reach_further_than_twice(reach):
    task = Counting(longest=5, reach=reach)
    counts = {split: set(drawn(task, split)[0][..., 0].sum(axis=1)) for split in SPLITS}
    assert counts["train"] == set(range(1, 6))
    assert counts["validation"] == counts["test"] == set(range(6, 5 * reach + 1))
    assert task.sequence_length == 10 * reach


def test_counting_up_to_some_number_is_scored_by_how_far_that_is():
    """Who counts up to 14 and no further has 9 of the 15 longer strings of 6 to 20."""
    task = Counting(longest=5, reach=4)
    _, targets = task.strings(np.arange(6, 21))
    outputs = np.eye(4)[targets]
    outputs[9:, -1] = np.eye(4)[0]
    assert task.score(outputs, targets, np.empty(0)) == pytest.approx(9 / 15)


# The grammar as others write it down: all paths from the first B to the last E.
REBER = re.compile(r"B(?:TS*X(?:XT*VP)*(?:S|XT*VV)|PT*V(?:PXT*V)*(?:V|PS))E")


def test_reber_strings_follow_the_grammar_one_after_another():
    task = Reber(length=400)
    inputs, targets = drawn(task, n=200)
    ends, lags, inner = Counter(), set(), Counter()
    for tokens, answers in zip(inputs.argmax(axis=-1), targets, strict=True):
        assert (answers[:-1] == tokens[1:]).all()
        stream = "".join(SYMBOLS[token] for token in tokens)
        strings = re.findall(r"B[TP]B[^E]*E[TP]E", stream)
        whole = sum(map(len, strings))
        assert "".join(strings) == stream[:whole]
        # What was cut off is not a whole string.
        assert len(stream) - whole < 60
        for string in strings:
            assert string[1] == string[-2]
            assert REBER.fullmatch(string[2:-2])
            ends[string[1]] += 1
            inner[string[2:-2]] += 1
            lags.add(string.index("E") - 1)
    assert min(lags) == task.lag
    total = ends.total()
    for count, chance in ((ends["T"], 1 / 2), (inner["BTXSE"], 1 / 8), (inner["BPVVE"], 1 / 8)):
        # Four standard deviations: once in sixteen thousand.
        assert abs(count / total - chance) < 4 * (chance * (1 - chance) / total) ** 0.5


def test_reber_scores_the_symbols_that_close_a_string():
    """Who keeps nothing is right half of the time, who is right everywhere else does not gain."""
    task = Reber()
    inputs, targets = drawn(task, n=500)
    right = np.eye(task.outputs)[targets]
    assert task.score(right, targets, inputs) == 1
    closing = (inputs[..., SYMBOLS.index("E")] == 1) & (targets != SYMBOLS.index("B"))
    only = right.copy()
    only[~closing] = 0
    assert task.score(only, targets, inputs) == 1
    always = right.copy()
    always[closing] = np.eye(task.outputs)[SYMBOLS.index("T")]
    assert task.score(always, targets, inputs) == pytest.approx(task.baseline, abs=0.03)
