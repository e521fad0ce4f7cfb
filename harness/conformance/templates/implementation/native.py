"""The model that EXAMPLE's users get: its layers, initialisation and optimiser by default."""

from __future__ import annotations

import jax
import numpy as np

from cells import GATES, Array, ModelSpec
from implementations.functional import FunctionalModel, Program
from implementations.rule import Optimiser, updates

from .model import OUTPUTS


def build(spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> ExampleNativeModel:
    """A model as the framework initialises it from ``seed``."""
    return ExampleNativeModel(spec, optimiser, seed, device)


class ExampleNativeModel(FunctionalModel):
    """A :class:`implementations.NativeModel`.

    Replace it by the framework's own layers and optimiser: this one has nothing of its
    own but the initial weights.
    """

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> None:
        self._optimiser, self._taken = optimiser, 0
        gates, weights = GATES[spec.cell] * spec.hidden, {}
        for layer in range(spec.layers):
            size = spec.hidden if layer else spec.input_size
            weights[f"layers.{layer}.input"] = np.zeros((size, gates))
            weights[f"layers.{layer}.recurrent"] = np.zeros((spec.hidden, gates))
            weights[f"layers.{layer}.bias"] = np.zeros(gates)
            if spec.cell == "gru":
                weights[f"layers.{layer}.recurrent_bias"] = np.zeros(spec.hidden)
        weights["output.weight"] = np.zeros((spec.hidden, spec.outputs))
        weights["output.bias"] = np.zeros(spec.outputs)
        keys = jax.random.split(jax.random.key(seed), len(weights))
        for key, (name, value) in zip(keys, weights.items(), strict=True):
            if value.ndim == 2:
                weights[name] = np.asarray(jax.random.normal(key, value.shape)) / spec.hidden**0.5
        super().__init__(Program(spec, OUTPUTS), weights, device)

    def train(self, inputs: Array, targets: Array) -> tuple[Array, Array]:  # type: ignore[override]
        constants = updates(self._optimiser, self._taken + 1, len(inputs))
        self._taken += len(inputs)
        return super().train(self.place(inputs, targets, constants))
