"""The model that Flax's users get: ``flax.nnx`` cells and ``optax``, their defaults untouched."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

# The first orthogonal matrix would import it; here a preloader does so for all runs.
import scipy.linalg  # noqa: F401
from flax import nnx

from cells import ModelSpec, Weights
from implementations.functional import Tree, on
from implementations.jax.stock import CELLS, names
from implementations.optax_model import OptaxModel
from implementations.rule import Optimiser


def build(spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> FlaxModel:
    """A model as Flax initialises it from ``seed``."""
    return FlaxModel(spec, optimiser, seed, device)


class _Stack(nnx.Module):
    def __init__(self, spec: ModelSpec, rngs: nnx.Rngs) -> None:
        sizes = [spec.input_size, *[spec.hidden] * (spec.layers - 1)]
        # The type is given because SimpleCell would compute in float32 whatever its weights are.
        types: Any = {"dtype": spec.dtype, "param_dtype": spec.dtype, "rngs": rngs}
        self.layers = nnx.List(
            [nnx.RNN(CELLS[spec.cell](size, spec.hidden, **types)) for size in sizes]
        )
        self.output = nnx.Linear(spec.hidden, spec.outputs, **types)

    def __call__(self, x: jax.Array, every_step: bool) -> jax.Array:
        for layer in self.layers:
            # The state before the first step is zero, but Flax would draw it from a stream.
            x = layer(x, rngs=nnx.Rngs(0))
        return self.output(x if every_step else x[:, -1])


class FlaxModel(OptaxModel):
    """A :class:`implementations.NativeModel` in Flax."""

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> None:
        on(device, spec.dtype)
        parts: Any = nnx.split(_Stack(spec, nnx.Rngs(seed)), nnx.Param, ...)
        graph, parameters, rest = parts

        def outputs(spec: ModelSpec, parameters: Any, x: jax.Array) -> Any:
            return nnx.merge(graph, parameters, rest)(x, spec.every_step)

        super().__init__(spec, optimiser, outputs, parameters, device)

    def named(self) -> Tree:
        flat = nnx.to_flat_state(self._state[0])
        return {".".join(map(str, path)): variable[...] for path, variable in flat}

    def weights(self) -> Weights:
        found = {name: np.asarray(value) for name, value in self.named().items()}
        weights: Weights = {}
        for layer in range(self._spec.layers):
            for ours, theirs in names(self._spec.cell).items():
                parts = [found[f"layers.{layer}.cell.{name}"] for name in theirs]
                weights[f"layers.{layer}.{ours}"] = np.hstack(parts)
        return weights | {
            "output.weight": found["output.kernel"],
            "output.bias": found["output.bias"],
        }
