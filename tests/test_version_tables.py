"""Two versions of one framework: their tables, on times and losses that a test makes up."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.speed import versions as speed
from analysis.tables import versions
from benchmarks import report_page
from harness import layout
from harness.clock.stopping import SHOWN, LogRatio, student
from harness.plan.campaigns import Campaign, Method, Shape
from harness.plan.run import Run
from harness.run import records
from harness.run.records import Record
from report import tables as reading
from report.tables import Tables
from tests.conftest import table
from tests.test_tables import record
from tests.test_timing import made

INSTALLED = {
    "jax_0_4_31": "jax 0.4.31, jaxlib 0.4.31, numpy 2.0.2",
    "jax": "flax 0.12, jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, torch 2.13.0",
    "jax_0_4_31_again": "jax 0.4.31, jaxlib 0.4.31, numpy 2.0.2",
    "tensorflow_2_20": "tensorflow-cpu 2.20.0, keras 3.12, numpy 2.4.6",
    "tensorflow": "keras 3.12, numpy 2.4.6, tensorflow-cpu 2.21.0",
}
# Milliseconds of a step by label; another phase takes half of it.
PACE = dict(zip(INSTALLED, (14.0, 10.0, 14.0, 10.0, 10.0), strict=True))
CELLS = ("gru", "lstm")
SHAPE = Shape("small", 4, 3, 2, 50, 1)
PLAN = Campaign(
    "small", (SHAPE,),
    tuple(Method(label, "stock", cell) for label in INSTALLED for cell in CELLS),
    processes=5, rounds=4, threads=1, phases=("step", "gradient", "forward"), peak=False,
)  # fmt: skip


def environments(installed: dict[str, str] = INSTALLED) -> list[dict[str, Any]]:
    """The rows of environments.csv."""
    return [
        {"framework": label, "implementation": label.split("_")[0], "device": "cpu",
         "environment": label.partition("_")[2] or None, "python": "3.11.7",
         "requirements": "", "packages": packages, "error": None}
        for label, packages in installed.items()
    ]  # fmt: skip


def ran(results: Path, label: str, cell: str, losses: list[float], **values: Any) -> Record:
    """A run's record, with its losses beside it; its final weights are of the same bits as they."""
    run = Run("adding", label, cell, "matched", 0)
    path = run.path(results)
    path.parent.mkdir(exist_ok=True)
    records.write_arrays(path, {}, {}, {"losses": np.array(losses, np.float32)})
    return record(run, weights_sha256={"final": f"{hash(tuple(losses)) % 2**64:064x}"}, **values)


def checked(failed: str = "") -> list[dict[str, Any]]:
    """Two checks of every cell and label; all of ``failed`` did not pass."""
    return [
        {"framework": label, "cell": cell, "check": check, "passed": label != failed}
        for label, cell, check in product(INSTALLED, CELLS, ("forward", "gradient"))
    ]


def trained(results: Path) -> list[Record]:
    """JAX's versions part at step 3 and 2, TensorFlow's never."""
    losses = {
        "jax": {"gru": [4, 3, 2, 1], "lstm": [4, 3, 2, 1]},
        "jax_0_4_31": {"gru": [4, 3, 2.5, 1], "lstm": [4, 3.5, 2, 1]},
    }
    losses["jax_0_4_31_again"] = losses["jax_0_4_31"]
    same = {"gru": [4, 3, 2, 1], "lstm": [4, 3, 2, 1]}
    return [
        ran(results, label, cell, losses.get(label, same)[cell], score=0.5 + 0.01 * ("_" in label))
        for label, cell in product(INSTALLED, CELLS)
    ]


def timed(
    folder: Path, pace: dict[str, float], plan: Campaign = PLAN, scatter: float = 0.006
) -> None:
    """A campaign in which each label has its pace, with drift and, by process, some scatter."""

    def milliseconds(method: Method, _: Shape, process: int, turn: int, phase: str) -> float:
        drift = 1 + turn / 4
        off = 1 + scatter * ((process + sum(map(ord, method.name))) % 3 - 1)
        own = 1.02 if method.framework.endswith("again") else 1
        return pace[method.framework] * drift * off * own * (1 if phase == "step" else 0.5)

    made(folder, plan, milliseconds, plan.phases)


def world(
    folder: Path, installed: dict[str, str] = INSTALLED, pace: dict[str, float] = PACE,
    scatter: float = 0.006, checks: list[dict[str, Any]] | None = None,
) -> Tables:  # fmt: skip
    """The tables of a folder with these environments, read."""
    methods = tuple(method for method in PLAN.methods if method.framework in installed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page, "CELLS", CELLS)
        patch.setattr(report_page, "FRAMEWORKS", tuple(installed))
        report_page.write(folder, report_page.made_up(["adding"], 1, 3))
    timed(folder, pace, replace(PLAN, methods=methods), scatter)
    places, found = environments(installed), trained(folder)
    both = versions.runs(folder, places, found)
    for name, rows in {
        "environments": places, "version_runs": both,
        "versions": versions.rows(places, checked() if checks is None else checks, both),
    }.items():  # fmt: skip
        layout.write(folder, name, rows)
    return reading.read(folder)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    return world(tmp_path_factory.mktemp("versions"))


