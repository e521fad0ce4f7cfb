"""A native model in JAX, trained by ``optax`` with its defaults: what Flax's and Equinox's share.

Apart from ``functional.py``: Optax takes a second to import, which other runs need not wait for.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from cells import Array, ModelSpec
from implementations.functional import FunctionalModel, Program, Tree, place_targets
from implementations.rule import Optimiser

RULES = {"adam": optax.adam, "rmsprop": optax.rmsprop, "sgd": optax.sgd}


@dataclass(frozen=True, eq=False)
class OptaxProgram(Program):
    """Steps of ``rule`` instead of our own; ``w`` are parameters as the framework keeps them."""

    rule: Any

    @partial(jax.jit, static_argnums=0)
    def train(self, state: Any, batches: Any) -> Any:
        def step(state: Any, batch: Any) -> Any:
            w, memory = state
            value, g = self.gradient(w, *batch)
            change, memory = self.rule.update(g, memory, w)
            return (optax.apply_updates(w, change), memory), (value, optax.tree.norm(g))

        return lax.scan(step, state, batches)


class OptaxModel(FunctionalModel):
    """A :class:`implementations.NativeModel` that computes ``outputs(spec, parameters, x)``."""

    def __init__(
        self, spec: ModelSpec, optimiser: Optimiser, outputs: Any, parameters: Any, device: str
    ) -> None:
        clip = [optax.clip_by_global_norm(optimiser.clip)] if optimiser.clip else []
        rate: Any = optimiser.learning_rate
        if falling := optimiser.falling:
            # As an array, or a schedule would be in float32 in a model of float64 too.
            whole = jnp.asarray(rate, spec.dtype)
            rate = optax.linear_schedule(whole, 0.0, falling, optimiser.steps - falling)
        rule = optax.chain(*clip, RULES[optimiser.name](rate))
        super().__init__(OptaxProgram(spec, outputs, rule), parameters, device)
        self._state: Any = (self._state[0], rule.init(self._state[0]))

    def place(  # type: ignore[override]
        self, inputs: Array, targets: Array, sample_weights: Array | None = None
    ) -> tuple[Any, ...]:
        """What ``train`` takes, on the device already, so that a clock need not wait for it."""
        y = place_targets(self._spec, targets, sample_weights, self._on)
        return self._floats(inputs), *(y if isinstance(y, tuple) else (y,))

    def train(  # type: ignore[override]
        self, inputs: Array, targets: Array, sample_weights: Array | None = None
    ) -> tuple[Array, Array]:
        y = place_targets(self._spec, targets, sample_weights, self._on)
        return super().train((self._floats(inputs), y))

    def named(self) -> Tree:
        """The parameters by the framework's own names."""
        raise NotImplementedError

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self.named().items()}
