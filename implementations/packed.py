"""All weights of a model in one vector, so that an update rule is a few long operations.

A layer is one matrix [rows, G·h] of the vector: first the ``input`` weights' rows, then
``bias``, then ``second`` where there is one, then the ``recurrent`` weights'. With
x and ones beside h, [x, 1, h], its products are one product, and so is its gradient.
The row ``second`` holds the biases that stand beside h instead of x: a GRU's
``redundant_bias`` and ``recurrent_bias`` side by side, or another cell's
``redundant_bias``. After the layers stands the output layer, [h + 1, o].
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from implementations import GATES, Array, ModelSpec, Weights


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
    def ones(self) -> int:
        """The rows of biases of a layer."""
        return 1 + self.second

    def size(self, layer: int) -> int:
        """The inputs d of a layer."""
        return self.spec.hidden if layer else self.spec.input_size

    def shapes(self) -> list[tuple[int, int]]:
        """The shape of each layer's matrix, and of the output's."""
        spec, width = self.spec, GATES[self.spec.cell] * self.spec.hidden
        layers = [(self.size(n) + self.ones + spec.hidden, width) for n in range(spec.layers)]
        return [*layers, (spec.hidden + 1, spec.outputs)]

    def matrices(self, vector: Any) -> list[Any]:
        """The matrices of ``vector``, an array of any framework that slices and reshapes."""
        found, start = [], 0
        for rows, columns in self.shapes():
            part = vector[start : start + rows * columns]
            found.append(part.reshape((rows, columns)))
            start += rows * columns
        return found

    def parts(self, layer: int, matrix: Any) -> dict[str, Any]:
        """A layer's weights by name without prefix, cut from its matrix; both second biases."""
        d, hidden = self.size(layer), self.spec.hidden
        found = {"input": matrix[:d], "bias": matrix[d], "recurrent": matrix[d + self.ones :]}
        if self.second and self.spec.cell == "gru":
            found["redundant_bias"] = matrix[d + 1, : 2 * hidden]
            found["recurrent_bias"] = matrix[d + 1, 2 * hidden :]
        elif self.second:
            found["redundant_bias"] = matrix[d + 1]
        return found

    def pieces(self, vector: Array) -> Weights:
        """Views of ``vector`` by canonical name; both parts of a second row are there."""
        *layers, output = self.matrices(vector)
        found = {"output.weight": output[:-1], "output.bias": output[-1]}
        for n, matrix in enumerate(layers):
            found |= {f"layers.{n}.{name}": part for name, part in self.parts(n, matrix).items()}
        return found

    def pack(self, weights: Weights) -> Array:
        """``weights`` as one vector, zero where none is given."""
        vector = np.zeros(sum(m * n for m, n in self.shapes()), self.spec.dtype)
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
