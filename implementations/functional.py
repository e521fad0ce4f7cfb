"""A whole model in JAX from one pure function: what all frameworks that stand on JAX share.

The function is ``outputs(spec, weights, x)``: inputs x [B, T, d] -> [B, o], or [B, T, o] where
the spec asks for every step, with ``weights`` by canonical name. Loss, gradient, update rule and
clipping are here, and a chunk of K optimiser steps is one ``lax.scan``, so that one call runs K
steps without Python.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cells import Array, ModelSpec, Weights, layer_weights
from implementations import Product

Tree = dict[str, jax.Array]
Outputs = Callable[[ModelSpec, Tree, jax.Array], jax.Array]


@dataclass(frozen=True)
class Program:
    """What is compiled, once for all models with equal fields; every method is pure.

    ``w`` are the weights as the model keeps them: here by canonical name. ``y`` is as
    :func:`place_targets` gives it. ``kernel`` is the function ``outputs``; a subclass may
    compute them otherwise.
    """

    spec: ModelSpec
    kernel: Any

    def outputs(self, w: Any, x: jax.Array) -> jax.Array:
        found: jax.Array = self.kernel(self.spec, w, x)
        return found

    def loss(self, w: Any, x: jax.Array, y: Any) -> jax.Array:
        return loss(self.spec, self.outputs(w, x), y)

    def gradient(self, w: Any, x: jax.Array, y: Any) -> tuple[jax.Array, Any]:
        """The loss and its gradient with respect to the weights."""
        return jax.value_and_grad(self.loss)(w, x, y)

    def clipped(self, g: Any, norm: jax.Array, clip: jax.Array, clip_each: jax.Array) -> Any:
        """The gradient within both limits; ``norm`` is the norm of all of it."""
        # The biases of a layer are one variable.
        parts: dict[str, Tree] = {}
        for name, value in g.items():
            variable = name.rpartition(".")[0] + ".biases" if name.endswith("bias") else name
            parts.setdefault(variable, {})[name] = value
        whole = jnp.minimum(1, clip / norm)
        for part in parts.values():
            factor = whole * jnp.minimum(1, clip_each / norm_of(part))
            g |= {name: value * factor for name, value in part.items()}
        return g

    @partial(jax.jit, static_argnums=0)
    def train(self, state: Any, batches: Any) -> Any:
        def step(state: Any, batch: Any) -> Any:
            """One step by the formula of :func:`implementations.rule.updates`."""
            x, y, (rate, keep_m, keep_v, scale, epsilon, clip, clip_each) = batch
            w, m, v = state
            value, g = self.gradient(w, x, y)
            norm = norm_of(g)
            g = self.clipped(g, norm, clip, clip_each)
            m = jax.tree.map(lambda m, g: keep_m * m + g, m, g)
            v = jax.tree.map(lambda v, g: keep_v * v + g * g, v, g)
            w = jax.tree.map(
                lambda w, m, v: w - rate * m / (scale * jnp.sqrt(v) + epsilon), w, m, v
            )
            return (w, m, v), (value, norm)

        return lax.scan(step, state, batches)

    @partial(jax.jit, static_argnums=0)
    def train_together(self, states: Any, batches: Any, constants: jax.Array) -> Any:
        """``train`` of every row, all with the same constants [K, 7]."""
        return jax.vmap(lambda state, batch: self.train(state, (*batch, constants)))(
            states, batches
        )

    @partial(jax.jit, static_argnums=0)
    def predict_together(self, w: Any, x: jax.Array) -> jax.Array:
        outputs: jax.Array = jax.vmap(self.predict)(w, x)
        return outputs

    @partial(jax.jit, static_argnums=0)
    def norms(self, w: Any, x: jax.Array, y: Any) -> Any:
        return lax.map(lambda batch: norm_of(self.gradient(w, *batch)[1]), (x, y))

    @partial(jax.jit, static_argnums=0)
    def losses(self, w: Any, x: jax.Array, y: Any) -> Any:
        return lax.map(lambda batch: self.loss(w, *batch), (x, y))

    @partial(jax.jit, static_argnums=0)
    def predict(self, w: Any, x: jax.Array) -> jax.Array:
        return self.outputs(w, x)


class FunctionalModel:
    """A :class:`implementations.Model` of a :class:`Program`; its state is w, m and v."""

    def __init__(self, program: Program, weights: Any, device: str) -> None:
        self._program, self._spec, self._on = program, program.spec, on(device, program.spec.dtype)
        start = jax.tree.map(self._floats, weights)
        zeros = jax.tree.map(jnp.zeros_like, start)
        self._state = (start, zeros, zeros)

    def place(
        self, inputs: Array, targets: Array, constants: Array, sample_weights: Array | None = None
    ) -> Any:
        y = place_targets(self._spec, targets, sample_weights, self._on)
        placed = self._floats(inputs), y, self._floats(constants)
        return jax.block_until_ready(placed)  # type: ignore[no-untyped-call]

    def train(self, placed: Any) -> tuple[Array, Array]:
        self._state, (losses, norms) = self._program.train(self._state, placed)
        return np.asarray(losses), np.asarray(norms)

    def gradients(self, placed: Any) -> Array:
        return np.asarray(self._program.norms(self._state[0], *placed[:2]))

    def losses(self, placed: Any) -> Array:
        return np.asarray(self._program.losses(self._state[0], *placed[:2]))

    def predict(self, inputs: Array) -> Array:
        return np.asarray(self._program.predict(self._state[0], self._floats(inputs)))

    def weights(self) -> Weights:
        return {name: np.asarray(value) for name, value in self._state[0].items()}

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self.weights().items()}

    def device(self) -> str:
        return device_of(self._state[0])

    def _floats(self, values: Array) -> jax.Array:
        return jnp.asarray(values, self._spec.dtype, device=self._on)


class FunctionalBatch:
    """An :class:`implementations.Batch`: the states of all models are the rows of one."""

    def __init__(self, models: Sequence[FunctionalModel]) -> None:
        self._models = models
        self._program, self._floats = models[0]._program, models[0]._floats
        self._state = _rows([model._state for model in models])

    def train(self, placed: Sequence[Any]) -> tuple[Array, Array]:
        batches, constants = _rows([one[:2] for one in placed]), placed[0][2]
        self._state, (losses, norms) = self._program.train_together(self._state, batches, constants)
        return np.asarray(losses), np.asarray(norms)

    def predict(self, inputs: Sequence[Array]) -> Array:
        return np.asarray(
            self._program.predict_together(self._state[0], self._floats(np.stack(inputs)))
        )

    def weights(self, row: int) -> Weights:
        model = self._models[row]
        model._state = jax.tree.map(lambda a: a[row], self._state)
        return model.weights()


def together(models: Sequence[FunctionalModel]) -> FunctionalBatch:
    """Models of one program as one batch."""
    return FunctionalBatch(models)


def _rows(trees: Sequence[Any]) -> Any:
    """Equal trees as one, whose arrays have a row for each."""
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *trees)


def model(outputs: Outputs, spec: ModelSpec, weights: Weights, device: str) -> FunctionalModel:
    """A model that computes ``outputs``, a function of a module, from ``weights``."""
    return FunctionalModel(Program(spec, outputs), weights, device)


def stacked(layer: Callable[[ModelSpec, Tree, jax.Array], jax.Array]) -> Outputs:
    """The outputs of a stack of layers and a linear output layer.

    ``layer(spec, weights, x)`` gives the hidden states [T, B, h] of one layer for its inputs
    x [T, B, d]; its weights' names come without ``layers.l.``.
    """

    def outputs(spec: ModelSpec, weights: Tree, x: jax.Array) -> jax.Array:
        sequence = x.swapaxes(0, 1)
        for number in range(spec.layers):
            sequence = layer(spec, layer_weights(weights, number), sequence)
        last = sequence.swapaxes(0, 1) if spec.every_step else sequence[-1]
        return last @ weights["output.weight"] + weights["output.bias"]

    return outputs


def on(device: str, dtype: str) -> jax.Device:
    """JAX's device of that name, ready for numbers of that type."""
    if dtype == "float64":
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    return jax.devices(device)[0]


