"""The kernel ``manual``: the whole model's gradient by hand, in loops that XLA compiles.

A time step costs one matrix product forward and one backward, and a few operations
on what it saved. Whatever does not wait for the recurrence is one product over all time
steps: the weights' gradients and those of a layer's inputs. Sigmoids are
σ(s) = ½ + ½ tanh(s/2), so that all gates of a step are one operation. No tape looks on:
a tape's gradient of a loop keeps lists of tensors.

Shapes: x [T, B, d], hidden states [T, B, h], a layer's matrix [d + ones + h, G·h] as in
:mod:`implementations.packed`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from implementations import ModelSpec
from implementations.packed import Layout

Tensors = list[Any]


def outputs(layout: Layout, matrices: Tensors, x: Any) -> Any:
    """Outputs [B, o], or [B, T, o] at every step, for x [B, T, d]."""
    result = _forward(layout, matrices, x, keep=False)[0]
    return tf.transpose(result, (1, 0, 2)) if layout.spec.every_step else result


def loss_and_gradient(layout: Layout, matrices: Tensors, x: Any, y: Any) -> tuple[Any, Tensors]:
    """The loss for x [B, T, d] and y [B, ..], and its gradient with respect to ``matrices``."""
    spec, output = layout.spec, matrices[-1]
    result, top, saved = _forward(layout, matrices, x, keep=True)
    if spec.every_step:
        y = tf.transpose(y, (1, 0, 2)[: len(y.shape)])
    value, d_result = _loss(spec, result, y)
    d_result, flat = (tf.reshape(a, (-1, a.shape[-1])) for a in (d_result, top))
    d_output = [
        tf.matmul(flat, d_result, transpose_a=True),
        tf.reduce_sum(d_result, 0, keepdims=True),
    ]
    gradients = [tf.concat(d_output, 0)]
    d_states = tf.reshape(tf.matmul(d_result, output[:-1], transpose_b=True), top.shape)
    for layer in reversed(range(spec.layers)):
        matrix, d = matrices[layer], layout.size(layer)
        d_matrix, d_a = _BACKWARD[spec.cell](layout.ones, matrix, saved[layer], d_states)
        gradients.insert(0, d_matrix)
        if layer:
            d_states = _times(d_a, matrix[:d], transpose_b=True)
    return value, gradients


def _loss(spec: ModelSpec, result: Any, y: Any) -> tuple[Any, Any]:
    if spec.loss == "mse":
        error = result - y
        return tf.reduce_mean(error * error), error * (2 / int(np.prod(error.shape)))
    count = int(np.prod(y.shape))
    exact = result - tf.reduce_max(result, -1, keepdims=True)
    powers = tf.exp(exact)
    total = tf.reduce_sum(powers, -1, keepdims=True)
    chosen = tf.cast(y[..., None] == np.arange(spec.outputs, dtype=np.int32), result.dtype)
    value = tf.reduce_sum(tf.math.log(total)) - tf.reduce_sum(chosen * exact)
    return value / count, (powers / total - chosen) / count


def _forward(layout: Layout, matrices: Tensors, x: Any, keep: bool) -> tuple[Any, Any, list[Any]]:
    """Outputs, the top layer's states from which they come, and what each layer saved."""
    spec, saved = layout.spec, []
    x, last = tf.transpose(x, (1, 0, 2)), None
    for n, matrix in enumerate(matrices[:-1]):
        x = tf.pad(x, ((0, 0), (0, 0), (0, layout.ones)), constant_values=1)
        # Without a gradient only the states that the next layer reads are kept.
        wanted = keep or spec.every_step or n < spec.layers - 1
        last, kept = _FORWARD[spec.cell](layout.ones, matrix, x, wanted, keep)
        x = kept[0] if kept else None
        saved.append(kept)
    top = x if spec.every_step else last
    return _times(top, matrices[-1][:-1]) + matrices[-1][-1], top, saved


