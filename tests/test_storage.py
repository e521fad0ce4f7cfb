"""Results in a storage: what Snakemake carries there is enough to make the tables of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness import layout
from harness.pipeline import stored
from harness.plan import asked
from harness.run import records
from tests import fakes
from tests.conftest import SMALL, command, overrides, table
from tests.test_configuration import load

# The jobs share this machine's processes and nothing that they read or write.
PLACES = ("--shared-fs-usage", "persistence", "sources", "source-cache", "software-deployment")


@pytest.mark.skipif(shutil.which("rsync") is None, reason="the storage copies by rsync")
def test_a_grid_in_a_storage_has_the_tables_of_one_in_a_folder(tmp_path, project):
    fakes.add(project, "steady", gru="raise RuntimeError('no kernel')")
    results, store = tmp_path / "store" / "results", tmp_path / "store"
    config = SMALL | {
        "frameworks": "[steady]", "cells": "[lstm, gru]",
        "overrides": overrides(["adding"]),
    }  # fmt: skip
    words = command(Path("results"), **config)
    place = words.index("--config")
    given = [
        "tables",
        "insides",
        "--default-storage-provider",
        "fs",
        "--default-storage-prefix",
        str(store),
    ]
    done = subprocess.run(
        [*words[:place], *given, *PLACES, *words[place:]],
        cwd=project,
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stderr  # since one run failed
    said = done.stdout.strip().splitlines()[-3:]
    assert said[0] == f"Results: in the storage, {store}/results"
    assert said[1] == "Runs:    1 of 2 ended well"
    assert said[2] == "failed: adding steady gru matched seed 0: RuntimeError: no kernel"
    assert not list((project / "results").rglob("*.csv")), "nothing lies in a shared folder"
    # Weights and losses were there for those who look into them, and so was the plan.
    assert (
        records.read(results / "runs" / "adding-steady-lstm-matched-seed0.json")["cell"] == "lstm"
    )
    assert set(table(results, "losses")["cell"]) == {"lstm"}
    assert set(table(results, "insides_skipped")["cell"]) == {"gru"}
    assert table(results, "studies")[["study", "runs"]].to_numpy().tolist() == [["cells", 2]]
    code = {path.stem for path in (results / "code").iterdir()}
    assert code == {"task-adding", "model-steady-lstm", "model-steady-gru", "tables", "insides",
                    "insides-adding"}  # fmt: skip


def test_the_plan_is_made_again_from_the_configuration(tmp_path):
    loaded = load(tmp_path, studies=["cells"], tasks=["adding"], seeds=[0])
    stored.write_plan(tmp_path / "copy", loaded.resolved)
    plan = asked.read_plan(tmp_path / "copy")
    assert plan["runs"] == [run.name for run in loaded.runs]
    assert plan["configuration"] == loaded.resolved
    assert (plan["shard"], plan["code"]) == ("", asked.code())


def test_what_no_table_says_is_not_said(tmp_path, capsys):
    assert stored.summary("s3://bucket/results", None) is False
    assert capsys.readouterr().out == "Results: in the storage, s3://bucket/results\n"
    layout.write(tmp_path, "runs", [])
    assert stored.summary("s3://bucket/results", tmp_path) is False
