"""The tests that a claim can name, one by one: known answers, and how often they are wrong."""

import numpy as np
import pandas as pd
import pytest

from analysis.evidence.claim_tests import TESTS
from analysis.evidence.finding import Finding

LEAD = {"column": "progress", "a": {"cell": "lstm"}, "b": {"cell": "rnn"}, "expect": "above"}


def table(**cells: list[float]) -> pd.DataFrame:
    """The runs of each cell with their progress; from 1 on they solve."""
    return pd.DataFrame([
        {"cell": cell, "framework": "jax", "seed": seed, "status": "ok", "progress": progress,
         "solved": progress >= 1, "budget": 1000.0, "evaluate_every": 50,
         "steps_to_solve": 500.0 if progress >= 1 else np.nan}
        for cell, found in cells.items()
        for seed, progress in enumerate(found)
    ])  # fmt: skip


def run(name: str, rows: pd.DataFrame, margin: float, **parameters: object) -> Finding | None:
    return TESTS[name](rows, parameters, margin)


# A lead, and who solves.


def test_a_lead_ends_at_the_baseline_and_at_solved():
    """However far beyond them the sides are: the worse the RNN, the surer its failure."""
    good = table(lstm=[1.02, 1.05, 0.9, 0.95, 1.1], rnn=[-9, 0.05, -0.3, -2, 0.1])
    found = run("paired", good, 0.5, **LEAD)
    assert found.effect == pytest.approx(0.97 - 0.03)
    assert found.supports
    assert found.high <= 1
    worse = good.assign(progress=good["progress"].where(good["cell"] == "lstm", -99))
    assert run("paired", worse, 0.5, **LEAD).supports


@pytest.mark.parametrize("n", [5, 10])
def test_seeds_that_all_solve_are_counts_and_no_certainty(n):
    """A lead of 1 on every seed: the interval is as wide as Wilson's for n of n."""
    found = run("paired", table(lstm=[1.1] * n, rnn=[-0.2] * n), 0.5, **LEAD)
    assert (found.effect, found.high) == (1, 1)
    assert found.low == pytest.approx(n / (n + 1.959964**2), abs=1e-4)
    assert 1e-4 < found.p < 0.05
    assert found.supports
    # One seed that is not quite at the end makes it no surer.
    nearly = run("paired", table(lstm=[1.1] * (n - 1) + [0.99], rnn=[-0.2] * n), 0.5, **LEAD)
    assert nearly.p == pytest.approx(found.p, rel=0.1)


@pytest.mark.parametrize(
    ("one", "other", "n", "verdict", "p"),
    [
        (5, 0, 5, "supports", 2 / 252), (10, 0, 10, "supports", 2 / 184756),
        (5, 2, 5, "open", 0.1667), (10, 10, 10, "refutes", 0.03), (3, 0, 5, None, 0),
    ],
)  # fmt: skip
def test_failing_where_the_other_solves_is_of_counts(one, other, n, verdict, p):
    rows = table(lstm=[1.0] * one + [0.2] * (n - one), rnn=[1.0] * other + [0.0] * (n - other))
    found = run("solves", rows, 0.5, a={"cell": "lstm"}, b={"cell": "rnn"})
    if verdict is None:
        assert found is None, "what does not solve is nothing to fail at"
        return
    assert (found.supports, found.refutes) == (verdict == "supports", verdict == "refutes")
    assert found.effect == (one - other) / n
    assert found.p == pytest.approx(p, abs=1e-4) if verdict != "refutes" else found.p < p


def test_a_failure_counts_only_where_its_control_learns():
    rows = table(lstm=[0.01, 0.02, 0.0, 0.01, 0.02], gru=[0.9, 1.0, 0.8, 0.4, 0.9])
    about = {"column": "progress", "expect": "below", "a": {"cell": "lstm"}}
    assert run("level", rows, 0.05, **about).supports
    control = {"control": {"cell": "gru"}}
    assert run("level", rows, 0.05, **about, **control).supports
    untrained = rows.assign(progress=0.0)
    assert run("level", untrained, 0.05, **about, **control) is None
    assert run("level", rows, 0.05, **about, control={"cell": "mgu"}) is None
    lead = {"column": "progress", "a": {"cell": "gru"}, "b": {"cell": "lstm"}, "expect": "above"}
    assert run("paired", untrained, 0.5, **lead, control={"cell": "gru"}) is None


