"""The tracks with settings of their own: what they change, and that a command repeats a run."""

import shlex

import numpy as np
import pytest

from harness.commands.command_line import _parser
from harness.commands.train import identity
from harness.errors import UserError
from harness.plan import tracks
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.registry import framework, load_task
from harness.run import learners
from tests.test_configuration import load


def test_a_tracks_settings_stand_above_the_configurations(tmp_path):
    changes = {"adding": {"steps": 7, "clip": 0.5}}
    loaded = load(tmp_path, studies=["clipping"], overrides=changes)
    free = loaded.settings_of(Run("adding", "jax", "gru", "noclip", 0)).budget
    matched = loaded.settings_of(Run("adding", "jax", "gru", "matched", 0)).budget
    assert (free.steps, free.clip) == (7, 0)
    assert (matched.steps, matched.clip) == (7, 0.5)


@pytest.mark.parametrize("name", tracks.own())
def test_the_command_of_a_run_repeats_its_settings(name):
    track = tracks.own()[name]
    for task in {"adding" if t == tracks.EVERY else t for t in track.settings}:
        if load_task(task).missing:
            continue  # no command runs it before its file is fetched
        run = Run(task, "jax", "lstm" if "lstm" in track.cells else "gru", name, 3)
        settings = tracks.applied(resolve(task, {"steps": 9}, ""), run)
        words = shlex.split(settings.command(run, 1))[3:]
        _, again, found = identity(_parser().parse_args(words))
        assert (again, found) == (run, settings)


def test_a_track_without_such_a_run_says_so():
    words = shlex.split("train --task sine --framework jax --cell lstm --track forget0")
    with pytest.raises(UserError, match="forget0 has no run of sine with the lstm"):
        identity(_parser().parse_args(words))


def test_what_the_initial_biases_are():
    def weights(cell: str, track: str) -> dict:
        run = Run("adding", "pytorch", cell, track, 0)
        settings = tracks.applied(resolve("adding", {"hidden": 50}, ""), run)
        return learners.learner(run, settings, framework("pytorch")).initial

    matched, zero, chrono = (weights("lstm", t) for t in ("matched", "forget0", "chrono"))
    assert {n for n in matched if not np.array_equal(matched[n], zero[n])} == {"layers.0.bias"}
    assert not zero["layers.0.bias"].any()
    i, f, g, o = np.split(chrono["layers.0.bias"], 4)
    assert np.array_equal(i, -f)
    assert not g.any()
    assert not o.any()
    assert f.min() >= 0
    assert np.log(50) < f.max() <= np.log(99), "T = 100: every time scale up to the whole sequence"


def test_equal_parameters_are_equal():
    for task, changes in tracks.own()["equalparameters"].settings.items():
        budget = resolve(task, {}, "").budget
        d = resolve(task, {}, "").task.input_size
        lstm = 4 * budget.hidden * (d + budget.hidden + 1)
        gru = 3 * changes["hidden"] * (d + changes["hidden"]) + 4 * changes["hidden"]
        assert gru == pytest.approx(lstm, rel=0.01)


def test_a_value_may_stand_by_cell_and_for_every_task(monkeypatch):
    mine = {
        "both": tracks.Track("it", {"all": {"clip": 2.0, "hidden": {"gru": 9}}}, ("gru", "lstm")),
    }
    monkeypatch.setattr(tracks, "own", lambda: mine)
    assert tracks.overrides(Run("sine", "jax", "gru", "both", 0)) == {"clip": 2.0, "hidden": 9}
    assert tracks.overrides(Run("adding", "jax", "lstm", "both", 0)) == {"clip": 2.0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mine: {what: it, settings: {}}", "tracks.yaml: mine.settings: must not be empty."),
        ("mine: {settings: {adding: {clip: 0}}}", "tracks.yaml: mine: lacks the key 'what'."),
        (
            "My: {what: it, settings: {adding: {clip: 0}}}",
            "tracks.yaml: must be a name of small letters and digits, a letter first, not 'My'.",
        ),
        (
            "adam: {what: it, settings: {adding: {clip: 0}}}",
            "tracks.yaml: adam is a track already; choose another name.",
        ),
        (
            "mine: {what: it, cells: [gruu], settings: {adding: {clip: 0}}}",
            "tracks.yaml: mine.cells: unknown cell 'gruu'; allowed: ",
        ),
    ],
)
def test_what_is_wrong_with_a_track_is_one_sentence(tmp_path, monkeypatch, text, says):
    for path in (tracks.FILE, tracks.FILE.with_suffix(".schema.json")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(tracks, "FILE", tmp_path / "tracks.yaml")
    tracks.FILE.write_text(text)
    with pytest.raises(UserError) as error:
        tracks.own.__wrapped__()
    assert str(error.value).startswith(says)
