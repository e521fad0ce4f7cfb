"""The model that Equinox's users get: its cells and initialisation, with ``optax``."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cells import ModelSpec, Weights
from implementations.functional import Tree, on
from implementations.optax_model import OptaxModel
from implementations.rule import Optimiser

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


class EquinoxNativeModel(OptaxModel):
    """A :class:`implementations.NativeModel` in Equinox."""

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> None:
        on(device, spec.dtype)
        parameters, rest = eqx.partition(_Stack(spec, jax.random.key(seed)), eqx.is_array)

        def outputs(spec: ModelSpec, parameters: Any, x: jax.Array) -> Any:
            model = eqx.combine(parameters, rest)
            return jax.vmap(lambda one: model(spec, one))(x)

        super().__init__(spec, optimiser, outputs, parameters, device)

    def named(self) -> Tree:
        leaves = jax.tree_util.tree_leaves_with_path(self._state[0])
        return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}

    def weights(self) -> Weights:
        weights: dict[str, Any] = {}
        for layer, cell in enumerate(self._state[0].cells):
            if self._spec.cell == "rnn":
                parts = cell.input.weight.T, cell.recurrent.weight.T, cell.input.bias
            else:
                parts = cell.weight_ih.T, cell.weight_hh.T, cell.bias
            named = dict(zip(("input", "recurrent", "bias"), parts, strict=True))
            if self._spec.cell == "gru":
                named["recurrent_bias"] = cell.bias_n
            weights |= {f"layers.{layer}.{name}": value for name, value in named.items()}
        output = self._state[0].output
        weights |= {"output.weight": output.weight.T, "output.bias": output.bias}
        return {name: np.asarray(value) for name, value in weights.items()}