def device_of(tree: Any) -> str:
    """Where the arrays of ``tree`` really are."""
    return str(next(iter(jax.tree.leaves(tree)[0].devices())).platform)


def place_targets(
    spec: ModelSpec, values: Array, sample_weights: Array | None, device: jax.Device
) -> Any:
    """Targets on the device, of the model's type or classes; a pair if they have weights."""
    dtype = "int32" if spec.loss == "cross_entropy" else spec.dtype
    y = jnp.asarray(values, dtype, device=device)
    if sample_weights is None:
        return y
    return y, jnp.asarray(sample_weights, spec.dtype, device=device)


def loss(spec: ModelSpec, outputs: jax.Array, y: Any) -> jax.Array:
    """The mean loss of all answers; y is the targets, or a pair of them and their weights."""
    if isinstance(y, tuple):
        targets, sample_weights = y
        each = losses(spec, outputs, targets)
        return jnp.sum(sample_weights * each) / jnp.sum(sample_weights)
    if spec.loss == "mse":
        return jnp.mean((outputs - y) ** 2)
    return jnp.mean(losses(spec, outputs, y))


def losses(spec: ModelSpec, outputs: jax.Array, y: jax.Array) -> jax.Array:
    """The loss of each answer, [B] or [B, T], as ``cells.network.losses`` has it."""
    if spec.loss == "mse":
        return jnp.mean((outputs - y) ** 2, axis=-1)
    if spec.loss == "binary_cross_entropy":
        return jnp.sum(jax.nn.softplus(outputs) - y * outputs, axis=-1)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(outputs), y[..., None], axis=-1)
    return -chosen[..., 0]


def norm_of(gradient: Any) -> jax.Array:
    """The norm of all the numbers of a tree."""
    return jnp.sqrt(sum(jnp.sum(value * value) for value in jax.tree.leaves(gradient)))


def product(m: int, k: int, n: int, count: int, device: str) -> Product:
    """``count`` products [m, k] @ [k, n] in float32, one after the other."""
    rng = np.random.default_rng(0)
    a, b = (
        jnp.asarray(rng.normal(size=s), "float32", device=on(device, "float32"))
        for s in ((count, m, k), (k, n))
    )

    @jax.jit
    def all_of_them(a: jax.Array, b: jax.Array) -> jax.Array:
        return lax.scan(lambda _, one: (one @ b, None), jnp.zeros((m, n), a.dtype), a)[0]

    def done() -> None:
        all_of_them(a, b).block_until_ready()

    return done
