"""What is wrong with the fields of a cell: their kinds, and names in them that nothing has."""

import keyword
import sys
from collections.abc import Iterator, Mapping
from math import isfinite
from types import ModuleType

from cells import CELLS, Cell, Extra
from harness.conformance.cell_lines import Finding, at_field, imports, said

Findings = Iterator[Finding]
# Weights of a layer that every cell has.
TAKEN = ("input", "recurrent", "bias", "recurrent_bias", "redundant_bias", "weight")
SIGNATURE = "step(x, u, w, state, math)"


def imported(name: str) -> Findings:
    """The file imports no framework, nor anything else that is not needed for equations."""
    for place, package in imports(name):
        if package not in ("cells", "numpy") and package not in sys.stdlib_module_names:
            what = f"imports {package}; a cell uses the math of its step, which every framework has"
            yield Finding(said(place, ""), what)


def defined(module: ModuleType, name: str) -> Findings:
    """There is a cell, of the file's name."""
    cell = getattr(module, "CELL", None)
    if not isinstance(cell, Cell):
        had = "defines no CELL" if cell is None else f"CELL is {cell!r}"
        yield at_field(name, "CELL", f"{had}, expected CELL = Cell(...)")
    elif cell.name != name:
        what = f"the cell's name is {cell.name!r}, expected that of the file, {name!r}"
        yield at_field(name, "name", what)


def named(module: ModuleType, name: str) -> Findings:
    """Every name that a field has is that of a gate, a weight or a cell."""
    cell: Cell = module.CELL
    wrong = list(_shaped(cell))
    if not wrong:
        wrong = list(_known(cell))
    yield from (at_field(name, field, what) for field, what in wrong)


def _shaped(cell: Cell) -> Iterator[tuple[str, str]]:
    """Fields that are not of their kind, and what is wrong with each."""
    for field in ("gates", "states", "equations", "inner_bias", "without_recurrent"):
        value = getattr(cell, field)
        if isinstance(value, str):
            yield field, f'{field} is a text, expected a tuple: ("{value}",) with a comma'
        elif not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
            yield field, f"{field} is {value!r}, expected a tuple of names"
        elif len(set(value)) < len(value):
            yield field, f"{field} is {value!r}, expected a tuple of different names"
        elif not value and field in ("gates", "states", "equations"):
            yield field, f"{field} is empty, expected at least one"
        elif field in ("gates", "states"):
            for one in value:
                if not one.isidentifier() or keyword.iskeyword(one):
                    yield field, f"{field} has {one!r}, expected names that Python allows"
    for field, kind, example in (
        ("extras", Extra, '{"p": Extra()}'), ("first_biases", float, '{"f": 1.0}'),
        ("sigmoids", str, '{"f": "forget"}'),
    ):  # fmt: skip
        value = getattr(cell, field)
        kinds = (float, int) if kind is float else kind
        if not isinstance(value, Mapping) or not all(isinstance(v, kinds) for v in value.values()):
            yield field, f"{field} is {value!r}, expected values by name, such as {example}"
    if not callable(cell.step):
        yield "step", f"step is {cell.step!r}, expected the function {SIGNATURE}"
    if cell.start not in ("orthogonal", "identity"):
        yield "start", f'start is {cell.start!r}, expected "orthogonal" or "identity"'


def _known(cell: Cell) -> Iterator[tuple[str, str]]:
    """Names among the fields that nothing has, and what is wrong with each."""
    gates = f"expected one of the gates {', '.join(cell.gates)}"
    if cell.gates[len(cell.gates) - len(cell.inner_bias) :] != cell.inner_bias:
        what = f"inner_bias is {cell.inner_bias}, expected the last of the gates {cell.gates}"
        yield "inner_bias", what
    if both := set(cell.inner_bias) & set(cell.without_recurrent):
        yield "inner_bias", f"inner_bias names {min(both)!r}, which without_recurrent names too"
    for field in ("without_recurrent", "first_biases", "sigmoids", "keeps", "writes", "fades"):
        value = getattr(cell, field)
        for one in [value] if isinstance(value, str) else value or ():
            if one not in cell.gates:
                yield field, f"{field} names {one!r}, {gates}"
    for one, bias in cell.first_biases.items():
        if not isfinite(bias):
            yield "first_biases", f"the first bias of {one} is {bias}, expected a finite number"
    for one in cell.extras:
        if one in TAKEN or not one.isidentifier():
            yield "extras", f"extras has {one!r}, expected a name that no other weight has"
    if cell.chrono and not (cell.keeps or cell.writes):
        yield "chrono", "chrono draws biases for keeps and writes, expected one of them"
    if cell.parent == cell.name:
        yield "parent", "the cell is its own parent, expected the cell that it changes, or none"
    elif cell.parent is not None and cell.parent not in CELLS:
        what = f"parent is {cell.parent!r}, which is no cell; expected {', '.join(CELLS)}, or none"
        yield "parent", what
