"""What a cell's step is tried out with: tensors that can do only what all frameworks can.

Every framework's tensors can do more, each in its own way. These refuse it, in a sentence, and
they know which line made them.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, NoReturn

import numpy as np

import cells
from cells import Array
from harness.conformance.cell_lines import NotFinite, Unknown, Wrong, here

# How many values each function of ``math`` takes.
TAKES = {
    "sigmoid": 1, "tanh": 1, "exp": 1, "log": 1, "sqrt": 1, "relu": 1, "maximum": 2, "mean": 1
}  # fmt: skip
B, H = 3, 5  # examples and units, so unlike that a shape tells which is which
_SAID = {B: "B", H: "h", 1: "1"}
_NUMPY = cells.Math(np)
_NUMBERS = count()  # of tensors, in the order in which they are made
_SIDES = ("a tensor or a number", "a tensor")


def shape(array: Array) -> str:
    """A shape in the words of the cells' contract: [B, h], [h] and the like."""
    return f"[{', '.join(_SAID.get(size, str(size)) for size in array.shape)}]"


def listed(names: Iterable[str]) -> str:
    """Names for a sentence."""
    return ", ".join(names) or "none"


def _operator(
    sign: str, do: Callable[[Any, Any], Array]
) -> tuple[Callable[..., "Tensor"], Callable[..., "Tensor"]]:
    """An operator of two tensors, or of a tensor and a number on either side."""

    def operate(left: Any, right: Any) -> "Tensor":
        for side in (left, right):
            if isinstance(side, tuple | list):
                raise Wrong(
                    f"{sign} has a {type(side).__name__} on one side; take what is in it first, "
                    "as in (h,) = state"
                )
            if not isinstance(side, Tensor if sign == "@" else Tensor | float | int):
                raise Wrong(f"{sign} has {brief(side)} on one side, expected {_SIDES[sign == '@']}")
        try:
            with np.errstate(all="ignore"):
                return Tensor(do(_array(left), _array(right)), sign)
        except ValueError:
            fits = "[B, h] @ [h, h]" if sign == "@" else "[B, h] on both sides, or [h]"
            raise Wrong(
                f"{shape(_array(left))} {sign} {shape(_array(right))} do not fit; expected {fits}"
            ) from None

    return operate, lambda right, left: operate(left, right)


def brief(value: Any) -> str:
    """What a value is called in a sentence."""
    kind = f"a NumPy {type(value).__name__}" if isinstance(value, np.ndarray) else repr(value)
    return kind if len(kind) < 80 and "\n" not in kind else f"a {type(value).__name__}"


def _array(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else np.asarray(value)


def _refused(why: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise Wrong(why)

    return refuse


def _no_numpy(name: str) -> NoReturn:
    instead = f"write math.{name}"
    if name not in TAKES:
        instead = f"use math, which has {listed(TAKES)}, and float(...) of a number"
    raise Wrong(f"NumPy computes this ({name}), which no framework can train; {instead}")


class Tensor:
    """A value in a step, [B, h] mostly, and the line of the cell's file that made it."""

    def __init__(self, array: Array, by: str = "") -> None:
        self.array, self.place, self.number = np.asarray(array), here(), next(_NUMBERS)
        if by and not np.isfinite(self.array).all():
            what = "NaN" if np.isnan(self.array).any() else "infinity"
            raise NotFinite(f"{by} gives {what}")

    __add__, __radd__ = _operator("+", np.add)
    __sub__, __rsub__ = _operator("-", np.subtract)
    __mul__, __rmul__ = _operator("*", np.multiply)
    __truediv__, __rtruediv__ = _operator("/", np.divide)
    __pow__, __rpow__ = _operator("**", np.power)
    __matmul__, __rmatmul__ = _operator("@", np.matmul)

    def __neg__(self) -> "Tensor":
        return Tensor(-self.array)

    def __getitem__(self, part: Any) -> "Tensor":
        return Tensor(self.array[part])

    # Without this, a loop would go through the examples.
    __iter__ = None
    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = __setitem__ = _refused(
        "this changes a tensor in place, which some frameworks cannot do and others do to every "
        "copy; write h = h + ... for h += ..."
    )
    __bool__ = _refused(
        "if, and, or and not ask for one yes or no, where a tensor has a value for every example "
        "and unit; use a product with a gate, math.maximum or math.relu"
    )
    __lt__ = __le__ = __gt__ = __ge__ = _refused(
        "this compares tensors, which has no gradient; use math.maximum or math.relu"
    )
    __eq__ = __ne__ = __lt__
    __hash__ = object.__hash__
    __float__ = __int__ = __index__ = _refused(
        "a number of Python's is asked for where there is a tensor; use the math that step is "
        f"given, which has {listed(TAKES)}"
    )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        _no_numpy("asarray")

    def __array_ufunc__(self, function: Any, *_: Any, **__: Any) -> NoReturn:
        _no_numpy(function.__name__)

    def __array_function__(self, function: Any, *_: Any, **__: Any) -> NoReturn:
        _no_numpy(function.__name__)

    def __getattr__(self, name: str) -> NoReturn:
        raise Unknown(
            f"a tensor's .{name} is not the same in every framework; use + - * / ** @ and math, "
            f"which has {listed(TAKES)}"
        )


class Names:
    """What has a value for each of some names, as ``x`` has; other names are refused."""

    def __init__(self, what: str, values: Mapping[str, Any], instead: str) -> None:
        self.__dict__.update(values)
        self._what, self._known, self._instead = what, listed(values), instead

    def __repr__(self) -> str:
        return f"{self._what}, which has {self._known},"

    def __getitem__(self, name: Any) -> NoReturn:
        raise Wrong(f"{self._what} has its parts behind a dot; write {self._what}.{name}")

    def __getattr__(self, name: str) -> NoReturn:
        raise Unknown(f"{self._what} has no {name}, but {self._known}; {self._instead}")


def _function(name: str) -> Callable[..., Tensor]:
    needed = TAKES[name]

    def call(*values: Any, **more: Any) -> Tensor:
        if len(values) != needed or more:
            raise Wrong(f"math.{name} takes {needed} tensor{'s' * (needed > 1)} and nothing else")
        for value in values:
            if not isinstance(value, Tensor):
                raise Wrong(f"math.{name} is given {brief(value)}; it takes a tensor")
        with np.errstate(all="ignore"):
            arrays = [value.array for value in values]
            return Tensor(getattr(_NUMPY, name)(*arrays), f"math.{name}")

    return call


MATH = Names("math", {name: _function(name) for name in TAKES}, "mend the name")
