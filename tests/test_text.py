"""A text of the user's: its windows, what needs no network, and what a trained model writes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.inside import samples, stage
from cells import network
from harness import layout
from harness.conformance import contract
from harness.errors import UserError
from harness.plan import asked, tracks
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.run import initialisation, records, streams
from report import tables as reading
from report.page import render
from report.sections.samples import plain
from tasks import SPLITS
from tasks._text import followed
from tasks.text import LEAST_WINDOWS, Text
from tests.test_configuration import load
from tests.test_report import record

LETTERS = "".join(np.random.default_rng(0).choice(list("abcdefghijklmnop \n"), 4000))
PARTS = dict(zip(SPLITS, (LETTERS[:2800], LETTERS[2800:3400], LETTERS[3400:]), strict=True))


@pytest.fixture
def task(tmp_path) -> Text:
    (tmp_path / "my.txt").write_text(LETTERS, newline="")
    return Text(path=str(tmp_path / "my.txt"), window=10)


@pytest.mark.parametrize("split", SPLITS)
def test_a_window_and_its_next_characters_lie_in_one_part(task, split):
    inputs, targets = task.draw(split, np.random.default_rng(0), 300)
    assert np.array_equal(inputs[:, 1:].argmax(axis=-1), targets[:, :-1])
    for first, asked_ in zip(inputs[:, 0].argmax(axis=-1), targets, strict=True):
        assert samples.text(task.alphabet, [first, *asked_]) in PARTS[split]


def test_validation_and_test_are_gone_through_window_by_window(task):
    shown, asked_ = task.windows("test")
    assert samples.text(task.alphabet, shown.ravel()) == PARTS["test"][:590]
    assert samples.text(task.alphabet, asked_.ravel()) == PARTS["test"][1:591]
    drawn, _ = task.draw("test", np.random.default_rng(0), len(shown))
    assert len({x.tobytes() for x in drawn}) == len(shown), "none twice before each came once"


def test_training_windows_start_at_every_place(task):
    inputs, targets = task.sample(np.random.default_rng(0), 30_000)
    ends = {samples.text(task.alphabet, row[-8:]) for row in targets}
    assert {LETTERS[3:11], PARTS["train"][-8:]} <= ends, "the first and the last one"
    assert len({x.tobytes() for x in inputs}) == 2800 - 10


def test_a_character_that_comes_only_later_is_the_class_of_all_others(tmp_path):
    path, last = tmp_path / "my.txt", PARTS["test"].replace("a", "Z").replace("b", "é")
    path.write_text(LETTERS[:3400] + last, newline="")
    task = Text(path=str(path), window=10)
    assert task.alphabet == "\n abcdefghijklmnop"
    assert task.outputs == task.input_size == len(task.alphabet) + 1
    shown, _ = task.windows("test")
    assert samples.text(task.alphabet, shown.ravel()) == (
        last[:590].replace("Z", samples.OTHER).replace("é", samples.OTHER)
    )
    assert np.isfinite(task.baseline)
    share = round(100 * sum(c in "Zé" for c in last) / 600)
    assert (
        f"{share} % of the characters of the last 15 %, the test, do not come in" in task.doubtful
    )


def test_check_says_that_a_test_is_new_to_the_model(tmp_path):
    words = np.random.default_rng(2).choice(["one ", "two, ", "seven ", "plus "], 4000)
    letters = "".join(words)
    path = tmp_path / "my.txt"
    path.write_text(letters + "?".join(words[:900]))
    (found,) = contract.check_task("text", {"path": str(path)})
    assert "% of the characters of the last 15 %, the test, do not come in the first" in found
    path = path.rename(tmp_path / "other.txt")
    path.write_text(letters)
    assert contract.check_task("text", {"path": str(path)}) == []


def test_nothing_in_a_text_is_made_into_something_else(tmp_path):
    path = tmp_path / "my.txt"
    path.write_bytes("\ufeffÉé e\u0301\r\n\t😀".encode() * 300)
    assert set(Text(path=str(path), window=4).alphabet) == set("\ufeffÉé e\u0301\r\n\t😀")


def test_an_n_gram_is_what_one_works_out_by_hand():
    """After "abab" with the classes a, b and any other."""
    known, row = np.array([0, 1, 0, 1]), np.array([[0, 1, 2]])
    one = [followed(known, row, np.full((1, 3), k), 3, order=1)[0, 0] for k in range(3)]
    assert one == pytest.approx([4 / 9, 4 / 9, 1 / 9])
    # a was followed by b twice, b by a once; what followed the other character is not known.
    two = np.concatenate([followed(known, row, np.full((1, 3), k), 3, order=2) for k in range(3)])
    assert two[:, 0] == pytest.approx([4 / 27, 22 / 27, 1 / 27])
    assert two[:, 1] == pytest.approx([(1 + 4 / 9) / 2, 2 / 9, 1 / 18])
    assert two[:, 2] == pytest.approx(one)
    # "ab" was followed by a once; before the first of a row no more than that one is known.
    three = followed(known, row, np.array([[1, 0, 0]]), 3, order=3)[0]
    assert three == pytest.approx([22 / 27, (1 + 13 / 18) / 2, 4 / 9])


def test_n_grams_give_probabilities_and_know_what_was_seen():
    known = np.random.default_rng(1).integers(0, 4, 500)
    row = known[None, 100:140]
    total = sum(followed(known, row, np.full_like(row, k), 5, order=6) for k in range(5))
    np.testing.assert_allclose(total, 1)
    bits = [-np.log2(followed(known, row, known[None, 101:141], 5, n)).mean() for n in (1, 2, 6)]
    assert bits[0] > bits[1] > bits[2]


def test_baseline_and_solved_are_counted_in_the_training_part(task):
    letters = [*task.alphabet, ""]
    counts = np.array([PARTS["train"].count(c) if c else 0 for c in letters])
    likely = (counts + (len(letters) - 1) / len(letters)) / (2800 + len(letters) - 1)
    bits = -np.log2([likely[letters.index(c)] for c in PARTS["test"][1:591]]).mean()
    assert task.baseline == pytest.approx(bits)
    test = task.draw("test", np.random.default_rng(0), 59)
    scores = task.classical_scores(task.sample(np.random.default_rng(0), 1), test)
    assert scores["unigram"] == pytest.approx(bits)
    assert task.solved == 0.9 * task.baseline < scores["6-gram"], "letters drawn apart tell nothing"
    # The answer that is always the same costs what the unigram does.
    outputs = np.broadcast_to(np.log(likely), (*test[1].shape, task.outputs))
    assert task.score(outputs, test[1], test[0]) == pytest.approx(bits)


def test_solved_is_the_6_gram_where_it_does_better(tmp_path):
    words = np.random.default_rng(2).choice(["one ", "two, ", "seven ", "plus "], 2000)
    (tmp_path / "my.txt").write_text("".join(words))
    task = Text(path=str(tmp_path / "my.txt"))
    both = [task.counted_bits(*task.windows(s), order=6) for s in ("validation", "test")]
    assert task.solved == min(both) < 0.5 * task.baseline


BAD = {
    "missing": (None, "cannot be read: No such file or directory; set path to your text"),
    "empty": (b"", "is empty; put a text into it, in UTF-8"),
    "latin": ("eins\nzwölf\n".encode("latin-1"), "line 2: the byte 0xf6 is not UTF-8; save it"),
    "binary": (b"a\nb\n\x00\x01" * 9, "line 3: there is a zero byte, as in no text; save it"),
    "short": (b"abc" * 10, "has 30 characters; with windows of 64 it takes at least 8,547, so"),
    "one": (b"a" * 7000 + b"b" * 3000, "has only the character 'a' in its training part"),
    "many": (
        "".join(map(chr, range(0x4E00, 0x4E00 + 9000))).encode(),
        "has 6,300 different characters in its training part, the first 70 %, more than the 256 "
        "that symbols allows; set symbols=6300",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_cannot_be_used_is_one_sentence_before_anything_is_trained(tmp_path, kind):
    content, says = BAD[kind]
    path = tmp_path / "my.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"overrides\.text: .*\.$") as refused:
        load(tmp_path, tasks=["text"], overrides={"text": {"path": str(path)}})
    assert f"{path}" in str(refused.value)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_text_without_a_path_or_too_large_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"tasks: tasks/text.py has no text: set its path"):
        load(tmp_path, tasks=["text"])
    assert "text" not in {run.task for run in load(tmp_path).runs}
    with (tmp_path / "my.txt").open("wb") as file:
        file.truncate(10_200_000)
    with pytest.raises(ValueError, match=r"my.txt has 10.2 MB, more than the 10 that can be used"):
        Text(path=str(tmp_path / "my.txt"))


def test_the_shortest_text_has_the_windows_that_are_promised(tmp_path):
    path = tmp_path / "my.txt"
    path.write_text("ab" * 4273 + "a")
    task = Text(path=str(path))
    assert min(len(task.windows(split)[0]) for split in SPLITS) >= LEAST_WINDOWS
    path = path.rename(tmp_path / "shorter.txt")
    path.write_text("ab" * 4273)
    with pytest.raises(ValueError, match="takes at least 8,547"):
        Text(path=str(path))


@pytest.fixture
def results(tmp_path, task) -> Path:
    """Three GRUs and two LSTMs of two layers that a text was shown to; their scores by seed."""
    own = {"path": task.path, "window": 10, "hidden": 5, "layers": 2}
    settings = resolve("text", own, "test")
    runs = [Run("text", "jax", "gru", "matched", seed) for seed in range(3)]
    runs += [Run("text", "jax", "lstm", "matched", seed) for seed in range(2)]
    for run, score in zip(runs, (2.3, 2.5, 2.4, 2.1, 2.2), strict=True):
        initial = initialisation.initial_weights(task, run.cell, 2, 5, run.seed)
        test = streams.examples(task, "test", run.seed, settings.budget.test_examples)
        found = record(Run(**vars(run) | {"task": "adding"}), score) | {
            "task": "text",
            "settings": settings.as_dict(),
            "metric": task.metric,
            "data_sha256": {"train": "a" * 64, "test": streams.sha256(test)},
            "weights_sha256": dict.fromkeys(("initial", "final"), streams.sha256(initial.values())),
        }
        norms = np.ones(60, np.float32)
        path = run.path(tmp_path)
        records.write(path, found)
        records.write_arrays(path, initial, initial, {"losses": norms, "gradient_norms": norms})
    asked.write_plan(tmp_path, tuple(runs), [])
    return tmp_path


@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])
def test_step_by_step_a_model_is_the_reference(task, cell):
    spec = tracks.model_of(task, cell, 2, 6)
    weights = initialisation.initial_weights(task, cell, 2, 6, 0)
    inputs, _ = task.draw("test", np.random.default_rng(0), 1)
    step = samples.stepping(spec, weights)
    one_by_one = [step(k) for k in inputs[0].argmax(axis=-1)]
    whole = network.outputs(spec, {k: v.astype(np.float64) for k, v in weights.items()}, inputs)
    # Relative to the largest, as in the gate: near zero only the rounding of a sum is left.
    np.testing.assert_allclose(one_by_one, whole[0], rtol=0, atol=1e-12 * np.abs(whole).max())


def test_what_is_drawn_are_the_models_own_probabilities(task):
    spec = tracks.model_of(task, "gru", 1, 4)
    weights = initialisation.initial_weights(task, "gru", 1, 4, 0)
    weights["output.weight"][:] = 0
    weights["output.bias"][:] = -100
    weights["output.bias"][[2, 5]] = np.log([0.8, 0.2])
    prompt = np.array([1, 2, 3])
    for temperature, share in ((1.0, 0.8), (0.5, 0.64 / 0.68)):
        drawn = samples.written(spec, weights, prompt, temperature, "text")
        assert set(drawn) == {2, 5}
        spread = np.sqrt(share * (1 - share) / len(drawn))
        assert np.mean(drawn == 2) == pytest.approx(share, abs=3 * spread)


def test_each_cells_median_model_writes_and_the_others_do_not(results, task):
    assert stage.write_part(results, "text") == 0
    stage.join(results)
    table = layout.read(results, "samples")
    # 2.4 of three; of 2.1 and 2.2 the worse.
    assert set(zip(table["cell"], table["seed"], strict=True)) == {("gru", 2), ("lstm", 1)}
    assert sorted(table["temperature"].unique()) == [0.5, 1]
    (prompt,) = table["prompt"].unique()
    assert plain(prompt) in PARTS["test"]
    assert table["text"].is_unique
    for text in table["text"].map(plain):
        assert len(text) == samples.LENGTH
        assert set(text) <= {*task.alphabet, samples.OTHER}
    before = layout.path(results, "samples").read_bytes()
    stage.write_part(results, "text")
    stage.join(results)
    assert layout.path(results, "samples").read_bytes() == before


def test_a_text_that_changed_since_is_said_and_not_read_by_old_weights(results, task):
    for path in (results / "runs").glob("*.json"):
        path.write_text(path.read_text().replace("my.txt", "other.txt"))
    (results / "other.txt").write_text(LETTERS[::-1])
    assert stage.write_part(results, "text") == 5
    part = stage.part(results, "text")
    assert layout.read(part, "samples").empty
    reasons = layout.read(part, "insides_skipped")["reason"]
    assert reasons.str.contains("other.txt has changed since; run the pipeline again").all()


EVIL = (
    "\\ <script>window.hacked = 1</script>&amp;\r\n\t\x00\x1b[31m\x85\u2028\u202e×é\u0301😀न\u200d"
)


def test_what_a_model_writes_is_one_line_that_nothing_acts_on():
    line = samples.escaped(EVIL)
    assert layout.TABLES["samples"].columns["text"].value(line) == line
    assert line.splitlines() == [line]
    assert not any(c in line for c in "\x00\x1b\x85\u2028\u202e")
    assert line.encode().decode("utf-8").endswith("×é\u0301😀न\u200d")
    assert plain(line).startswith("\\ <script>window.hacked = 1</script>&amp;\\r\n\t\\x00\\x1b[31m")


def section(*rows: dict) -> str:
    tables = reading.Tables(
        {name: pd.DataFrame(columns=list(t.columns)) for name, t in layout.TABLES.items()}
    )
    tables.folder, tables.missing, tables.beside = Path("results"), [], {}
    runs = [{k: row[k] for k in layout.RUN} | {"score": 2.25} for row in rows[::2]]
    for name, own in (("samples", rows), ("runs", runs)):
        tables[name] = pd.DataFrame(list(own), columns=list(layout.TABLES[name].columns))
    tables["tasks"].loc[0, ["task", "metric"]] = "text", "bits per character"
    (html,) = render(tables, "samples")
    return str(html)


def test_the_page_shows_what_each_cell_wrote_and_lets_no_text_act():
    rows = [
        vars(Run("text", "jax", cell, "matched", 3))
        | {"temperature": t, "prompt": r"So it\nwas", "text": samples.escaped(EVIL)}
        for cell in ("lstm", "gru", "rnn", "mgu", "nog") for t in (1.0, 0.5)
    ]  # fmt: skip
    page = section(*rows)
    assert '<span class="prompt">So it\nwas</span>\\ &lt;script&gt;' in page
    assert "<script>" not in page
    assert "&amp;amp;\\r\n\t\\x00\\x1b[31m" in page
    assert not any(c in page for c in "\x00\x1b\x85\u2028\u202e")
    assert "LSTM <small>JAX, seed 3: 2.25 bits per character</small>" in page
    assert page.count("<figure") == 5
    assert "The same in 2 more cells" in page


def test_without_a_text_the_page_has_no_such_section():
    assert section().strip() == ""
