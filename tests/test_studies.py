"""The studies: what they plan, what they change, and that a run's command repeats it."""

import shlex

import numpy as np
import pytest

from harness.commands.command_line import _parser
from harness.commands.train import identity
from harness.errors import UserError
from harness.plan import studies
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.registry import framework
from harness.run import learners
from tests.test_configuration import load

ONLY = {"matched": [], "native": [], "factors": []}


def test_a_study_plans_its_own_tasks_and_cells(tmp_path):
    config = {"tracks": ONLY | {"studies": ["forget0", "delay10"]}, "seeds": [0]}
    loaded = load(tmp_path, frameworks=["jax"], **config)
    assert {(r.task, r.cell, r.track) for r in loaded.runs} == {
        ("adding", "lstm", "forget0"),
        ("copying", "lstm", "delay10"),
        ("copying", "gru", "delay10"),
    }
    assert {
        r.track for r in load(tmp_path, tasks="all", tracks=ONLY | {"studies": "all"}).runs
    } == set(studies.studies())
    with pytest.raises(UserError, match=r"tracks\.studies: unknown study 'forget'; allowed: chr"):
        load(tmp_path, tracks={"studies": ["forget"]})


def test_a_studys_settings_stand_above_the_configurations(tmp_path):
    changes = {"adding": {"steps": 7, "clip": 0.5}}
    loaded = load(tmp_path, tracks={"studies": ["noclip"]}, overrides=changes)
    study = loaded.settings_of(Run("adding", "jax", "gru", "noclip", 0)).budget
    matched = loaded.settings_of(Run("adding", "jax", "gru", "matched", 0)).budget
    assert (study.steps, study.clip) == (7, 0)
    assert (matched.steps, matched.clip) == (7, 0.5)


@pytest.mark.parametrize("name", studies.studies())
def test_the_command_of_a_run_repeats_its_settings(name):
    for task in studies.studies()[name].settings:
        run = Run(task, "jax", "lstm" if name != "equalparameters" else "gru", name, 3)
        settings = studies.applied(resolve(task, {"steps": 9}, ""), run)
        words = shlex.split(settings.command(run, 1))[3:]
        _, again, found = identity(_parser().parse_args(words))
        assert (again, found) == (run, settings)


def test_a_study_without_such_a_run_says_so():
    words = shlex.split("train --task sine --framework jax --cell lstm --track forget0")
    with pytest.raises(UserError, match="the study forget0 has no run of sine with the lstm"):
        identity(_parser().parse_args(words))


def test_what_the_initial_biases_are():
    def weights(cell: str, track: str) -> dict:
        run = Run("adding", "pytorch", cell, track, 0)
        settings = studies.applied(resolve("adding", {"hidden": 50}, ""), run)
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
    for task, changes in studies.studies()["equalparameters"].settings.items():
        budget = resolve(task, {}, "").budget
        d = resolve(task, {}, "").task.input_size
        lstm = 4 * budget.hidden * (d + budget.hidden + 1)
        gru = 3 * changes["hidden"] * (d + changes["hidden"]) + 4 * changes["hidden"]
        assert gru == pytest.approx(lstm, rel=0.01)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mine: {what: it, settings: {}}", "studies.yaml: mine.settings: must not be empty."),
        ("mine: {settings: {adding: {clip: 0}}}", "studies.yaml: mine: lacks the key 'what'."),
        (
            "My: {what: it, settings: {adding: {clip: 0}}}",
            "studies.yaml: must be a name of small letters and digits, not 'My'.",
        ),
        (
            "adam: {what: it, settings: {adding: {clip: 0}}}",
            "studies.yaml: adam is a track already; rename the study.",
        ),
        (
            "mine: {what: it, cells: [gruu], settings: {adding: {clip: 0}}}",
            "studies.yaml: mine.cells: unknown cell 'gruu'; allowed: ",
        ),
    ],
)
def test_what_is_wrong_with_a_study_is_one_sentence(tmp_path, monkeypatch, text, says):
    for path in (studies.FILE, studies.FILE.with_suffix(".schema.json")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(studies, "FILE", tmp_path / "studies.yaml")
    studies.FILE.write_text(text)
    with pytest.raises(UserError) as error:
        studies.studies.__wrapped__()
    assert str(error.value).startswith(says)
