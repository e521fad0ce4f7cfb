"""What rounding may do: the first losses, and the ranks of scores in worlds of known truth."""

import itertools

import numpy as np
import pandas as pd
import pytest

from analysis.folders import agreement, first_losses, ranks
from analysis.tables import losses as loss_table
from harness.plan.run import Run
from harness.run.records import write_arrays

FRAMEWORKS = ("jax", "pytorch", "tensorflow")
CELLS = ("gru", "lstm", "rnn")
TASKS = ("adding", "copying")
# How far rounding takes the scores of each cell apart, in margins: from nothing to all.
SCALE = {"gru": 1e-6, "lstm": 1.0, "rnn": 50.0}


def world(rng: np.random.Generator, seeds: int, shift: dict | None = None) -> pd.DataFrame:
    """Runs whose scores differ by seed, by heavy-tailed rounding, and by ``shift`` by cell."""
    grid = itertools.product(TASKS, FRAMEWORKS, CELLS, ["matched"], range(seeds))
    runs = pd.DataFrame(grid, columns=[*first_losses.RUN])
    own = np.random.default_rng(0).normal(0, 30, (len(TASKS), len(CELLS), 10))[..., :seeds]
    place = [runs[name].map(list(values).index) for name, values in
             (("task", TASKS), ("cell", CELLS))]  # fmt: skip
    runs["score"] = own[place[0], place[1], runs["seed"]]
    runs["score"] += runs["cell"].map(SCALE) * rng.standard_t(1.5, len(runs))
    runs["score"] += runs["cell"].map(shift or {}).fillna(0.0).astype(float)
    solved = runs["score"] > 0
    runs["steps_to_solve"] = 500 * np.exp(-runs["score"].where(solved) / 200)
    return runs


