"""The reference and the verification, on small tables of known truth."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.folders import agreement, foreign, outcome, reference_results, verification
from analysis.tables import stage
from harness import documents
from harness.errors import UserError
from harness.plan import settings
from harness.plan.run import Run
from harness.registry import load_task
from harness.run.records import write, write_arrays
from tasks.adding import Adding
from tasks.copying import Copying
from tests.conftest import ROOT
from tests.test_claims import LEDGER
from tests.test_report import record

TASKS = ("adding", "copying", "sine")
GENERATION = "vendor_id A cpu family 25 model 17"


def folder(path: Path, seeds: int = 10, scale: float = 1.0, **changes: object) -> Path:
    """Results of one method on the default tasks, solved, with noise of a known size."""
    for task in TASKS:
        for seed in range(seeds):
            run = Run(task, "pytorch", "gru", "matched", seed)
            noise = float(np.random.default_rng(seed).normal())
            score = 1 - 0.001 * scale * noise if task == "copying" else 1e-3 + 1e-5 * scale * noise
            found = record(run, score)
            found |= {
                "losses_sha256": f"{seed:x}".zfill(64),
                "steps_to_solve": 500 + 50 * (seed % 2),
                "versions": {"python": "3.11.7", "torch": "2.13.0"},
                "machine": {
                    "processor": "A", "generation": GENERATION, "cores": 2, "memory_gb": 8.0,
                    "system": "Linux",
                },
            }  # fmt: skip
            for name, value in changes.items():
                found[name] = value(found) if callable(value) else value
            write(run.path(path), found)
            losses = np.float32(np.linspace(1, 0, 16) + 0.01 * seed)
            write_arrays(run.path(path), {}, {}, {"losses": losses, "gradient_norms": losses})
    with pytest.MonkeyPatch.context() as patch:
        # Nine tenths of the time, and nothing here reads what methods without a network reach.
        patch.setattr(stage.tasks, "classical", lambda found: [])
        stage.write(path)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return folder(tmp_path_factory.mktemp("made") / "results")


@pytest.fixture(scope="module")
def reference(made, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("reference") / "reference"
    reference_results.make(made, target, "a command")
    return target


def verdicts(results: Path, item: str, check: str) -> dict[str, str]:
    table = pd.read_csv(results / "verify.csv", keep_default_na=False)
    mine = table[(table["item"] == item) & (table["check"] == check)]
    return dict(zip(mine["task"], mine["verdict"], strict=True))


def test_scores_are_judged_by_each_tasks_margin_whatever_the_reference_knows(
    made, reference, tmp_path, monkeypatch
):
    assert "margin" in pd.read_csv(made / "tasks.csv")
    old = shutil.copytree(reference, tmp_path / "old")
    known = pd.read_csv(old / "tasks.csv").drop(columns="margin")
    known.to_csv(old / "tasks.csv", index=False)
    monkeypatch.setattr(Adding, "margin", 0.5)
    monkeypatch.setattr(Copying, "margin", None)
    mine = folder(
        tmp_path / "mine", losses_sha256="e" * 64, kernel="another",
        score=lambda r: r["score"] + (0.4 if r["task"] == "adding" else 0),
    )  # fmt: skip
    verification.verify(mine, old)
    assert verdicts(mine, "equivalence", "score") == {
        "adding": "equal", "copying": "not applicable", "sine": "equal",
    }  # fmt: skip


def test_steps_are_judged_as_the_claims_judge_them():
    assert agreement.load_rules().steps_margin == LEDGER.margins["steps_to_solve"]


def test_rules_that_are_wrong_are_named(tmp_path):
    path = tmp_path / "verify.yaml"
    path.write_text(agreement.RULES.read_text().replace("alpha: 0.05", "alpha: 0.5"))
    with pytest.raises(UserError, match=r"verify\.yaml: alpha: must be at most 0\.05, not 0\.5"):
        agreement.load_rules(path)


def test_a_reference_has_the_tables_and_says_what_it_is_of(reference):
    names = {path.name for path in reference.iterdir()}
    assert {"runs.csv", "losses.csv", "machines.csv", "tasks.csv", "reference.json"} <= names
    assert "curves.csv" not in names
    about = json.loads((reference / "reference.json").read_text())
    assert about["versions"] == {"python": ["3.11.7"], "torch": ["2.13.0"]}
    assert about["machines"][0]["generation"] == GENERATION
    assert (about["runs"], len(about["seeds"]), about["command"]) == (30, 10, "a command")


def test_the_kept_reference_is_of_the_rules_as_they_are():
    """Who changes a rule makes the reference anew, or the verdicts in it are of other rules."""
    for path in reference_results.FOLDER.rglob("reference.json"):
        names = ("runs", "studies", "claims")
        tables = {name: pd.read_csv(path.parent / f"{name}.csv") for name in names}
        rules = reference_results.rules_in_force(tables)
        assert json.loads(path.read_text())["rules"] == rules


@pytest.mark.parametrize("file", ["rates", "tracks", "studies", "claims"])
def test_only_a_rule_of_its_own_makes_a_reference_old(monkeypatch, file):
    read = documents.read

    def rules(names: list[str], margin: float = 1.25, **content: object) -> dict[str, str]:
        given = content
        if file == "claims":
            listed = [{"id": n, "group": n[:3], "rule": rule} for n, rule in content.items()]
            given = {"margins": {"steps": margin}, "claims": listed}
        monkeypatch.setattr(
            documents, "read", lambda path: given if path.stem == file else read(path)
        )
        monkeypatch.setattr(settings, "rates", lambda: given)
        mine = dict.fromkeys(("rates", "tracks", "studies"), pd.Series(dtype=str))
        mine[file] = pd.Series(names)
        tested = [("not tested", "holds")[name in names] for name in content]
        return reference_results.rules_in_force({
            "runs": pd.DataFrame({"task": mine["rates"], "track": mine["tracks"]}),
            "studies": pd.DataFrame({"study": mine["studies"]}),
            "claims": pd.DataFrame({"claim": list(content), "verdict": tested}),
        })  # fmt: skip

    before = rules(["one"], one={"lstm": 0.03})
    both = {"one": {"lstm": 0.03}, "another": {"lstm": 0.01}}
    assert rules(["one"], **both) == before
    assert rules(["one", "another"], **both) != before
    assert rules(["one"], one={"lstm": 0.01}) != before
    of_claims = file == "claims"
    assert (rules(["one"], margin=1.1, one={"lstm": 0.03}) != before) == of_claims
    # Holm's correction is over the claims of a group, here those with the same first letters.
    assert (rules(["one"], **both, oneself={"lstm": 0.03}) != before) == of_claims


def test_a_parameter_that_a_task_got_later_has_its_default(made, reference, tmp_path):
    """A reference does not know it: its runs are those of the default, and of no other value."""
    old = shutil.copytree(reference, tmp_path / "old")
    known = pd.read_csv(old / "runs.csv", dtype=str).drop(columns="set_delay")
    known.to_csv(old / "runs.csv", index=False)
    mine = shutil.copytree(made, tmp_path / "mine")
    runs = pd.read_csv(mine / "runs.csv", dtype=str)
    for delay, verdict in ((load_task("copying").delay, "same"), (7, None)):
        runs["set_delay"] = runs["task"].map({"copying": str(delay)})
        runs.to_csv(mine / "runs.csv", index=False)
        verification.verify(mine, old)
        assert verdicts(mine, "exact", "data").get("copying") == verdict


def test_a_reference_of_too_few_seeds_or_with_failed_runs_is_refused(tmp_path):
    few = folder(tmp_path / "few", seeds=4)
    with pytest.raises(UserError, match=r"adding pytorch gru matched has 4 seeds.*at least 5"):
        reference_results.make(few, tmp_path / "target")
    failed = folder(
        tmp_path / "failed",
        status=lambda r: "failed" if (r["task"], r["seed"]) == ("sine", 3) else "ok",
    )
    with pytest.raises(UserError, match=r"1 of its runs did not end \(sine pytorch gru matched 3"):
        reference_results.make(failed, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_only_the_reference_of_all_needs_every_task(tmp_path, monkeypatch):
    mine = folder(tmp_path / "mine", seeds=5)
    for name in ("runs", "losses"):
        table = pd.read_csv(mine / f"{name}.csv", dtype=str, keep_default_na=False)
        table[table["task"] == "adding"].to_csv(mine / f"{name}.csv", index=False)
    assert reference_results.make(mine, tmp_path / "beside")["tasks"] == ["adding"]
    monkeypatch.setattr(reference_results, "FOLDER", tmp_path / "all")
    with pytest.raises(UserError, match=r"no run of copying, sine; a reference has all of"):
        reference_results.make(mine, tmp_path / "all")


def test_the_same_results_are_verified_bit_for_bit(made, reference, tmp_path, capsys):
    mine = shutil.copytree(made, tmp_path / "mine")
    found = verification.verify(mine, reference)
    assert found["verdict"] == "verified"
    assert verdicts(mine, "equivalence", "score") == dict.fromkeys(TASKS, "identical")
    assert verdicts(mine, "exact", "losses") == dict.fromkeys(TASKS, "same")
    assert outcome.say_verified(mine) == 0
    assert "Verdict: verified" in capsys.readouterr().out


def test_fewer_seeds_than_a_test_needs_are_identical_but_never_equal(reference, tmp_path):
    same = folder(tmp_path / "same", seeds=2)
    assert verification.verify(same, reference)["verdict"] == "verified"
    noisy = folder(tmp_path / "noisy", seeds=4, scale=1.5, losses_sha256="e" * 64,
                   git_commit="other", kernel="another")  # fmt: skip
    found = verification.verify(noisy, reference)
    assert verdicts(noisy, "equivalence", "score") == dict.fromkeys(TASKS, "too few seeds")
    assert found["verdict"] == "verified", "what was not tested fails nothing"


def test_another_processor_is_compared_by_equivalence_and_named(reference, tmp_path):
    machine = {
        "processor": "B", "generation": "vendor_id B", "cores": 8, "memory_gb": 8.0,
        "system": "Linux",
    }  # fmt: skip
    mine = folder(tmp_path / "mine", scale=1.5, losses_sha256="e" * 64, machine=machine)
    found = verification.verify(mine, reference)
    assert verdicts(mine, "exact", "losses") == dict.fromkeys(TASKS, "not applicable")
    assert verdicts(mine, "exact", "data") == dict.fromkeys(TASKS, "same")
    assert verdicts(mine, "equivalence", "score") == dict.fromkeys(TASKS, "equal")
    assert found["verdict"] == "verified"
    assert "processor B here, A there" in found["differs"]


def test_other_losses_on_the_same_processor_fail(reference, tmp_path, capsys):
    mine = folder(tmp_path / "mine", losses_sha256="e" * 64)
    found = verification.verify(mine, reference)
    assert found["verdict"] == "not verified"
    assert verdicts(mine, "exact", "losses") == dict.fromkeys(TASKS, "different")
    assert outcome.say_verified(mine) == 1
    assert "exact, losses of adding pytorch gru matched: different" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "task", "check", "verdict"),
    [
        ({"score": lambda r: r["score"] + (0.5 if r["task"] == "sine" else 0)},
         "sine", "score", "worse"),
        ({"score": lambda r: r["score"] - (0.05 if r["task"] == "copying" else 0)},
         "copying", "score", "worse"),
        ({"score": lambda r: r["score"] + (0.05 if r["task"] == "copying" else 0)},
         "copying", "score", "better"),
        ({"steps_to_solve": 200}, "adding", "steps_to_solve", "better"),
        ({"steps_to_solve": 1100}, "adding", "steps_to_solve", "worse"),
        ({"steps_to_solve": lambda r: 250 + 100 * r["seed"]},
         "adding", "steps_to_solve", "within rounding"),
        # Of one framework, whose ten pairs are too few for ranks, all tasks together.
        ({"steps_to_solve": None}, "", "steps_to_solve", "worse"),
        ({"steps_to_solve": lambda r: None if r["seed"] == 3 else 500},
         "adding", "steps_to_solve", "within rounding"),
    ],
)  # fmt: skip
def test_what_is_not_equal_fails(reference, tmp_path, changes, task, check, verdict):
    """Beyond the margin in the better direction too: a leak, or another task."""
    mine = folder(tmp_path / "mine", losses_sha256=None, **changes)
    found = verification.verify(mine, reference)
    assert verdicts(mine, "equivalence", check)[task] == verdict
    assert found["items"]["equivalence"]["passed"] == (verdict not in verification.FAIL)


@pytest.mark.parametrize(
    ("here", "there", "verdict"),
    [
        ((5, 1.0), (5, 1.0), "equal"),
        ((5, 1.0), (6, 1.0), "within rounding"),
        ((0, 1.0), (0, 1.0), "equal"),
        ((0, 1.0), (4, 1.0), "within rounding"),
        ((0, 1.0), (10, 1.0), "worse"),
        ((10, 0.5), (9, 1.0), "better"),
    ],
)  # fmt: skip
def test_steps_to_solve_where_not_every_run_solves(here, there, verdict):
    """By how many of ten runs solve, and how much sooner than the others."""
    steps = [
        np.array([scale * (500 + 10 * seed) if seed < n else np.nan for seed in range(10)])
        for n, scale in (here, there)
    ]
    runs = pd.DataFrame({
        "task": "adding", "framework": "jax", "cell": "gru", "track": "matched", "seed": range(10),
        "status": "ok", "score": 0.1, "steps_to_solve": steps[1],
    })  # fmt: skip
    both = runs.assign(
        status_there="ok", score_there=0.1, losses_sha256="a", losses_sha256_there="b",
        steps_to_solve=steps[0], steps_to_solve_there=steps[1],
    )  # fmt: skip
    rows = agreement.equivalence(both, runs, {"adding": False}, agreement.load_rules())
    assert [r["verdict"] for r in rows if r["check"] == "steps_to_solve"] == [verdict]


def test_what_rounding_explains_passes_without_being_equal(reference, tmp_path):
    """Scores that scatter by five margins about the same mean, on another processor."""

    def scattered(run):
        return run["score"] + (0.05 * (-1) ** run["seed"] if run["task"] == "copying" else 0)

    mine = folder(tmp_path / "mine", seeds=6, score=scattered, losses_sha256="e" * 64,
                  git_commit="other", kernel="another")  # fmt: skip
    assert verification.verify(mine, reference)["verdict"] == "verified"
    assert verdicts(mine, "equivalence", "score")["copying"] == "within rounding"


def test_other_losses_fail_before_any_score_does(made, reference, tmp_path):
    """On another kind of processor, where no digest can tell."""
    mine, theirs = (shutil.copytree(at, tmp_path / at.name) for at in (made, reference))
    losses, runs = pd.read_csv(mine / "losses.csv"), pd.read_csv(theirs / "runs.csv", dtype=str)
    # The same runs of a second framework show what rounding does: nothing.
    tables = {"losses": pd.read_csv(theirs / "losses.csv"), "runs": runs}
    for name, table in tables.items():
        both = pd.concat([table, table.assign(framework="jax")])
        both.to_csv(theirs / f"{name}.csv", index=False)
    machines = pd.read_csv(mine / "machines.csv").assign(generation="another")
    machines.to_csv(mine / "machines.csv", index=False)
    assert verification.verify(mine, theirs)["verdict"] == "verified"
    assert verdicts(mine, "training", "first losses") == dict.fromkeys(TASKS, "identical")
    wrong = (losses["task"] == "sine") & (losses["step"] > 1)
    losses.loc[wrong, "loss"] *= 1.001
    losses.to_csv(mine / "losses.csv", index=False)
    found = verification.verify(mine, theirs)
    assert found["failures"] == [
        "training, first losses of sine pytorch gru matched: different (step 2: the gradient, its "
        "clipping or the update differ)"
    ]
    assert found["items"]["training"]["passed"] is False


def test_a_reference_without_losses_is_no_error(made, reference, tmp_path):
    mine = shutil.copytree(made, tmp_path / "mine")
    old = shutil.copytree(reference, tmp_path / "old")
    (old / "losses.csv").unlink()
    found = verification.verify(mine, old)
    assert found["verdict"] == "verified"
    assert found["items"]["training"] == {"passed": None, "verdicts": {}}
    assert (
        "the losses of the first steps: no losses.csv there, not compared"
        in (found["not_compared"])
    )


def test_other_data_or_parameters_fail(reference, tmp_path):
    data = folder(tmp_path / "data", data_sha256={"train": "f" * 64, "test": "b" * 64})
    assert verification.verify(data, reference)["verdict"] == "not verified"
    assert set(verdicts(data, "exact", "data").values()) == {"different"}
    counts = folder(tmp_path / "counts", parameters={"total": 16_999, "by_name": {}})
    assert verification.verify(counts, reference)["verdict"] == "not verified"
    assert set(verdicts(counts, "exact", "parameters").values()) == {"different"}


def test_a_run_that_diverged_here_alone_is_not_equal(reference, tmp_path):
    def ended(found):
        return found["seed"] == 2

    mine = folder(
        tmp_path / "mine", losses_sha256=None,
        status=lambda r: "diverged" if ended(r) else "ok",
        score=lambda r: None if ended(r) else r["score"],
        solved=lambda r: None if ended(r) else True,
        steps_to_solve=lambda r: None if ended(r) else r["steps_to_solve"],
    )  # fmt: skip
    verification.verify(mine, reference)
    assert set(verdicts(mine, "equivalence", "score").values()) == {"not shown"}


def test_other_settings_are_named_and_nothing_compared_is_no_success(reference, tmp_path, capsys):
    mine = folder(tmp_path / "mine", settings=lambda r: r["settings"] | {"hidden": 8})
    found = verification.verify(mine, reference)
    assert found["verdict"] == "nothing compared"
    assert (
        "adding pytorch gru matched: other settings (hidden 8 here, 64 there), not compared"
        in found["not_compared"]
    )
    assert outcome.say_verified(mine) == 2
    assert "No run here has the settings" in capsys.readouterr().out


def test_claims_and_speed_inform_without_failing(made, reference, tmp_path):
    mine = shutil.copytree(made, tmp_path / "mine")
    theirs = shutil.copytree(reference, tmp_path / "theirs")
    for place, verdict, low, high in ((mine, "supported", 0.7, 0.8), (theirs, "refuted", 1.1, 1.3)):
        claim = {
            "claim": "a-claim", "verdict": verdict, "framework": "jax", "task": "", "case": "",
            "effect": 1.0,
        }  # fmt: skip
        # Nothing can be said of what one of them did not test.
        only = claim | {"claim": "another", "verdict": "not tested" if place == mine else verdict}
        pd.DataFrame([claim, only]).to_csv(place / "claims.csv", index=False)
        pd.DataFrame([{"shape": "reference", "kind": "cells", "numerator": "jax/gru",
                       "denominator": "jax/lstm", "ratio": (low + high) / 2, "low": low,
                       "high": high}]).to_csv(place / "speed_ratios.csv", index=False)  # fmt: skip
    found = verification.verify(mine, theirs)
    assert found["verdict"] == "verified"
    assert found["items"]["claims"]["passed"] is None
    assert found["items"]["claims"]["verdicts"] == {"other verdict": 1, "not applicable": 1}
    assert found["items"]["speed"]["verdicts"] == {"apart": 1}


def test_the_commands_end_with_their_status(made, reference, tmp_path):
    def harness(*words: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "harness", *map(str, words)]
        return subprocess.run(line, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True,
                              check=False)  # fmt: skip

    mine = shutil.copytree(made, tmp_path / "mine")
    good = harness("verify", "--results", mine, "--reference", reference)
    assert (good.returncode, good.stderr) == (0, "")
    assert foreign.read(mine)["runs"]["seed"].nunique() == 10
    bad = folder(tmp_path / "bad", parameters={"total": 1, "by_name": {}})
    assert harness("verify", "--results", bad, "--reference", reference).returncode == 1
    none = harness("verify", "--results", mine, "--reference", tmp_path / "none")
    assert none.returncode == 2
    assert "there is no reference" in none.stderr
