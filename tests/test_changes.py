"""Each cell beside the cell that it changes, on runs of known truth."""

import numpy as np
import pandas as pd
import pytest

from analysis import statistics
from analysis.evidence import changes
from analysis.tables import cells

# On the one task less is better, on the other more.
WAYS = {"adding": (1 / 6, 0.01), "copying": (0.125, 0.99)}
HIGHER = {"adding": False, "copying": True}
MARGINS = {"score": {"adding": 0.001, "copying": 0.01}}
PARENTS = {"nfg": "peephole", "peephole": "lstm", "mgu": "gru_before"}
BUDGET = 1000


def method(cell: str, ways: list[float | None], steps: float | None = 300, **more) -> pd.DataFrame:
    """Runs of ``cell`` that make these shares of the way to solved; None is a run that diverged."""
    about = {"task": "adding", "framework": "jax", "cell": cell, "track": "matched"} | more
    baseline, solved_at = WAYS[about["task"]]
    rows = [
        about | {
            "seed": seed, "status": "diverged" if way is None else "ok",
            "score": np.nan if way is None else baseline + way * (solved_at - baseline),
            "baseline": baseline, "solved_at": solved_at, "progress": 0.0 if way is None else way,
            "solved": steps is not None and way is not None and way >= 1,
            "steps_to_solve": steps if steps and way is not None and way >= 1 else np.nan,
            "budget": float(BUDGET), "evaluate_every": 10, "parameters": 100 * len(cell),
            "step_ms": float(len(cell)), "gflop": 2.0 * BUDGET, "step_gflop": 2.0,
        }
        for seed, way in enumerate(ways)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(operations_to_solve=table["steps_to_solve"] * table["step_gflop"])


def around(middle: float, n: int = 10, spread: float = 0.01) -> list[float]:
    """Shares of the way, as many above as below ``middle``."""
    return [middle + spread * (-1) ** i * (1 + i // 2) / n for i in range(n)]


def compare(*methods: pd.DataFrame) -> pd.DataFrame:
    runs = pd.concat(methods, ignore_index=True)
    return changes.changes(runs, PARENTS, HIGHER, MARGINS).set_index(["task", "cell"])


@pytest.mark.parametrize("task", WAYS)
def test_a_planted_loss_is_found_in_the_tasks_unit_and_as_a_share_of_the_way(task):
    lost = compare(
        method("peephole", around(1.05), task=task),
        method("nfg", around(0.45, spread=0.05), None, task=task),
    ).loc[task, "nfg"]
    baseline, solved = WAYS[task]
    assert lost["progress_change"] == pytest.approx(-0.6)
    assert lost["progress_change_low"] < -0.6 < lost["progress_change_high"] < -0.5
    assert lost["score_change"] == pytest.approx(-0.6 * (solved - baseline))
    assert lost["score_change_low"] < lost["score_change"] < lost["score_change_high"]
    assert (lost["score_change"] < 0) == HIGHER[task]
    assert (lost["verdict"], lost["equivalent"], lost["n"]) == ("worse", False, 10)
    assert lost["margin"] == MARGINS["score"][task]
    assert (lost["solved"], lost["parent_solved"]) == (0, 10)
    assert (lost["parameters"], lost["parent_parameters"]) == (300, 800)
    assert (lost["step_mflop"], lost["step_ms"]) == (2000, 3)
    assert lost["operations_to_solve"] == np.inf
    assert lost["parent_operations_to_solve"] == 600
    # What does not solve took all of its steps.
    assert lost["steps_ratio"] == pytest.approx(BUDGET / 300)


@pytest.mark.parametrize(
    ("way", "spread", "verdict"),
    [
        (1.3, 0.01, "better"),
        (0.9, 0.01, "worse"),
        (1.0, 0.001, "as good"),
        # Beyond chance, but no more than the task's margin, which is 0.0064 of the way.
        (1.004, 0.0001, "as good"),
        (0.996, 0.0001, "as good"),
        # No worse in any case, whether it is better or not.
        (1.006, 0.004, "as good"),
        (0.995, 0.01, "open"),
        (0.9, 0.9, "open"),
    ],
)
def test_a_change_that_loses_nothing_is_told_from_one_that_is_not_known(way, spread, verdict):
    other = around(1.0, spread=0.0001)[::-1]
    row = compare(method("peephole", other), method("nfg", around(way, spread=spread))).iloc[0]
    assert row["verdict"] == verdict
    assert row["p"] == pytest.approx(row["p_holm"]), "a family of one"


def test_a_task_without_a_margin_has_no_verdict_of_equality():
    runs = pd.concat([method("peephole", around(1.0)), method("nfg", around(1.0))])
    row = changes.changes(runs, PARENTS, HIGHER, {}).iloc[0]
    assert row["verdict"] == "open"
    assert np.isnan(row["p_kept"])
    assert row["equivalent"] is None


def test_a_family_is_one_metric_over_all_tasks_and_cells():
    table = compare(*(
        part
        for task, shift in (("adding", 0.0), ("copying", 0.01))
        for part in (
            method("lstm", around(1.0), 200, task=task),
            method("peephole", around(0.99 + shift, spread=0.05), 210, task=task),
            method("nfg", around(0.97 - shift, spread=0.04), 290, task=task),
        )
    ))  # fmt: skip
    assert len(table) == 4
    for p in ("p", "p_margin", "p_kept", "steps_p"):
        assert table[p].nunique() > 1
        assert list(table[f"{p}_holm"]) == list(statistics.holm(table[p].to_numpy(float)))
    equal = statistics.holm(table["p_equal"].to_numpy(float))
    assert list(table["equivalent"]) == list(equal < 0.05)


def test_a_cell_without_its_parent_has_no_row():
    table = compare(
        method("mgu", around(1.0)), method("nfg", around(1.0)), method("lstm", around(1.0)),
        method("peephole", around(1.0), task="copying"),
    )  # fmt: skip
    assert table.empty
    assert changes.frontier(method("mgu", around(1.0)), table.reset_index()).empty


def test_it_is_the_framework_with_the_most_seeds_of_both_and_those_alone():
    few = [method(cell, around(1.0, 6), framework="equinox") for cell in ("nfg", "peephole")]
    table = compare(
        *few, method("nfg", around(0.5)), method("peephole", around(1.0, 8)),
        method("nfg", around(0.0, 20), track="native"),
        method("nfg", around(0.0, 20), framework="x"),
    )  # fmt: skip
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["framework"], row["n"], row["track"]) == ("jax", 8, "matched")
    assert row["progress_change"] == pytest.approx(-0.5, abs=0.02)


def test_what_neither_learns_is_not_tested_and_no_part_of_the_family():
    table = compare(
        method("lstm", around(1.0)), method("peephole", around(0.9)),
        method("peephole", around(0.01), task="copying"), method("nfg", around(-3), task="copying"),
    )  # fmt: skip
    never = table.loc["copying", "nfg"]
    assert never["verdict"] == "neither learns"
    assert never[["p", "p_holm", "p_equal", "p_kept"]].isna().all()
    assert never["equivalent"] is None
    assert table.loc["adding", "peephole"]["p_holm"] == table.loc["adding", "peephole"]["p"]


def test_worse_than_the_baseline_and_diverged_count_as_the_baseline():
    ways = around(1.0, spread=0.0)
    lost = compare(method("peephole", ways), method("nfg", [None, -1000.0, *ways[2:]])).iloc[0]
    assert lost["n"] == 10
    assert lost["progress_change"] == pytest.approx(-0.2)
    assert lost["progress"] == pytest.approx(0.8)


def test_few_seeds_have_effects_but_no_verdict():
    row = compare(method("peephole", around(1.0, 4)), method("nfg", around(0.2, 4))).iloc[0]
    assert row["verdict"] == "few seeds"
    assert row["progress_change"] == pytest.approx(-0.8)
    tested = ["p", "p_equal", "p_kept", "steps_p", "score_change_low", "progress_change_high"]
    assert row[tested].isna().all()


def test_on_the_frontier_is_what_no_other_cell_beats_in_both():
    cheap = method("mgu", [1.0, 0.0] * 5, 50)
    cheap[["gflop", "operations_to_solve"]] /= 10
    runs = pd.concat([
        method("lstm", around(1.0, spread=0.0), 200), method("peephole", around(1.0, 10, 0.0), 400),
        method("nfg", around(0.4), None),
        # Half as good: what does not solve takes all of its training. One of both is cheap.
        method("gru_before", [1.0, 0.0] * 5, 100), cheap,
        # A task that fewer cells were trained on, and a cell that is no change of another one.
        method("lstm", around(0.0), task="copying"),
        method("peephole", around(1.0), task="copying"),
        method("rnn", around(1.0), 10),
    ])  # fmt: skip
    changed = changes.changes(runs, PARENTS, HIGHER, MARGINS)
    found = changes.frontier(runs, changed).set_index("cell")
    assert set(found.index) == {"lstm", "peephole", "nfg", "gru_before", "mgu"}
    assert (found["tasks"] == 1).all()
    assert found["operations"].to_dict() == pytest.approx(
        {"lstm": 400, "peephole": 800, "nfg": 2000, "gru_before": 1100, "mgu": 105}
    )
    assert found["progress"]["mgu"] == pytest.approx(0.5)
    assert found["progress_low"]["mgu"] < 0.5 < found["progress_high"]["mgu"]
    assert list(found.index[found["on_frontier"]]) == ["lstm", "mgu"]


def test_the_parents_of_the_cells_stand_in_their_table():
    rows = {row["cell"]: row["parent"] for row in cells.rows(["lstm", "peephole", "nfg"])}
    assert rows == {"lstm": "", "peephole": "lstm", "nfg": "peephole"}
