"""The EXAMPLE model; see the package docstring for kernels and conventions."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax, nn

from cells import ModelSpec, Weights
from implementations.functional import FunctionalModel, Tree, model, product, stacked

__all__ = ["build", "product"]


def build(spec: ModelSpec, weights: Weights, kernel: str, device: str) -> FunctionalModel:
    """A model of ``spec`` on the device that starts from ``weights``."""
    return model(OUTPUTS, spec, weights, device)


def layer(spec: ModelSpec, weights: Tree, x: jax.Array) -> jax.Array:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d]."""
    inner = weights.get("recurrent_bias", jnp.zeros((), x.dtype))

    def step(state: Any, a: jax.Array) -> Any:
        h, c = state
        u = h @ weights["recurrent"]
        if spec.cell == "rnn":
            h = jnp.tanh(a + u)
        elif spec.cell == "lstm":
            i, f, g, o = jnp.split(a + u, 4, axis=-1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
            h = nn.sigmoid(o) * jnp.tanh(c)
        else:
            (a_r, a_z, a_n), (u_r, u_z, u_n) = (jnp.split(s, 3, axis=-1) for s in (a, u))
            z = nn.sigmoid(a_z + u_z)
            n = jnp.tanh(a_n + nn.sigmoid(a_r + u_r) * (u_n + inner))
            h = (1 - z) * n + z * h
        return (h, c), h

    zero = jnp.zeros((x.shape[1], spec.hidden), x.dtype)
    states: jax.Array = lax.scan(step, (zero, zero), x @ weights["input"] + weights["bias"])[1]
    return states


OUTPUTS = stacked(layer)
