"""Tasks whose files are fetched: on small files of the same format, and on the published ones."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from harness.conformance import contract
from harness.errors import UserError
from harness.plan.studies import AXES
from harness.registry import load_task
from tasks import SPLITS, _files
from tasks._music import NAMES
from tests.conftest import FETCHED
from tests.small_files import as_fetched, write_digits, write_songs
from tests.test_configuration import load

MUSIC = ("jsb_chorales", "nottingham")
LENGTHS = {"traindata": (20, 2, 31, 45), "validdata": (12, 25), "testdata": (9, 40, 17)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def songs(folder):
    found = {}
    for task in MUSIC:
        (source,) = _files.SOURCES[task]
        found = write_songs(folder / task / source.name, LENGTHS)
    return found


@pytest.fixture(scope="module")
def digits(folder):
    return write_digits(folder / "mnist", 240, 30)


@pytest.fixture
def small(monkeypatch, folder, songs, digits):
    """The songs, by part; every task takes its small file for the published one."""
    for task in _files.SOURCES:
        as_fetched(monkeypatch, folder, task)
    return songs


@pytest.mark.parametrize("name", [*MUSIC, "mnist"])
def test_it_keeps_the_contract_and_is_documented(small, name):
    assert contract.check_task(name) == []
    assert load_task(name).margin > 0


@pytest.mark.parametrize(("window", "overlap"), [(44, 0), (10, 0), (10, 4), (7, 6)])
def test_every_frame_of_a_song_is_asked_for_once(small, window, overlap):
    task = load_task("nottingham", window=window, overlap=overlap)
    for split in SPLITS:
        inputs, targets, weights = task.examples(split)
        counted = weights == 1
        expected = small[NAMES[split]]
        assert weights.sum() == sum(len(song) - 1 for song in expected)
        # In their order, the frames that count are those of the songs one after the other.
        assert np.array_equal(targets[counted], np.concatenate([s[1:] for s in expected]))
        assert np.array_equal(inputs[counted], np.concatenate([s[:-1] for s in expected]))


def test_a_piece_is_shown_what_comes_before_what_counts(small):
    """Frames 5 and on of the second song again: the first four are shown and do not count."""
    task = load_task("nottingham", window=10, overlap=4)
    inputs, targets, weights = task.examples("test")
    song = small["testdata"][1]
    assert np.array_equal(inputs[1], song[:10])
    assert np.array_equal(inputs[2], song[6:16])
    assert np.array_equal(targets[2], song[7:17])
    assert weights[1].tolist() == [1] * 10
    assert weights[2].tolist() == [0] * 4 + [1] * 6
    assert not inputs[0][8:].any(), "behind the end of the first song"


@pytest.mark.parametrize("mean", ["frames", "sequences"])
def test_the_baselines_are_those_of_a_count_by_hand(small, mean):
    task = load_task("jsb_chorales", mean=mean)
    train = [song.astype(int) for song in small["traindata"]]
    on, seen = np.full((3, 88), 0.5), np.full((3, 88), 1.0)
    for song in train:
        for before, now in pairwise(song):
            for key in range(88):
                for row in (2, before[key]):
                    on[row, key] += now[key]
                    seen[row, key] += 1
    chance = on / seen
    expected = {}
    for name in ("unigram", "note by note"):
        losses = []
        for song in small["testdata"]:
            rows = np.full(song[:-1].shape, 2) if name == "unigram" else song[:-1]
            p = np.take_along_axis(chance, rows.astype(int), axis=0)
            losses.append(-np.log(np.where(song[1:] == 1, p, 1 - p)).sum(axis=1))
        each = [loss.mean() for loss in losses] if mean == "sequences" else np.concatenate(losses)
        expected[name] = np.mean(each)
    found = task.classical_scores(task.examples("train"), task.examples("test"))
    assert found == pytest.approx(expected, rel=1e-6)
    assert task.baseline == found["unigram"]
    assert found["note by note"] < found["unigram"], "notes are held"


def test_training_weighs_frames_alike_whatever_the_score_is_a_mean_over(small):
    frames, sequences = (load_task("nottingham", mean=m) for m in ("frames", "sequences"))
    for one, other in zip(frames.examples("train"), sequences.examples("train"), strict=True):
        assert np.array_equal(one, other)
    weights = sequences.examples("test")[2]
    assert weights.sum() == pytest.approx(len(small["testdata"]))


# Of all frames, and the mean over songs; counted outside of this project.
PUBLISHED = {
    "jsb_chorales": ((229, 76, 77), 4648, (11.091, 11.037), 10.492),
    "nottingham": ((694, 173, 170), 44293, (10.261, 10.125), 5.153),
}


@pytest.mark.parametrize("name", MUSIC)
def test_the_published_file_has_the_known_songs_and_baselines(monkeypatch, name):
    monkeypatch.setenv(_files.FOLDER, str(FETCHED))
    counts, frames, unigram, markov = PUBLISHED[name]
    task = load_task(name)
    if task.missing:
        pytest.skip(f"tasks/{name}.py {task.missing}")
    for split, count in zip(SPLITS, counts, strict=True):
        by_song = replace(task, mean="sequences").examples(split)[2]
        assert by_song.sum() == pytest.approx(count) or split == "train"
    budget, sizes = task.budget, [len(task.examples(split)[0]) for split in SPLITS]
    asked = [budget.train_examples, budget.validation_examples, budget.test_examples]
    assert asked == sizes, "every frame of a part is used"
    assert task.examples("test")[2].sum() == frames
    for mean, expected in zip(("frames", "sequences"), unigram, strict=True):
        own = replace(task, mean=mean)
        found = own.classical_scores(own.examples("train"), own.examples("test"))
        # The last digit depends on how a note is counted that was never seen.
        assert found["unigram"] == pytest.approx(expected, abs=2e-3)
        if mean == "frames":
            assert found["note by note"] == pytest.approx(markov, abs=2e-3)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"window": 0}, "window must be at least 1"),
        ({"window": 8, "overlap": 8}, "overlap must be from 0 to window - 1, not 8"),
        ({"mean": "notes"}, "mean must be one of frames, sequences, not 'notes'"),
    ],
)
def test_what_cannot_be_cut_is_refused(values, says):
    with pytest.raises(UserError, match=says):
        load_task("nottingham", **values)


@pytest.mark.parametrize("permuted", [False, True])
def test_mnist_is_its_files_pixel_by_pixel(small, digits, permuted):
    task = load_task("mnist", permuted=permuted)
    order = np.random.default_rng(1).permutation(784) if permuted else np.arange(784)
    images = digits["train-images-idx3-ubyte.gz"], digits["t10k-images-idx3-ubyte.gz"]
    classes = digits["train-labels-idx1-ubyte.gz"], digits["t10k-labels-idx1-ubyte.gz"]
    parts = {"train": (0, slice(220)), "validation": (0, slice(220, 240)), "test": (1, slice(30))}
    for split, (which, part) in parts.items():
        inputs, targets = task.examples(split)
        expected = images[which][part].reshape(-1, 784)[:, order] / 255
        np.testing.assert_allclose(inputs[..., 0], expected, rtol=1e-6)
        assert np.array_equal(targets, classes[which][part])


@pytest.mark.parametrize("name", [*MUSIC, "mnist"])
def test_without_its_file_it_is_left_out_and_says_how_to_get_it(tmp_path, name):
    assert name not in AXES["tasks"][2]()
    with pytest.raises(UserError) as error:
        load(tmp_path, tasks=[name])
    first = _files.paths(name)[0]
    assert str(error.value) == (
        f"--config: tasks: tasks/{name}.py needs the file {first}, which is not there: "
        f"python -m harness fetch {name}."
    )


def test_a_file_that_was_changed_is_not_taken(small, folder, monkeypatch, tmp_path):
    task = load_task("jsb_chorales")
    (path,) = task.files
    assert not task.missing
    content = path.read_bytes()
    changed = tmp_path / "jsb_chorales" / path.name
    changed.parent.mkdir()
    monkeypatch.setenv(_files.FOLDER, str(tmp_path))
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert task.missing.startswith(f"needs another file than {changed}, which has the SHA-256 ")
    assert task.missing.endswith(": python -m harness fetch jsb_chorales")
    changed.write_bytes(content + b"x")
    assert f"has {len(content) + 1:,} bytes instead of {len(content):,}" in task.missing
