"""What ``check cell`` asks of a cell that says it is linear in its state."""

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

import cells
from cells import Cell, ModelSpec
from harness.conformance.cell_lines import at_field
from harness.conformance.cell_trial import Findings
from harness.conformance.examples import random_weights

STEPS, BATCH, UNITS = 6, 3, 4


def linear(module: ModuleType, name: str) -> Findings:
    """What ``linear`` gives for all time steps at once is what the step does, one by one."""
    cell: Cell = module.CELL
    if cell.linear is None:
        return
    if len(cell.states) > 1:
        what = f"states is {cell.states}, expected one, since there is linear"
        yield at_field(name, "states", what)
        return
    if cell.recurrent:
        what = (
            f"{cell.recurrent[0]} has a recurrent matrix, expected without_recurrent to name "
            "every gate, since there is linear"
        )
        yield at_field(name, "without_recurrent", what)
        return
    rng, shape = np.random.default_rng(0), (STEPS, BATCH, UNITS)
    spec = ModelSpec(name, 1, 2, UNITS, 1, False, "mse", "float64")
    weights, math = cells.layer_weights(random_weights(spec), 0), cells.Math(np)
    gates = {gate: rng.normal(0, 2, shape) for gate in cell.gates}
    extras = SimpleNamespace(**{extra: weights[extra] for extra in cell.extras})
    made = cell.linear(SimpleNamespace(**gates), extras, math)
    if not (isinstance(made, tuple) and len(made) == 3 and isinstance(made[2], dict)):
        what = "linear must return a, b and the gates: a, b, {name: value, ...}"
        yield at_field(name, "linear", what)
        return
    for letter, value in zip("ab", made[:2], strict=True):
        if not _fits(value, shape):
            what = (
                f"{letter} of linear has the shape {np.shape(value)} for gates {shape}, "
                "expected the same, or one that broadcasts to it"
            )
            yield at_field(name, "linear", what)
            return
    a, b = (np.broadcast_to(value, shape) for value in made[:2])
    step = cells.step_of(cell, weights, math)
    state: Any = (rng.normal(size=shape[1:]),)
    for t, row in enumerate(np.concatenate(list(gates.values()), -1)):
        expected = a[t] * state[0] + b[t]
        state = step(row, state)[0]
        if not np.allclose(state[0], expected, rtol=1e-9):
            what = (
                f"at time step {t + 1}, step gives another state than a ⊙ h′ + b by what linear "
                "gives for all time steps at once; expected step=linear_step(linear), and a linear "
                "in which no time step depends on another"
            )
            yield at_field(name, "linear", what)
            return


def _fits(value: Any, shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(np.shape(value), shape) == shape
    except ValueError:
        return False
