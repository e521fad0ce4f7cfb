"""The kernel ``equations``: any cell's own step in ``lax.scan``, differentiated by JAX."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import cells
from cells import ModelSpec
from implementations.functional import Tree, stacked

MATH = cells.Math(jnp, jax.nn.sigmoid)


def layer(spec: ModelSpec, weights: Tree, x: jax.Array) -> jax.Array:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d]."""
    own = cells.cell(spec.cell)
    step = cells.step_of(own, weights, MATH)

    def body(state: Any, a: jax.Array) -> Any:
        state = step(a, state)[0]
        return state, state[0]

    zero = jnp.zeros((x.shape[1], spec.hidden), x.dtype)
    a = x @ weights["input"] + weights["bias"]
    states: jax.Array = lax.scan(body, (zero,) * len(own.states), a)[1]
    return states


OUTPUTS = stacked(layer)
