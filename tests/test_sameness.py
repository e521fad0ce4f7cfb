"""The tables on sameness, from records whose answers can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.tables import sameness
from harness.conformance import against_reference
from harness.conformance.against_reference import article, formula
from harness.plan import asked
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.run import learners, records
from harness.run.records import Record


def record(run: Run, **values: object) -> Record:
    """What these tables read of a record."""
    outcome = {"status": "ok", "score": 0.5, "steps": 1000, "steps_to_solve": 500}
    settings = {"settings": resolve(run.task, {}, "test").as_dict()}
    return vars(run) | outcome | settings | {"parameters": {"total": 0}} | values


def ran(results: Path, framework: str, losses: list[float], status: str = "ok") -> Record:
    run = Run("adding", framework, "gru", "matched", 0)
    path = run.path(results)
    path.parent.mkdir(exist_ok=True)
    records.write_arrays(path, {}, {}, {"losses": np.array(losses, np.float32)})
    return record(run, status=status)


def test_divergence_is_the_first_step_beyond_each_share_of_the_smaller_loss(tmp_path):
    found = [ran(tmp_path, "one", [1, 1.005, 1, 1.2]), ran(tmp_path, "two", [1, 1, 1.05, 1.4])]
    rows = sameness.divergence_rows(tmp_path, found)
    assert [(r["threshold"], r["step"]) for r in rows] == [(0.001, 2), (0.01, 3), (0.1, 4)]
    assert {r["steps"] for r in rows} == {4}


def test_what_lies_beside_a_run_that_did_not_end_well_says_nothing(tmp_path):
    found = [ran(tmp_path, "one", [1, 1]), ran(tmp_path, "two", [1, 9], status="diverged")]
    assert sameness.divergence_rows(tmp_path, found) == []


def test_what_a_gate_of_before_found_is_not_shown_where_no_gate_is_wanted(tmp_path):
    run = Run("adding", "jax", "gru", "matched", 0)
    row = dict.fromkeys(against_reference.COLUMNS, 0) | {"framework": "jax", "detail": ""}
    against_reference.write(tmp_path / "conformance" / "jax.csv", [row])
    for gate in (True, False):
        asked.write_plan(tmp_path, (run,), [], gate)
        assert bool(sameness.conformance_rows(tmp_path, [record(run)])) == gate


@pytest.mark.parametrize(
    ("steps", "median"),
    [([7, 3, 5], 5), ([None, 3, 5], 5), ([None, None, 3], None), ([None] * 3, None)],
)
def test_a_seed_that_never_parted_counts_as_later_than_all_others(steps, median):
    key = dict(zip(sameness.COLUMNS["divergence"][:6], ("t", "c", 0, "a", "b", 0.1), strict=True))
    rows = [key | {"seed": i, "step": step, "steps": 9} for i, step in enumerate(steps)]
    (row,) = sameness.divergence_summary(rows)
    reached = [s for s in steps if s is not None]
    assert row["median_step"] == median
    assert (row["seeds"], row["reached"]) == (3, len(reached))
    assert row["first_step"] == min(reached, default=None)
    assert row["last_step"] == max(reached, default=None)


@pytest.mark.parametrize(
    ("framework", "redundant", "ratio"),
    [
        ("pytorch", {"lstm": 400, "gru": 200}, 0.7504),
        ("tensorflow", {"lstm": 0, "gru": 200}, 0.7602),
    ],
)
def test_parameters_of_the_articles_model(framework, redundant, ratio):
    gate = [
        {
            "check": "parameters of the article's model", "framework": framework,
            "track": "native", "cell": cell,
            "counted": formula(framework, "native", article(cell)),
        }
        for cell in ("lstm", "gru")
    ]  # fmt: skip
    rows = {row["cell"]: row for row in sameness.parameter_rows([], gate)}
    assert {cell: row["redundant"] for cell, row in rows.items()} == redundant
    assert all(row["matrices"] + row["biases"] == row["total"] for row in rows.values())
    assert all(row["agrees"] for row in rows.values())
    assert rows["gru"]["matrices_to_lstm"] == 3 / 4
    assert round(rows["gru"]["total_to_lstm"], 4) == ratio
    gate[0]["counted"] += 1
    assert [row["agrees"] for row in sameness.parameter_rows([], gate)] == [False, True]


def trained(track: str, seed: int, steps_to_solve: int | None, score: float) -> Record:
    run = Run("adding", "tensorflow", "lstm", track, seed)
    return record(run, steps_to_solve=steps_to_solve, score=score)


def test_what_is_left_over_is_native_beyond_the_product_of_its_factors():
    found = [
        trained(track, seed, steps, score)
        for seed in (0, 1)
        for track, steps, score in (
            ("matched", 400, 0.4), ("initialisation", 200, 0.3), ("adam", 600, 0.6),
            ("native", 900, 0.9),
        )
    ]  # fmt: skip
    rows = {row["factor"]: row for row in sameness.attribution_rows(found)}
    assert set(rows) == {"initialisation", "adam", "native", "left over"}
    ratios = {"initialisation": 1 / 2, "adam": 3 / 2, "native": 9 / 4, "left over": 3}
    changes = {"initialisation": -0.1, "adam": 0.2, "native": 0.5, "left over": 0.4}
    for factor, row in rows.items():
        assert row["steps_ratio"] == pytest.approx(ratios[factor])
        assert row["score_change"] == pytest.approx(changes[factor])
        assert (row["n"], row["censored"]) == (2, 0)


def test_unsolved_runs_count_with_their_budget_and_are_counted():
    found = [
        trained("matched", 0, 500, 0.1), trained("matched", 1, None, 0.1),
        trained("adam", 0, None, 0.3), trained("adam", 1, 1000, 0.1),
        trained("adam", 2, 10, 0.1),
    ]  # fmt: skip
    (row,) = sameness.attribution_rows(found)
    assert (row["n"], row["censored"]) == (2, 2), "seed 2 has no matched run"
    assert row["steps_ratio"] == pytest.approx(2**0.5)
    found[3]["steps_to_solve"] = None
    (row,) = sameness.attribution_rows(found)
    assert row["censored"] == 3
    assert np.isnan([row["steps_ratio"], row["steps_ratio_low"], row["steps_ratio_high"]]).all()
    assert row["score_change"] == pytest.approx(0.1)


def test_an_interval_is_students():
    mean, low, high = sameness._interval([1.0, 2.0, 4.0])
    half = 4.302653 * np.std([1, 2, 4], ddof=1) / 3**0.5
    assert (mean, low, high) == pytest.approx((7 / 3, 7 / 3 - half, 7 / 3 + half))
    assert np.isnan(sameness._interval([1.0])[1:]).all()


def test_a_factor_takes_what_belongs_to_it_and_nothing_else():
    names = ("layers.0.input", "layers.0.bias", "layers.0.recurrent_bias", "output.bias")
    ours = {name: np.zeros(1) for name in names}
    own = {name: np.ones(1) for name in names} | {"layers.0.redundant_bias": np.ones(1)}

    def taken(factor: str, own: dict[str, np.ndarray]) -> set[str]:
        result = learners.with_default(factor, ours, own)
        assert set(result) == set(ours) | {k for k in result if k in own}
        return {name for name, value in result.items() if value == 1}

    assert taken("initialisation", own) == {"layers.0.input"}
    assert taken("biases", own) == set(own) - {"layers.0.input"}
    formed = learners.with_default("form", ours, {"layers.0.input": np.ones(1)})
    assert formed == {"layers.0.input": np.zeros(1)}
    with pytest.raises(ValueError, match="adam"):
        learners.with_default("adam", ours, own)
