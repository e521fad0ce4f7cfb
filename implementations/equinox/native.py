"""The model that Equinox's users get: its cells and initialisation, with ``optax``."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from cells import Array, ModelSpec, Weights
from implementations.functional import device_of, loss, on, place_targets
from implementations.rule import Optimiser

RULES = {"adam": optax.adam, "rmsprop": optax.rmsprop, "sgd": optax.sgd}
CELLS = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}


def build(spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> EquinoxNativeModel:
    """A model as Equinox initialises it from ``seed``."""
    return EquinoxNativeModel(spec, optimiser, seed, device)


class _Rnn(eqx.Module):
    input: eqx.nn.Linear
    recurrent: eqx.nn.Linear

    def __init__(self, size: int, hidden: int, dtype: Any, *, key: jax.Array) -> None:
        first, second = jax.random.split(key)
        self.input = eqx.nn.Linear(size, hidden, dtype=dtype, key=first)
        self.recurrent = eqx.nn.Linear(hidden, hidden, use_bias=False, dtype=dtype, key=second)

    def __call__(self, x: jax.Array, h: jax.Array) -> jax.Array:
        return jnp.tanh(self.input(x) + self.recurrent(h))


class _Stack(eqx.Module):
    cells: tuple[Any, ...]
    output: eqx.nn.Linear

    def __init__(self, spec: ModelSpec, key: jax.Array) -> None:
        *keys, last = jax.random.split(key, spec.layers + 1)
        sizes = [spec.input_size, *[spec.hidden] * (spec.layers - 1)]
        make, dtype = CELLS.get(spec.cell, _Rnn), jnp.dtype(spec.dtype)
        self.cells = tuple(
            make(size, spec.hidden, dtype=dtype, key=k) for size, k in zip(sizes, keys, strict=True)
        )
        self.output = eqx.nn.Linear(spec.hidden, spec.outputs, dtype=dtype, key=last)

    def __call__(self, spec: ModelSpec, x: jax.Array) -> jax.Array:
        """Outputs for one example x [T, d]."""
        for cell in self.cells:
            zero = jnp.zeros(spec.hidden, x.dtype)

            def step(state: Any, x_t: jax.Array, cell: Any = cell) -> Any:
                state = cell(x_t, state)
                return state, state[0] if spec.cell == "lstm" else state

            x = lax.scan(step, (zero, zero) if spec.cell == "lstm" else zero, x)[1]
        return jax.vmap(self.output)(x) if spec.every_step else self.output(x[-1])


class EquinoxNativeModel:
    """A :class:`implementations.NativeModel` in Equinox."""

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> None:
        self._spec, self._on = spec, on(device, spec.dtype)
        self._model = eqx.filter_shard(_Stack(spec, jax.random.key(seed)), self._on)
        clip = [optax.clip_by_global_norm(optimiser.clip)] if optimiser.clip else []
        rule = optax.chain(*clip, RULES[optimiser.name](optimiser.learning_rate))
        self._memory = rule.init(eqx.filter(self._model, eqx.is_array))

        def chunk(model: Any, memory: Any, batches: Any) -> Any:
            arrays, rest = eqx.partition(model, eqx.is_array)

            def step(state: Any, batch: Any) -> Any:
                arrays, memory = state
                value, g = jax.value_and_grad(
                    lambda a: loss(spec, _outputs(spec, eqx.combine(a, rest), batch[0]), batch[1])
                )(arrays)
                change, memory = rule.update(g, memory, arrays)
                norm = optax.tree.norm(g)
                return (optax.apply_updates(arrays, change), memory), (value, norm)

            (arrays, memory), found = lax.scan(step, (arrays, memory), batches)
            return eqx.combine(arrays, rest), memory, found

        self._chunk = eqx.filter_jit(chunk)
        self._outputs = eqx.filter_jit(lambda model, x: _outputs(spec, model, x))

    def train(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        batches = self._floats(inputs), place_targets(self._spec, targets, self._on)
        self._model, self._memory, (losses, norms) = self._chunk(self._model, self._memory, batches)
        return np.asarray(losses), np.asarray(norms)

    def predict(self, inputs: Array) -> Array:
        return np.asarray(self._outputs(self._model, self._floats(inputs)))

    def weights(self) -> Weights:
        weights: dict[str, Any] = {}
        for layer, cell in enumerate(self._model.cells):
            rnn = self._spec.cell == "rnn"
            weights[f"layers.{layer}.input"] = cell.input.weight.T if rnn else cell.weight_ih.T
            weights[f"layers.{layer}.recurrent"] = (
                cell.recurrent.weight.T if rnn else cell.weight_hh.T
            )
            weights[f"layers.{layer}.bias"] = cell.input.bias if rnn else cell.bias
            if self._spec.cell == "gru":
                weights[f"layers.{layer}.recurrent_bias"] = cell.bias_n
        output = self._model.output
        weights |= {"output.weight": output.weight.T, "output.bias": output.bias}
        return {name: np.asarray(value) for name, value in weights.items()}

    def parameter_counts(self) -> dict[str, int]:
        leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(self._model, eqx.is_array))
        return {jax.tree_util.keystr(path): leaf.size for path, leaf in leaves}

    def device(self) -> str:
        return device_of(self._model.output.weight)

    def _floats(self, values: Array) -> jax.Array:
        return jnp.asarray(values, self._spec.dtype, device=self._on)


def _outputs(spec: ModelSpec, model: _Stack, x: jax.Array) -> jax.Array:
    return jax.vmap(lambda one: model(spec, one))(x)