def _rnn_forward(ones: int, matrix: Any, x: Any, states: bool, keep: bool) -> Any:
    size = int(matrix.shape[1])

    def step(state: Tensors, row: Tensors) -> Any:
        both = tf.concat([row[0], state[0]], 1)
        h = tf.tanh(tf.matmul(both, matrix))
        return [h], [h, both]

    widths = _kept([size, int(matrix.shape[0])], states, keep)
    (last,), kept = _over_time(step, [_zeros(x, size)], [x], widths)
    return last, kept


def _rnn_backward(ones: int, matrix: Any, saved: Tensors, d_states: Any) -> Any:
    states, both = saved
    recurrent = matrix[-matrix.shape[1] :]

    def step(state: Tensors, row: Tensors) -> Any:
        d_a = state[0] * (1 - row[0] * row[0])
        return [tf.matmul(d_a, recurrent, transpose_b=True)], [d_a]

    (d_a,) = _backwards(step, d_states, [], [states], [int(matrix.shape[1])])
    return _product(both, d_a), d_a


def _lstm_forward(ones: int, matrix: Any, x: Any, states: bool, keep: bool) -> Any:
    size = int(matrix.shape[1]) // 4
    halves = np.repeat(np.array([0.5, 0.5, 1, 0.5], x.dtype.as_numpy_dtype), size)

    def step(state: Tensors, row: Tensors) -> Any:
        h, c = state
        both = tf.concat([row[0], h], 1)
        gates = tf.tanh(tf.matmul(both, matrix) * halves)
        i, f, g, o = tf.split(gates, 4, 1)
        new = (0.5 + 0.5 * f) * c + (0.5 + 0.5 * i) * g
        squashed = tf.tanh(new)
        h = (0.5 + 0.5 * o) * squashed
        return [h, new], [h, both, gates, c, squashed]

    widths = _kept([size, int(matrix.shape[0]), 4 * size, size, size], states, keep)
    (last, _), kept = _over_time(step, [_zeros(x, size)] * 2, [x], widths)
    return last, kept


def _lstm_backward(ones: int, matrix: Any, saved: Tensors, d_states: Any) -> Any:
    _, both, *kept = saved
    size = int(matrix.shape[1]) // 4
    recurrent = matrix[-size:]

    def step(state: Tensors, row: Tensors) -> Any:
        (d_h, d_c), (gates, c, squashed) = state, row
        i, f, g, o = tf.split(gates, 4, 1)
        d_c += d_h * (0.5 + 0.5 * o) * (1 - squashed * squashed)
        parts = [
            d_c * g * (0.25 - 0.25 * i * i),
            d_c * c * (0.25 - 0.25 * f * f),
            d_c * (0.5 + 0.5 * i) * (1 - g * g),
            d_h * squashed * (0.25 - 0.25 * o * o),
        ]
        d_a = tf.concat(parts, 1)
        return [tf.matmul(d_a, recurrent, transpose_b=True), d_c * (0.5 + 0.5 * f)], [d_a]

    zero = tf.zeros_like(d_states if len(d_states.shape) == 2 else d_states[0])
    (d_a,) = _backwards(step, d_states, [zero], kept, [4 * size])
    return _product(both, d_a), d_a


def _gru_forward(ones: int, matrix: Any, x: Any, states: bool, keep: bool) -> Any:
    size = int(matrix.shape[1]) // 3
    beside_x = int(matrix.shape[0]) - size - (ones - 1)

    def step(state: Tensors, row: Tensors) -> Any:
        (h,) = state
        both = tf.concat([row[0], h], 1)
        a = tf.matmul(both[:, :beside_x], matrix[:beside_x])
        u = tf.matmul(both[:, beside_x:], matrix[beside_x:])
        gates = 0.5 + 0.5 * tf.tanh(0.5 * (a[:, : 2 * size] + u[:, : 2 * size]))
        r, z = tf.split(gates, 2, 1)
        u_n = u[:, 2 * size :]
        n = tf.tanh(a[:, 2 * size :] + r * u_n)
        new = n + z * (h - n)
        return [new], [new, both, gates, u_n, n, h]

    widths = _kept([size, int(matrix.shape[0]), 2 * size, size, size, size], states, keep)
    (last,), kept = _over_time(step, [_zeros(x, size)], [x], widths)
    return last, kept


