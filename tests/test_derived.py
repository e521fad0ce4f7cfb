"""What the claims need of the tables beside their own columns."""

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import derived
from analysis.tables.runs import rows as rows_of
from harness import layout
from harness.plan.run import Run
from tests.test_report import record


def test_early_is_the_progress_after_a_quarter_of_the_budget():
    runs = pd.DataFrame([
        {"task": "adding", "framework": "jax", "cell": cell, "track": "matched", "seed": 0,
         "status": status, "score": 0.01, "baseline": 0.5, "solved_at": 0.1,
         "set_steps": 400, "set_clip": 1, "steps": 400, "steps_to_solve": np.nan, "gflop": 1.0,
         "train_seconds": 40.0 if cell == "lstm" else 20.0}
        for cell, status in (("gru", "ok"), ("lstm", "diverged"), ("rnn", "ok"))
    ])  # fmt: skip
    identity = runs.iloc[0][derived.IDENTITY].to_dict()
    steps = {0: 0.5, 50: 0.45, 100: 0.3, 150: 0.2, 400: 0.1}
    curves = pd.DataFrame([
        identity | {"step": k, "score": v, "seconds": k / 20} for k, v in steps.items()
    ])  # fmt: skip
    found = derived.of_runs(runs, curves).set_index("cell")
    assert found["early"]["gru"] == pytest.approx(0.5)
    assert found["early"]["lstm"] == 0
    assert np.isnan(found["early"]["rnn"]), "it was never evaluated"
    # The slowest cell took 40 seconds, and after 10 of them the GRU was at its fourth point.
    assert found["early_seconds"]["gru"] == pytest.approx(0.75)


def test_what_it_takes_to_solve_in_seconds_and_operations(tmp_path):
    """Of runs of adding at its own settings: 24 seconds for 1200 steps."""
    records = [
        record(Run("adding", "jax", cell, "matched", 0), 0.01) | {"steps_to_solve": steps}
        for cell, steps in (("gru", 300), ("lstm", None))
    ]
    layout.write(tmp_path, "runs", rows_of(records))
    found = derived.of_runs(layout.read(tmp_path, "runs"), None).set_index("cell")
    assert found["seconds_to_solve"]["gru"] == pytest.approx(300 * 24 / 1200)
    # 6·T·B·G·h·(d + h), less 2·T·B·G·h·d for the inputs that need no gradient.
    step = 6 * 100 * 32 * 3 * 64 * (2 + 64) - 2 * 100 * 32 * 3 * 64 * 2
    assert found["operations_to_solve"]["gru"] == pytest.approx(300 * step / 1e9)
    assert found[["seconds_to_solve", "operations_to_solve"]].loc["lstm"].isna().all()
    assert found["to_baseline"].to_numpy() == pytest.approx(0.06)
    assert found["step_gflop"]["lstm"] == pytest.approx(found["step_gflop"]["gru"] * 4 / 3)


def test_what_is_left_of_the_gradient_at_the_tasks_lag():
    models = [("lstm", 6, [2.0, 1.0, 0.5, 0.2]), ("rnn", 5, [1.0, 0.5, 1e-3, 0.0])]
    flow = pd.DataFrame([
        {"task": "adding", "framework": "jax", "cell": cell, "track": "matched", "seed": 0,
         "moment": "trained", "cotangent": "random", "lag": lag, "task_lag": task_lag,
         "gradient": gradient}
        for cell, task_lag, norms in models
        for lag, gradient in zip((0, 2, 4, 7), norms, strict=True)
    ])  # fmt: skip
    found = derived.gradient_left(flow).set_index("cell")
    assert (found["lag"]["lstm"], found["left"]["lstm"]) == (7, 0.1)
    assert (found["lag"]["rnn"], found["left"]["rnn"]) == (4, 1e-3)
    assert found["log_left"]["lstm"] == pytest.approx(np.log(0.1))
    nothing = derived.gradient_left(flow.assign(task_lag=7)).set_index("cell")
    assert np.isfinite(nothing["log_left"]["rnn"]), "less than float64 can hold"
    assert derived.gradient_left(flow.assign(task_lag=np.nan)).empty
    runs = pd.DataFrame([{"task": "adding", "framework": "jax", "cell": "lstm", "track": "matched",
                          "seed": 0, "progress": 0.9, "solved": True}])  # fmt: skip
    assert derived.with_runs(found.reset_index(), runs)[
        ["cell", "progress"]
    ].to_numpy().tolist() == [["lstm", 0.9]]


def test_probes_say_what_is_kept_to_the_end():
    probes = pd.DataFrame([
        {"task": "copying", "framework": "jax", "cell": "gru", "track": "matched", "seed": 0,
         "moment": "trained", "step": step, "score": score, "chance": 0.2}
        for step, score in ((0, 0.9), (10, 0.6))
    ])  # fmt: skip
    found = derived.last_probe(probes)
    assert found["last"].tolist() == [False, True]
    assert found["kept"].tolist() == pytest.approx([0.875, 0.5])


def test_a_setting_may_hold_any_text(tmp_path):
    """A path with what once parted one setting from the next, and a name that a run has itself."""
    run = Run("adding", "jax", "gru", "matched", 0)
    found = record(run, 0.001)
    found["settings"] |= {"path": "a; b c.csv", "machine": "x; y 1", "noise": 0.5}
    layout.write(tmp_path, "runs", rows_of([found]))
    table = derived.of_runs(layout.read(tmp_path, "runs"), None).iloc[0]
    assert (table["path"], table["noise"], table["budget"]) == ("a; b c.csv", 0.5, 1200)
    assert (table["machine"], table["set_machine"]) == (0, "x; y 1")
