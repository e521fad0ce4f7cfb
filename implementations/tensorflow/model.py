"""The TensorFlow model; see the package docstring for kernels and conventions."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from implementations import GATES, Array, ModelSpec, Optimiser, Weights, adam_schedule

# TensorFlow and Keras import these where they are installed, for exporters and
# plots that no run uses: 2.4 of 5.9 seconds, in every process.
_UNUSED = [name for name in ("jax", "matplotlib", "pandas") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]
try:
    import keras
    import tensorflow as tf
finally:
    for _name in _UNUSED:
        del sys.modules[_name]

Tensors = list[Any]
LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def build(spec: ModelSpec, weights: Weights) -> TensorFlowModel:
    """Place ``weights`` on the CPU as a model of ``spec``."""
    return TensorFlowModel(spec, weights)


class TensorFlowModel:
    """A :class:`implementations.Model` in TensorFlow."""

    def __init__(self, spec: ModelSpec, weights: Weights) -> None:
        self._spec = spec
        self._keras = _keras_model(spec)
        self._keras.set_weights(_to_keras(spec, weights))
        self._weights: Tensors = [tf.identity(v.value) for v in self._keras.trainable_variables]
        self._first: Tensors = [tf.zeros_like(w) for w in self._weights]
        self._second: Tensors = [tf.zeros_like(w) for w in self._weights]
        # The seeds of dropout, which is off; stateless_call wants them all the same.
        self._seeds: Tensors = [tf.identity(v.value) for v in self._keras.non_trainable_variables]
        self._masks = _masks(spec)
        self._steps = 0
        # autograph would only spend time: the loops below are tf.while_loop.
        compiled = tf.function(jit_compile=True, autograph=False)
        self._train = compiled(self._chunk)
        self._predict = compiled(self._outputs)
        self._gradients = compiled(self._loss_and_gradient)

    def train(self, inputs: Array, targets: Array) -> Array:
        rates, epsilons = adam_schedule(self._spec.optimiser, self._steps + 1, len(inputs))
        state, losses = self._train(
            (self._weights, self._first, self._second),
            self._tensor(inputs),
            self._targets(targets),
            self._tensor(rates),
            self._tensor(epsilons),
        )
        self._weights, self._first, self._second = state
        self._steps += len(inputs)
        result: Array = losses.numpy()
        return result

    def predict(self, inputs: Array) -> Array:
        outputs: Array = self._predict(self._weights, self._tensor(inputs)).numpy()
        return outputs

    def gradients(self, inputs: Array, targets: Array) -> Weights:
        _, gradient = self._gradients(self._weights, self._tensor(inputs), self._targets(targets))
        return _to_canonical(self._spec, [g.numpy() for g in gradient])

    def weights(self) -> Weights:
        return _to_canonical(self._spec, [w.numpy() for w in self._weights])

    def parameter_counts(self) -> dict[str, int]:
        return {v.path: int(np.prod(v.shape)) for v in self._keras.trainable_variables}

    def device(self) -> str:
        return str(tf.DeviceSpec.from_string(self._weights[0].device).device_type).lower()

    def _tensor(self, values: Array) -> Any:
        return tf.constant(values, self._spec.dtype)

    def _targets(self, values: Array) -> Any:
        return self._tensor(values) if self._spec.loss == "mse" else tf.constant(values, tf.int32)

    def _outputs(self, weights: Tensors, x: Any) -> Any:
        return self._keras.stateless_call(weights, self._seeds, x, training=False)[0]

    def _loss_and_gradient(self, weights: Tensors, x: Any, y: Any) -> tuple[Any, Tensors]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs = self._outputs(weights, x)
            if self._spec.loss == "mse":
                loss = tf.reduce_mean((outputs - y) ** 2)
            else:
                loss = tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=outputs)
                )
        gradient = tape.gradient(loss, weights)
        return loss, [
            g if mask is None else g * mask for g, mask in zip(gradient, self._masks, strict=True)
        ]

    def _chunk(self, state: Any, inputs: Any, targets: Any, rates: Any, epsilons: Any) -> Any:
        steps = int(inputs.shape[0])
        record = tf.TensorArray(inputs.dtype, steps, element_shape=[])

        def step(k: Any, state: Any, record: Any) -> Any:
            weights, first, second = state
            loss, gradient = self._loss_and_gradient(weights, inputs[k], targets[k])
            state = _update(
                self._spec.optimiser, (weights, first, second), gradient, rates[k], epsilons[k]
            )
            return k + 1, state, record.write(k, loss)

        _, state, record = tf.while_loop(
            lambda k, *_: k < steps, step, (0, state, record), maximum_iterations=steps
        )
        return state, record.stack()


def _update(rule: Optimiser, state: Any, gradient: Tensors, rate: Any, epsilon: Any) -> Any:
    weights, first, second = state
    if rule.clip:
        norm = tf.sqrt(tf.add_n([tf.reduce_sum(g * g) for g in gradient]))
        gradient = [g * tf.minimum(tf.ones_like(norm), rule.clip / norm) for g in gradient]
    if rule.name == "sgd":
        weights = [w - rule.learning_rate * g for w, g in zip(weights, gradient, strict=True)]
        return weights, first, second
    if rule.name == "rmsprop":
        second = [
            rule.decay * v + (1 - rule.decay) * g * g for v, g in zip(second, gradient, strict=True)
        ]
        weights = [
            w - rule.learning_rate * g / (tf.sqrt(v) + rule.epsilon)
            for w, g, v in zip(weights, gradient, second, strict=True)
        ]
        return weights, first, second
    first = [rule.beta1 * m + (1 - rule.beta1) * g for m, g in zip(first, gradient, strict=True)]
    second = [
        rule.beta2 * v + (1 - rule.beta2) * g * g for v, g in zip(second, gradient, strict=True)
    ]
    weights = [
        w - rate * m / (tf.sqrt(v) + epsilon)
        for w, m, v in zip(weights, first, second, strict=True)
    ]
    return weights, first, second


def _keras_model(spec: ModelSpec) -> Any:
    layers = [
        LAYERS[spec.cell](
            spec.hidden,
            return_sequences=spec.every_step or layer < spec.layers - 1,
            dtype=spec.dtype,
            name=f"{spec.cell}_{layer}",
        )
        for layer in range(spec.layers)
    ]
    output = keras.layers.Dense(spec.outputs, dtype=spec.dtype, name="output")
    inputs = keras.Input((None, spec.input_size), dtype=spec.dtype)
    return keras.Sequential([inputs, *layers, output])


def _masks(spec: ModelSpec) -> Tensors:
    """For each weight a mask, zero where a GRU's bias is redundant; None where nothing is."""
    mask = None
    if spec.cell == "gru":
        keep = np.ones((2, 3 * spec.hidden))
        keep[1, : 2 * spec.hidden] = 0
        mask = tf.constant(keep, spec.dtype)
    return [None, None, mask] * spec.layers + [None, None]


