"""The JAX model; see the package docstring for kernels and conventions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from implementations import Array, ModelSpec, Optimiser, Weights, adam_schedule

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
        self._steps = 0
        self._train = jax.jit(lambda state, batches: _train(spec, state, batches))
        self._predict = jax.jit(lambda tree, x: _outputs(spec, tree, x))
        self._gradients = jax.jit(lambda tree, x, y: jax.grad(_loss, 1)(spec, tree, x, y))

    def train(self, inputs: Array, targets: Array) -> Array:
        rates, epsilons = adam_schedule(self._spec.optimiser, self._steps + 1, len(inputs))
        batches = (
            self._array(inputs),
            self._targets(targets),
            self._array(rates),
            self._array(epsilons),
        )
        self._state, losses = self._train(self._state, batches)
        self._steps += len(inputs)
        return np.asarray(losses)

    def predict(self, inputs: Array) -> Array:
        return np.asarray(self._predict(self._state[0], self._array(inputs)))

    def gradients(self, inputs: Array, targets: Array) -> Weights:
        tree = self._gradients(self._state[0], self._array(inputs), self._targets(targets))
        return {name: np.asarray(value) for name, value in tree.items()}

    def weights(self) -> Weights:
        return {name: np.asarray(value) for name, value in self._state[0].items()}

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self._state[0].items()}

    def device(self) -> str:
        return str(next(iter(self._state[0]["output.bias"].devices())).platform)

    def _array(self, values: Array) -> jax.Array:
        return jnp.asarray(values, self._spec.dtype)

    def _targets(self, values: Array) -> jax.Array:
        return self._array(values) if self._spec.loss == "mse" else jnp.asarray(values, "int32")


def _train(spec: ModelSpec, state: State, batches: Any) -> tuple[State, jax.Array]:
    def step(state: State, batch: Any) -> tuple[State, jax.Array]:
        x, y, rate, epsilon = batch
        loss, gradient = jax.value_and_grad(_loss, 1)(spec, state[0], x, y)
        return _update(spec.optimiser, state, gradient, rate, epsilon), loss

    return lax.scan(step, state, batches)


def _update(
    rule: Optimiser, state: State, gradient: Tree, rate: jax.Array, epsilon: jax.Array
) -> State:
    weights, first, second = state
    each = jax.tree.map
    if rule.clip:
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradient.values()))
        scale = jnp.minimum(1, rule.clip / norm)
        gradient = each(lambda g: g * scale, gradient)
    if rule.name == "sgd":
        return each(lambda w, g: w - rule.learning_rate * g, weights, gradient), first, second
    if rule.name == "rmsprop":
        second = each(lambda v, g: rule.decay * v + (1 - rule.decay) * g * g, second, gradient)
        weights = each(
            lambda w, g, v: w - rule.learning_rate * g / (jnp.sqrt(v) + rule.epsilon),
            weights,
            gradient,
            second,
        )
        return weights, first, second
    first = each(lambda m, g: rule.beta1 * m + (1 - rule.beta1) * g, first, gradient)
    second = each(lambda v, g: rule.beta2 * v + (1 - rule.beta2) * g * g, second, gradient)
    weights = each(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + epsilon), weights, first, second)
    return weights, first, second


def _loss(spec: ModelSpec, tree: Tree, x: jax.Array, y: jax.Array) -> jax.Array:
    outputs = _outputs(spec, tree, x)
    if spec.loss == "mse":
        return jnp.mean((outputs - y) ** 2)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(outputs), y[..., None], axis=-1)
    return -jnp.mean(chosen)


def _outputs(spec: ModelSpec, tree: Tree, x: jax.Array) -> jax.Array:
    sequence = x.swapaxes(0, 1)
    for layer in range(spec.layers):
        weights = {
            name: tree[f"layers.{layer}.{name}"]
            for name in ("input", "recurrent", "bias", "recurrent_bias")
            if f"layers.{layer}.{name}" in tree
        }
        sequence = LAYERS[spec.cell](weights, sequence)
    last = sequence.swapaxes(0, 1) if spec.every_step else sequence[-1]
    return last @ tree["output.weight"] + tree["output.bias"]


def _rnn(weights: Tree, x: jax.Array) -> jax.Array:
    """Elman 1990, x [T, B, d] -> h [T, B, h]."""

    def step(h: jax.Array, a: jax.Array) -> tuple[jax.Array, jax.Array]:
        h = jnp.tanh(a + h @ weights["recurrent"])
        return h, h

    return lax.scan(step, _zero_state(weights, x), x @ weights["input"] + weights["bias"])[1]


def _lstm(weights: Tree, x: jax.Array) -> jax.Array:
    """Gers, Schmidhuber & Cummins 2000, x [T, B, d] -> h [T, B, h]."""

    def step(
        state: tuple[jax.Array, jax.Array], a: jax.Array
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        h, c = state
        i, f, g, o = jnp.split(a + h @ weights["recurrent"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zero = _zero_state(weights, x)
    return lax.scan(step, (zero, zero), x @ weights["input"] + weights["bias"])[1]


def _gru(weights: Tree, x: jax.Array) -> jax.Array:
    """Cho 2014 with the reset gate after the product, x [T, B, d] -> h [T, B, h]."""

    def step(h: jax.Array, a: jax.Array) -> tuple[jax.Array, jax.Array]:
        a_r, a_z, a_n = jnp.split(a, 3, axis=-1)
        u_r, u_z, u_n = jnp.split(h @ weights["recurrent"], 3, axis=-1)
        r = jax.nn.sigmoid(a_r + u_r)
        z = jax.nn.sigmoid(a_z + u_z)
        n = jnp.tanh(a_n + r * (u_n + weights["recurrent_bias"]))
        h = (1 - z) * n + z * h
        return h, h

    return lax.scan(step, _zero_state(weights, x), x @ weights["input"] + weights["bias"])[1]


def _zero_state(weights: Tree, x: jax.Array) -> jax.Array:
    return jnp.zeros((x.shape[1], weights["recurrent"].shape[0]), x.dtype)


LAYERS = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}
