"""Two results folders side by side, on small tables of known truth."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.folders import compare, outcome, unmatched
from harness.errors import UserError
from harness.plan.configuration import load
from report.tables import read
from tests.test_configuration import default
from tests.test_verify import folder


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Path:
    return folder(tmp_path_factory.mktemp("here") / "results")


@pytest.fixture(scope="module")
def there(tmp_path_factory) -> Path:
    """The same machine a version later: scores 0.002 higher, training twice as fast."""
    return folder(
        tmp_path_factory.mktemp("there") / "a later version",
        losses_sha256="e" * 64, versions={"python": "3.11.7", "torch": "2.14.0"},
        git_commit="f" * 40 + "+changes",
        score=lambda r: r["score"] + 0.002,
        seconds=lambda r: r["seconds"] | {"training": 11.5, "first_chunk": 0.5},
    )  # fmt: skip


@pytest.fixture
def mine(here, tmp_path) -> Path:
    return shutil.copytree(here, tmp_path / "mine")


def rows(results: Path, check: str) -> pd.DataFrame:
    table = pd.read_csv(results / "compare.csv")
    return table[(table["check"] == check) & table["task"].notna()].set_index("task")


def test_differences_stand_with_intervals_and_what_differs_is_named(mine, there):
    found = compare.compare(mine, there)
    score = rows(mine, "score")
    assert score["effect"].to_numpy() == pytest.approx([-0.002] * 3)
    assert (score["low"] <= score["effect"]).all()
    assert (score["effect"] <= score["high"]).all()
    # The margins of copying and sine are wider.
    assert dict(score["verdict"]) == {"adding": "better", "copying": "equal", "sine": "equal"}
    assert not score["detail"].str.contains("leak").any(), "a word of the verification"
    table = pd.read_csv(mine / "compare.csv")
    together = table[table["task"].isna() & (table["check"] == "score")]
    assert list(together["verdict"]) == ["better"], "all tasks of the one framework"
    assert rows(mine, "training")["effect"].to_numpy() == pytest.approx([2.0] * 3)
    assert set(rows(mine, "losses")["verdict"]) == {"not applicable"}
    assert "torch 2.13.0 here, 2.14.0 there" in found["differs"]
    assert "commit 0123456789ab+changes here, ffffffffffff+changes there" in found["differs"]
    assert (found["verdict"], found["folder"]) == ("compared", "a later version")
    assert {item["passed"] for item in found["items"].values()} == {None}
    assert found["not_compared"] == []
    assert read(mine).beside["compare"] == ("current", found)


def test_what_only_one_side_has_is_named_once(mine, here, tmp_path):
    theirs = shutil.copytree(here, tmp_path / "theirs")
    runs = pd.read_csv(theirs / "runs.csv", dtype=str, keep_default_na=False)
    more = runs[runs["task"] == "sine"].assign(framework="jax")
    sine = (runs["task"] == "sine").to_numpy()
    runs.loc[sine, "set_hidden"] = "51"
    runs = runs[(runs["task"] != "adding") & (runs["seed"].astype(int) < 7)]
    pd.concat([runs, more]).to_csv(theirs / "runs.csv", index=False)
    found = compare.compare(mine, theirs)
    assert found["not_compared"] == [
        "task adding: only here (1 method), not compared",
        "framework jax: only there (1 method), not compared",
        "sine pytorch gru matched: other settings (hidden 50 here, 51 there), not compared",
        "seeds 7 to 9 of 2 methods: only here, not compared",
    ]
    assert list(rows(mine, "score")["n"]) == [7]
    assert set(rows(mine, "score").index) == {"copying"}


def test_few_seeds_have_an_interval_and_no_verdict(mine, there, tmp_path):
    few = folder(tmp_path / "few", seeds=3, scale=2.0, losses_sha256="e" * 64)
    compare.compare(few, mine)
    score = rows(few, "score")
    assert set(score["verdict"]) == {"too few seeds"}
    assert (score["low"] < score["high"]).all()


def test_another_metric_is_no_score_to_compare(mine, here, tmp_path):
    theirs = shutil.copytree(here, tmp_path / "theirs")
    tasks = pd.read_csv(theirs / "tasks.csv")
    tasks.loc[tasks["task"] == "sine", "metric"] = "mean absolute error"
    tasks.to_csv(theirs / "tasks.csv", index=False)
    compare.compare(mine, theirs)
    assert rows(mine, "metric").loc["sine", "verdict"] == "different"
    assert set(rows(mine, "score").index) == {"adding", "copying"}


def test_nothing_in_common_is_said_and_no_error(mine, there, tmp_path, capsys):
    other = folder(tmp_path / "other", settings=lambda r: r["settings"] | {"hidden": 8})
    found = compare.compare(mine, other)
    assert found["verdict"] == "nothing compared"
    outcome.say_compared(mine)
    said = capsys.readouterr().out
    assert "nothing to compare" in said
    assert "sine pytorch gru matched: other settings (hidden 50 here, 8 there)" in said


def clock(times: dict[str, float], hidden: int = 8) -> pd.DataFrame:
    return pd.DataFrame([
        {"shape": "small", "batch": 4, "sequence_length": 3, "input_size": 2, "hidden": hidden,
         "layers": 1, "framework": "jax", "kernel": "manual", "cell": cell, "phase": "step",
         "median_ms": ms, "low_ms": ms / 1.1, "high_ms": ms * 1.1}
        for cell, ms in times.items()
    ])  # fmt: skip


def test_the_clocks_times_are_set_side_by_side_where_the_sizes_are_the_same(mine, here, tmp_path):
    theirs = shutil.copytree(here, tmp_path / "theirs")
    ratio = {"shape": "small", "kind": "cells", "numerator": "jax/gru", "denominator": "jax/lstm",
             "ratio": 0.8, "low": 0.7, "high": 0.9}  # fmt: skip
    for place, times in ((mine, {"gru": 2.0, "lstm": 1.0}), (theirs, {"gru": 1.0, "lstm": 1.0})):
        clock(times).to_csv(place / "timing.csv", index=False)
        pd.DataFrame([ratio]).to_csv(place / "speed_ratios.csv", index=False)
    compare.compare(mine, theirs)
    step = pd.read_csv(mine / "compare.csv").query("check == 'step'").set_index("cell")
    assert dict(step["verdict"]) == {"gru": "apart", "lstm": "not apart"}
    assert step.loc["gru", "low"] == pytest.approx(2 / 1.1 ** np.sqrt(2))
    clock({"gru": 1.0}, hidden=16).to_csv(theirs / "timing.csv", index=False)
    found = compare.compare(mine, theirs)
    assert "the clock's shape small: other sizes, not compared" in found["not_compared"]
    assert found["items"]["speed"]["verdicts"].get("not apart", 0) == 3, "seconds of training"
    (theirs / "timing.csv").unlink()
    found = compare.compare(mine, theirs)
    assert "2 × time of the clock: only here, not compared" in found["not_compared"]


def test_an_imported_folder_is_foreign_input(mine, here, tmp_path):
    theirs = shutil.copytree(here, tmp_path / "theirs")
    secret = tmp_path / "secret.csv"
    secret.write_text("claim,verdict,framework,task,case,effect\n")
    (theirs / "claims.csv").symlink_to(secret)
    with pytest.raises(UserError, match=r"claims\.csv: cannot be read \(is a link"):
        compare.compare(mine, theirs)
    (theirs / "claims.csv").unlink()
    os.mkfifo(theirs / "claims.csv")
    with pytest.raises(UserError, match=r"claims\.csv: is not a regular file"):
        compare.compare(mine, theirs)
    (theirs / "claims.csv").unlink()
    text = (theirs / "runs.csv").read_text()
    (theirs / "runs.csv").write_text(text.replace(",pytorch,", ",../../etc,", 1))
    with pytest.raises(UserError, match=r"row 2, framework: '\.\./\.\./etc' is not a name"):
        compare.compare(mine, theirs)
    (theirs / "runs.csv").write_text(text.splitlines()[0] + "\n")
    with pytest.raises(UserError, match=r"runs\.csv: has no rows"):
        compare.compare(mine, theirs)
    assert not (mine / "compare.json").exists()


def test_a_folder_is_not_compared_with_itself(mine, tmp_path):
    (tmp_path / "link").symlink_to(mine)
    with pytest.raises(UserError, match="is the results folder itself"):
        compare.compare(mine, tmp_path / "link")


def test_the_command_informs_and_ends_with_success(mine, there, capsys):
    assert main(["compare", "--results", str(mine), "--other", str(there)]) == 0
    assert main(["compare", "--results", str(mine), "--other", str(mine / "nowhere")]) == 2
    said = capsys.readouterr()
    assert "torch 2.13.0 here, 2.14.0 there" in said.out
    assert said.err == f"{mine / 'nowhere'}: is not a folder; name a results folder.\n"


def test_the_configuration_says_what_is_no_results_folder(there, tmp_path):
    config = default() | {"results": str(tmp_path / "mine")}
    assert load(config, [], {}).other is None
    assert load(config | {"other": None}, [], {}).other is None, "make compare without OTHER"
    assert load(config | {"other": str(there)}, [], {}).other == there
    with pytest.raises(UserError, match=r"other: .*nowhere is no results folder: it has no runs"):
        load(config | {"other": str(tmp_path / "nowhere")}, [], {})
    with pytest.raises(UserError, match=r"other: must be a text or nothing, not \['a'\]"):
        load(config | {"other": ["a"]}, [], {})


def test_a_comparison_of_other_runs_or_in_no_known_form_is_told(mine, there):
    assert read(mine).beside["compare"] == ("missing", {})
    found = compare.compare(mine, there)
    text = (mine / "compare.json").read_text()
    (mine / "compare.json").write_text(text[:100])
    assert read(mine).beside["compare"] == ("damaged", {})
    (mine / "compare.json").write_text(json.dumps(found | {"schema": 1}))
    assert read(mine).beside["compare"] == ("damaged", {})
    (mine / "compare.json").write_text(text)
    with (mine / "runs.csv").open("a") as file:
        file.write("\n")
    assert read(mine).beside["compare"] == ("stale", found)


def test_settings_that_one_side_does_not_have_are_named():
    here = pd.Series({"seed": 1, "set_hidden": "8", "set_steps": "5", "set_new": "1"})
    there = pd.Series({"seed": 2, "set_hidden": "8", "set_steps": "6", "set_other": ""})
    assert unmatched.unlike(here, there) == "steps 5 here, 6 there; new 1 here, none there"
    many, more = (pd.Series({f"set_k{i}": value for i in range(9)}) for value in "12")
    assert unmatched.unlike(many, more).endswith("k3 1 here, 2 there; 5 more")
