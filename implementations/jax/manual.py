"""The kernels ``manual``, ``stepwise``, ``unrolled``: the whole model's gradient by hand.

A time step costs one matrix product forward and one backward, and a few operations
on what it saved. What does not wait for the recurrence is one product over all time
steps: the gradients of a layer's inputs and, in ``manual``, those of the weights. In
``stepwise`` these are added up step by step, while what they come from is in the cache.
``unrolled`` is ``manual`` with several time steps in one turn of the loop, since a GPU takes
longer for a turn than for a step.
Sigmoids are σ(s) = ½ + ½ tanh(s/2), so that all gates of a step are one operation.

Shapes: x [T, B, d], hidden states [T, B, h], a layer's matrix [d + ones + h, G·h] as in
:mod:`implementations.packed`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cells import ModelSpec
from implementations.packed import Layout

MANUAL, STEPWISE, UNROLLED = "manual", "stepwise", "unrolled"
TOGETHER = 25  # time steps in one turn of the loop of ``unrolled``
Saved = Any


class Wanted(NamedTuple):
    """How a layer's backward pass is done: weights' gradients step by step; are states' wanted?

    ``together`` are the time steps in one turn of the loop.
    """

    stepwise: bool
    states: bool
    together: int


def outputs(kernel: str, layout: Layout, vector: jax.Array, x: jax.Array) -> jax.Array:
    """Outputs [B, o], or [B, T, o] at every step, for x [B, T, d]."""
    result = _forward(layout, layout.matrices(vector), x, _together(kernel))[0]
    return result.swapaxes(0, 1) if layout.spec.every_step else result


def loss_and_gradient(
    kernel: str, layout: Layout, vector: jax.Array, x: jax.Array, y: Any
) -> tuple[jax.Array, jax.Array]:
    """The loss for x [B, T, d] and y [B, ..], maybe with weights, and its gradient as a vector."""
    y = jax.tree.map(lambda a: a.swapaxes(0, 1), y) if layout.spec.every_step else y
    spec, matrices = layout.spec, layout.matrices(vector)
    together = _together(kernel)
    result, top, saved = _forward(layout, matrices, x, together)
    value, d_result = _loss(spec, result, y)
    d_result, flat = (a.reshape(-1, a.shape[-1]) for a in (d_result, top))
    d_output = jnp.concatenate([flat.T @ d_result, d_result.sum(0, keepdims=True)])
    d_states = (d_result @ matrices[-1][:-1].T).reshape(top.shape)
    gradients = [d_output]
    for layer in reversed(range(spec.layers)):
        matrix, d = matrices[layer], layout.size(layer)
        backward = _BACKWARD[spec.cell]
        wanted = Wanted(kernel == STEPWISE, layer > 0, together)
        d_matrix, d_a = backward(layout.ones, matrix, saved[layer], d_states, wanted)
        gradients.insert(0, d_matrix)
        if layer:
            d_states = d_a @ matrix[:d].T
    return value, jnp.concatenate([g.reshape(-1) for g in gradients])


def _together(kernel: str) -> int:
    return TOGETHER if kernel == UNROLLED else 1


def _loss(spec: ModelSpec, result: jax.Array, y: Any) -> tuple[jax.Array, jax.Array]:
    """The loss and its gradient by the outputs ``result``, for y as :func:`functional.loss`."""
    if isinstance(y, tuple):
        targets, sample_weights = y
        each, slopes = _losses(spec, result, targets)
        shares = sample_weights / jnp.sum(sample_weights)
        return jnp.sum(shares * each), slopes * shares[..., None]
    if spec.loss == "mse":
        error = result - y
        return jnp.mean(error * error), error * (2 / error.size)
    each, slopes = _losses(spec, result, y)
    return jnp.sum(each) / each.size, slopes * (1 / each.size)


def _losses(spec: ModelSpec, result: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The loss of each answer and its gradient by the answer's outputs."""
    if spec.loss == "mse":
        error = result - y
        return jnp.mean(error * error, -1), error * (2 / spec.outputs)
    if spec.loss == "binary_cross_entropy":
        each = jnp.sum(jax.nn.softplus(result) - y * result, -1)
        return each, jax.nn.sigmoid(result) - y
    exact = result - result.max(-1, keepdims=True)
    powers = jnp.exp(exact)
    total = powers.sum(-1, keepdims=True)
    chosen = y[..., None] == np.arange(spec.outputs, dtype=np.int32)
    each = jnp.log(total[..., 0]) - jnp.sum(jnp.where(chosen, exact, 0), -1)
    return each, powers / total - chosen