def test_the_level_of_a_ratio_to_the_baseline_and_of_a_logarithm():
    seeds = np.arange(6)
    plateau = pd.DataFrame({"seed": seeds, "to_baseline": 1 + 0.002 * seeds, "progress": 0.0})
    about = {"column": "to_baseline", "value": 1, "expect": "equal"}
    assert run("level", plateau, 0.05, **about).supports
    assert run("level", plateau.assign(to_baseline=0.01 * seeds), 0.05, **about).refutes
    assert run("level", plateau, 0.05, **about, where_learned=True) is None
    left = pd.DataFrame({"seed": seeds, "log_left": -0.5 + 0.1 * (seeds % 2)})
    assert run("level", left, 0, column="log_left", value=-1, expect="above").supports
    assert run("level", left, 1, column="log_left", expect="equal").supports
    lost = left.assign(log_left=left["log_left"] - 4)
    assert run("level", lost, 0, column="log_left", value=-1, expect="above").refutes
    assert run("level", lost, 1, column="log_left", expect="equal").refutes


# What an open claim would need.


def test_an_open_claim_says_how_many_seeds_would_decide_it():
    rng = np.random.default_rng(3)
    rows = table(lstm=list(0.75 + rng.normal(0, 0.12, 5)), rnn=[0.1] * 5)
    found = run("paired", rows, 0.5, **LEAD)
    assert (found.supports, found.refutes) == (False, False)
    assert 5 < found.seeds_needed < 40
    assert found.basis.seeds(0.001) > found.seeds_needed
    more = table(lstm=list(0.85 + rng.normal(0, 0.12, 40)), rnn=[0.1] * 40)
    assert run("paired", more, 0.5, **LEAD).supports


# Trends.

STEEP = {"column": "progress", "a": {"cell": "lstm"}, "b": {"cell": "gru"}, "difficulty": "delay"}


