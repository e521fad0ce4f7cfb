"""The kernel ``equations``: any cell's own step in a ``tf.while_loop``, with a tape's gradient."""

from types import SimpleNamespace
from typing import Any

import tensorflow as tf

import cells
from implementations.packed import Layout

MATH = SimpleNamespace(
    tanh=tf.tanh, exp=tf.exp, log=tf.math.log, sqrt=tf.sqrt, sigmoid=tf.sigmoid, relu=tf.nn.relu,
    maximum=tf.maximum,
    mean=lambda a: tf.reduce_mean(a, -1, keepdims=True),
    split=lambda a, count: tf.split(a, count, axis=-1),
    concat=lambda parts: tf.concat(parts, -1),
)  # fmt: skip


def outputs(layout: Layout, arrays: list[Any], x: Any) -> Any:
    """Outputs [B, o], or [B, T, o] at every step, for x [B, T, d]."""
    sequence = tf.transpose(x, (1, 0, 2))
    for left, weights in zip(
        reversed(range(layout.spec.layers)), layout.layers(arrays), strict=True
    ):
        sequence = layer(layout.cell, weights, sequence, layout.spec.every_step or left > 0)
    top = tf.transpose(sequence, (1, 0, 2)) if layout.spec.every_step else sequence[-1]
    return _times(top, arrays[-1][:-1]) + arrays[-1][-1]


def layer(cell: cells.Cell, weights: dict[str, Any], x: Any, every: bool) -> Any:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d], or the last [1, B, h].

    ``weights`` are the layer's canonical arrays without their prefix. States that nobody reads
    would cost half a step in the gradient.
    """
    length, batch = (int(n) for n in x.shape[:2])
    hidden = int(weights["bias"].shape[0]) // len(cell.gates)
    # As an array of tensors: the gradient of a[t] would be a whole a, zero but for one step.
    rows = tf.TensorArray(x.dtype, length).unstack(_times(x, weights["input"]) + weights["bias"])
    step = cells.step_of(cell, weights, MATH)

    def body(t: Any, state: Any, written: Any) -> Any:
        state = step(rows.read(t), state)[0]
        return t + 1, state, written.write(t, state[0]) if every else written

    first = (tf.zeros((batch, hidden), x.dtype),) * len(cell.states)
    states = tf.TensorArray(x.dtype, length if every else 0, element_shape=(batch, hidden))
    # With a maximum XLA can keep what the gradient needs.
    _, state, states = tf.while_loop(
        lambda t, *_: t < length, body, (0, first, states), maximum_iterations=length
    )
    return states.stack() if every else state[0][None]


def _times(left: Any, right: Any) -> Any:
    """left [.., m] times right [m, n], as one product."""
    flat = tf.matmul(tf.reshape(left, (-1, left.shape[-1])), right)
    return tf.reshape(flat, (*left.shape[:-1], flat.shape[-1]))
