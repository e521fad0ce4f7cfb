"""The clock's proof by known regressions: its rules, and a regression that is made up."""

import argparse
import csv
import io

import pytest

from benchmarks import regressions
from benchmarks.regression_workloads import WORKLOADS
from benchmarks.regressions import CONTROLS, ENVIRONMENTS, FOUND, NONE, Control, verdict

SLOWER = Control("spinning", "spinning", ("installed", "30"), ("installed", "10"), 3, 1.3, "here")
SAME = Control("itself", "spinning", ("installed", "10"), ("installed", "10"), 1, 1.03, "here")


@pytest.mark.parametrize(("control", "low", "ratio", "high", "said"), [
    (SLOWER, 2.8, 3.1, 3.4, FOUND),
    (SLOWER, 4.8, 5.0, 5.2, "of the right sign, of another size"),
    (SLOWER, 0.3, 0.33, 0.36, "of the wrong sign"),
    (SLOWER, 0.9, 1.5, 2.4, "not found"),
    (SLOWER, 1.01, 1.02, 1.04, "not found"),
    (SAME, 0.98, 1.0, 1.02, NONE),
    # Beyond 1 by chance, within the 3 % that make a difference.
    (SAME, 1.001, 1.01, 1.02, NONE),
    (SAME, 1.04, 1.1, 1.2, "claimed where there is none"),
])  # fmt: skip
def test_what_was_found_is_judged_by_what_was_written_down(control, low, ratio, high, said):
    assert verdict(control, low, ratio, high) == said


def test_every_workload_has_a_control_against_itself_and_one_with_a_size():
    for name in WORKLOADS.keys() - {"spinning"}:
        mine = [control for control in CONTROLS if control.workload == name]
        assert {control.expected == 1 for control in mine} == {True, False}
        assert all(side[0] in ENVIRONMENTS for one in mine for side in (one.one, one.other))
    # Numerator and denominator of all are among what the clock compares.
    for control in CONTROLS:
        one, other = control.methods
        assert one != other
        assert one.cell == other.cell


def test_a_made_up_regression_is_found_and_none_beside_it(tmp_path, monkeypatch):
    monkeypatch.setitem(ENVIRONMENTS, "nowhere", ("no-such-package-anywhere",))
    monkeypatch.setattr(regressions.shutil, "which", lambda *_, **__: None)  # nor is there uv
    away = Control("away", "spinning", ("nowhere", "1"), ("installed", "1"), 2, 2, "here")
    asked = argparse.Namespace(
        processes=2, most=2, rounds=2, minutes=1.0, results=tmp_path, environments=tmp_path / "e"
    )
    rows = regressions.carried_out((SLOWER, SAME, away), asked)
    read = list(csv.DictReader(io.StringIO(regressions.table(rows))))
    assert [row["control"] for row in read] == ["spinning", "itself", "away"]
    slower, same, left_out = read
    assert 1.5 < float(slower["found"]) < 6
    assert (slower["expected"], slower["processes"]) == ("3", "2")
    assert 0.5 < float(same["found"]) < 2
    assert left_out["verdict"].startswith("not timed: nowhere is not there, uv ")
    assert not left_out["found"]