def levels(*means: tuple[float, float], sd: float = 0.02, n: int = 10) -> pd.DataFrame:
    """LSTM's and GRU's progress at delays 10, 20, 40 and so on."""
    rng = np.random.default_rng(0)
    return pd.concat([
        table(lstm=list(rng.normal(lstm, sd, n)), gru=list(rng.normal(gru, sd, n)))
        .assign(delay=10 * 2**i)
        for i, (lstm, gru) in enumerate(means)
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("means", "verdict"),
    [
        # A thousandth of the way is no growing lead, though it grows on every seed.
        ([(0.501, 0.5), (0.502, 0.5), (0.503, 0.5)], "refutes"),
        ([(0.9, 0.9), (0.8, 0.6), (0.7, 0.3)], "supports"),
        ([(0.9, 0.6), (0.8, 0.7), (0.7, 0.7)], "refutes"),
        # That both fail at the hardest is no lead that shrinks.
        ([(0.9, 0.9), (0.9, 0.6), (0.9, 0.0), (0.0, 0.0)], "supports"),
        ([(0.9, 0.9), (0.9, 0.6), (0.0, 0.0)], None),
    ],
)
def test_a_lead_that_grows_with_difficulty(means, verdict):
    found = run("trend", levels(*means, sd=1e-3), 0.05, **STEEP)
    if verdict is None:
        assert found is None, "two levels are no trend"
        return
    assert (found.supports, found.refutes) == (verdict == "supports", verdict == "refutes")
    assert found.low <= found.effect <= found.high
    if means[0] == (0.9, 0.9) and means[1] == (0.8, 0.6):
        assert found.effect == pytest.approx(0.4, abs=0.01)


def test_a_lead_that_grows_by_just_the_margin_is_rarely_said_to():
    """At the very edge a verdict is wrong in 5 %, both ways together."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(300):
        rows = levels((0.5, 0.5), (0.5, 0.475), (0.5, 0.45)).assign(
            progress=lambda t: t["progress"] + rng.normal(0, 0.1, len(t))
        )
        found = run("trend", rows, 0.05, **STEEP)
        wrong += found.supports or found.refutes
    assert wrong / 300 <= 0.08


# Steps, seconds and operations.


def test_sooner_is_of_steps_seconds_or_operations():
    """GRU needs half of the steps at four times the cost each."""
    rng = np.random.default_rng(0)
    rows = table(lstm=[1.0] * 8, gru=[1.0] * 8)
    gru = rows["cell"] == "gru"
    steps = np.where(gru, 200.0, 400.0) * np.exp(rng.normal(0, 0.05, 16))
    rows = rows.assign(steps_to_solve=steps, step_seconds=np.where(gru, 0.04, 0.01))
    rows["seconds_to_solve"] = rows["steps_to_solve"] * rows["step_seconds"]
    sides = {"a": {"cell": "gru"}, "b": {"cell": "lstm"}}
    by_steps = run("sooner", rows, 1, **sides)
    by_seconds = run("sooner", rows, 1, column="seconds_to_solve", **sides)
    assert (by_steps.supports, by_seconds.refutes) == (True, True)
    assert by_seconds.effect == pytest.approx(4 * by_steps.effect)
    assert run("sooner", rows, 1.25, **sides, expect="above").refutes
    assert run("sooner", rows, 1, column="operations_to_solve", **sides) is None


def test_frameworks_agree_where_they_miss_the_same_seeds():
    one = table(lstm=[1.0, 1.0, 0.5, 1.0, 0.5, 1.0])
    both = pd.concat([one, one.assign(framework="pytorch")])
    about = {"column": "steps_to_solve", "scale": "ratio", "expect": "equal"}
    found = run("agree", both, 1.25, **about)
    assert (found.effect, found.supports) == (1, True)
    assert "2 of 6 seeds solved by neither" in found.detail
    other = pd.concat([one, one.assign(framework="pytorch", steps_to_solve=500.0)])
    found = run("agree", other, 1.25, **about)
    assert (found.supports, found.refutes) == (False, False)
    assert (found.p, "2 of 6 seeds solved by one only" in found.detail) == (1, True)
    never = pd.concat([one.assign(steps_to_solve=60.0),
                       one.assign(framework="pytorch", steps_to_solve=np.nan)])  # fmt: skip
    assert run("agree", never, 1.25, **about).refutes


def test_frameworks_at_the_baseline_agree_on_nothing():
    one = table(lstm=[0.01] * 6).assign(score=0.17)
    both = pd.concat([one, one.assign(framework="pytorch")])
    about = {"column": "score", "expect": "equal"}
    assert run("agree", both, 0.001, **about).supports
    assert run("agree", both, 0.001, **about, where_learned=True) is None


# The clock, and what happens.


@pytest.mark.parametrize(
    ("ratio", "expect", "supports", "refutes"),
    [(0.8, "below", True, False), (1.1, "below", False, True), (1.0, "equal", True, False),
     (0.97, "below", False, False), (1.2, "equal", False, True)],
)  # fmt: skip
def test_the_clocks_p_is_that_of_its_interval(ratio, expect, supports, refutes):
    half = 2.776 * 0.01
    row = {"numerator": "a", "denominator": "b", "ratio": ratio, "low": ratio * np.exp(-half),
           "high": ratio * np.exp(half), "processes": 5, "control_ok": True}  # fmt: skip
    rows = pd.DataFrame([row | {"log_se": 0.01, "df": 4}])
    found = run("interval", rows, 1.03, expect=expect)
    assert (found.supports, found.refutes) == (supports, refutes)
    assert (found.p < 0.05) == (supports or refutes)
    assert (found.low, found.high) == pytest.approx((row["low"], row["high"]), rel=1e-3)
    # A table without them is decided by its interval.
    old = run("interval", pd.DataFrame([row]), 1.03, expect=expect)
    assert np.isnan(old.p)
    assert old.refutes == refutes
    failed = run("interval", rows.assign(control_ok=False), 1.03, expect=expect)
    assert (failed.supports, failed.refutes, failed.p) == (False, False, 1)


@pytest.mark.parametrize(
    ("without", "clipped", "verdict"),
    [
        (1, 0, "open"), (14, 0, "supports"), (14, 14, "open"), (0, 0, "refutes"),
        (14, None, "supports"),
    ],
)  # fmt: skip
def test_that_it_happens_is_of_many_runs_and_not_with_clipping_too(without, clipped, verdict):
    counts = {"noclip": without, "matched": clipped}
    rows = pd.DataFrame([
        {"track": track, "seed": seed, "exploded": seed < count}
        for track, count in counts.items() if count is not None
        for seed in range(20)
    ])  # fmt: skip
    about = {"column": "exploded", "at_least": 1, "a": {"track": "noclip"}}
    found = run("happens", rows, 0.2, **about, b={"track": "matched"})
    assert (found.supports, found.refutes) == (verdict == "supports", verdict == "refutes")
    assert found.effect == without / 20
    if clipped == 14:
        assert found.p == pytest.approx(1)


def delays(**cells: list[int]) -> pd.DataFrame:
    """Runs at delays of 10, 20, 40 and 80; each seed of a cell solves up to the delay given."""
    return pd.DataFrame([
        {"cell": cell, "framework": "jax", "seed": seed, "delay": delay, "solved": delay <= most,
         "track": f"recall{delay}"}
        for cell, found in cells.items() for seed, most in enumerate(found)
        for delay in (10, 20, 40, 80)
    ])  # fmt: skip


def test_the_longest_delay_that_is_solved():
    sides = {"a": {"cell": "lstm"}, "b": {"cell": "gru"}, "expect": "above", "difficulty": "delay"}
    found = run("longest", delays(lstm=[40] * 6, gru=[10, 10, 20, 10, 10, 10]), 1.25, **sides)
    assert found.effect == pytest.approx(4 / 2 ** (1 / 6))
    assert found.supports
    assert "median delay 40 against 10; 0 of 12 solve the highest" in found.detail
    # All alike is known from one level to the next only.
    found = run("longest", delays(lstm=[20] * 6, gru=[20] * 6), 1.25, **sides)
    assert (found.effect, found.supports, found.refutes) == (1, False, False)
    assert found.high == pytest.approx(2**0.5)
    assert run("longest", delays(lstm=[20] * 6), 1.25, **sides) is None, "one side was not run"
    # Who solves nothing stands one level below the lowest.
    found = run("longest", delays(lstm=[10] * 6, gru=[0] * 6), 1.25, **sides)
    assert found.effect == pytest.approx(2)


@pytest.mark.parametrize(("after", "verdict"), [(0.9, "supports"), (0.4, "refutes")])
def test_a_gap_that_shrinks(after, verdict):
    rng = np.random.default_rng(1)
    rows = [
        {"cell": cell, "framework": "jax", "track": track, "seed": seed, "status": "ok",
         "solved": True, "budget": 4000.0, "evaluate_every": 10,
         "steps_to_solve": 1000 * ratio * np.exp(rng.normal(0, 0.08))}
        for track, gap in (("common", 0.4), ("own", after))
        for cell, ratio in (("gru", gap), ("lstm", 1.0)) for seed in range(10)
    ]  # fmt: skip
    found = run(
        "gap_shrinks", pd.DataFrame(rows), 1.25, column="steps_to_solve", a={"cell": "gru"},
        b={"cell": "lstm"}, **{"from": {"track": "common"}, "to": {"track": "own"}},
    )  # fmt: skip
    assert found.effect == pytest.approx(after / 0.4, rel=0.15)
    assert getattr(found, verdict)
    assert found.detail.startswith("ratio 0.4")