def _swap_gates(spec: ModelSpec, value: Array) -> Array:
    """Exchange the first two blocks of a GRU's last axis: r, z, n <-> z, r, n."""
    if spec.cell != "gru":
        return value
    first, second, rest = np.split(value, 3, axis=-1)
    return np.concatenate([second, first, rest], axis=-1)


def _to_keras(spec: ModelSpec, weights: Weights) -> list[Array]:
    arrays = []
    for layer in range(spec.layers):
        prefix = f"layers.{layer}"
        bias = weights[f"{prefix}.bias"]
        if spec.cell == "gru":
            second = np.zeros_like(bias)
            second[2 * spec.hidden :] = weights[f"{prefix}.recurrent_bias"]
            bias = np.stack([bias, second])
        arrays += [
            _swap_gates(spec, weights[f"{prefix}.input"]),
            _swap_gates(spec, weights[f"{prefix}.recurrent"]),
            _swap_gates(spec, bias),
        ]
    return [*arrays, weights["output.weight"], weights["output.bias"]]


def _to_canonical(spec: ModelSpec, arrays: list[Array]) -> Weights:
    weights: Weights = {}
    for layer in range(spec.layers):
        prefix = f"layers.{layer}"
        kernel, recurrent, bias = (_swap_gates(spec, a) for a in arrays[3 * layer : 3 * layer + 3])
        if spec.cell == "gru":
            weights[f"{prefix}.recurrent_bias"] = bias[1, 2 * spec.hidden :].copy()
            bias = bias[0].copy()
        weights |= {
            f"{prefix}.input": kernel,
            f"{prefix}.recurrent": recurrent,
            f"{prefix}.bias": bias,
        }
        assert kernel.shape[-1] == GATES[spec.cell] * spec.hidden
    weights["output.weight"], weights["output.bias"] = arrays[-2:]
    return weights