def test_versions_are_compared_within_a_framework_the_later_one_first(tables):
    found = tables["versions"].set_index(["framework", "other_framework"])
    assert set(found.index) == {
        ("jax", "jax_0_4_31"), ("jax", "jax_0_4_31_again"), ("jax_0_4_31", "jax_0_4_31_again"),
        ("tensorflow", "tensorflow_2_20"),
    }  # fmt: skip
    row = found.loc["jax", "jax_0_4_31"]
    assert (row["version"], row["other_version"], row["alike"]) == ("0.10.2", "0.4.31", False)
    # Flax is the framework's own; torch, which only the main environment has, is not.
    assert row["differs"] == (
        "jax 0.10.2 and 0.4.31, jaxlib 0.10.2 and 0.4.31, flax 0.12 and none, numpy 2.4.6 and 2.0.2"
    )
    twin = found.loc["jax_0_4_31", "jax_0_4_31_again"]
    assert twin["alike"]
    assert pd.isna(twin["differs"])
    assert tuple(found.loc["tensorflow", "tensorflow_2_20"][["version", "other_version"]]) == (
        "2.21.0", "2.20.0",
    )  # fmt: skip


def test_a_build_is_no_part_of_a_version():
    (plain, *_) = environments({"pytorch": "numpy 2.4.6, torch 2.13.0+cpu"})
    assert versions.version(plain) == "2.13.0"
    later = environments({"pytorch_2_14": "torch 2.14.0"})[0]
    assert [row["framework"] for row in versions.pairs([plain, later])[0]] == [
        "pytorch_2_14", "pytorch",
    ]  # fmt: skip


@pytest.mark.parametrize("other", [{"device": "gpu"}, {"implementation": "equinox"}])
def test_another_device_or_framework_is_no_other_version(other):
    one, two = environments()[:2]
    assert len(versions.pairs([one, two])) == 1
    assert versions.pairs([one, two | other]) == []


def test_an_environment_that_could_not_be_made_is_a_pair_without_versions():
    broken = {"packages": None, "python": None, "error": "jax 0.0.1 is not to be had"}
    rows = [one | broken for one in environments()[:2]]
    (row,) = versions.rows(rows, [], [])
    assert (row["alike"], row["version"], row["runs"]) == (False, "", 0)
    assert "checks" not in row


def test_the_first_loss_with_other_bits_is_named(tables):
    runs = tables["version_runs"].set_index(["framework", "other_framework"]).sort_index()
    jax = runs.loc["jax", "jax_0_4_31"]
    assert list(jax["first_step"]) == [3, 2]
    assert set(jax["steps"]) == {4}
    assert not jax[["same_losses", "same_weights"]].any(axis=None)
    assert list(jax["difference"]) == pytest.approx([-0.01] * 2)
    flow = runs.loc["tensorflow", "tensorflow_2_20"]
    assert flow[["same_losses", "same_weights"]].all(axis=None)
    assert flow["first_step"].isna().all()
    row = tables["versions"].set_index(["framework", "other_framework"]).loc["jax", "jax_0_4_31"]
    assert tuple(row[["runs", "same_losses", "first_step", "last_step"]]) == (2, 0, 2, 3)
    assert tuple(row[["checks", "passed", "other_checks", "other_passed"]]) == (4, 4, 4, 4)


def test_runs_that_did_not_end_well_have_no_bits_to_compare(tmp_path):
    found = [ran(tmp_path, "jax", "gru", [1, 2]),
             ran(tmp_path, "jax_0_4_31", "gru", [1, 2], status="diverged", score=None)]  # fmt: skip
    (row,) = versions.runs(tmp_path, environments(), found)
    assert (row["status"], row["other_status"]) == ("ok", "diverged")
    assert not {"same_losses", "difference"} & set(row)


def test_the_clock_compares_two_versions_in_every_phase_round_by_round(tables):
    found = tables["version_ratios"].set_index(["framework", "other_framework", "phase", "cell"])
    # Drift within a process cancels; frameworks are not compared with each other here.
    assert len(found) == 4 * 3 * 2
    row = found.loc["jax_0_4_31", "jax", "step", "gru"]
    assert row["ratio"] == pytest.approx(1.4, rel=0.01)
    assert row["verdict"] == "apart"
    assert found.loc["tensorflow_2_20", "tensorflow", "forward", "lstm"]["verdict"] == "alike"
    step = table(tables.folder, "speed_ratios").query("kind == 'framework'")
    both = step["numerator"].eq("jax_0_4_31/stock/gru") & step["denominator"].eq("jax/stock/gru")
    mine, theirs = row[["ratio", "low", "high"]], step[both].iloc[0][["ratio", "low", "high"]]
    assert list(mine) == list(theirs)


def test_a_kernel_is_compared_with_itself_and_the_fastest_with_the_fastest(tmp_path):
    kernels = [("jax", "scan"), ("jax", "stock"), ("jax_0_4_31", "stock"), ("pytorch", "stock")]
    methods = tuple(Method(label, kernel, "lstm") for label, kernel in kernels)
    timed(tmp_path, {"jax": 1, "jax_0_4_31": 2, "pytorch": 3}, replace(PLAN, methods=methods))
    rows = table(tmp_path, "version_ratios").query("phase == 'step'")
    assert list(zip(rows["kernel"], rows["other_kernel"], strict=True)) == [
        ("scan", "stock"), ("stock", "stock"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [(0.0, 0.02, "alike"), (0.01, 0.03, "open"), (0.3, 0.02, "apart"), (-0.3, 0.02, "apart"),
     (0.04, 0.02, "open"), (0.0, np.nan, "open")],
)  # fmt: skip
def test_apart_is_a_whole_interval_beyond_three_percent(mean, half, verdict):
    assert speed.verdict(LogRatio(mean, half / student(SHOWN, 4), 4)) == verdict
