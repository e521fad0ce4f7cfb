"""The cells, one file each, and their contract; nothing of frameworks, tasks or runs lives here.

A cell is a file here that defines ``CELL``, a :class:`Cell`; being there is all that it takes.
Its equations stand in it once, as ``step``, to be read beside the textbook. From them come
the shapes of its weights, the NumPy reference with its gradient (``network.py``), the kernel
``equations`` of every framework, the conformance checks and the formula on the page.

Canonical weights are the one form in which weights travel. With G gates of h units, layer l has
``layers.l.input`` [d, G·h], ``layers.l.recurrent`` [h, R·h] for the R gates that have such a
matrix, ``layers.l.bias`` [G·h], ``layers.l.recurrent_bias`` [K·h] for the K gates with an inner
bias, and each of the cell's extras, [h] or [h, h]. ``output.weight`` is [h, o], ``output.bias``
[o]. The gates stand in the order of ``Cell.gates``.

What is given is trained, and nothing else. Where a framework has a second bias for a gate that
needs one only, ``layers.l.redundant_bias`` [(G - K)·h] holds it, for all gates without an inner
bias; when that is not given, it stays at zero. A cell with an inner bias that is not given keeps
it at zero.
"""

import importlib
import keyword
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = dict[str, Array]
States = tuple[Any, ...]  # each [B, h], the output first
Gates = dict[str, Any]

# Tables have named these in this order from the start; later ones follow by name.
FIRST = ("rnn", "lstm", "gru")
# The cell with which the parameters and times of all others are compared.
STANDARD = "lstm"


@dataclass(frozen=True)
class Extra:
    """A weight beside the matrices: a vector [h] whose first values are uniform from low to high,
    or a matrix [h, h], which starts as a recurrent matrix does."""

    low: float = 0.0
    high: float = 0.0
    matrix: bool = False


@dataclass(frozen=True, eq=False)
class Cell:
    """A recurrent cell: what it is called, what it is trained with, and its equations.

    ``step(x, u, w, state, math) -> states, gates`` is one time step of a batch B:

    - ``x.i`` is x_t W_i + b_i [B, h], and so for every gate;
    - ``u(h)`` multiplies h [B, h] by the recurrent matrices, all gates in one product:
      ``u(h).i`` is h U_i, with its inner bias where there is one. ``u(r * h, "n").n`` is the
      product of the named gates alone, for one that has to wait for another gate;
    - ``w.p`` is the extra weight p, a vector or, for ``i @ w.p``, a matrix;
    - ``state`` holds the states before the step, zero at first, in the order of ``states``;
    - ``math`` is the framework's: see :class:`Math`.

    It returns the new states and every gate's values by name.
    """

    name: str  # that of its file
    summary: str  # one sentence
    source: str  # papers
    gates: tuple[str, ...]  # each is h columns of input, recurrent and bias
    states: tuple[str, ...]  # the first is the output
    step: Callable[..., tuple[States, Gates]]
    equations: tuple[str, ...]  # lines for the page; a_b has a subscript, h′ is before the step
    inner_bias: tuple[str, ...] = ()  # the last gates, if any: those with a bias inside u
    without_recurrent: tuple[str, ...] = ()  # gates that have no recurrent matrix
    extras: Mapping[str, Extra] = field(default_factory=dict)
    first_biases: Mapping[str, float] = field(default_factory=dict)  # by gate; others start at 0
    # The gates between 0 and 1, with the names that people give them.
    sigmoids: Mapping[str, str] = field(default_factory=dict)
    # The share of the old state that stays is this gate, or 1 - ``writes`` where there is none:
    # chrono initialisation draws their biases, and the time scales are read off them.
    keeps: str | None = None
    writes: str | None = None
    chrono: bool = False  # whether the standard first biases are those of chrono initialisation
    start: Literal["orthogonal", "identity"] = "orthogonal"  # of the recurrent matrices
    parent: str | None = None  # the cell that it changes: what it is compared with
    title: str = ""  # as people write it, where that is not its name in capitals
    # As ``keeps``, where no bias can set the gate: only the time scales are read off it.
    fades: str | None = None
    # ``linear(x, w, math) -> a, b, gates`` of a cell whose one state is h = a ⊙ h′ + b, with a and
    # b of the input alone: all time steps at once, [T, B, h] as well as [B, h]. The kernel ``scan``
    # computes it so; its step is ``linear_step(linear)``.
    linear: Callable[[Any, Any, Any], tuple[Any, Any, Gates]] | None = None

    @property
    def recurrent(self) -> tuple[str, ...]:
        """The gates that have a recurrent matrix, in order."""
        return tuple(gate for gate in self.gates if gate not in self.without_recurrent)

    @property
    def biases(self) -> int:
        """How many biases a unit is trained with."""
        return len(self.gates) + len(self.inner_bias)


