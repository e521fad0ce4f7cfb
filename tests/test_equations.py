"""The kernel ``equations``: a cell that no framework has goes through the check everywhere."""

import pytest

from cells import ModelSpec
from harness import registry
from harness.conformance import against_reference
from implementations import EQUATIONS

FRAMEWORKS = ("jax", "pytorch", "tensorflow")


# Between them: products that wait, extras that are vectors and matrices, gates without a matrix,
# five states, exp, log, maximum. All cells at once: benchmarks/conformance_of_cells.py.
@pytest.mark.parametrize("cell", ["mut1", "slstm", "fgr"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_cell_is_its_step_and_nothing_else(tmp_path, framework, cell):
    its = registry.framework(framework)
    its.pin(1, tmp_path, "cpu")
    spec = ModelSpec(cell, 2, 2, 5, 3, True, "cross_entropy", "float64")
    assert its.choice(spec, 32, 100) == EQUATIONS
    rows = against_reference.check_one(its, spec, EQUATIONS, "cpu")
    assert {row["check"] for row in rows} >= {"parameters", "forward", "gradient", "round trip"}
    assert [against_reference.sentence(row) for row in rows if not row["passed"]] == []


def test_tensorflow_with_the_last_state_alone(tmp_path):
    """With the input product inside the loop XLA gave this one, in float64, a wrong gradient."""
    its = registry.framework("tensorflow")
    its.pin(1, tmp_path, "cpu")
    spec = ModelSpec("minlstm", 2, 2, 5, 3, False, "mse", "float64")
    rows = against_reference.check_one(its, spec, EQUATIONS, "cpu")
    assert [against_reference.sentence(row) for row in rows if not row["passed"]] == []
