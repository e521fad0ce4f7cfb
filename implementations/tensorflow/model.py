"""The TensorFlow model; see the package docstring for kernels and conventions."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

from implementations import Array, ModelSpec, Product, Weights

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

__all__ = ["keras", "tf"]  # also for native.py, which need not import them its own way

Tensors = list[Any]
LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def build(spec: ModelSpec, weights: Weights, kernel: str) -> TensorFlowModel:
    """Place ``weights`` on the CPU as a model of ``spec``."""
    return TensorFlowModel(spec, weights, kernel)


def product(m: int, k: int, n: int, count: int) -> Product:
    """``count`` products [m, k] @ [k, n] in float32, one after the other."""
    rng = np.random.default_rng(0)
    a, b = (tf.constant(rng.normal(size=s), tf.float32) for s in ((count, m, k), (k, n)))

    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def all_of_them(a: Any, b: Any) -> Any:
        return tf.while_loop(
            lambda i, _: i < count, lambda i, _: (i + 1, a[i] @ b), (0, tf.zeros((m, n)))
        )[1]

    return lambda: all_of_them(a, b).numpy()


class TensorFlowModel:
    """A :class:`implementations.Model` in TensorFlow."""

    def __init__(self, spec: ModelSpec, weights: Weights, kernel: str) -> None:
        self._spec = spec
        self._given = tuple(weights)
        self._program = _program(spec, kernel)
        self._weights: Tensors = [tf.constant(v, spec.dtype) for v in _to_keras(spec, weights)]
        self._first: Tensors = [tf.zeros_like(w) for w in self._weights]
        self._second: Tensors = [tf.zeros_like(w) for w in self._weights]
        self._masks = [tf.constant(mask, spec.dtype) for mask in _masks(spec, weights)]

    def place(self, inputs: Array, targets: Array, constants: Array) -> Any:
        return (
            tf.constant(inputs, self._spec.dtype),
            place_targets(self._spec, targets),
            tf.constant(constants, self._spec.dtype),
        )

    def train(self, placed: Any) -> tuple[Array, Array]:
        state = (self._weights, self._first, self._second)
        state, losses, norms = self._program.train(state, self._masks, *placed)
        self._weights, self._first, self._second = state
        return losses.numpy(), norms.numpy()

    def gradients(self, placed: Any) -> Array:
        norms: Array = self._program.gradients(self._weights, self._masks, *placed[:2]).numpy()
        return norms

    def losses(self, placed: Any) -> Array:
        losses: Array = self._program.losses(self._weights, *placed[:2]).numpy()
        return losses

    def predict(self, inputs: Array) -> Array:
        inputs = tf.constant(inputs, self._spec.dtype)
        outputs: Array = self._program.predict(self._weights, inputs).numpy()
        return outputs

    def weights(self) -> Weights:
        found = to_canonical(self._spec, [w.numpy() for w in self._weights])
        return {name: found[name] for name in self._given}

    def parameter_counts(self) -> dict[str, int]:
        variables = self._program.keras.trainable_variables
        return {v.path: int(np.prod(v.shape)) for v in variables}

    def device(self) -> str:
        return str(tf.DeviceSpec.from_string(self._weights[0].device).device_type).lower()


def place_targets(spec: ModelSpec, values: Array) -> Any:
    """Targets on the device, of the model's type or integer classes."""
    return tf.constant(values, spec.dtype if spec.loss == "mse" else tf.int32)


@cache
def _program(spec: ModelSpec, kernel: str) -> _Program:
    """Models of one shape share their compiled code."""
    return _Program(spec, kernel)


class _Program:
    """What is compiled for a specification; weights and constants are its arguments."""

    def __init__(self, spec: ModelSpec, kernel: str) -> None:
        self._spec, self._kernel = spec, kernel
        self.keras = keras_model(spec)
        # The seeds of dropout, which is off; stateless_call wants them all the same.
        self._seeds: Tensors = [tf.identity(v.value) for v in self.keras.non_trainable_variables]
        # autograph would only spend time: the loops below are tf.while_loop.
        compiled = tf.function(jit_compile=True, autograph=False)
        self.train = compiled(self._train)
        self.gradients = compiled(self._gradients)
        self.losses = compiled(self._losses)
        self.predict = compiled(self._outputs)

    def _outputs(self, weights: Tensors, x: Any) -> Any:
        return self.keras.stateless_call(weights, self._seeds, x, training=False)[0]

    def _loss(self, weights: Tensors, x: Any, y: Any) -> Any:
        return loss(self._spec, self._outputs(weights, x), y)

    def _gradient(self, weights: Tensors, masks: Tensors, x: Any, y: Any) -> tuple[Any, Tensors]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = self._loss(weights, x, y)
        gradient = tape.gradient(value, weights)
        return value, [g * mask for g, mask in zip(gradient, masks, strict=True)]

    def _train(self, state: Any, masks: Tensors, inputs: Any, targets: Any, constants: Any) -> Any:
        def step(k: Any, state: Any) -> tuple[Any, Any, Any]:
            value, gradient = self._gradient(state[0], masks, inputs[k], targets[k])
            state, norm = _update(state, gradient, tf.unstack(constants[k]))
            return state, value, norm

        return over_steps(step, state, inputs)

    def _gradients(self, weights: Tensors, masks: Tensors, inputs: Any, targets: Any) -> Any:
        def step(k: Any, state: Any) -> tuple[Any, Any, Any]:
            value, gradient = self._gradient(weights, masks, inputs[k], targets[k])
            return state, value, tf.linalg.global_norm(gradient)

        return over_steps(step, (), inputs)[2]

    def _losses(self, weights: Tensors, inputs: Any, targets: Any) -> Any:
        def step(k: Any, state: Any) -> tuple[Any, Any, Any]:
            value = self._loss(weights, inputs[k], targets[k])
            return state, value, value

        return over_steps(step, (), inputs)[1]


