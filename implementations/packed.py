"""All weights of a model in one vector, so that an update rule is a few long operations.

A layer is one matrix [rows, G·h] of the vector: first the ``input`` weights' rows, then
``bias``, then ``second`` where there is one, then the ``recurrent`` weights'. With
x and ones beside h, [x, 1, h], its products are one product, and so is its gradient.
The row ``second`` holds the biases that stand beside h instead of x: the
``redundant_bias`` and, of the last gates, the ``recurrent_bias`` side by side. Where a gate
has no recurrent matrix, ``recurrent`` is narrower and follows by itself; the cell's extras
follow each by itself. After the layers stands the output layer, [h + 1, o].
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

import cells
from cells import Array, Cell, ModelSpec, Weights


@dataclass(frozen=True)
class Layout:
    """Where each weight of a model stands; ``second`` and ``trained`` are the same in all layers.

    ``trained`` says of the two parts of a second row, redundant and recurrent bias,
    which are trained; the other stays at zero.
    """

    spec: ModelSpec
    second: bool
    trained: tuple[bool, bool]

    @property
    def cell(self) -> Cell:
        """The cell of all layers."""
        return cells.cell(self.spec.cell)

    @property
    def ones(self) -> int:
        """The rows of biases of a layer."""
        return 1 + self.second

    def size(self, layer: int) -> int:
        """The inputs d of a layer."""
        return self.spec.hidden if layer else self.spec.input_size

    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of each layer's matrix, what follows it, and that of the output's."""
        found: list[tuple[int, ...]] = []
        shapes, cell = cells.shapes(self.spec), self.cell
        for layer in range(self.spec.layers):
            own = {k: shapes[f"layers.{layer}.{k}"] for k in ("input", *cell.extras)}
            recurrent = shapes.get(f"layers.{layer}.recurrent", (0, 0))
            (d, width), whole = own.pop("input"), not cell.without_recurrent
            found.append((d + self.ones + whole * recurrent[0], width))
            found += [recurrent] * (cell.recurrent != () and not whole)
            found += own.values()
        return [*found, (self.spec.hidden + 1, self.spec.outputs)]

    def matrices(self, vector: Any) -> list[Any]:
        """The arrays of ``vector``, an array of any framework that slices and reshapes."""
        found, start = [], 0
        for shape in self.shapes():
            size = math.prod(shape)
            found.append(vector[start : start + size].reshape(shape))
            start += size
        return found

    def layers(self, arrays: list[Any]) -> list[dict[str, Any]]:
        """Each layer's weights by name without prefix, cut from its arrays; both second biases."""
        count = (len(arrays) - 1) // self.spec.layers
        return [
            self._parts(n, *arrays[n * count : (n + 1) * count]) for n in range(self.spec.layers)
        ]

    def _parts(self, layer: int, matrix: Any, *after: Any) -> dict[str, Any]:
        d, cell, rest = self.size(layer), self.cell, list(after)
        found = {"input": matrix[:d], "bias": matrix[d]}
        if not cell.without_recurrent:
            found["recurrent"] = matrix[d + self.ones :]
        elif cell.recurrent:
            found["recurrent"] = rest.pop(0)
        if self.second:
            redundant = (len(cell.gates) - len(cell.inner_bias)) * self.spec.hidden
            found["redundant_bias"] = matrix[d + 1, :redundant]
            if cell.inner_bias:
                found["recurrent_bias"] = matrix[d + 1, redundant:]
        return found | dict(zip(cell.extras, rest, strict=True))

    def pieces(self, vector: Any) -> dict[str, Any]:
        """Views of ``vector`` by canonical name; both parts of a second row are there."""
        arrays = self.matrices(vector)
        found = {"output.weight": arrays[-1][:-1], "output.bias": arrays[-1][-1]}
        for n, parts in enumerate(self.layers(arrays)):
            found |= {f"layers.{n}.{name}": part for name, part in parts.items()}
        return found

    def pack(self, weights: Weights) -> Array:
        """``weights`` as one vector, zero where none is given."""
        vector = np.zeros(sum(map(math.prod, self.shapes())), self.spec.dtype)
        pieces = self.pieces(vector)
        for name, value in weights.items():
            pieces[name][...] = value
        return vector

    def mask(self) -> Array | None:
        """1 where a weight is trained and 0 elsewhere, [N]; None when all are."""
        mask = np.ones_like(self.pack({}))
        names = dict(zip(("redundant_bias", "recurrent_bias"), self.trained, strict=True))
        for name, piece in self.pieces(mask).items():
            piece[...] = names.get(name.rpartition(".")[2], True)
        return None if mask.all() else mask

    def variables(self) -> Array:
        """The number of the variable that each weight belongs to, [N]: a layer's biases are one."""
        numbers = np.zeros(len(self.pack({})), np.int32)
        known: dict[str, int] = {}
        for name, piece in self.pieces(numbers).items():
            layer = name.rpartition(".")[0]
            piece[...] = known.setdefault(
                layer + ".bias" if name.endswith("bias") else name, len(known)
            )
        return numbers


def layout(spec: ModelSpec, names: Collection[str], second: bool = False) -> Layout:
    """The layout of a model with the weights ``names``, with a second row if need be."""
    trained = "layers.0.redundant_bias" in names, "layers.0.recurrent_bias" in names
    return Layout(spec, second or any(trained), trained)
