"""The kernel ``equations``: a cell that only the tests know goes through the gate everywhere."""

import pytest

from cells import ModelSpec
from harness import registry
from harness.conformance import against_reference
from implementations import EQUATIONS
from tests import cells_at_hand

FRAMEWORKS = ("jax", "pytorch", "tensorflow")


# Between them: products that wait, extras, gates without a matrix, four states, exp, log, maximum.
@pytest.mark.parametrize("cell", ["partly", "exponential"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_cell_is_its_step_and_nothing_else(monkeypatch, tmp_path, framework, cell):
    cells_at_hand.put(monkeypatch, cells_at_hand.make(cell))
    its = registry.framework(framework)
    its.pin(1, tmp_path, "cpu")
    spec = ModelSpec(cell, 2, 2, 5, 3, True, "cross_entropy", "float64")
    assert its.choice(spec, 32, 100) == EQUATIONS
    rows = against_reference.check_one(its, spec, EQUATIONS, "cpu")
    assert {row["check"] for row in rows} >= {"parameters", "forward", "gradient", "round trip"}
    assert [against_reference.sentence(row) for row in rows if not row["passed"]] == []
