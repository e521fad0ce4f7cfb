"""The JAX kernels: layers as functions of weights and input sequence."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from implementations import STOCK

Tree = dict[str, jax.Array]


def layer(kernel: str, cell: str, weights: Tree, x: jax.Array) -> jax.Array:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d].

    ``weights`` are the layer's canonical arrays without their prefix.
    """
    if kernel in (STOCK, "nnx"):
        # Flax takes a second to import, which the other kernels need not wait for.
        from implementations.jax import stock

        return stock.layer(cell, weights, x)
    a = x @ weights["input"] + weights["bias"]
    if "redundant_bias" in weights:
        spare = a.shape[-1] - weights["redundant_bias"].size
        a += jnp.pad(weights["redundant_bias"], (0, spare))
    return _LAYERS[kernel, cell](weights, a)


def _rnn(weights: Tree, a: jax.Array) -> jax.Array:
    """Elman 1990; input products a [T, B, h] -> h [T, B, h]."""

    def step(h: jax.Array, a_t: jax.Array) -> tuple[jax.Array, jax.Array]:
        h = jnp.tanh(a_t + h @ weights["recurrent"])
        return h, h

    return lax.scan(step, _zero_state(weights, a), a)[1]


def _lstm(weights: Tree, a: jax.Array) -> jax.Array:
    """Gers, Schmidhuber & Cummins 2000; input products a [T, B, 4h] -> h [T, B, h]."""

    def step(
        state: tuple[jax.Array, jax.Array], a_t: jax.Array
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        h, c = state
        i, f, g, o = jnp.split(a_t + h @ weights["recurrent"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zero = _zero_state(weights, a)
    return lax.scan(step, (zero, zero), a)[1]


def _gru(weights: Tree, a: jax.Array) -> jax.Array:
    """Cho 2014 with the reset gate after the product; a [T, B, 3h] -> h [T, B, h]."""
    inner_bias = weights.get("recurrent_bias", jnp.zeros((), a.dtype))

    def step(h: jax.Array, a_t: jax.Array) -> tuple[jax.Array, jax.Array]:
        a_r, a_z, a_n = jnp.split(a_t, 3, axis=-1)
        u_r, u_z, u_n = jnp.split(h @ weights["recurrent"], 3, axis=-1)
        r = jax.nn.sigmoid(a_r + u_r)
        z = jax.nn.sigmoid(a_z + u_z)
        n = jnp.tanh(a_n + r * (u_n + inner_bias))
        h = (1 - z) * n + z * h
        return h, h

    return lax.scan(step, _zero_state(weights, a), a)[1]


def _zero_state(weights: Tree, a: jax.Array) -> jax.Array:
    return jnp.zeros((a.shape[1], weights["recurrent"].shape[0]), a.dtype)


_LAYERS = {("scan", "rnn"): _rnn, ("scan", "lstm"): _lstm, ("scan", "gru"): _gru}
