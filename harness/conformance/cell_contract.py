"""``python -m harness check cell NAME``: does one cell keep its contract?

Each finding is one sentence: where, what is wrong, what is expected. An empty list means that
every framework can train it; whether they do it right is for ``conform`` to say.
"""

import importlib
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

import cells
from cells import CELLS, Array, Cell, ModelSpec, network
from harness.conformance.against_reference import random_batches, random_weights
from harness.conformance.contract import REPLACE, Findings, of_the_first
from harness.errors import one_of
from harness.registry import short

# Weights of a layer that every cell has.
TAKEN = ("input", "recurrent", "bias", "recurrent_bias", "redundant_bias", "weight")
STEP = 1e-30  # a complex step has no subtraction, so it may be as small as one likes


def check_cell(name: str) -> list[str]:
    """What is wrong with ``cells/<name>.py``."""
    where = f"cells/{name}.py"
    if name not in CELLS:
        return [str(one_of("cells", "cell", name, list(CELLS)))]
    try:
        module = importlib.import_module(f"cells.{name}")
    except Exception as error:
        return [f"{where}: cannot be imported ({short(error)})."]
    checks = (_defined, _said, _linear, _stepped, _learnt, _kept)
    return of_the_first(where, (check(module, name) for check in checks))


def _defined(module: ModuleType, name: str) -> Findings:
    cell = getattr(module, "CELL", None)
    if not isinstance(cell, Cell):
        yield f"CELL is {cell!r}, expected a cells.Cell"
    elif cell.name != name:
        yield f"the cell's name is {cell.name!r}, expected that of the file, {name!r}"


def _said(module: ModuleType, name: str) -> Findings:
    cell: Cell = module.CELL
    texts = {
        "the docstring": module.__doc__, "step's docstring": cell.step.__doc__,
        "summary": cell.summary, "source": cell.source,
    }  # fmt: skip
    for what, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            yield f"{what} is {text!r}, expected a text on the cell"
        elif REPLACE in text:
            yield f"{what}: still the text of the template; write your own in place of {REPLACE}"
    for what in ("gates", "states", "equations", "inner_bias", "without_recurrent"):
        value = getattr(cell, what)
        if not isinstance(value, tuple) or len(set(value)) < len(value):
            yield f"{what} is {value!r}, expected a tuple of different names"
        elif not value and what in ("gates", "states", "equations"):
            yield f"{what} is empty, expected at least one"
        elif what in ("gates", "states") and not all(map(str.isidentifier, value)):
            yield f"{what} is {value!r}, expected names that Python allows"
    if cell.gates[len(cell.gates) - len(cell.inner_bias) :] != cell.inner_bias:
        yield f"inner_bias is {cell.inner_bias}, expected the last of the gates {cell.gates}"
    single = {gate for gate in (cell.keeps, cell.writes) if gate}
    for what, named in (
        ("without_recurrent", cell.without_recurrent), ("first_biases", cell.first_biases),
        ("sigmoids", cell.sigmoids), ("keeps or writes", single),
    ):  # fmt: skip
        if unknown := [gate for gate in named if gate not in cell.gates]:
            yield f"{what} names {unknown[0]!r}, expected one of the gates {', '.join(cell.gates)}"
    for extra in cell.extras:
        if extra in TAKEN or not extra.isidentifier():
            yield f"extras has {extra!r}, expected a name that no other weight has"


