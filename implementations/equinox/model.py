"""The Equinox model; see the package docstring for kernels and conventions."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from cells import ModelSpec, Weights
from implementations import EQUATIONS, STOCK
from implementations.functional import (
    FunctionalModel,
    Tree,
    model,
    product,
    stacked,
    together,
)
from implementations.jax import equations

__all__ = ["build", "product", "together"]


def build(spec: ModelSpec, weights: Weights, kernel: str, device: str) -> FunctionalModel:
    """A model of ``spec`` on the device that starts from ``weights``."""
    return model(OUTPUTS[kernel], spec, weights, device)


def _layer(spec: ModelSpec, weights: Tree, x: jax.Array) -> jax.Array:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d]."""
    zero = jnp.zeros((x.shape[1], spec.hidden), x.dtype)
    if spec.cell == "rnn":

        def rnn(h: jax.Array, x_t: jax.Array) -> Any:
            h = jnp.tanh(x_t @ weights["input"] + weights["bias"] + h @ weights["recurrent"])
            return h, h

        return lax.scan(rnn, zero, x)[1]
    cell = _cell(spec, weights)

    def step(state: Any, x_t: jax.Array) -> Any:
        state = jax.vmap(cell)(x_t, state)
        return state, state[0] if spec.cell == "lstm" else state

    return lax.scan(step, (zero, zero) if spec.cell == "lstm" else zero, x)[1]


def _cell(spec: ModelSpec, weights: Tree) -> Any:
    """Equinox's cell with the given weights in place of its own."""
    size, key = weights["input"].shape[0], jax.random.key(0)
    if spec.cell == "lstm":
        cell: Any = eqx.nn.LSTMCell(size, spec.hidden, key=key)
    else:
        cell = eqx.nn.GRUCell(size, spec.hidden, key=key)
        inner = weights.get("recurrent_bias", jnp.zeros(spec.hidden, weights["bias"].dtype))
        cell = eqx.tree_at(lambda c: c.bias_n, cell, inner)
    values = weights["input"].T, weights["recurrent"].T, weights["bias"]
    return eqx.tree_at(lambda c: (c.weight_ih, c.weight_hh, c.bias), cell, values)


class Layer(eqx.Module):
    """A layer of any cell as a module of Equinox; its parameters are the canonical weights."""

    weights: Tree
    spec: ModelSpec = eqx.field(static=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The hidden states [T, B, h] for inputs x [T, B, d]."""
        return equations.layer(self.spec, self.weights, x)


OUTPUTS = {
    STOCK: stacked(_layer),
    EQUATIONS: stacked(lambda spec, weights, x: Layer(weights, spec)(x)),
}