def over_steps(step: Any, state: Any, inputs: Any) -> tuple[Any, Any, Any]:
    """``step(k, state) -> state, loss, norm`` for every batch of ``inputs`` [K, ..].

    Returns the last state and all losses and norms [K].
    """
    count = int(inputs.shape[0])
    losses, norms = (tf.TensorArray(inputs.dtype, count, element_shape=[]) for _ in range(2))

    def body(k: Any, state: Any, losses: Any, norms: Any) -> Any:
        state, value, norm = step(k, state)
        return k + 1, state, losses.write(k, value), norms.write(k, norm)

    _, state, losses, norms = tf.while_loop(
        lambda k, *_: k < count, body, (0, state, losses, norms), maximum_iterations=count
    )
    return state, losses.stack(), norms.stack()


def loss(spec: ModelSpec, outputs: Any, y: Any) -> Any:
    """The mean squared error over all values, or the mean cross-entropy in nats."""
    if spec.loss == "mse":
        return tf.reduce_mean((outputs - y) ** 2)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=outputs))


def _update(state: Any, gradient: Tensors, constants: Tensors) -> tuple[Any, Any]:
    """The rule of :func:`implementations.updates`; also the norm before clipping."""
    rate, keep_m, keep_v, scale, epsilon, clip, clip_each = constants
    squares = [tf.reduce_sum(g * g) for g in gradient]
    norm = tf.sqrt(tf.add_n(squares))
    whole = tf.minimum(tf.ones_like(norm), clip / norm)
    apart = [tf.minimum(tf.ones_like(norm), clip_each / tf.sqrt(s)) for s in squares]
    gradient = [g * whole * one for g, one in zip(gradient, apart, strict=True)]
    weights, first, second = state
    first = [keep_m * m + g for m, g in zip(first, gradient, strict=True)]
    second = [keep_v * v + g * g for v, g in zip(second, gradient, strict=True)]
    weights = [
        w - rate * m / (scale * tf.sqrt(v) + epsilon)
        for w, m, v in zip(weights, first, second, strict=True)
    ]
    return (weights, first, second), norm


def keras_model(spec: ModelSpec) -> Any:
    """The layers as Keras makes them, ``LAYERS[cell]`` and Dense."""
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


def _masks(spec: ModelSpec, weights: Weights) -> list[Array]:
    """For each variable 1, or, for a GRU's biases, 1 where they are trained."""
    mask = np.ones(())
    if spec.cell == "gru":
        mask = np.ones((2, 3 * spec.hidden))
        mask[1, : 2 * spec.hidden] = "layers.0.redundant_bias" in weights
        mask[1, 2 * spec.hidden :] = "layers.0.recurrent_bias" in weights
    elif "layers.0.redundant_bias" in weights:
        raise ValueError(f"Keras's {spec.cell} has one bias for each gate")
    return [np.ones(()), np.ones(()), mask] * spec.layers + [np.ones(())] * 2


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
            none = np.zeros(spec.hidden)
            redundant = weights.get(f"{prefix}.redundant_bias", np.tile(none, 2))
            inner = weights.get(f"{prefix}.recurrent_bias", none)
            bias = np.stack([bias, np.concatenate([redundant, inner])])
        arrays += [
            _swap_gates(spec, weights[f"{prefix}.input"]),
            _swap_gates(spec, weights[f"{prefix}.recurrent"]),
            _swap_gates(spec, bias),
        ]
    return [*arrays, weights["output.weight"], weights["output.bias"]]


def to_canonical(spec: ModelSpec, arrays: list[Array]) -> Weights:
    """Every array of the canonical form, a GRU's redundant biases included."""
    weights: Weights = {}
    for layer in range(spec.layers):
        prefix = f"layers.{layer}"
        kernel, recurrent, bias = (_swap_gates(spec, a) for a in arrays[3 * layer : 3 * layer + 3])
        if spec.cell == "gru":
            redundant, inner = np.split(bias[1], [2 * spec.hidden])
            weights[f"{prefix}.redundant_bias"] = redundant.copy()
            weights[f"{prefix}.recurrent_bias"] = inner.copy()
            bias = bias[0].copy()
        weights |= {
            f"{prefix}.input": kernel,
            f"{prefix}.recurrent": recurrent,
            f"{prefix}.bias": bias,
        }
    weights["output.weight"], weights["output.bias"] = arrays[-2:]
    return weights
