"""The model that Flax's users get: ``flax.nnx`` cells and ``optax``, their defaults untouched."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

# The first orthogonal matrix would import it; here a preloader does so for all runs.
import scipy.linalg  # noqa: F401
from flax import nnx
from jax import lax

from cells import Array, ModelSpec, Weights
from implementations.functional import device_of, loss, on, place_targets
from implementations.rule import Optimiser

CELLS = {"rnn": nnx.SimpleCell, "lstm": nnx.LSTMCell, "gru": nnx.GRUCell}
RULES = {"adam": optax.adam, "rmsprop": optax.rmsprop, "sgd": optax.sgd}


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


class FlaxModel:
    """A :class:`implementations.NativeModel` in Flax."""

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> None:
        self._spec, self._on = spec, on(device, spec.dtype)
        model = _Stack(spec, nnx.Rngs(seed))
        parts: Any = nnx.split(model, nnx.Param, ...)
        self._graph, parameters, self._rest = parts
        self._parameters = jax.device_put(parameters, self._on)
        clip = [optax.clip_by_global_norm(optimiser.clip)] if optimiser.clip else []
        rule = optax.chain(*clip, RULES[optimiser.name](optimiser.learning_rate))
        self._memory = rule.init(self._parameters)
        self._train = jax.jit(partial(self._chunk, rule))
        self._predict = jax.jit(self._outputs)

    def train(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        batches = self._floats(inputs), place_targets(self._spec, targets, self._on)
        state = (self._parameters, self._memory)
        (self._parameters, self._memory), (losses, norms) = self._train(state, batches)
        return np.asarray(losses), np.asarray(norms)

    def predict(self, inputs: Array) -> Array:
        return np.asarray(self._predict(self._parameters, self._floats(inputs)))

    def weights(self) -> Weights:
        found = {"/".join(map(str, path)): np.asarray(value) for path, value in self._named()}
        weights: Weights = {}
        for layer in range(self._spec.layers):
            ours, cell = f"layers.{layer}", f"layers/{layer}/cell"
            if self._spec.cell == "lstm":
                gates = ("i", "f", "g", "o")
                # Named if_ because "if" is a word of Python.
                inputs = [found[f"{cell}/{'if_' if g == 'f' else 'i' + g}/kernel"] for g in gates]
                weights[f"{ours}.input"] = np.hstack(inputs)
                for name, theirs in (("recurrent", "kernel"), ("bias", "bias")):
                    blocks = [found[f"{cell}/h{g}/{theirs}"] for g in gates]
                    weights[f"{ours}.{name}"] = np.hstack(blocks)
            else:
                weights[f"{ours}.input"] = found[f"{cell}/dense_i/kernel"]
                weights[f"{ours}.recurrent"] = found[f"{cell}/dense_h/kernel"]
                weights[f"{ours}.bias"] = found[f"{cell}/dense_i/bias"]
        weights["output.weight"] = found["output/kernel"]
        weights["output.bias"] = found["output/bias"]
        return weights

    def parameter_counts(self) -> dict[str, int]:
        return {".".join(map(str, path)): value.size for path, value in self._named()}

    def device(self) -> str:
        return device_of(self._parameters)

    def _floats(self, values: Array) -> jax.Array:
        return jnp.asarray(values, self._spec.dtype, device=self._on)

    def _named(self) -> list[tuple[tuple[Any, ...], jax.Array]]:
        flat = nnx.to_flat_state(self._parameters)
        return [(path, variable[...]) for path, variable in flat]

    def _outputs(self, parameters: Any, x: jax.Array) -> jax.Array:
        model = nnx.merge(self._graph, parameters, self._rest)
        outputs: jax.Array = model(x, self._spec.every_step)
        return outputs

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
