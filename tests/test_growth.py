"""How cost grows: fits of times that a test makes up."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.speed import growth
from harness.plan.campaigns import Campaign, Shape, Sweep
from tests.conftest import table
from tests.fakes import METHODS
from tests.test_timing import made


def test_fits_find_the_overhead_and_the_speed(tmp_path):
    """0.5 ms and 20 ms per GFLOP, the held-out size 10 % slower than the line."""
    base = Shape("base", 8, 10, 2, 16, 1)
    sizes = [replace(base, name=f"hidden_{h}", hidden=h) for h in (16, 32, 64, 128)]
    sweep = Sweep("hidden", tuple(s.name for s in sizes[:3]), sizes[3].name)
    plan = Campaign(
        "sweeps", tuple(sizes), METHODS[:1], 3, 2, 1, ("step",), peak=False, sweeps=(sweep,)
    )

    def milliseconds(method, shape, process, turn, phase):
        line = 0.5 + 20 * shape.step_flop("lstm") / 1e9
        return line * (1.1 if shape.hidden == 128 else 1)

    made(tmp_path, plan, milliseconds)
    row = table(tmp_path, "scaling").iloc[0]
    assert row["overhead_ms"] == pytest.approx(0.5, rel=1e-4)
    assert row["ms_per_gflop"] == pytest.approx(20, rel=1e-4)
    assert row["prediction_error"] == pytest.approx(1 / 1.1 - 1, rel=1e-3)
    even = 20 * 6 * 8 * 10 * 4 * row["even_at"] * (row["even_at"] + 2 * 2 / 3) / 1e9
    assert even == pytest.approx(0.5, rel=1e-3)
    points = table(tmp_path, "scaling_points")
    assert points["value"].tolist() == [16, 32, 64, 128]
    assert points["held_out"].tolist() == [False, False, False, True]
    assert np.isnan(growth.even_point(lambda v: v, -0.1))


def sweep(axis: str, sizes: list[int], processes: int) -> Campaign:
    """A campaign along one axis, the last size held out."""
    base = Shape("base", 8, 10, 2, 16, 1)
    shapes = [replace(base, name=f"{axis}_{v}", **{axis: v}) for v in sizes]
    along = Sweep(axis, tuple(s.name for s in shapes[:-1]), shapes[-1].name)
    return Campaign(
        "sweeps", tuple(shapes), METHODS[:1], processes, 2, 1, ("step",), peak=False,
        sweeps=(along,),
    )  # fmt: skip


@pytest.mark.parametrize(("processes", "known"), [(2, False), (5, True)])
def test_few_processes_give_a_fit_without_intervals(tmp_path, processes, known):
    """Overheads of 5, -10, 20 .. µs: none is left out because it is below zero."""
    overheads = np.array([0.005, -0.01, 0.02, -0.005, 0.03])[:processes]

    def milliseconds(method, shape, process, turn, phase):
        return overheads[process] + 20 * shape.step_flop("lstm") / 1e9

    made(tmp_path, sweep("hidden", [32, 64, 128, 256], processes), milliseconds)
    row = table(tmp_path, "scaling").iloc[0]
    assert row["overhead_ms"] == pytest.approx(overheads.mean(), abs=1e-5)
    ends = ["overhead_low", "ms_per_gflop_high"]
    assert row[ends].notna().all() == known
    assert ("2 processes only, so no intervals" in str(row["warning"])) != known
    if known:
        assert row["even_at"] > 0
        assert row["even_at_low"] == 0, "the overhead may be none"
        assert row["even_at_high"] > row["even_at"]
    else:
        assert np.isnan(row["even_at"]), "the mean is no overhead"


def test_along_the_time_steps_there_is_no_overhead(tmp_path):
    def milliseconds(method, shape, process, turn, phase):
        return 0.5 + 20 * shape.step_flop("lstm") / 1e9

    made(tmp_path, sweep("sequence_length", [5, 10, 20, 40], 5), milliseconds)
    row = table(tmp_path, "scaling").iloc[0]
    assert row["ms_per_gflop"] == pytest.approx(20, rel=1e-4)
    assert row["predicted_ms"] == pytest.approx(row["measured_ms"], rel=1e-4)
    assert row[["overhead_ms", "overhead_low", "even_at"]].isna().all()
    points = table(tmp_path, "scaling_points")
    assert points["fitted_ms"].tolist() == pytest.approx(points["median_ms"].tolist(), rel=1e-4)


def test_fiellers_interval_covers_a_ratio_of_means():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(2000):
        b = 2 + 0.3 * rng.normal(size=5)
        low, high = growth.fieller(1 + 0.2 * rng.normal(size=5) - 0.5 * (b - 2), b)
        covered += low <= 0.5 <= high
    assert 0.94 <= covered / 2000 <= 0.96
    assert np.isnan(growth.fieller(np.ones(5), np.array([-1.0, 1, -1, 1, 0.1]))).all()
