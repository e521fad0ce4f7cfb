"""A part of a plan's runs: the parts are the plan, weigh about the same and stay what they are."""

import subprocess
import sys

import pytest

from analysis.inside import stage as insides
from analysis.tables import stage
from harness import layout
from harness.errors import UserError
from harness.plan import asked, cost, shards
from harness.plan.configuration import Configuration
from harness.run import records
from tests import fakes
from tests.conftest import SMALL, overrides, snakemake
from tests.test_configuration import load


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Configuration:
    """The default configuration, all of it."""
    return load(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("of", [1, 3, 8, 37])
def test_the_parts_are_the_plan_and_none_weighs_much_more(whole, of):
    parts = shards.split(whole.runs, whole.settings_of, of)
    assert sorted(run.name for part in parts for run in part) == sorted(r.name for r in whole.runs)
    seconds = cost.estimator([cost.REFERENCE], whole.settings_of)
    loads = [sum(shards.START + seconds(run) for run in part) for part in parts]
    longest = max(shards.START + seconds(run) for run in whole.runs)
    # What dealing out guarantees, whatever the runs: the last one that a part got was not more.
    assert max(loads) <= sum(loads) / of + longest
    # And here, with many runs of several lengths.
    assert max(loads) <= 1.05 * min(loads) or of == 37


def test_a_part_is_the_same_for_everyone_whatever_is_finished_and_in_whatever_order(
    whole, tmp_path
):
    loaded = load(tmp_path, shard="2/3")
    part = set(loaded.runs)
    run = next(iter(part))
    row = {name: 1.0 for name, column in layout.TABLES["runs"].columns.items()
           if column.kind in ("float", "int")}  # fmt: skip
    # What this machine has measured by now says that one run costs more than all others.
    (tmp_path / "results").mkdir()
    slow = vars(run) | row | vars(run) | {"status": "ok", "total_seconds": 1e9}
    layout.write(tmp_path / "results", "runs", [slow])
    assert part == set(load(tmp_path, shard="2/3").runs)
    turned = shards.split(reversed(whole.runs), whole.settings_of, 3)
    assert part == set(turned[1])


def test_each_study_keeps_its_runs_of_the_part(whole, tmp_path):
    parts = [load(tmp_path, shard=f"{n}/2") for n in (1, 2)]
    for name, runs in whole.studies.items():
        assert sorted(run.name for part in parts for run in part.studies[name]) == sorted(
            run.name for run in runs
        )
    assert {part.resolved["seeds"] for part in parts} == {"all"}
    assert all(part.resolved == whole.resolved for part in parts)


def test_a_cell_that_the_reference_does_not_know_is_dealt_out_too(tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "REFERENCE", tmp_path / "none")
    whole = load(tmp_path, studies=["cells"], seeds=list(range(6)))
    parts = shards.split(whole.runs, whole.settings_of, 3)
    assert max(map(len, parts)) - min(map(len, parts)) <= 2


@pytest.mark.parametrize("text", ["0/8", "9/8", "half", "1/0", "-1/8", "3/8/2", "1.5/8"])
def test_a_bad_part_is_one_sentence(tmp_path, text):
    with pytest.raises(UserError) as error:
        load(tmp_path, shard=text)
    assert f"shard: {text!r} is no part of the runs; 1/8 is the first" in str(error.value)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("value", "says"),
    [(3, "shard: must be a text or nothing, not 3."), ("41/41", "none of the 40")],
)
def test_a_part_that_is_no_text_or_has_no_run_is_one_sentence(tmp_path, value, says):
    with pytest.raises(UserError) as error:
        load(tmp_path, studies=["cells"], shard=value, cells=["lstm"])
    assert says in str(error.value)


def test_no_table_is_made_of_a_part(tmp_path):
    loaded = load(tmp_path, shard="2/3")
    asked.write_plan(tmp_path, loaded.runs, [], about={"shard": str(loaded.shard)})
    for make in (stage.write, insides.join):
        with pytest.raises(UserError, match=r"holds part 2/3 of the runs.*analysis merge"):
            make(tmp_path)


def test_a_part_is_made_then_merged_and_the_pipeline_makes_what_is_missing(project):
    fakes.add(project, "steady")
    fakes.pass_the_gate(project / "results" / "one", "steady")
    grid = SMALL | {
        "frameworks": "[steady]", "cells": "[lstm, gru, rnn]", "conformance": "true",
        "overrides": overrides(["adding"]), "shard": "1/2",
    }  # fmt: skip
    one, both = project / "results" / "one", project / "results" / "both"
    refused = snakemake(one, "tables", root=project, **grid)
    said = "shard: part 1/2 of the runs makes no tables and no page; put all parts together with"
    assert said in refused.stderr
    assert "Error" not in refused.stderr
    assert not (one / "plan.json").exists()
    done = snakemake(one, root=project, **grid)
    assert done.returncode == 0, done.stderr
    assert "python -m analysis merge" in done.stdout
    made = {path.name for path in (one / "runs").glob("*.json")}
    assert 1 <= len(made) <= 2
    assert not list(one.glob("*.csv"))
    words = [sys.executable, "-m", "analysis", "merge", str(one), "--results", str(both)]
    merged = subprocess.run(words, cwd=project, capture_output=True, text=True)
    assert merged.returncode == 0, merged.stderr
    assert f"{3 - len(made)} of the plan's runs are in none of the folders" in merged.stdout
    given = ("--configfile", str(both / "workflow" / "configuration.yaml"))
    # As it is said there, with the configuration from the merged folder alone.
    words = [sys.executable, "-m", "snakemake", "--cores", "2", "-n", "tables", *given]
    planned = subprocess.run(
        [*words, "--config", f"results={both}"], cwd=project, capture_output=True, text=True
    )
    counts = dict(line.split() for line in planned.stdout.splitlines() if len(line.split()) == 2)
    assert counts.get("train") == str(3 - len(made)), planned.stdout + planned.stderr
    assert "conform" not in counts
    assert {records.read(both / "runs" / name)["status"] for name in made} == {"ok"}
