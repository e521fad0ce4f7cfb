"""The tables of the runs, from records whose answers can be worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cells
from analysis.evidence import comparisons
from analysis.tables import (
    attribution,
    conformance,
    divergence,
    losses,
    parameters,
    scores,
    stage,
)
from harness import layout, registry
from harness.conformance import against_reference
from harness.conformance.parameter_counts import article, formula
from harness.plan import asked
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.run import learners, records
from harness.run.records import Record
from tests.test_report import record as made_up


def record(run: Run, **values: object) -> Record:
    """What these tables read of a record."""
    outcome = {"status": "ok", "score": 0.5, "steps": 1000, "steps_to_solve": 500}
    settings = {"settings": resolve(run.task, {}, "test").as_dict()}
    return vars(run) | outcome | settings | {"parameters": {"total": 0}} | values


def ran(results: Path, framework: str, its: list[float], status: str = "ok") -> Record:
    run = Run("adding", framework, "gru", "matched", 0)
    path = run.path(results)
    path.parent.mkdir(exist_ok=True)
    records.write_arrays(path, {}, {}, {"losses": np.array(its, np.float32)})
    return record(run, status=status)


def test_divergence_is_the_first_step_beyond_each_share_of_the_smaller_loss(tmp_path):
    found = [ran(tmp_path, "one", [1, 1.005, 1, 1.2]), ran(tmp_path, "two", [1, 1, 1.05, 1.4])]
    rows = divergence.rows(found, losses.all_kept(tmp_path, found))
    assert [(r["threshold"], r["step"]) for r in rows] == [(0.001, 2), (0.01, 3), (0.1, 4)]
    assert {r["steps"] for r in rows} == {4}


def test_what_lies_beside_a_run_that_did_not_end_well_says_nothing(tmp_path):
    found = [ran(tmp_path, "one", [1, 1]), ran(tmp_path, "two", [1, 9], status="diverged")]
    assert divergence.rows(found, losses.all_kept(tmp_path, found)) == []


def test_what_a_gate_of_before_found_is_not_shown_where_no_gate_is_wanted(tmp_path):
    run = Run("adding", "jax", "gru", "matched", 0)
    row = dict.fromkeys(against_reference.COLUMNS, 0) | {"framework": "jax", "detail": ""}
    against_reference.write(tmp_path / "conformance" / "jax.csv", [row])
    for wanted in (True, False):
        asked.write_plan(tmp_path, (run,), [], wanted)
        assert bool(conformance.rows(tmp_path, [record(run)])) == wanted


@pytest.mark.parametrize(
    ("steps", "median"),
    [
        ([7, 3, 5], 5),
        ([None, 3, 5], 5),
        ([None, None, 3], None),
        ([None] * 3, None),
        ([7, None], 7),
    ],
)
def test_a_seed_that_never_parted_counts_as_later_than_all_others(steps, median):
    key = dict(zip(divergence.PAIR, ("t", "c", "a", "b", 0.1), strict=True))
    rows = [key | {"seed": i, "step": step, "steps": 9} for i, step in enumerate(steps)]
    (row,) = divergence.summary(rows)
    reached = [s for s in steps if s is not None]
    assert row["median_step"] == median
    assert (row["seeds"], row["reached"]) == (len(steps), len(reached))
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
            "track": "native", "cell": cell, "kernel": "native",
            "counted": formula(registry.framework(framework), "native", article(cell)),
        }
        for cell in ("lstm", "gru")
    ]  # fmt: skip
    rows = {row["cell"]: row for row in parameters.rows([], gate)}
    assert {cell: row["redundant"] for cell, row in rows.items()} == redundant
    assert all(row["matrices"] + row["biases"] == row["total"] for row in rows.values())
    assert all(row["agrees"] for row in rows.values())
    assert rows["gru"]["matrices_to_lstm"] == 3 / 4
    assert round(rows["gru"]["total_to_lstm"], 4) == ratio
    gate[0]["counted"] += 1
    assert [row["agrees"] for row in parameters.rows([], gate)] == [False, True]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ({"score": 1e300, "solved": True}, "score"),
        ({"score": float("nan"), "solved": True}, "NaN"),
        ({"reason": "x" * 5_000_000}, "reason"),
    ],
)
def test_a_damaged_record_is_a_failed_run_of_no_known_machine(tmp_path, damage, says, capsys):
    for seed in (0, 1):
        run = Run("adding", "pytorch", "gru", "matched", seed)
        records.write(run.path(tmp_path), made_up(run, 0.2))
    path = run.path(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    stage.write(tmp_path)
    assert len(capsys.readouterr().err) < 1000
    whole, lost = (row for _, row in layout.read(tmp_path, "runs").iterrows())
    assert (whole["status"], lost["status"]) == ("ok", "failed")
    assert says in lost["error"]
    assert len(lost["error"]) < 1000
    assert lost[["score", "solved", "finished", "peak_rss_mb"]].isna().all()
    assert (lost["git_commit"], lost["total_seconds"]) == ("unknown", 0)
    machines = layout.read(tmp_path, "machines").set_index("machine")
    assert machines.loc[whole["machine"], "cores"] == 2
    assert machines.loc[lost["machine"], ["packages", "processor", "cores"]].isna().all()
    (scores,) = layout.read(tmp_path, "scores").to_dict("records")
    assert (scores["median"], scores["ended_well"], scores["solved"]) == (0.2, 1, 0)


@pytest.mark.parametrize(
    ("solved", "diverged", "median"), [(5, 0, 500), (4, 0, None), (5, 1, None), (6, 1, 500)]
)
def test_a_median_of_steps_is_where_half_of_the_runs_that_began_got(solved, diverged, median):
    """Of ten runs that ended well, some of which solved, and some that diverged; as summary.csv."""
    runs = [
        made_up(Run("adding", "jax", "gru", "matched", seed), 0.001 if seed < solved else 0.2)
        for seed in range(10)
    ]
    for seed in range(diverged):
        run = Run("adding", "jax", "gru", "matched", 10 + seed)
        runs.append(made_up(run, None, "diverged", "the loss was not finite"))
    runs.append(made_up(Run("adding", "jax", "gru", "matched", 99), None, "failed", "no memory"))
    (row,) = scores.rows(runs, set())
    assert row["median_steps_to_solve"] == median
    (summary,) = summarise_of(runs)
    assert summary == (float("inf") if median is None else median)


def summarise_of(runs: list[Record]) -> list[float]:
    frame = pd.DataFrame(runs)
    begun = frame[frame["status"].isin(["ok", "diverged"])].astype({"steps_to_solve": float})
    return comparisons.summarise(begun)["steps"].tolist()


def test_the_equations_have_no_redundant_bias():
    pytorch, spec = registry.framework("pytorch"), article("lstm")
    for kernel, redundant in (("equations", 0), ("stock", 2 * 4 * 50)):
        count = formula(pytorch, "matched", spec, kernel=kernel)
        assert count - cells.count(spec) == redundant


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
    rows = {row["factor"]: row for row in attribution.rows(found)}
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
    (row,) = attribution.rows(found)
    assert (row["n"], row["censored"]) == (2, 2), "seed 2 has no matched run"
    assert row["steps_ratio"] == pytest.approx(2**0.5)
    found[3]["steps_to_solve"] = None
    (row,) = attribution.rows(found)
    assert row["censored"] == 3
    assert np.isnan([row["steps_ratio"], row["steps_ratio_low"], row["steps_ratio_high"]]).all()
    assert row["score_change"] == pytest.approx(0.1)


def test_an_interval_is_students():
    mean, low, high = attribution._interval([1.0, 2.0, 4.0])
    half = 4.302653 * np.std([1, 2, 4], ddof=1) / 3**0.5
    assert (mean, low, high) == pytest.approx((7 / 3, 7 / 3 - half, 7 / 3 + half))
    assert np.isnan(attribution._interval([1.0])[1:]).all()


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
