"""The kernel ``stock``: ``flax.nnx`` cells in ``nnx.RNN`` with canonical weights."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from implementations.packed import Layout

CELLS = {"rnn": nnx.SimpleCell, "lstm": nnx.LSTMCell, "gru": nnx.GRUCell}


def names(cell: str) -> dict[str, list[str]]:
    """Flax's weights of a cell whose columns, side by side, are each of our weights."""
    if cell != "lstm":
        return {
            "input": ["dense_i.kernel"],
            "recurrent": ["dense_h.kernel"],
            "bias": ["dense_i.bias"],
        }
    return {
        # Named if_ because "if" is a word of Python.
        "input": [f"{gate}.kernel" for gate in ("ii", "if_", "ig", "io")],
        "recurrent": [f"h{gate}.kernel" for gate in "ifgo"],
        "bias": [f"h{gate}.bias" for gate in "ifgo"],
    }


def outputs(layout: Layout, matrices: list[jax.Array], x: jax.Array) -> jax.Array:
    """Outputs [B, o], or [B, T, o] at every step, for x [B, T, d]."""
    output, sequence = matrices[-1], x.swapaxes(0, 1)
    for weights in layout.layers(matrices):
        sequence = _layer(layout.spec.cell, weights, sequence)
    last = sequence.swapaxes(0, 1) if layout.spec.every_step else sequence[-1]
    return last @ output[:-1] + output[-1]


def _layer(cell: str, weights: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d].

    Raises :class:`ValueError` for a second row of biases, which these cells do not have.
    """
    if "redundant_bias" in weights:
        raise ValueError(f"flax.nnx's {cell} has one bias for each gate and no other")
    ours = {
        name: part
        for kind, theirs in names(cell).items()
        for name, part in zip(theirs, jnp.split(weights[kind], len(theirs), -1), strict=True)
    }
    graph, parameters, rest = _module(
        cell, x.shape[-1], weights["recurrent"].shape[0], str(x.dtype)
    )
    flat = [
        (path, variable.replace(ours[".".join(map(str, path[1:]))]))
        for path, variable in nnx.to_flat_state(parameters)
    ]
    module = nnx.merge(graph, nnx.from_flat_state(flat), rest)
    # The state before the first step is zero, but Flax would draw it from a stream.
    states: jax.Array = module(x.swapaxes(0, 1), rngs=nnx.Rngs(0))
    return states.swapaxes(0, 1)


@cache
def _module(cell: str, size: int, hidden: int, dtype: str) -> Any:
    with jax.ensure_compile_time_eval():
        # The type is given because SimpleCell would compute in float32 whatever its weights are.
        types: Any = {"dtype": dtype, "param_dtype": dtype, "rngs": nnx.Rngs(0)}
        return nnx.split(nnx.RNN(CELLS[cell](size, hidden, **types)), nnx.Param, ...)