def _forward(
    layout: Layout, matrices: list[jax.Array], x: jax.Array, together: int
) -> tuple[jax.Array, jax.Array, list[Saved]]:
    """Outputs, the top layer's states from which they come, and what each layer saved."""
    spec, saved = layout.spec, []
    x = x.swapaxes(0, 1)
    for matrix in matrices[:-1]:
        wide = ((0, 0, 0), (0, 0, 0), (0, layout.ones, 0))
        last, x, kept = _FORWARD[spec.cell](
            layout.ones, matrix, lax.pad(x, np.ones((), x.dtype), wide), together
        )
        saved.append(kept)
    top = x if spec.every_step else last
    return top @ matrices[-1][:-1] + matrices[-1][-1], top, saved


def _zeros(matrix: jax.Array, x: jax.Array, gates: int) -> jax.Array:
    return jnp.zeros((x.shape[1], matrix.shape[1] // gates), x.dtype)


def _sliced(a: jax.Array, sizes: list[int], axis: int) -> list[jax.Array]:
    ends = np.cumsum(sizes).tolist()
    return [
        lax.slice_in_dim(a, end - size, end, axis=axis)
        for end, size in zip(ends, sizes, strict=True)
    ]


# Before JAX 0.4.36 there was none.
_split = getattr(lax, "split", _sliced)


def _rnn_forward(ones: int, matrix: jax.Array, x: jax.Array, together: int) -> Any:
    def step(h: jax.Array, x_t: jax.Array) -> Any:
        both = lax.concatenate([x_t, h], 1)
        h = lax.tanh(both @ matrix)
        return h, (h, both)

    last, (states, both) = lax.scan(step, _zeros(matrix, x, 1), x, unroll=together)
    return last, states, (states, both)


def _rnn_backward(
    ones: int, matrix: jax.Array, saved: Saved, d_states: jax.Array, wanted: Wanted
) -> Any:
    states, both = saved
    transposed = matrix[-matrix.shape[1] :].T

    def step(d_h: jax.Array, _: None, h: jax.Array) -> Any:
        d_a = d_h * (1 - h * h)
        return d_a @ transposed, None, (d_a,)

    (d_matrix,), (d_a,) = _backwards(step, _one_product, d_states, None, states, both, wanted)
    return d_matrix, d_a


def _lstm_forward(ones: int, matrix: jax.Array, x: jax.Array, together: int) -> Any:
    size = matrix.shape[1] // 4
    halves = np.repeat(np.array([0.5, 0.5, 1, 0.5], x.dtype), size)

    def step(state: Any, x_t: jax.Array) -> Any:
        h, c = state
        both = lax.concatenate([x_t, h], 1)
        gates = lax.tanh((both @ matrix) * halves)
        i, f, g, o = _split(gates, [size] * 4, 1)
        new = (0.5 + 0.5 * f) * c + (0.5 + 0.5 * i) * g
        squashed = lax.tanh(new)
        h = (0.5 + 0.5 * o) * squashed
        return (h, new), (h, both, (gates, c, squashed))

    zero = _zeros(matrix, x, 4)
    (last, _), (states, *saved) = lax.scan(step, (zero, zero), x, unroll=together)
    return last, states, saved


def _lstm_backward(
    ones: int, matrix: jax.Array, saved: Saved, d_states: jax.Array, wanted: Wanted
) -> Any:
    both, kept = saved
    size = matrix.shape[1] // 4
    transposed = matrix[-size:].T

    def step(d_h: jax.Array, d_c: jax.Array, kept: Any) -> Any:
        gates, c, squashed = kept
        i, f, g, o = _split(gates, [size] * 4, 1)
        d_c = d_c + d_h * (0.5 + 0.5 * o) * (1 - squashed * squashed)
        parts = [
            d_c * g * (0.25 - 0.25 * i * i),
            d_c * c * (0.25 - 0.25 * f * f),
            d_c * (0.5 + 0.5 * i) * (1 - g * g),
            d_h * squashed * (0.25 - 0.25 * o * o),
        ]
        d_a = lax.concatenate(parts, 1)
        return d_a @ transposed, d_c * (0.5 + 0.5 * f), (d_a,)

    zero = jnp.zeros_like(kept[1][0])
    (d_matrix,), (d_a,) = _backwards(step, _one_product, d_states, zero, kept, both, wanted)
    return d_matrix, d_a


def _gru_forward(ones: int, matrix: jax.Array, x: jax.Array, together: int) -> Any:
    size = matrix.shape[1] // 3
    beside_x = matrix.shape[0] - size - (ones - 1)

    def step(h: jax.Array, x_t: jax.Array) -> Any:
        both = lax.concatenate([x_t, h], 1)
        a = both[:, :beside_x] @ matrix[:beside_x]
        u = both[:, beside_x:] @ matrix[beside_x:]
        gates = 0.5 + 0.5 * lax.tanh(0.5 * (a[:, : 2 * size] + u[:, : 2 * size]))
        r, z = _split(gates, [size] * 2, 1)
        u_n = u[:, 2 * size :]
        n = lax.tanh(a[:, 2 * size :] + r * u_n)
        new = n + z * (h - n)
        return new, (new, both, (gates, u_n, n, h))

    last, (states, *saved) = lax.scan(step, _zeros(matrix, x, 3), x, unroll=together)
    return last, states, saved


def _gru_backward(
    ones: int, matrix: jax.Array, saved: Saved, d_states: jax.Array, wanted: Wanted
) -> Any:
    both, kept = saved
    size = matrix.shape[1] // 3
    beside_x = matrix.shape[0] - size - (ones - 1)
    transposed = matrix[-size:].T

    def step(d_h: jax.Array, _: None, kept: Any) -> Any:
        gates, u_n, n, h = kept
        r, z = _split(gates, [size] * 2, 1)
        d_n = d_h * (1 - z) * (1 - n * n)
        parts = [d_n * u_n * r * (1 - r), d_h * (h - n) * z * (1 - z), d_n * r]
        d_u = lax.concatenate(parts, 1)
        return d_u @ transposed + d_h * z, None, (d_u, d_n)

    def products(both: jax.Array, d_u: jax.Array, d_n: jax.Array) -> tuple[jax.Array, ...]:
        return _product(both, d_u), _product(both[..., :beside_x], d_n)

    (d_matrix, by_x), (d_u, d_n) = _backwards(step, products, d_states, None, kept, both, wanted)
    # U·h + b and W·x + b have the same gradient but for the candidate.
    d_matrix = lax.dynamic_update_slice(d_matrix, by_x, (0, 2 * size))
    if not wanted.states:
        return d_matrix, None
    return d_matrix, lax.concatenate([d_u[..., : 2 * size], d_n], 2)


def _backwards(
    step: Any, products: Any, d_states: jax.Array, carried: Any, kept: Any, both: jax.Array,
    wanted: Wanted,
) -> Any:  # fmt: skip
    """``step`` over the time steps from the last, and what the weights' gradients consist of.

    ``step`` takes the gradient of a step's state [B, h], what it carries and what the step
    kept, and returns the first two of the step before and gradients [B, ..]; ``d_states`` is the
    gradient of the last state [B, h] or of all [T, B, h]. ``products`` of ``both`` and the
    gradients are summed over all time steps. Returned with them, in the order of time, are the
    gradients [T, B, ..], or None for each where they are not wanted.
    """
    every = d_states.ndim == 3
    first = jnp.zeros_like(d_states[0]) if every else d_states

    def body(state: Any, row: Any) -> Any:
        d_h, carried, sums = state
        kept, both, d_state = row
        d_h, carried, found = step(d_h + d_state if every else d_h, carried, kept)
        if not wanted.stepwise:
            return (d_h, carried, None), found
        sums = [one + more for one, more in zip(sums, products(both, *found), strict=True)]
        return (d_h, carried, sums), found if wanted.states else (None,) * len(found)

    rows = (kept, both if wanted.stepwise else None, d_states if every else None)
    sums = None
    if wanted.stepwise:
        kept_once = jax.tree.map(lambda a: a[0], kept)
        shapes = jax.eval_shape(lambda: products(both[0], *step(first, carried, kept_once)[2]))
        sums = [jnp.zeros(one.shape, one.dtype) for one in shapes]
    start = first, carried, sums
    (_, _, sums), found = lax.scan(body, start, rows, reverse=True, unroll=wanted.together)
    return sums if wanted.stepwise else products(both, *found), found


def _one_product(both: jax.Array, d_a: jax.Array) -> tuple[jax.Array, ...]:
    return (_product(both, d_a),)


def _product(left: jax.Array, right: jax.Array) -> jax.Array:
    """The sum over batch, and over time steps if there are several, of leftᵀ · right."""
    left, right = (a.reshape(-1, a.shape[-1]) for a in (left, right))
    return left.T @ right


_FORWARD = {"rnn": _rnn_forward, "lstm": _lstm_forward, "gru": _gru_forward}
_BACKWARD = {"rnn": _rnn_backward, "lstm": _lstm_backward, "gru": _gru_backward}