def _linear(module: ModuleType, name: str) -> Findings:
    """What ``linear`` gives for all time steps at once is what the step does, one by one."""
    cell: Cell = module.CELL
    if cell.linear is None:
        return
    if len(cell.states) > 1:
        yield f"states is {cell.states}, expected one, since there is linear"
        return
    if cell.recurrent:
        yield f"{cell.recurrent[0]} has a recurrent matrix, expected without_recurrent to name " \
            "every gate, since there is linear"  # fmt: skip
        return
    rng, shape = np.random.default_rng(0), (6, 3, 4)
    spec = ModelSpec(name, 1, 2, shape[2], 1, False, "mse", "float64")
    weights, math = cells.layer_weights(random_weights(spec), 0), cells.Math(np)
    gates = {gate: rng.normal(0, 2, shape) for gate in cell.gates}
    extras = SimpleNamespace(**{extra: weights[extra] for extra in cell.extras})
    made = cell.linear(SimpleNamespace(**gates), extras, math)
    if not (isinstance(made, tuple) and len(made) == 3 and isinstance(made[2], dict)):
        yield "linear must return a, b and the gates: a, b, {name: value, ...}"
        return
    for what, value in zip("ab", made[:2], strict=True):
        if not _fits(value, shape):
            yield f"{what} of linear has the shape {np.shape(value)} for gates {shape}, " \
                "expected the same or one that goes with it"  # fmt: skip
            return
    a, b = (np.broadcast_to(value, shape) for value in made[:2])
    step = cells.step_of(cell, weights, math)
    state: Any = (rng.normal(size=shape[1:]),)
    for t, row in enumerate(np.concatenate(list(gates.values()), -1)):
        expected = a[t] * state[0] + b[t]
        state = step(row, state)[0]
        if not np.allclose(state[0], expected, rtol=1e-9):
            yield (
                f"step is not a ⊙ h′ + b of what linear gives for all time steps at once, at step "
                f"{t + 1}, expected step=linear_step(linear), and linear of each time step alone"
            )
            return


def _fits(value: Any, shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(np.shape(value), shape) == shape
    except ValueError:
        return False


def _stepped(module: ModuleType, name: str) -> Findings:
    """One step from states and products so large that a gate that is none shows it."""
    cell, rng, shape = module.CELL, np.random.default_rng(0), (3, 4)
    spec = ModelSpec(name, 1, 2, shape[1], 1, False, "mse", "float64")
    weights = cells.layer_weights(random_weights(spec), 0)
    step = cells.step_of(cell, weights, cells.Math(np))
    before = tuple(rng.normal(size=shape) for _ in cell.states)
    made = step(rng.normal(0, 5, (shape[0], len(cell.gates) * shape[1])), before)
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], dict)):
        yield "step must return the states and the gates: (h, ...), {name: value, ...}"
        return
    states, gates = made
    if not isinstance(states, tuple) or len(states) != len(cell.states):
        yield f"step does not return the states {cell.states}, expected a tuple of so many"
        return
    if missing := [gate for gate in cell.gates if gate not in gates]:
        yield f"step does not return the gate {missing[0]!r}, expected every gate's values by name"
    for what, value in [*zip(cell.states, states, strict=True), *gates.items()]:
        if np.shape(value) != shape:
            yield f"{what} has the shape {np.shape(value)} after a step, expected {shape}"
    for gate in cell.sigmoids:
        values = np.asarray(gates.get(gate, 0.0))
        if not ((values >= 0) & (values <= 1)).all():
            yield f"the gate {gate} goes from {values.min():.3g} to {values.max():.3g}, " \
                "expected values between 0 and 1, or not to be among sigmoids"  # fmt: skip


def _learnt(module: ModuleType, name: str) -> Findings:
    """Every weight has a gradient, and it is that of complex steps."""
    cell: Cell = module.CELL
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
            yield (
                f"the gradient by {key} is {found:.3g} and by a complex step {expected:.3g}, "
                "expected the same: step must use the functions of math and nothing else"
            )
    for key, names in (("input", cell.gates), ("recurrent", cell.recurrent)):
        if names:
            parts = np.split(gradients[f"layers.0.{key}"], len(names), axis=-1)
            for gate, part in zip(names, parts, strict=True):
                if not part.any():
                    more = ", or name it in without_recurrent" if key == "recurrent" else ""
                    yield f"the {key} weights of {gate} have no effect; use them in step{more}"
    for extra in cell.extras:
        if not gradients[f"layers.0.{extra}"].any():
            yield f"the extra weight {extra} has no effect; use w.{extra} in step, or remove it"
    first = x.astype(complex)
    first[:, 0] += 1j * STEP
    if not np.imag(network.outputs(spec, weights, first)).any():
        yield "the output after four steps does not depend on the first input, expected memory"


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
        yield (
            f"no state stays where keeps ({cell.keeps}) is 1 and writes ({cell.writes}) is 0, "
            "expected one: chrono initialisation and time scales build on it"
        )
