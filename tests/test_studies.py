"""The studies: what they plan, how a configuration cuts them down, and what they cost."""

from collections import Counter

import pandas as pd
import pytest

from harness import layout
from harness.errors import UserError
from harness.plan import asked, cost, studies
from tests.test_configuration import load


def cells_of(loaded, study: str) -> Counter:
    return Counter((run.task, run.framework, run.cell, run.track) for run in loaded.studies[study])


def test_a_run_that_two_studies_want_is_made_once(tmp_path):
    loaded = load(tmp_path, studies=["cells", "forget_bias"])
    shared = set(loaded.studies["cells"]) & set(loaded.studies["forget_bias"])
    assert {(run.task, run.cell, run.track) for run in shared} == {
        ("adding", "lstm", "matched"), ("adding", "gru", "matched"),
    }  # fmt: skip
    assert len(loaded.runs) == len(set(loaded.runs))
    assert set(loaded.runs) == {run for runs in loaded.studies.values() for run in runs}


def test_what_is_named_cuts_every_study_down(tmp_path):
    whole = load(tmp_path)
    cut = load(tmp_path, tasks=["adding"], seeds=[0])
    assert set(cut.runs) == {r for r in whole.runs if r.task == "adding" and r.seed == 0}
    assert not cut.studies["counting"]


def test_an_open_axis_gives_way_and_a_closed_one_does_not(tmp_path):
    loaded = load(tmp_path, tasks=["digits"], frameworks=["pytorch"], studies=["cells", "counting"])
    assert {key[:2] for key in cells_of(loaded, "cells")} == {("digits", "pytorch")}
    assert not loaded.studies["counting"]
    loaded = load(tmp_path, cells=["gru", "rnn"], studies=["clipping", "cells"])
    assert {key[2] for key in cells_of(loaded, "clipping")} == {"gru"}
    assert {key[2] for key in cells_of(loaded, "cells")} == {"gru", "rnn"}


def test_questions_about_cells_are_asked_in_one_framework(tmp_path):
    loaded = load(tmp_path)
    assert {key[1] for key in cells_of(loaded, "cells")} == {"jax"}
    seeds = {key[0]: n for key, n in cells_of(loaded, "cells").items()}
    assert seeds == {"adding": 20, "copying": 10, "sine": 10}
    assert {key[1] for key in cells_of(loaded, "frameworks")} == {"jax", "pytorch", "tensorflow"}
    assert set(cells_of(loaded, "frameworks").values()) == {5}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seeds": [77]}, "seeds: no study of this configuration (cells) has a run of seed 77;"),
        ({"tracks": ["delay10"]}, "tracks: no study of this configuration (cells) has a run of"),
        ({"studies": ["cell"]}, "studies: unknown study 'cell'; allowed: "),
        ({"studies": []}, "studies: must not be empty."),
        ({"tracks": ["mached"]}, "tracks: unknown track 'mached'; allowed: "),
        ({"tasks": ["csv"]}, "tasks: tasks/csv.py has no data: set its path"),
    ],
)
def test_what_no_study_has_is_one_sentence(tmp_path, changes, says):
    with pytest.raises(UserError) as error:
        load(tmp_path, **{"studies": ["cells"]} | changes)
    assert says in str(error.value)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mine: {question: why}", "studies.yaml: mine: lacks the key 'seeds'."),
        ("mine: {question: why, seeds: 1, tasks: all}", "studies.yaml: mine: lacks the key 'fram"),
        ("mine: {question: why, seeds: 0}", "studies.yaml: mine.seeds: must be at least 1, not 0."),
        (
            "mine: {question: y, seeds: 1, tasks: [a], frameworks: all, cells: all, tracks: [x]}",
            "studies.yaml: mine.tasks: unknown task 'a'; allowed: ",
        ),
        (
            "mine: {question: y, seeds: 1, tasks: {only: all}, frameworks: all, cells: all}",
            'studies.yaml: mine.tasks: must be "all" or a list of names, not',
        ),
    ],
)
def test_what_is_wrong_with_a_study_is_one_sentence(tmp_path, monkeypatch, text, says):
    schema = studies.FILE.with_suffix(".schema.json")
    (tmp_path / schema.name).write_bytes(schema.read_bytes())
    monkeypatch.setattr(studies, "FILE", tmp_path / "studies.yaml")
    studies.FILE.write_text(text)
    with pytest.raises(UserError) as error:
        studies.studies.__wrapped__()
    assert str(error.value).startswith(says)


def test_a_study_costs_what_such_runs_cost_before(tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "REFERENCE", tmp_path / "none")
    loaded = load(tmp_path, studies=["cells"], tasks=["adding"], cells=["gru"], seeds=[0, 1])
    minutes = cost.core_minutes(loaded.studies, loaded.settings_of, tmp_path)
    assert pd.isna(minutes["cells"])
    known = {
        "task": "adding", "framework": "jax", "cell": "gru", "track": "matched", "status": "ok",
        "baseline": 1, "solved_at": 0.5, "steps": 1200, "threads": 1, "machine": 0,
        "gflop": cost.gflop("gru", loaded.settings["adding", "gru"]), "total_seconds": 30.0,
    }  # fmt: skip
    layout.write(tmp_path, "runs", [known | {"seed": s, "set_steps": "1200"} for s in (7, 8)])
    minutes = cost.core_minutes(loaded.studies, loaded.settings_of, tmp_path)
    assert minutes["cells"] == pytest.approx(1.0)
    half = load(
        tmp_path, studies=["cells"], tasks=["adding"], cells=["gru"], seeds=[0],
        overrides={"adding": {"steps": 600}},
    )  # fmt: skip
    minutes = cost.core_minutes(half.studies, half.settings_of, tmp_path)
    assert minutes["cells"] == pytest.approx(0.25)


def test_the_plan_says_which_runs_a_study_wants(tmp_path):
    loaded = load(tmp_path, studies=["clipping"], seeds=[0])
    asked.write_plan(tmp_path, loaded.runs, [], studies=loaded.studies)
    assert set(asked.read_plan(tmp_path)["studies"]["clipping"]) == {
        f"adding-jax-{cell}-{track}-seed0"
        for cell in ("lstm", "gru") for track in ("matched", "noclip")
    }  # fmt: skip
