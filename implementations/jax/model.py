"""The JAX model; see the package docstring for kernels and conventions."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from implementations import Array, ModelSpec, Product, Weights
from implementations.jax import kernels
from implementations.jax.kernels import Tree

State = tuple[Tree, Tree, Tree]


def build(spec: ModelSpec, weights: Weights, kernel: str) -> JaxModel:
    """Place ``weights`` on the CPU as a model of ``spec``."""
    if spec.dtype == "float64":
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    return JaxModel(spec, weights, kernel)


def product(m: int, k: int, n: int, count: int) -> Product:
    """``count`` products [m, k] @ [k, n] in float32, one after the other."""
    rng = np.random.default_rng(0)
    a, b = (jnp.asarray(rng.normal(size=s), "float32") for s in ((count, m, k), (k, n)))

    @jax.jit
    def all_of_them(a: jax.Array, b: jax.Array) -> jax.Array:
        return lax.scan(lambda _, one: (one @ b, None), jnp.zeros((m, n), a.dtype), a)[0]

    def done() -> None:
        all_of_them(a, b).block_until_ready()

    return done


class JaxModel:
    """A :class:`implementations.Model` in JAX."""

    def __init__(self, spec: ModelSpec, weights: Weights, kernel: str) -> None:
        self._spec, self._kernel = spec, kernel
        tree = {name: jnp.asarray(value, spec.dtype) for name, value in weights.items()}
        zeros = jax.tree.map(jnp.zeros_like, tree)
        self._state: State = (tree, zeros, zeros)

    def place(self, inputs: Array, targets: Array, constants: Array) -> Any:
        placed = (
            jnp.asarray(inputs, self._spec.dtype),
            place_targets(self._spec, targets),
            jnp.asarray(constants, self._spec.dtype),
        )
        return jax.block_until_ready(placed)  # type: ignore[no-untyped-call]

    def train(self, placed: Any) -> tuple[Array, Array]:
        self._state, (losses, norms) = _train(self._spec, self._kernel, self._state, placed)
        return np.asarray(losses), np.asarray(norms)

    def gradients(self, placed: Any) -> Array:
        norms: Array = np.asarray(_gradients(self._spec, self._kernel, self._state[0], placed[:2]))
        return norms

    def losses(self, placed: Any) -> Array:
        losses: Array = np.asarray(_losses(self._spec, self._kernel, self._state[0], placed[:2]))
        return losses

    def predict(self, inputs: Array) -> Array:
        x = jnp.asarray(inputs, self._spec.dtype)
        return np.asarray(_outputs(self._spec, self._kernel, self._state[0], x))

    def weights(self) -> Weights:
        return {name: np.asarray(value) for name, value in self._state[0].items()}

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self._state[0].items()}

    def device(self) -> str:
        return str(next(iter(self._state[0]["output.bias"].devices())).platform)


def place_targets(spec: ModelSpec, values: Array) -> jax.Array:
    """Targets on the device, of the model's type or integer classes."""
    return jnp.asarray(values, spec.dtype if spec.loss == "mse" else "int32")


# Specification and kernel are static: models of one shape share their compiled code.
@partial(jax.jit, static_argnums=(0, 1))
def _train(spec: ModelSpec, kernel: str, state: State, batches: Any) -> tuple[State, Any]:
    def step(state: State, batch: Any) -> tuple[State, tuple[jax.Array, jax.Array]]:
        x, y, constants = batch
        loss, gradient = jax.value_and_grad(_loss, 2)(spec, kernel, state[0], x, y)
        state, norm = _update(state, gradient, constants)
        return state, (loss, norm)

    return lax.scan(step, state, batches)


@partial(jax.jit, static_argnums=(0, 1))
def _gradients(spec: ModelSpec, kernel: str, tree: Tree, batches: Any) -> Any:
    def norm(batch: Any) -> Any:
        gradient = jax.grad(_loss, 2)(spec, kernel, tree, *batch)
        return jnp.sqrt(sum(jnp.sum(g * g) for g in gradient.values()))

    return lax.map(norm, batches)


@partial(jax.jit, static_argnums=(0, 1))
def _losses(spec: ModelSpec, kernel: str, tree: Tree, batches: Any) -> Any:
    return lax.map(lambda batch: _loss(spec, kernel, tree, *batch), batches)


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


def _loss(spec: ModelSpec, kernel: str, tree: Tree, x: jax.Array, y: jax.Array) -> jax.Array:
    return loss(spec, _outputs(spec, kernel, tree, x), y)


def loss(spec: ModelSpec, outputs: jax.Array, y: jax.Array) -> jax.Array:
    """The mean squared error over all values, or the mean cross-entropy in nats."""
    if spec.loss == "mse":
        return jnp.mean((outputs - y) ** 2)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(outputs), y[..., None], axis=-1)
    return -jnp.mean(chosen)


@partial(jax.jit, static_argnums=(0, 1))
def _outputs(spec: ModelSpec, kernel: str, tree: Tree, x: jax.Array) -> jax.Array:
    sequence = x.swapaxes(0, 1)
    for layer in range(spec.layers):
        prefix = f"layers.{layer}."
        weights = {k.removeprefix(prefix): v for k, v in tree.items() if k.startswith(prefix)}
        sequence = kernels.layer(kernel, spec.cell, weights, sequence)
    last = sequence.swapaxes(0, 1) if spec.every_step else sequence[-1]
    return last @ tree["output.weight"] + tree["output.bias"]
