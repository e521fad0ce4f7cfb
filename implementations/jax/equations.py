"""The kernel ``equations``: any cell's own step in ``lax.scan``, differentiated by JAX."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import cells
from cells import ModelSpec
from implementations.functional import Tree, stacked


def _from_its_value(function: Any, slope: Any) -> Any:
    """``function`` with its derivative from its value alone, which is all that is kept for it.

    JAX would keep the derivative of every time step beside the value, which is as large.
    """
    kept = jax.custom_vjp(function)
    kept.defvjp(lambda a: (function(a),) * 2, lambda value, g: (g * slope(value),))
    return kept


MATH = cells.Math(jnp, _from_its_value(jax.nn.sigmoid, lambda s: s * (1 - s)))
MATH.tanh = _from_its_value(jnp.tanh, lambda t: 1 - t * t)


def layer(spec: ModelSpec, weights: Tree, x: jax.Array) -> jax.Array:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d]."""
    own = cells.cell(spec.cell)
    step = cells.step_of(own, weights, MATH)

    def body(state: Any, x_t: jax.Array) -> Any:
        # Step by step: all time steps at once would be one product, but [T, B, G·h] and its
        # gradient lie in memory that each call gets anew, in half the time of a step.
        state = step(x_t @ weights["input"] + weights["bias"], state)[0]
        return state, state[0]

    zero = jnp.zeros((x.shape[1], spec.hidden), x.dtype)
    states: jax.Array = lax.scan(body, (zero,) * len(own.states), x)[1]
    return states


OUTPUTS = stacked(layer)
