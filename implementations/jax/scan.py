"""The kernel ``scan``: all time steps of a linear cell at once, by ``lax.associative_scan``.

h = a ⊙ h′ + b twice in a row is a step of the same kind, of a₂a₁ and a₂b₁ + b₂, so that steps
may be put together in any grouping: 2 log₂ T operations on long arrays instead of T on short ones.
Nothing is divided by, and a product of many a between 0 and 1 can only fall to 0, as it should;
so b may have either sign. (The scan in log space of Feng et al. 2024, appendix B, needs b > 0.)
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import cells
from cells import ModelSpec
from implementations.functional import Tree, stacked
from implementations.jax.equations import MATH


def layer(spec: ModelSpec, weights: Tree, x: jax.Array) -> jax.Array:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d]."""
    own = cells.cell(spec.cell)
    a, b = cells.coefficients(own, weights, x @ weights["input"] + weights["bias"], MATH)
    states: jax.Array = lax.associative_scan(_after, jnp.broadcast_arrays(a, b))[1]
    return states


def _after(first: Any, second: Any) -> Any:
    (a, b), (c, d) = first, second
    return c * a, c * b + d


OUTPUTS = stacked(layer)
