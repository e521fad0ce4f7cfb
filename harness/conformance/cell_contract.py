"""``python -m harness check cell NAME``: does one cell keep its contract?

Each finding is one sentence: where, what is wrong, what is expected. An empty list means that
every framework can train it; whether they do it right is for ``conform`` to say.
"""

import sys
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

import cells
from cells import Array, Cell, ModelSpec, network
from harness.conformance.cell_linear import linear
from harness.conformance.cell_lines import (
    Finding,
    at_field,
    of_field,
    of_file,
    of_return,
    of_step,
    said,
)
from harness.conformance.cell_trial import broken, first_of
from harness.conformance.contract import REPLACE
from harness.conformance.examples import random_batches, random_weights
from harness.errors import UserError

Findings = Iterator[Finding]
STEP = 1e-30  # a complex step has no subtraction, so it may be as small as one likes


def check_cell(name: str) -> list[str]:
    """What is wrong with ``cells/<name>.py``."""
    try:
        found = broken(name)
    except UserError as error:  # there is no such cell
        return [str(error)]
    if not found:
        module = sys.modules[f"cells.{name}"]
        found = first_of(name, [partial(check, module, name) for check in CHECKS])
    return list(map(str, found))


def _learnt(module: ModuleType, name: str) -> Findings:
    """Every weight has a gradient, and it is that of complex steps."""
    cell: Cell = module.CELL
    returned = said(of_return(cell.step), f"cells/{name}.py")
    # Units enough that not all of a rectified cell's are silent.
    spec = ModelSpec(name, 1, 2, 8, 1, False, "mse", "float64")
    weights, (inputs, targets) = random_weights(spec), random_batches(spec, 1)
    x, y = inputs[0].astype(np.float64), targets[0]
    _, gradients = network.loss_and_gradients(spec, weights, x, y)
    for key, gradient in gradients.items():
        place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        moved = weights[key].astype(complex)
        moved[place] += 1j * STEP
        outputs = network.outputs(spec, weights | {key: moved}, x)
        found, expected = gradient[place], np.imag(network.loss(spec, outputs, y)) / STEP
        if not abs(found - expected) <= 1e-9 * abs(expected) + 1e-14:
            what = (
                f"the gradient by {key} is {found:.3g} and by a complex step {expected:.3g}, "
                "expected the same: step must use the functions of math and nothing else"
            )
            yield Finding(returned, what)
    for key, names in (("input", cell.gates), ("recurrent", cell.recurrent)):
        if names:
            parts = np.split(gradients[f"layers.0.{key}"], len(names), axis=-1)
            for gate, part in zip(names, parts, strict=True):
                if not part.any():
                    more = ", or name it in without_recurrent" if key == "recurrent" else ""
                    used = f"x.{gate}" if key == "input" else f"u(h).{gate}"
                    what = f"the {key} weights of {gate} have no effect; use {used} in step{more}"
                    yield at_field(name, "gates", what)
    for extra in cell.extras:
        if not gradients[f"layers.0.{extra}"].any():
            what = f"the extra weight {extra} has no effect; use w.{extra} in step, or remove it"
            yield at_field(name, "extras", what)
    first = x.astype(complex)
    first[:, 0] += 1j * STEP
    if not np.imag(network.outputs(spec, weights, first)).any():
        what = "the output after four steps does not depend on the first input, expected memory"
        yield Finding(returned, what)


def _kept(module: ModuleType, name: str) -> Findings:
    """With the keeping gate at 1 and the writing one at 0, a state stays."""
    cell: Cell = module.CELL
    if not (cell.keeps or cell.writes):
        return
    weights: dict[str, Array] = {
        key: np.zeros(shape)
        for key, shape in cells.shapes(ModelSpec(name, 1, 1, 2, 1, False, "mse")).items()
    }
    # Where no gate holds back what is written, as in NIG, there must be nothing to write.
    rest = {} if cell.writes else {gate: 0.0 for gate in cell.gates if gate not in cell.sigmoids}
    bias = rest | {cell.keeps: 30.0, cell.writes: -30.0}
    a = np.repeat([[bias.get(gate, 0.5) for gate in cell.gates]], 2, axis=-1)
    before = tuple(np.full((1, 2), 0.3 + 0.1 * k) for k in range(len(cell.states)))
    step = cells.step_of(cell, cells.layer_weights(weights, 0), cells.Math(np))
    after: Any = step(a, before)[0]
    if not any(np.allclose(b, c, atol=1e-6) for b, c in zip(before, after, strict=True)):
        set_to = " and ".join(
            f"{field} ({gate}) is {value}"
            for field, gate, value in (("keeps", cell.keeps, 1), ("writes", cell.writes, 0))
            if gate
        )
        what = (
            f"no state stays where {set_to}, expected one: chrono initialisation and time scales "
            "build on it; name the gate that multiplies the old state, or none"
        )
        yield at_field(name, "keeps" if cell.keeps else "writes", what)


def _said(module: ModuleType, name: str) -> Findings:
    """What remains to be said of a cell that works."""
    cell: Cell = module.CELL
    texts = (
        ("the docstring", module.__doc__, of_file(name)),
        ("step's docstring", cell.step.__doc__, of_step(cell.step)),
        ("summary", cell.summary, of_field(name, "summary")),
        ("source", cell.source, of_field(name, "source")),
        ("equations", " ".join(cell.equations), of_field(name, "equations")),
    )
    for what, text, place in texts:
        where = said(place, f"cells/{name}.py")
        if not isinstance(text, str) or not text.strip():
            yield Finding(where, f"{what} is {text!r}, expected a text on the cell")
        elif REPLACE in text:
            still = f"{what}: still the text of the template; write your own in place of {REPLACE}"
            yield Finding(where, still)


CHECKS = (linear, _learnt, _kept, _said)
