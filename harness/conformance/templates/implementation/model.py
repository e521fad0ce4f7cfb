"""The EXAMPLE model; see the package docstring for kernels and conventions."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

from cells import Array, ModelSpec, Weights
from implementations import Product

# Weights by canonical name. A framework with layers of its own converts in build and weights.
Tree = dict[str, jax.Array]


def build(spec: ModelSpec, weights: Weights, kernel: str) -> ExampleModel:
    """A model of ``spec`` on the CPU that starts from ``weights``."""
    if spec.dtype == "float64":
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    return ExampleModel(spec, weights)


def product(m: int, k: int, n: int, count: int) -> Product:
    """``count`` products [m, k] @ [k, n] in float32, for the clock."""
    rng = np.random.default_rng(0)
    a, b = (jnp.asarray(rng.normal(size=s), "float32") for s in ((count, m, k), (k, n)))
    run = jax.jit(lambda a, b: lax.map(lambda one: (one @ b).sum(), a))
    return lambda: run(a, b).block_until_ready()


class ExampleModel:
    """A :class:`implementations.Model`."""

    def __init__(self, spec: ModelSpec, weights: Weights) -> None:
        self._spec = spec
        tree = {name: jnp.asarray(value, spec.dtype) for name, value in weights.items()}
        zeros = jax.tree.map(jnp.zeros_like, tree)
        self._state = (tree, zeros, zeros)

    def place(self, inputs: Array, targets: Array, constants: Array) -> Any:
        kind = self._spec.dtype if self._spec.loss == "mse" else "int32"
        x, rows = (jnp.asarray(a, self._spec.dtype) for a in (inputs, constants))
        return x, jnp.asarray(targets, kind), rows

    def train(self, placed: Any) -> tuple[Array, Array]:
        self._state, (losses, norms) = _train(self._spec, self._state, placed)
        return np.asarray(losses), np.asarray(norms)

    def gradients(self, placed: Any) -> Array:
        x, y, _ = placed
        norms: Array = np.asarray(_norms(self._spec, self._state[0], x, y))
        return norms

    def losses(self, placed: Any) -> Array:
        x, y, _ = placed
        losses: Array = np.asarray(_losses(self._spec, self._state[0], x, y))
        return losses

    def predict(self, inputs: Array) -> Array:
        x = jnp.asarray(inputs, self._spec.dtype)
        return np.asarray(_outputs(self._spec, self._state[0], x))

    def weights(self) -> Weights:
        return {name: np.asarray(value) for name, value in self._state[0].items()}

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self._state[0].items()}

    def device(self) -> str:
        return str(next(iter(self._state[0]["output.bias"].devices())).platform)


@partial(jax.jit, static_argnums=0)
def _train(spec: ModelSpec, state: Any, batches: Any) -> Any:
    return lax.scan(partial(_step, spec), state, batches)


def _step(spec: ModelSpec, state: Any, batch: Any) -> Any:
    """One step by the formula of :func:`implementations.updates`."""
    x, y, (rate, keep_m, keep_v, scale, epsilon, clip, clip_each) = batch
    weights, m, v = state
    loss, g = jax.value_and_grad(_loss, 1)(spec, weights, x, y)
    norm = _norm(g)
    # With clip_each the biases of a layer are one variable.
    parts: dict[str, Tree] = {}
    for name, value in g.items():
        variable = name.rpartition(".")[0] + ".biases" if name.endswith("bias") else name
        parts.setdefault(variable, {})[name] = value
    whole = jnp.minimum(1, clip / norm)
    for part in parts.values():
        factor = whole * jnp.minimum(1, clip_each / _norm(part))
        g |= {name: value * factor for name, value in part.items()}
    m = {k: keep_m * m[k] + g[k] for k in g}
    v = {k: keep_v * v[k] + g[k] ** 2 for k in g}
    step = {k: rate * m[k] / (scale * jnp.sqrt(v[k]) + epsilon) for k in g}
    return ({k: weights[k] - step[k] for k in g}, m, v), (loss, norm)


@partial(jax.jit, static_argnums=0)
def _norms(spec: ModelSpec, weights: Tree, x: Any, y: Any) -> Any:
    return lax.map(lambda batch: _norm(jax.grad(_loss, 1)(spec, weights, *batch)), (x, y))


@partial(jax.jit, static_argnums=0)
def _losses(spec: ModelSpec, weights: Tree, x: Any, y: Any) -> Any:
    return lax.map(lambda batch: _loss(spec, weights, *batch), (x, y))


def _norm(gradient: Tree) -> jax.Array:
    return jnp.sqrt(sum(jnp.sum(value**2) for value in gradient.values()))


def _loss(spec: ModelSpec, weights: Tree, x: Any, y: Any) -> jax.Array:
    """The mean squared error over all values, or the mean cross-entropy in nats."""
    outputs = _outputs(spec, weights, x)
    if spec.loss == "mse":
        return jnp.mean((outputs - y) ** 2)
    return -jnp.mean(jnp.take_along_axis(nn.log_softmax(outputs), y[..., None], axis=-1))


@partial(jax.jit, static_argnums=0)
def _outputs(spec: ModelSpec, weights: Tree, x: jax.Array) -> jax.Array:
    sequence = x.swapaxes(0, 1)
    for layer in range(spec.layers):
        prefix = f"layers.{layer}."
        own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        sequence = _layer(spec, own, sequence)
    last = sequence.swapaxes(0, 1) if spec.every_step else sequence[-1]
    return last @ weights["output.weight"] + weights["output.bias"]


def _layer(spec: ModelSpec, weights: Tree, x: jax.Array) -> jax.Array:
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
