"""The JAX model; see the package docstring for kernels and conventions."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from implementations import Array, ModelSpec, Product, Weights, packed
from implementations.jax import kernels, manual
from implementations.packed import Layout

# Weights, first and second moments, each one vector.
State = tuple[jax.Array, jax.Array, jax.Array]


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
        self._spec, self._given = spec, tuple(weights)
        self._layout = packed.layout(spec, self._given)
        self._program = (kernel, self._layout)
        vector = jnp.asarray(self._layout.pack(weights))
        zeros = jnp.zeros_like(vector)
        self._state: State = (vector, zeros, zeros)

    def place(self, inputs: Array, targets: Array, constants: Array) -> Any:
        placed = (
            jnp.asarray(inputs, self._spec.dtype),
            place_targets(self._spec, targets),
            jnp.asarray(constants, self._spec.dtype),
        )
        return jax.block_until_ready(placed)  # type: ignore[no-untyped-call]

    def train(self, placed: Any) -> tuple[Array, Array]:
        self._state, (losses, norms) = _train(*self._program, self._state, placed)
        return np.asarray(losses), np.asarray(norms)

    def gradients(self, placed: Any) -> Array:
        norms: Array = np.asarray(_gradients(*self._program, self._state[0], placed[:2]))
        return norms

    def losses(self, placed: Any) -> Array:
        losses: Array = np.asarray(_losses(*self._program, self._state[0], placed[:2]))
        return losses

    def predict(self, inputs: Array) -> Array:
        x = jnp.asarray(inputs, self._spec.dtype)
        return np.asarray(_predict(*self._program, self._state[0], x))

    def weights(self) -> Weights:
        pieces = self._layout.pieces(np.asarray(self._state[0]))
        return {name: pieces[name] for name in self._given}

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self.weights().items()}

    def device(self) -> str:
        return str(next(iter(self._state[0].devices())).platform)


def place_targets(spec: ModelSpec, values: Array) -> jax.Array:
    """Targets on the device, of the model's type or integer classes."""
    return jnp.asarray(values, spec.dtype if spec.loss == "mse" else "int32")


# Kernel and layout are static: models of one shape share their compiled code.
@partial(jax.jit, static_argnums=(0, 1))
def _train(kernel: str, layout: Layout, state: State, batches: Any) -> tuple[State, Any]:
    def step(state: State, batch: Any) -> tuple[State, tuple[jax.Array, jax.Array]]:
        x, y, constants = batch
        value, gradient = _gradient(kernel, layout, state[0], x, y)
        state, norm = _update(layout, state, gradient, constants)
        return state, (value, norm)

    return lax.scan(step, state, batches)


@partial(jax.jit, static_argnums=(0, 1))
def _gradients(kernel: str, layout: Layout, vector: jax.Array, batches: Any) -> Any:
    def norm(batch: Any) -> Any:
        gradient = _gradient(kernel, layout, vector, *batch)[1]
        return jnp.sqrt(jnp.sum(gradient * gradient))

    return lax.map(norm, batches)


@partial(jax.jit, static_argnums=(0, 1))
def _losses(kernel: str, layout: Layout, vector: jax.Array, batches: Any) -> Any:
    def value(batch: Any) -> jax.Array:
        return loss(layout.spec, _outputs(kernel, layout, vector, batch[0]), batch[1])

    return lax.map(value, batches)


@partial(jax.jit, static_argnums=(0, 1))
def _predict(kernel: str, layout: Layout, vector: jax.Array, x: jax.Array) -> jax.Array:
    return _outputs(kernel, layout, vector, x)


def _gradient(
    kernel: str, layout: Layout, vector: jax.Array, x: jax.Array, y: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The loss and its gradient with respect to ``vector``, zero where nothing is trained."""
    if kernel in manual.KERNELS:
        return _trained(layout, *manual.loss_and_gradient(kernel, layout, vector, x, y))
    matrices = layout.matrices(vector)
    value, gradient = jax.value_and_grad(
        lambda m: loss(layout.spec, _autodiff(kernel, layout, m, x), y)
    )(matrices)
    return _trained(layout, value, jnp.concatenate([g.reshape(-1) for g in gradient]))


def _trained(layout: Layout, value: jax.Array, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    mask = layout.mask()
    return value, gradient if mask is None else gradient * mask


def _update(
    layout: Layout, state: State, g: jax.Array, constants: jax.Array
) -> tuple[State, jax.Array]:
    """The rule of :func:`implementations.updates`; also the norm before clipping."""
    rate, keep_m, keep_v, scale, epsilon, clip, clip_each = constants
    norm = jnp.sqrt(jnp.sum(g * g))
    whole = jnp.minimum(1, clip / norm)

    def apart() -> jax.Array:
        numbers = layout.variables()
        squares = jnp.zeros(numbers.max() + 1, g.dtype).at[numbers].add(g * g)
        return g * jnp.minimum(1, clip_each / jnp.sqrt(squares))[numbers]

    # Few runs have a limit for each variable, and the sums over variables are slow.
    g = whole * lax.cond(clip_each < jnp.inf, apart, lambda: g)
    w, m, v = state
    m = keep_m * m + g
    v = keep_v * v + g * g
    w = w - rate * m / (scale * jnp.sqrt(v) + epsilon)
    return (w, m, v), norm


def loss(spec: ModelSpec, outputs: jax.Array, y: jax.Array) -> jax.Array:
    """The mean squared error over all values, or the mean cross-entropy in nats."""
    if spec.loss == "mse":
        return jnp.mean((outputs - y) ** 2)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(outputs), y[..., None], axis=-1)
    return -jnp.mean(chosen)


def _outputs(kernel: str, layout: Layout, vector: jax.Array, x: jax.Array) -> jax.Array:
    """Outputs [B, o], or [B, T, o] at every step, for x [B, T, d]."""
    if kernel in manual.KERNELS:
        return manual.outputs(layout, vector, x)
    return _autodiff(kernel, layout, layout.matrices(vector), x)


def _autodiff(kernel: str, layout: Layout, matrices: list[jax.Array], x: jax.Array) -> jax.Array:
    *layers, output = matrices
    sequence = x.swapaxes(0, 1)
    for layer, matrix in enumerate(layers):
        sequence = kernels.layer(kernel, layout.spec.cell, layout.parts(layer, matrix), sequence)
    last = sequence.swapaxes(0, 1) if layout.spec.every_step else sequence[-1]
    return last @ output[:-1] + output[-1]