@dataclass(frozen=True)
class ModelSpec:
    """A stack of recurrent layers and one linear output layer.

    ``every_step`` asks for outputs at every time step instead of the last only.
    """

    cell: str
    layers: int
    input_size: int
    hidden: int
    outputs: int
    every_step: bool
    loss: Literal["mse", "cross_entropy", "binary_cross_entropy"]
    dtype: Literal["float32", "float64"] = "float32"


class Math:
    """What a step may call, of NumPy or a module like it; every a and b is [B, h].

    ``mean(a)`` is that over the units, [B, 1]. ``split`` and ``concat`` are for :func:`step_of`.
    """

    def __init__(self, module: Any, sigmoid: Callable[[Any], Any] | None = None) -> None:
        self.tanh, self.exp, self.log, self.sqrt = (
            getattr(module, name) for name in ("tanh", "exp", "log", "sqrt")
        )
        # By tanh, which does not overflow.
        self.sigmoid = sigmoid or (lambda a: 0.5 * (1 + module.tanh(0.5 * a)))
        # By the real part, so that complex steps go through.
        self.relu = lambda a: module.where(module.real(a) > 0, a, 0 * a)
        self.maximum = lambda a, b: module.where(module.real(a) > module.real(b), a, b)
        self.mean = lambda a: module.mean(a, axis=-1, keepdims=True)
        self.split = lambda a, count: module.split(a, count, axis=-1)
        self.concat = lambda parts: module.concatenate(parts, axis=-1)


def _names() -> tuple[str, ...]:
    """The cells that exist: the files in ``cells/``."""
    stems = {path.stem for path in Path(__file__).parent.glob("[a-z]*.py")} - {"network"}
    good = {s for s in stems if s.isidentifier() and not keyword.iskeyword(s)}
    return (*(s for s in FIRST if s in good), *sorted(good.difference(FIRST)))


CELLS = _names()


def cell(name: str) -> Cell:
    """The cell of ``cells/<name>.py``. Raises what its import raises."""
    found: Cell = importlib.import_module(f"{__name__}.{name}").CELL
    return found


def is_linear(name: str) -> bool:
    """Whether a cell says that it is linear in its state; one that cannot be imported says not."""
    try:
        return cell(name).linear is not None
    except Exception:  # the cell's own, which whoever trains it gets to see
        return False


def linear_step(
    linear: Callable[[Any, Any, Any], tuple[Any, Any, Gates]],
) -> Callable[..., tuple[States, Gates]]:
    """The step h = a ⊙ h′ + b of a cell's ``linear``, with its docstring."""

    @wraps(linear)
    def step(x: Any, u: Any, w: Any, state: States, math: Any) -> tuple[States, Gates]:
        (h,) = state
        a, b, gates = linear(x, w, math)
        return (a * h + b,), gates

    return step


