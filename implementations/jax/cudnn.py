"""The kernel ``cudnn``: the LSTM of cuDNN, by ``jax.experimental.rnn``.

cuDNN takes all weights as one vector: the matrices of each layer, [4h, d] and [4h, h], and after
all of them its two biases [4h], with gates i, f, g, o. The model keeps its weights so, with the
output layer's behind them, and nothing is moved in a step. There is nothing to fall back to:
where there is no cuDNN, JAX cannot compile it. Products in TF32 are forbidden there by the
same setting as elsewhere, ``jax_default_matmul_precision``.
"""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cells import Array, ModelSpec, Weights

KINDS = (("input", "recurrent"), ("bias", "redundant_bias"))


@dataclass(frozen=True)
class Flat:
    """Where each weight stands; the redundant biases are ``trained``, or stay at zero."""

    spec: ModelSpec
    trained: bool

    def pieces(self, vector: Any) -> dict[str, Any]:
        """Views of ``vector`` by canonical name."""
        spec, found, start = self.spec, {}, 0
        wide = {"recurrent": (spec.hidden,), "bias": (), "redundant_bias": ()}
        for kinds in KINDS:
            for layer in range(spec.layers):
                for kind in kinds:
                    size = spec.hidden if layer else spec.input_size
                    shape = (4 * spec.hidden, *wide.get(kind, (size,)))
                    end = start + math.prod(shape)
                    found[f"layers.{layer}.{kind}"] = vector[start:end].reshape(shape).T
                    start = end
        end = start + spec.hidden * spec.outputs
        found["output.weight"] = vector[start:end].reshape(spec.hidden, spec.outputs)
        found["output.bias"] = vector[end : end + spec.outputs]
        return found

    @property
    def of_layers(self) -> int:
        """How many numbers stand before the output layer's."""
        spec = self.spec
        rows = sum(spec.hidden if n else spec.input_size for n in range(spec.layers))
        return 4 * spec.hidden * (rows + spec.layers * (spec.hidden + 2))

    def pack(self, weights: Weights) -> Array:
        """``weights`` as one vector, zero where none is given."""
        size = self.of_layers + (self.spec.hidden + 1) * self.spec.outputs
        vector = np.zeros(size, self.spec.dtype)
        pieces = self.pieces(vector)
        for name, value in weights.items():
            pieces[name][...] = value
        return vector

    def mask(self) -> Array | None:
        """1 where a weight is trained and 0 elsewhere, [N]; None when all are."""
        mask = np.ones_like(self.pack({}))
        for name, piece in self.pieces(mask).items():
            piece[...] = self.trained or not name.endswith("redundant_bias")
        return None if self.trained else mask

    def variables(self) -> Array:
        """The number of the variable that each weight belongs to, [N]: a layer's biases are one."""
        numbers = np.zeros(len(self.pack({})), np.int32)
        known: dict[str, int] = {}
        for name, piece in self.pieces(numbers).items():
            one = name.replace("redundant_bias", "bias")
            piece[...] = known.setdefault(one, len(known))
        return numbers


def layout(spec: ModelSpec, names: tuple[str, ...]) -> Flat:
    """The layout of a model with the weights ``names``."""
    if spec.dtype != "float32":
        raise ValueError("jax.experimental.rnn is for float32 alone")
    return Flat(spec, "layers.0.redundant_bias" in names)


def outputs(flat: Flat, vector: jax.Array, x: jax.Array) -> jax.Array:
    """Outputs [B, o], or [B, T, o] at every step, for x [B, T, d]."""
    # Experimental, so a version may lack it; the other kernels do without.
    from jax.experimental import rnn

    spec, (batch, length) = flat.spec, x.shape[:2]
    zero = jnp.zeros((spec.layers, batch, spec.hidden), x.dtype)
    states = rnn.lstm(
        x, zero, zero, vector[: flat.of_layers], jnp.full(batch, length, jnp.int32),
        spec.input_size, spec.hidden, spec.layers, 0.0, False,
    )[0]  # fmt: skip
    found = flat.pieces(vector)
    top = states if spec.every_step else states[:, -1]
    result: jax.Array = top @ found["output.weight"] + found["output.bias"]
    return result
