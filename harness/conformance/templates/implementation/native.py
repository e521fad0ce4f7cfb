"""The model that EXAMPLE's users get: its layers, initialisation and optimiser by default."""

from __future__ import annotations

import numpy as np

from cells import Array, ModelSpec, shapes
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
        rng, weights = np.random.default_rng(seed), {}
        for name, shape in shapes(spec).items():
            matrix = len(shape) == 2
            weights[name] = rng.normal(0, spec.hidden**-0.5, shape) if matrix else np.zeros(shape)
        super().__init__(Program(spec, OUTPUTS), weights, device)

    def train(  # type: ignore[override]
        self, inputs: Array, targets: Array, sample_weights: Array | None = None
    ) -> tuple[Array, Array]:
        constants = updates(self._optimiser, self._taken + 1, len(inputs))
        self._taken += len(inputs)
        return super().train(self.place(inputs, targets, constants, sample_weights))
