"""A native model in JAX, trained by ``optax`` with its defaults: what Flax's and Equinox's share.

Apart from ``functional.py``: Optax takes a second to import, which other runs need not wait for.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from cells import Array, ModelSpec
from implementations.functional import Tree, device_of, loss, on, place_targets
from implementations.rule import Optimiser

RULES = {"adam": optax.adam, "rmsprop": optax.rmsprop, "sgd": optax.sgd}


class OptaxModel:
    """A :class:`implementations.NativeModel` but for what a subclass says: what is trained."""

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> None:
        self._spec, self._on = spec, on(device, spec.dtype)
        self._parameters = jax.device_put(self._make(seed), self._on)
        clip = [optax.clip_by_global_norm(optimiser.clip)] if optimiser.clip else []
        rule = optax.chain(*clip, RULES[optimiser.name](optimiser.learning_rate))
        self._memory = rule.init(self._parameters)
        self._train = jax.jit(partial(self._chunk, rule))
        self._predict = jax.jit(self._outputs)

    def _make(self, seed: int) -> Any:
        """The initial parameters, a tree of arrays."""
        raise NotImplementedError

    def _outputs(self, parameters: Any, x: jax.Array) -> jax.Array:
        """Outputs [B, o], or [B, T, o] at every step, for x [B, T, d]."""
        raise NotImplementedError

    def _named(self) -> Tree:
        """The parameters by the framework's own names."""
        raise NotImplementedError

    def train(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        batches = self._floats(inputs), place_targets(self._spec, targets, self._on)
        state = (self._parameters, self._memory)
        (self._parameters, self._memory), (losses, norms) = self._train(state, batches)
        return np.asarray(losses), np.asarray(norms)

    def predict(self, inputs: Array) -> Array:
        return np.asarray(self._predict(self._parameters, self._floats(inputs)))

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self._named().items()}

    def device(self) -> str:
        return device_of(self._parameters)

    def _floats(self, values: Array) -> jax.Array:
        return jnp.asarray(values, self._spec.dtype, device=self._on)

    def _chunk(self, rule: Any, state: Any, batches: Any) -> Any:
        def step(state: Any, batch: Any) -> Any:
            parameters, memory = state
            x, y = batch
            value, gradient = jax.value_and_grad(
                lambda p: loss(self._spec, self._outputs(p, x), y)
            )(parameters)
            change, memory = rule.update(gradient, memory, parameters)
            state = (optax.apply_updates(parameters, change), memory)
            return state, (value, optax.tree.norm(gradient))

        return lax.scan(step, state, batches)