def paired(here: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    values = there[[*first_losses.RUN, "score", "steps_to_solve"]]
    return here.merge(values, on=first_losses.RUN, suffixes=("", "_there"))


def smallest(here: pd.DataFrame, there: pd.DataFrame, **units: float | None) -> float:
    units = {task: units.get(task, 1.0) for task in TASKS}
    here = paired(here, there)
    higher = dict.fromkeys(TASKS, True)
    return min(found.p for found in ranks.tests(here, there, [], higher, units, 1.25).values())


@pytest.mark.parametrize(("frameworks", "seeds"), [(1, 10), (3, 5)])
def test_the_rate_of_false_alarms_is_as_set_whatever_rounding_does(monkeypatch, frameworks, seeds):
    """Of everything compared in a folder, in which scales differ by eight orders of magnitude."""
    monkeypatch.setattr(ranks, "SHUFFLES", 199)
    rng, found = np.random.default_rng(1), []
    for _ in range(80):
        there, here = world(rng, 10), world(rng, seeds)
        found.append(smallest(here[here["framework"].isin(FRAMEWORKS[:frameworks])], there))
    # Three standard errors of a rate of 0.1 in 80 worlds are 0.1.
    assert 0.01 <= np.mean(np.array(found) <= 0.1) <= 0.2
    assert np.mean(np.array(found) <= 0.01) <= 0.04


@pytest.mark.parametrize(
    ("cell", "shift", "frameworks", "seeds", "least"),
    [
        ("lstm", 5.0, 3, 5, 0.9),  # a few margins, where rounding takes it one
        ("lstm", 5.0, 1, 10, 0.9),
        ("rnn", -150.0, 3, 10, 0.9),
        ("gru", 0.9, 3, 10, 0.0),  # less than a margin is no difference
    ],
)
def test_a_shift_is_found(cell, shift, frameworks, seeds, least, monkeypatch):
    monkeypatch.setattr(ranks, "SHUFFLES", 999)
    rng, found = np.random.default_rng(2), []
    for _ in range(12):
        there, here = world(rng, 10), world(rng, seeds, {cell: shift})
        here = here[here["framework"].isin(FRAMEWORKS[:frameworks])]
        found.append(smallest(here, there) < 0.01)
    assert np.mean(found) >= least
    assert least or np.mean(found) <= 0.3


def test_a_gross_difference_of_one_method_on_few_seeds_is_found_on_any_track():
    """Where ranks of five pairs have 32 outcomes, and no other framework is the same."""
    there = world(np.random.default_rng(5), 10).assign(track="native")
    here = there[(there["framework"] == "jax") & (there["seed"] < 5)].copy()
    one = (here["task"] == "adding") & (here["cell"] == "lstm")
    here.loc[one, "score"] -= 300 + np.random.default_rng(0).normal(0, 3, one.sum())
    found = ranks.tests(
        paired(here, there), there, [], dict.fromkeys(TASKS, True), dict.fromkeys(TASKS, 1.0), 1.25
    )
    worse = {place for place, test in found.items() if test.p < 0.01}
    assert worse == {("score", "adding", "jax", "lstm", "native")}
    assert found[worse.pop()].statistic < 0


def test_a_run_without_a_value_is_the_last_and_a_task_without_a_margin_is_left_out():
    there = world(np.random.default_rng(3), 10)
    here = there[there["framework"] == "jax"].copy()
    assert smallest(here, there) > 0.1, "the very same"
    here.loc[here["cell"] == "lstm", ["score", "steps_to_solve"]] = np.nan
    found = ranks.tests(
        paired(here, there), there, [], dict.fromkeys(TASKS, True), dict.fromkeys(TASKS, 1.0), 1.25
    )
    worst = found["score", "adding", "jax", "lstm", "matched"]
    assert (worst.statistic < 0, worst.p < 0.01, worst.seeds) == (True, True, 10)
    none = dict.fromkeys(TASKS, None)
    found = ranks.tests(paired(here, there), there, [], dict.fromkeys(TASKS, True), none, 1.25)
    assert {test.p for (metric, *_), test in found.items() if metric == "score"} == {1.0}


def test_another_track_is_compared_with_its_own_framework_alone():
    """Elsewhere than on the matched track the frameworks train other models."""
    there = world(np.random.default_rng(4), 10).assign(track="native")
    there["score"] += there["framework"].map(FRAMEWORKS.index) * 1000
    assert smallest(there[there["framework"] == "jax"], there) == 1.0


def test_the_losses_of_every_power_of_two_are_kept_of_runs_that_ended_well(tmp_path):
    found = []
    for seed, status in enumerate(["ok", "diverged", "ok"]):
        run = Run("adding", "jax", "gru", "matched", seed)
        found.append(vars(run) | {"status": status})
        if seed < 2:
            trained = np.arange(1, 10, dtype=np.float32)
            write_arrays(run.path(tmp_path), {}, {}, {"losses": trained})
    rows = loss_table.rows(found, loss_table.all_kept(tmp_path, found))
    assert [(row["seed"], row["step"], row["loss"]) for row in rows] == [
        (0, 1, 1.0), (0, 2, 2.0), (0, 4, 4.0), (0, 8, 8.0),
    ]  # fmt: skip


def losses(change: float = 0.0, since: int = 99, frameworks: tuple = FRAMEWORKS) -> pd.DataFrame:
    """Losses which rounding takes apart by 1e-7 times the step, and from a step on a change."""
    grid = itertools.product(["adding"], frameworks, ["gru"], ["matched"], range(5), (1, 2, 4, 8))
    table = pd.DataFrame(grid, columns=[*first_losses.RUN, "step"])
    rounding = 1e-7 * table["step"] * (table["framework"].map(FRAMEWORKS.index) - 1)
    table["loss"] = 0.5 * (1 + rounding) * (1 + np.where(table["step"] >= since, change, 0.0))
    return table


def judged(here: pd.DataFrame, there: pd.DataFrame) -> dict:
    runs = [table[first_losses.RUN].drop_duplicates() for table in (here, there)]
    rules = agreement.load_rules()
    (row,) = first_losses.rows(
        runs[0], runs[1], (here, there), rules.times_rounding, rules.least_rounding
    )
    return row


@pytest.mark.parametrize(
    ("change", "since", "verdict", "detail"),
    [
        (0.0, 1, "identical", "at every step that was looked at"),
        (5e-6, 1, "within rounding", "step 1"),
        (1e-4, 1, "different", "step 1: data, first weights or the model differ"),
        (1e-4, 2, "different", "step 2: the gradient, its clipping or the update differ"),
        (1e-4, 8, "different", "step 8"),
        (np.nan, 4, "different", "step 4"),
    ],
)
def test_the_first_losses_say_where_a_difference_begins(change, since, verdict, detail):
    here = losses(change, since, ("jax",))
    row = judged(here, losses())
    assert (row["verdict"], row["detail"], row["n"]) == (verdict, detail, 5)


def test_where_rounding_has_grown_a_difference_of_its_size_is_none():
    there = losses()
    there.loc[(there["framework"] == "jax") & (there["step"] == 4), "loss"] *= 1.01
    here = losses(0.05, 4, ("pytorch",))
    assert judged(here, there)["verdict"] == "within rounding", "later steps are no closer"
    assert judged(losses(0.05, 2, ("pytorch",)), there)["verdict"] == "different"


def test_one_seed_of_many_that_went_astray_is_no_difference():
    here = losses(0.0, 1, ("jax",))
    here.loc[here["seed"] == 3, "loss"] *= 2
    assert judged(here, losses())["verdict"] != "different"


def test_without_a_second_framework_nothing_says_what_rounding_does():
    alone = losses(frameworks=("jax",))
    row = judged(losses(1.0, 1, ("jax",)), alone)
    assert row["verdict"] == "not applicable"
    assert "no two frameworks" in row["detail"]
    empty = alone.iloc[:0]
    assert first_losses.rows(alone, alone, (alone, empty), 10, 1e-5) == []
