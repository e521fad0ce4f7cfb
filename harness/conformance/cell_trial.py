"""Can a cell be computed at all? Its fields and some steps, tried out before anything trains.

It takes a few milliseconds, so that every command that trains a cell begins with it. What takes
the reference model, as gradients do, is for :mod:`harness.conformance.cell_contract`.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from cells import CELLS, Cell
from harness.conformance.cell_fields import SIGNATURE, defined, imported, named
from harness.conformance.cell_lines import (
    Finding,
    NotFinite,
    Unknown,
    Wrong,
    of_error,
    of_return,
    of_step,
    said,
)
from harness.conformance.cell_tensor import MATH, B, H, Names, Tensor, brief, listed, shape
from harness.errors import UserError
from harness.registry import check_names

Findings = Iterator[Finding]
STEPS = 8
# Inputs as first weights make them, and so large that a gate that is none shows it.
USUAL, LARGE = 1.0, 5.0


def require(names: Iterable[str]) -> None:
    """Raise :class:`UserError` with what is wrong with the first of these cells that is broken."""
    for name in names:
        if found := broken(name):
            raise UserError(str(found[0]))


def broken(name: str) -> list[Finding]:
    """Why the cell cannot be computed: the findings of the first check that has any."""
    check_names("cells", "cell", [name], CELLS)
    try:
        if found := list(imported(name)):
            return found
        module = importlib.import_module(f"cells.{name}")
    except Exception as error:
        return [of_error(error, name)]
    return first_of(name, [partial(check, module, name) for check in CHECKS])


def first_of(name: str, checks: Iterable[Callable[[], Findings]]) -> list[Finding]:
    """The findings of the first check that has any, the last of them on what it raised."""
    for check in checks:
        found = []
        try:
            for finding in check():
                found.append(finding)
        except Exception as error:
            found.append(of_error(error, name))
        if found:
            return found
    return []


def stepped(module: ModuleType, name: str) -> Findings:
    """Some steps from zero with first weights; then with inputs too large for what is no gate."""
    cell: Cell = module.CELL
    try:
        inspect.signature(cell.step, follow_wrapped=False).bind(*range(5))
    except TypeError:
        given = inspect.signature(cell.step, follow_wrapped=False)
        what = f"step takes {given}, expected {SIGNATURE}"
        yield Finding(said(of_step(cell.step), f"cells/{name}.py"), what)
        return
    otherwise = said(of_return(cell.step), f"cells/{name}.py")
    for size in (USUAL, LARGE):
        x, u, w = _given(cell, size)
        state: tuple[Tensor, ...] = tuple(Tensor(np.zeros((B, H))) for _ in cell.states)
        for step in range(STEPS):
            try:
                made = cell.step(x(), u, w, state, MATH)
            except NotFinite as error:
                if size == LARGE:  # it may well be too large
                    return
                when = f"step {step + 1}" if step else "the first step, where every state is 0"
                error.args = (f"{error} in {when}; keep what is divided by away from 0, and what "
                              "has a logarithm or a root above it",)  # fmt: skip
                raise
            if found := list(_returned(cell, made, otherwise)):
                yield from found
                return
            state, gates = made
            if found := list(_outside(cell, gates, otherwise)):
                yield from found
                return


def _given(cell: Cell, size: float) -> tuple[Callable[[], Names], Callable[..., Names], Names]:
    """``x`` of a next step, ``u`` and ``w``, with weights as they start; inputs of this size."""
    rng = np.random.default_rng(0)
    matrices = {
        gate: np.eye(H) if cell.start == "identity" else rng.normal(0, 0.4, (H, H))
        for gate in cell.recurrent
    }
    extras = {
        one: Tensor(
            rng.normal(0, 0.4, (H, H)) if extra.matrix else rng.uniform(extra.low, extra.high, H)
        )
        for one, extra in cell.extras.items()
    }

    def x() -> Names:
        return Names("x", {
            gate: Tensor(rng.normal(cell.first_biases.get(gate, 0.0), size, (B, H)))
            for gate in cell.gates
        }, "mend the name, or add it to gates")  # fmt: skip

    def u(state: Any = None, *gates: str) -> Names:
        if not isinstance(state, Tensor):
            raise Wrong(
                f"u is given a {type(state).__name__}; it takes one state, as in (h,) = state "
                "and u(h)"
            )
        if state.array.shape != (B, H):
            raise Wrong(f"u is given {shape(state.array)}; it takes a state [B, h]")
        if not cell.recurrent:
            raise Wrong("u has no gate, since without_recurrent names all; take one out there")
        for gate in gates:
            if gate in cell.without_recurrent:
                raise Wrong(f"u has no {gate}, which without_recurrent names; take it out there")
            if gate not in matrices:
                raise Unknown(
                    f"u has no gate {gate}, but {listed(cell.recurrent)}; mend the name, or add "
                    "it to gates"
                )
        more = ", or take it out of without_recurrent" if cell.without_recurrent else ""
        said_so = f"u(h, {', '.join(map(repr, gates))})" if gates else "u(h)"
        products = {g: Tensor(state.array @ matrices[g]) for g in gates or cell.recurrent}
        return Names(said_so, products, f"mend the name, or name it there{more}"
                     if gates else f"mend the name, or add it to gates{more}")  # fmt: skip

    return x, u, Names("w", extras, "mend the name, or add it to extras")


def _returned(cell: Cell, made: Any, otherwise: str) -> Findings:
    """What is wrong with what a step returned."""
    example = f"({cell.states[0]},)" if len(cell.states) == 1 else f"({listed(cell.states)})"
    whole = (
        f"return {example}, {{{', '.join(f'{gate!r}: {gate}' for gate in cell.gates[:1])}, ...}}"
    )
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], dict)):
        kind = "nothing" if made is None else f"a {type(made).__name__}"
        what = f"step returns {kind} where the states and the gates are expected: {whole}"
        yield Finding(otherwise, what)
        return
    states, gates = made
    if not isinstance(states, tuple):
        kind = "one tensor" if isinstance(states, Tensor) else f"a {type(states).__name__}"
        yield Finding(otherwise, f"step returns {kind} where the tuple {example} is expected")
        return
    if len(states) != len(cell.states):
        count = f"{len(states)} state{'s' * (len(states) != 1)}"
        yield Finding(otherwise, f"step returns {count}, expected those of states: {example}")
        return
    lacks = [gate for gate in cell.gates if gate not in gates]
    if more := [str(gate) for gate in gates if gate not in cell.gates]:
        instead = f" where {lacks[0]!r} is expected" if lacks else ""
        what = f"step returns the gate {more[0]!r}{instead}; gates has {listed(cell.gates)}"
        yield Finding(otherwise, what)
    elif lacks:
        what = f"step does not return the gate {lacks[0]!r}, expected every gate's values by name"
        yield Finding(otherwise, what)
    shaped = []
    for what, value in [*zip(cell.states, states, strict=True), *gates.items()]:
        if not isinstance(value, Tensor):
            yield Finding(
                otherwise, f"{what} is {brief(value)} after a step, expected a tensor [B, h]"
            )
        elif value.array.shape != (B, H):
            shaped.append((value, what))
    # The others follow from the one that was made first.
    for value, what in sorted(shaped, key=lambda one: one[0].number)[:1]:
        found = f"{what} is {shape(value.array)} after a step, expected [B, h]"
        yield Finding(said(value.place, otherwise), found)


def _outside(cell: Cell, gates: Mapping[str, Tensor], otherwise: str) -> Findings:
    """Gates that are said to be between 0 and 1, and are not."""
    for gate in cell.sigmoids:
        values = gates[gate].array
        if not ((values >= 0) & (values <= 1)).all():
            what = (
                f"the gate {gate} goes from {values.min():.3g} to {values.max():.3g}, expected "
                "values between 0 and 1, or that sigmoids does not name it"
            )
            yield Finding(said(gates[gate].place, otherwise), what)


CHECKS = (defined, named, stepped)
