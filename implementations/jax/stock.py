"""The kernels ``stock`` and ``nnx``: ``flax.nnx`` cells in ``nnx.RNN`` with canonical weights."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

CELLS = {"rnn": nnx.SimpleCell, "lstm": nnx.LSTMCell, "gru": nnx.GRUCell}


def layer(cell: str, weights: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d].

    Raises :class:`ValueError` for a second row of biases, which these cells do not have.
    """
    if "redundant_bias" in weights:
        raise ValueError(f"flax.nnx's {cell} has one bias for each gate and no other")
    if cell == "lstm":
        ours: dict[str, jax.Array] = {}
        # Named if_ because "if" is a word of Python.
        for n, (gate, by_input) in enumerate(zip("ifgo", ("ii", "if_", "ig", "io"), strict=True)):
            i, r, b = (jnp.split(weights[k], 4, -1)[n] for k in ("input", "recurrent", "bias"))
            ours |= {f"{by_input}/kernel": i, f"h{gate}/kernel": r, f"h{gate}/bias": b}
    else:
        ours = {
            "dense_i/kernel": weights["input"],
            "dense_i/bias": weights["bias"],
            "dense_h/kernel": weights["recurrent"],
        }
    graph, parameters, rest = _module(
        cell, x.shape[-1], weights["recurrent"].shape[0], str(x.dtype)
    )
    flat = [
        (path, variable.replace(ours["/".join(map(str, path[1:]))]))
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
