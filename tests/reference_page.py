"""A page of the reference results, which are of the default run, for the tests that read it.

The reference keeps the tables that a verification needs. What else such a run has is made here: by
the code where it takes seconds, else made up in its form. One run is made to fail.
"""

import fcntl
import math
import os
import shutil
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from analysis.inside import stage as insides
from analysis.tables import cells, tracks
from harness import layout
from harness.plan import asked
from harness.plan.run import Run
from report.page import write_report
from tests.conftest import ROOT
from tests.test_insides import save, weights

FRAMEWORKS, CELLS = ("jax", "pytorch", "tensorflow"), ("rnn", "gru", "lstm")
# Of the run that fails.
REASON = "The process was killed: more than 8,000 MB of memory"


def shared(temporary: pytest.TempPathFactory) -> Path:
    """The page, which the first worker of a test run makes and the others wait for."""
    base = temporary.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "reference_page"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "report.html").exists():
            # What another worker failed to make; here it fails with the reason again.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
    return folder / "report.html"


def make(folder: Path) -> None:
    """Fill ``folder`` with the tables and the page."""
    for path in (ROOT / "results" / "reference").glob("*.csv"):
        shutil.copy(path, folder)
    runs = layout.read(folder, "runs")
    last = runs.index[-1]
    runs.loc[last, ["status", "error"]] = ["failed", REASON]
    runs.loc[last, ["score", "steps_to_solve"]] = float("nan")
    layout.write(folder, "runs", runs)
    for name, rows in (made_up(runs) | {"curves_summary": curves(folder)}).items():
        layout.write(folder, name, rows)
    look_inside(folder)
    write_report(folder)


def look_inside(folder: Path) -> None:
    """The tables of what goes on inside, of small models that were trained in name only."""
    runs = [
        Run("adding", framework, cell, "matched", seed)
        for framework, cell, seed in product(FRAMEWORKS, CELLS, (0, 1))
    ]
    aside = folder / "aside"
    aside.mkdir()
    for place, run in enumerate(runs):
        save(aside, run, weights(run.cell, run.seed), weights(run.cell, 100 + place))
    asked.write_plan(aside, tuple(runs), [])
    insides.write_part(aside, "adding")
    insides.join(aside)
    for path in aside.glob("*.csv"):
        shutil.move(path, folder / path.name)
    shutil.rmtree(aside)


def curves(folder: Path) -> list[dict[str, object]]:
    """Learning curves that fall from the baseline to each median score."""
    baselines = layout.read(folder, "tasks").set_index("task")["baseline"]
    return [
        {key: row[key] for key in layout.METHOD}
        | {"step": step, "n": row["runs"], "seconds": step / 100}
        | dict.fromkeys(
            ("median", "lowest", "highest"),
            row["median"] + (baselines[row["task"]] - row["median"]) * math.exp(-step / 300),
        )
        for row in layout.read(folder, "scores").to_dict("records")
        for step in range(0, 1201, 100)
    ]


def made_up(runs: pd.DataFrame) -> dict[str, list[dict[str, object]]]:
    """Tables that the reference does not keep."""
    checks = {"check": "forward", "dtype": "float64", "checks": 4, "passed": 4}
    pairs = (("jax", "pytorch"), ("jax", "tensorflow"), ("pytorch", "tensorflow"))
    seeds = {"seeds": 5, "reached": 5, "median_step": 8, "first_step": 6, "last_step": 727}
    changed = {"n": 5, "censored": 5, "score_change": -0.194}
    bounds = {"score_change_low": -0.255, "score_change_high": -0.133}
    what = {"factor": "initialisation", "what": "uniform within 1/√hidden"}
    task = {"task": "copying", "framework": "pytorch", "cell": "lstm"}
    versions = {"framework": "jax", "other_framework": "jax_0_4_31"}
    return {
        "cells": cells.rows(runs["cell"].unique()),
        "tracks": tracks.rows(runs["track"].unique()),
        "cost": [{"phase": "training", "core_seconds": 2171.77, "share": 1.0}],
        "conformance_summary": [
            {"framework": framework, "cell": cell, **checks, "max_error": 1e-15, "tolerance": 1e-10}
            for framework, cell in product(FRAMEWORKS, CELLS)
        ],
        "divergence_summary": [
            {"task": "adding", "cell": "lstm", "framework": one, "other_framework": other,
             "threshold": 0.01, **seeds, "steps": 1200}
            for one, other in pairs
        ],
        "attribution": [task | what | changed | bounds],
        "versions": [
            versions | {"implementation": "jax", "version": "0.10.2", "other_version": "0.4.31",
                        "alike": False, "differs": "jax 0.10.2 and 0.4.31", "checks": 4,
                        "passed": 4, "other_checks": 4, "other_passed": 4, "runs": 1,
                        "same_losses": 0, "same_weights": 0, "first_step": 3, "last_step": 3,
                        "scored": 1, "within": 1}
        ],
        "version_ratios": [
            versions | {"shape": "article", "cell": "gru", "phase": "step", "kernel": "scan",
                        "other_kernel": "scan", "verdict": "apart", "ratio": 0.71, "low": 0.67,
                        "high": 0.76, "processes": 5}
        ],
    }  # fmt: skip
