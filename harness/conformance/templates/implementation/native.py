"""The model that EXAMPLE's users get: its layers, initialisation and optimiser by default."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from cells import GATES, Array, ModelSpec
from implementations.rule import Optimiser, updates

from .model import ExampleModel


def build(spec: ModelSpec, optimiser: Optimiser, seed: int) -> ExampleNativeModel:
    """A model as the framework initialises it from ``seed``."""
    if spec.dtype == "float64":
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    return ExampleNativeModel(spec, optimiser, seed)


class ExampleNativeModel(ExampleModel):
    """A :class:`implementations.NativeModel`.

    Replace it by the framework's own layers and optimiser: this one has nothing of its
    own but the initial weights.
    """

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int) -> None:
        self._optimiser, self._taken = optimiser, 0
        gates, weights = GATES[spec.cell] * spec.hidden, {}
        for layer in range(spec.layers):
            size = spec.hidden if layer else spec.input_size
            weights[f"layers.{layer}.input"] = jnp.empty((size, gates))
            weights[f"layers.{layer}.recurrent"] = jnp.empty((spec.hidden, gates))
            weights[f"layers.{layer}.bias"] = jnp.zeros(gates)
            if spec.cell == "gru":
                weights[f"layers.{layer}.recurrent_bias"] = jnp.zeros(spec.hidden)
        weights["output.weight"] = jnp.empty((spec.hidden, spec.outputs))
        weights["output.bias"] = jnp.zeros(spec.outputs)
        keys = jax.random.split(jax.random.key(seed), len(weights))
        for key, (name, value) in zip(keys, weights.items(), strict=True):
            if value.ndim == 2:
                drawn = jax.random.normal(key, value.shape, spec.dtype)
                weights[name] = drawn / spec.hidden**0.5
        super().__init__(spec, {name: np.asarray(value) for name, value in weights.items()})

    def train(self, inputs: Array, targets: Array) -> tuple[Array, Array]:  # type: ignore[override]
        constants = updates(self._optimiser, self._taken + 1, len(inputs))
        self._taken += len(inputs)
        return super().train(self.place(inputs, targets, constants))