def shapes(spec: ModelSpec, inner_bias: bool = True) -> dict[str, tuple[int, ...]]:
    """The shape of every canonical weight of a model, in their canonical order.

    ``inner_bias=False`` is for a layer that has no bias inside the recurrent product.
    """
    own, h = cell(spec.cell), spec.hidden
    found: dict[str, tuple[int, ...]] = {}
    for layer in range(spec.layers):
        parts: dict[str, tuple[int, ...]] = {
            "input": (h if layer else spec.input_size, len(own.gates) * h)
        }
        if own.recurrent:
            parts["recurrent"] = (h, len(own.recurrent) * h)
        parts["bias"] = (len(own.gates) * h,)
        if own.inner_bias and inner_bias:
            parts["recurrent_bias"] = (len(own.inner_bias) * h,)
        parts |= {name: (h, h) if extra.matrix else (h,) for name, extra in own.extras.items()}
        found |= {f"layers.{layer}.{name}": shape for name, shape in parts.items()}
    return found | {"output.weight": (h, spec.outputs), "output.bias": (spec.outputs,)}


def layer_weights(weights: Mapping[str, Any], layer: int) -> dict[str, Any]:
    """The weights of one layer by their short names."""
    prefix = f"layers.{layer}."
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def count(spec: ModelSpec, inner_bias: bool = True) -> int:
    """How many parameters a model has: numbers that are trained."""
    return sum(map(math.prod, shapes(spec, inner_bias).values()))


def step_of(
    own: Cell, weights: Mapping[str, Any], math: Any
) -> Callable[[Any, States], tuple[States, Gates]]:
    """``step(a, state) -> states, gates`` of one layer, a [B, G·h] being x_t W + b of all gates.

    ``weights`` are a layer's by their short names, arrays of any framework; what can be done
    before the loop over time is done here.
    """
    outer = own.gates[: len(own.gates) - len(own.inner_bias)]

    def parts(kind: str, gates: tuple[str, ...]) -> dict[str, Any]:
        array = weights.get(kind)
        return {} if array is None else dict(zip(gates, math.split(array, len(gates)), strict=True))

    columns = parts("recurrent", own.recurrent)
    inner = parts("redundant_bias", outer) | parts("recurrent_bias", own.inner_bias)
    matrices = {
        names: weights["recurrent"]
        if names == own.recurrent
        else math.concat([columns[name] for name in names])
        for names in products(own)
    }
    extras = _extras(own, weights)

    def u(h: Any, *names: str) -> SimpleNamespace:
        names = names or own.recurrent
        found = zip(names, math.split(h @ matrices[names], len(names)), strict=True)
        return SimpleNamespace(**{k: p + inner[k] if k in inner else p for k, p in found})

    def step(a: Any, state: States) -> tuple[States, Gates]:
        return own.step(_by_gate(own, a, math), u, extras, state, math)

    return step


def coefficients(own: Cell, weights: Mapping[str, Any], a: Any, math: Any) -> tuple[Any, Any]:
    """The a and b [.., h] of h = a ⊙ h′ + b of a linear cell, for x W + b of all gates [.., G·h].

    Raises ValueError for a cell that is not linear in its state.
    """
    if own.linear is None:
        raise ValueError(f"the {own.name} is not linear in its state")
    return own.linear(_by_gate(own, a, math), _extras(own, weights), math)[:2]


def _by_gate(own: Cell, a: Any, math: Any) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip(own.gates, math.split(a, len(own.gates)), strict=True)))


def _extras(own: Cell, weights: Mapping[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**{name: weights[name] for name in own.extras})


@cache
def products(own: Cell) -> tuple[tuple[str, ...], ...]:
    """Which gates' recurrent products a step makes together, found by running it once on ones."""
    found: dict[tuple[str, ...], None] = {}
    one = np.ones((1, 1))

    def u(h: Any, *names: str) -> SimpleNamespace:
        names = names or own.recurrent
        found[names] = None
        return SimpleNamespace(**dict.fromkeys(names, one))

    x, w = (SimpleNamespace(**dict.fromkeys(names, one)) for names in (own.gates, own.extras))
    own.step(x, u, w, (one,) * len(own.states), Math(np))
    return tuple(found)
