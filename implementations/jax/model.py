"""The JAX model; see the package docstring for kernels and conventions."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from implementations import Array, ModelSpec, Weights

Tree = dict[str, jax.Array]
State = tuple[Tree, Tree, Tree]


def build(spec: ModelSpec, weights: Weights) -> JaxModel:
    """Place ``weights`` on the CPU as a model of ``spec``."""
    if spec.dtype == "float64":
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    return JaxModel(spec, weights)


class JaxModel:
    """A :class:`implementations.Model` in JAX."""

    def __init__(self, spec: ModelSpec, weights: Weights) -> None:
        self._spec = spec
        tree = {name: jnp.asarray(value, spec.dtype) for name, value in weights.items()}
        zeros = jax.tree.map(jnp.zeros_like, tree)
        self._state: State = (tree, zeros, zeros)

    def train(self, inputs: Array, targets: Array, constants: Array) -> tuple[Array, Array]:
        batches = (
            jnp.asarray(inputs, self._spec.dtype),
            place_targets(self._spec, targets),
            jnp.asarray(constants, self._spec.dtype),
        )
        self._state, (losses, norms) = _train(self._spec, self._state, batches)
        return np.asarray(losses), np.asarray(norms)

    def predict(self, inputs: Array) -> Array:
        return np.asarray(
            _outputs(self._spec, self._state[0], jnp.asarray(inputs, self._spec.dtype))
        )

    def weights(self) -> Weights:
        return {name: np.asarray(value) for name, value in self._state[0].items()}

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self._state[0].items()}

    def device(self) -> str:
        return str(next(iter(self._state[0]["output.bias"].devices())).platform)


def place_targets(spec: ModelSpec, values: Array) -> jax.Array:
    """Targets on the device, of the model's type or integer classes."""
    return jnp.asarray(values, spec.dtype if spec.loss == "mse" else "int32")


# The specification is static: models of one shape share their compiled code.
@partial(jax.jit, static_argnums=0)
def _train(spec: ModelSpec, state: State, batches: Any) -> tuple[State, Any]:
    def step(state: State, batch: Any) -> tuple[State, tuple[jax.Array, jax.Array]]:
        x, y, constants = batch
        loss, gradient = jax.value_and_grad(_loss, 1)(spec, state[0], x, y)
        state, norm = _update(state, gradient, constants)
        return state, (loss, norm)

    return lax.scan(step, state, batches)


def _update(state: State, gradient: Tree, constants: jax.Array) -> tuple[State, jax.Array]:
    """The rule of :func:`implementations.updates`; also the norm before clipping."""
    rate, keep_m, keep_v, scale, epsilon, clip, clip_each = constants
    each = jax.tree.map
    squares = {name: jnp.sum(g * g) for name, g in gradient.items()}
    norm = jnp.sqrt(sum(squares.values()))
    whole = jnp.minimum(1, clip / norm)
    variables: Tree = {}
    for name, square in squares.items():
        variables[_variable(name)] = variables.get(_variable(name), 0.0) + square
    apart = {name: jnp.minimum(1, clip_each / jnp.sqrt(s)) for name, s in variables.items()}
    gradient = {name: g * whole * apart[_variable(name)] for name, g in gradient.items()}
    weights, first, second = state
    first = each(lambda m, g: keep_m * m + g, first, gradient)
    second = each(lambda v, g: keep_v * v + g * g, second, gradient)
    weights = each(
        lambda w, m, v: w - rate * m / (scale * jnp.sqrt(v) + epsilon), weights, first, second
    )
    return (weights, first, second), norm


def _variable(name: str) -> str:
    """The variable that a weight belongs to: the biases of a layer are one."""
    return name.rpartition(".")[0] + ".biases" if name.endswith("bias") else name


def _loss(spec: ModelSpec, tree: Tree, x: jax.Array, y: jax.Array) -> jax.Array:
    return loss(spec, _outputs(spec, tree, x), y)


def loss(spec: ModelSpec, outputs: jax.Array, y: jax.Array) -> jax.Array:
    """The mean squared error over all values, or the mean cross-entropy in nats."""
    if spec.loss == "mse":
        return jnp.mean((outputs - y) ** 2)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(outputs), y[..., None], axis=-1)
    return -jnp.mean(chosen)


@partial(jax.jit, static_argnums=0)
def _outputs(spec: ModelSpec, tree: Tree, x: jax.Array) -> jax.Array:
    sequence = x.swapaxes(0, 1)
    for layer in range(spec.layers):
        prefix = f"layers.{layer}."
        weights = {k.removeprefix(prefix): v for k, v in tree.items() if k.startswith(prefix)}
        a = sequence @ weights["input"] + weights["bias"]
        if "redundant_bias" in weights:
            spare = a.shape[-1] - weights["redundant_bias"].size
            a += jnp.pad(weights["redundant_bias"], (0, spare))
        sequence = LAYERS[spec.cell](weights, a)
    last = sequence.swapaxes(0, 1) if spec.every_step else sequence[-1]
    return last @ tree["output.weight"] + tree["output.bias"]


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


LAYERS = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}