def _gru_backward(ones: int, matrix: Any, saved: Tensors, d_states: Any) -> Any:
    _, both, *kept = saved
    size = int(matrix.shape[1]) // 3
    beside_x = int(matrix.shape[0]) - size - (ones - 1)
    recurrent = matrix[-size:]

    def step(state: Tensors, row: Tensors) -> Any:
        (d_h,), (gates, u_n, n, h) = state, row
        r, z = tf.split(gates, 2, 1)
        d_n = d_h * (1 - z) * (1 - n * n)
        d_u = tf.concat([d_n * u_n * r * (1 - r), d_h * (h - n) * z * (1 - z), d_n * r], 1)
        return [tf.matmul(d_u, recurrent, transpose_b=True) + d_h * z], [d_u, d_n]

    # U·h + b and W·x + b have the same gradient but for the candidate.
    d_u, d_n = _backwards(step, d_states, [], kept, [3 * size, size])
    d_matrix = _product(both, d_u)
    by_x = [d_matrix[:beside_x, : 2 * size], _product(both[..., :beside_x], d_n)]
    d_matrix = tf.concat([tf.concat(by_x, 1), d_matrix[beside_x:]], 0)
    return d_matrix, tf.concat([d_u[..., : 2 * size], d_n], 2)


def _kept(widths: list[int], states: bool, keep: bool) -> list[int]:
    """Of all that a step could keep: all, the states alone, or nothing."""
    return widths if keep else widths[: int(states)]


def _backwards(step: Any, d_states: Any, carried: Tensors, kept: Tensors, widths: list[int]) -> Any:
    """``step`` over the time steps from the last; what it returns, in the order of time.

    ``d_states`` is the gradient of the last state [B, h] or of all states [T, B, h].
    """
    if len(d_states.shape) == 2:
        return _over_time(step, [d_states, *carried], kept, widths, backwards=True)[1]

    def added(state: Tensors, row: Tensors) -> Any:
        return step([state[0] + row[-1], *state[1:]], row[:-1])

    first = [tf.zeros_like(d_states[0]), *carried]
    return _over_time(added, first, [*kept, d_states], widths, backwards=True)[1]


def _over_time(
    step: Any, state: Tensors, rows: Tensors, widths: list[int], backwards: bool = False
) -> tuple[Tensors, Tensors]:
    """``step(state, row) -> state, results`` for every time step of ``rows`` [T, B, ..].

    Returns the last state and the first results, as many as ``widths``, as [T, B, width].
    """
    length, batch = (int(n) for n in rows[0].shape[:2])
    arrays = [
        tf.TensorArray(rows[0].dtype, length, element_shape=(batch, width)) for width in widths
    ]

    def body(k: Any, state: Tensors, arrays: list[Any]) -> Any:
        t = length - 1 - k if backwards else k
        state, results = step(state, [row[t] for row in rows])
        written = [a.write(t, r) for a, r in zip(arrays, results, strict=False)]
        return k + 1, state, written

    _, state, arrays = tf.while_loop(
        lambda k, *_: k < length, body, (0, state, arrays), maximum_iterations=length
    )
    return state, [array.stack() for array in arrays]


def _zeros(x: Any, size: int) -> Any:
    return tf.zeros((x.shape[1], size), x.dtype)


def _times(left: Any, right: Any, transpose_b: bool = False) -> Any:
    """left [.., m] times right [m, n], as one product."""
    flat = tf.matmul(tf.reshape(left, (-1, left.shape[-1])), right, transpose_b=transpose_b)
    return tf.reshape(flat, (*left.shape[:-1], flat.shape[-1]))


def _product(left: Any, right: Any) -> Any:
    """The sum over time steps and batch of leftᵀ · right."""
    left, right = (tf.reshape(a, (-1, a.shape[-1])) for a in (left, right))
    return tf.matmul(left, right, transpose_a=True)


_FORWARD = {"rnn": _rnn_forward, "lstm": _lstm_forward, "gru": _gru_forward}
_BACKWARD = {"rnn": _rnn_backward, "lstm": _lstm_backward, "gru": _gru_backward}
