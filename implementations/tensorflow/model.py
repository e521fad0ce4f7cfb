"""The TensorFlow model; see the package docstring for kernels and conventions."""

from __future__ import annotations

import math
import sys
from functools import cache
from typing import Any

import numpy as np

from cells import Array, ModelSpec, Weights
from implementations import CPU, EQUATIONS, Product, packed
from implementations.packed import Layout

# TensorFlow and Keras import these where they are installed, for exporters, plots and wrappers that
# no run uses: a third of the time and more, in every process; a fifth is scikit-learn's.
_UNUSED = [name for name in ("jax", "matplotlib", "pandas", "sklearn") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]
try:
    import keras
    import tensorflow as tf
finally:
    for _name in _UNUSED:
        del sys.modules[_name]

from implementations.tensorflow import CUDNN, equations  # noqa: E402  after TensorFlow

__all__ = ["keras", "tf"]  # also for native.py, which need not import them its own way

Tensors = list[Any]
LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def build(spec: ModelSpec, weights: Weights, kernel: str, device: str) -> TensorFlowModel:
    """Place ``weights`` on the device as a model of ``spec``."""
    return TensorFlowModel(spec, weights, kernel, device)


def product(m: int, k: int, n: int, count: int, device: str) -> Product:
    """``count`` products [m, k] @ [k, n] in float32, one after the other."""
    rng = np.random.default_rng(0)
    with tf.device(device):
        a, b = (tf.constant(rng.normal(size=s), tf.float32) for s in ((count, m, k), (k, n)))

    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def all_of_them(a: Any, b: Any) -> Any:
        return tf.while_loop(
            lambda i, _: i < count, lambda i, _: (i + 1, a[i] @ b), (0, tf.zeros((m, n)))
        )[1]

    def done() -> None:
        with tf.device(device):
            all_of_them(a, b).numpy()

    return done


class TensorFlowModel:
    """A :class:`implementations.Model` in TensorFlow."""

    def __init__(self, spec: ModelSpec, weights: Weights, kernel: str, device: str) -> None:
        self._spec, self._device = spec, device
        self._given = tuple(weights)
        if spec.cell != "gru" and "layers.0.redundant_bias" in weights:
            raise ValueError(f"Keras's {spec.cell} has one bias for each gate")
        # Keras's GRU has two rows of biases whether both are trained or not.
        own = kernel != EQUATIONS
        self._layout = packed.layout(spec, weights, second=own and spec.cell == "gru")
        with tf.device(device):
            self._program = _program(self._layout, kernel, device)
            vector = tf.constant(self._layout.pack(self._program.swapped(weights)))
            self._state: Tensors = [vector, tf.zeros_like(vector), tf.zeros_like(vector)]

    def place(
        self, inputs: Array, targets: Array, constants: Array, sample_weights: Array | None = None
    ) -> Any:
        with tf.device(self._device):
            return (
                tf.constant(inputs, self._spec.dtype),
                place_targets(self._spec, targets, sample_weights),
                tf.constant(constants, self._spec.dtype),
            )

    def train(self, placed: Any) -> tuple[Array, Array]:
        with tf.device(self._device):
            self._state, losses, norms = self._program.train(self._state, *placed)
        return losses.numpy(), norms.numpy()

    def gradients(self, placed: Any) -> Array:
        return self._done(self._program.gradients, *placed[:2])

    def losses(self, placed: Any) -> Array:
        return self._done(self._program.losses, *placed[:2])

    def predict(self, inputs: Array) -> Array:
        return self._done(self._program.predict, tf.constant(inputs, self._spec.dtype))

    def _done(self, function: Any, *data: Any) -> Array:
        with tf.device(self._device):
            found: Array = function(self._state[0], *data).numpy()
        return found

    def weights(self) -> Weights:
        pieces = self._program.swapped(self._layout.pieces(self._state[0].numpy()))
        return {name: pieces[name] for name in self._given}

    def parameter_counts(self) -> dict[str, int]:
        if self._program.keras is None:
            return {name: value.size for name, value in self.weights().items()}
        variables = self._program.keras.trainable_variables
        return {v.path: int(np.prod(v.shape)) for v in variables}

    def device(self) -> str:
        return device_of(self._state[0])


def device_of(tensor: Any) -> str:
    """Where a tensor really is."""
    return str(tf.DeviceSpec.from_string(tensor.device).device_type)


def place_targets(spec: ModelSpec, values: Array, sample_weights: Array | None) -> Any:
    """Targets on the device, of the model's type or classes; a pair if they have weights."""
    y = tf.constant(values, tf.int32 if spec.loss == "cross_entropy" else spec.dtype)
    return y if sample_weights is None else (y, tf.constant(sample_weights, spec.dtype))


def batch_of(targets: Any, k: Any) -> Any:
    """The targets of one batch, with their weights if they have some."""
    return tf.nest.map_structure(lambda values: values[k], targets)


@cache
def _program(layout: Layout, kernel: str, device: str) -> _Program:
    """Models of one shape on one device share their compiled code."""
    return _Program(layout, kernel, device)


class _Program:
    """What is compiled for a layout; the vector of weights and constants are its arguments."""

    def __init__(self, layout: Layout, kernel: str, device: str) -> None:
        self._layout, self._spec = layout, layout.spec
        self._mask, self._variables = layout.mask(), layout.variables()
        # On a CPU Keras may choose: there is no cuDNN.
        cudnn = "auto" if device == CPU else kernel == CUDNN
        self.keras = None if kernel == EQUATIONS else keras_model(self._spec, cudnn)
        if self.keras is not None:
            # The seeds of dropout, which is off; stateless_call wants them all the same.
            seeds = self.keras.non_trainable_variables
            self._seeds: Tensors = [tf.identity(v.value) for v in seeds]
        # autograph would only spend time: the loops below are tf.while_loop.
        compiled = tf.function(jit_compile=kernel != CUDNN, autograph=False)
        self.train = compiled(self._train)
        self.gradients = compiled(self._gradients)
        self.losses = compiled(self._losses)
        self.predict = compiled(self._predict)

    def swapped(self, weights: Weights) -> Weights:
        """``weights`` from or to the order of gates that the kernel wants."""
        if self.keras is None:
            return weights
        return {
            name: value
            if name.startswith("output") or name.endswith("recurrent_bias")
            else _swap_gates(self._spec, value)
            for name, value in weights.items()
        }

    def _matrices(self, vector: Any) -> Tensors:
        shapes = self._layout.shapes()
        parts = tf.split(vector, list(map(math.prod, shapes)))
        return [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]

    def _predict(self, vector: Any, x: Any) -> Any:
        return self._outputs(self._matrices(vector), x)

    def _outputs(self, matrices: Tensors, x: Any) -> Any:
        if self.keras is None:
            return equations.outputs(self._layout, matrices, x)
        *layers, output = matrices
        weights, ones = [], self._layout.ones
        for layer, matrix in enumerate(layers):
            d = self._layout.size(layer)
            bias = matrix[d : d + 2] if ones == 2 else matrix[d]
            weights += [matrix[:d], matrix[d + ones :], bias]
        weights += [output[:-1], output[-1]]
        return self.keras.stateless_call(weights, self._seeds, x, training=False)[0]

    def _gradient(self, vector: Any, x: Any, y: Any) -> tuple[Any, Any]:
        """The loss and its gradient with respect to ``vector``, zero where nothing is trained."""
        matrices = self._matrices(vector)
        with tf.GradientTape() as tape:
            tape.watch(matrices)
            value = loss(self._spec, self._outputs(matrices, x), y)
        gradients = tape.gradient(value, matrices)
        gradient = tf.concat([tf.reshape(g, (-1,)) for g in gradients], 0)
        return value, gradient if self._mask is None else gradient * self._mask

    def _train(self, state: Any, inputs: Any, targets: Any, constants: Any) -> Any:
        def step(k: Any, state: Any) -> tuple[Any, Any, Any]:
            value, gradient = self._gradient(state[0], inputs[k], batch_of(targets, k))
            state, norm = self._update(state, gradient, tf.unstack(constants[k]))
            return state, value, norm

        return over_steps(step, state, inputs)

    def _gradients(self, vector: Any, inputs: Any, targets: Any) -> Any:
        def step(k: Any, state: Any) -> tuple[Any, Any, Any]:
            value, gradient = self._gradient(vector, inputs[k], batch_of(targets, k))
            return state, value, tf.norm(gradient)

        return over_steps(step, (), inputs)[2]

    def _losses(self, vector: Any, inputs: Any, targets: Any) -> Any:
        def step(k: Any, state: Any) -> tuple[Any, Any, Any]:
            outputs = self._outputs(self._matrices(vector), inputs[k])
            value = loss(self._spec, outputs, batch_of(targets, k))
            return state, value, value

        return over_steps(step, (), inputs)[1]

    def _update(self, state: Any, g: Any, constants: Tensors) -> tuple[Any, Any]:
        """The rule of :func:`implementations.rule.updates`; also the norm before clipping."""
        rate, keep_m, keep_v, scale, epsilon, clip, clip_each = constants
        norm = tf.sqrt(tf.reduce_sum(g * g))
        whole = tf.minimum(tf.ones_like(norm), clip / norm)

        def apart() -> Any:
            count = int(self._variables.max()) + 1
            norms = tf.sqrt(tf.math.unsorted_segment_sum(g * g, self._variables, count))
            limits = tf.minimum(tf.ones_like(norms), clip_each / norms)
            return g * tf.gather(limits, self._variables)

        # Few runs have a limit for each variable, and the sums over variables are slow.
        g = whole * tf.cond(clip_each < np.inf, apart, lambda: g)
        w, m, v = state
        m = keep_m * m + g
        v = keep_v * v + g * g
        return [w - rate * m / (scale * tf.sqrt(v) + epsilon), m, v], norm


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
    """The mean loss of all answers; y is the targets, or a pair of them and their weights."""
    if isinstance(y, tuple):
        targets, sample_weights = y
        weighted = sample_weights * losses(spec, outputs, targets)
        return tf.reduce_sum(weighted) / tf.reduce_sum(sample_weights)
    if spec.loss == "mse":
        return tf.reduce_mean((outputs - y) ** 2)
    return tf.reduce_mean(losses(spec, outputs, y))


def losses(spec: ModelSpec, outputs: Any, y: Any) -> Any:
    """The loss of each answer, [B] or [B, T], as ``cells.network.losses`` has it."""
    if spec.loss == "mse":
        return tf.reduce_mean((outputs - y) ** 2, -1)
    if spec.loss == "binary_cross_entropy":
        each = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=outputs)
        return tf.reduce_sum(each, -1)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=outputs)


def keras_model(spec: ModelSpec, cudnn: bool | str = "auto") -> Any:
    """The layers as Keras makes them, ``LAYERS[cell]`` and Dense; with or without cuDNN."""
    chosen = {} if cudnn == "auto" or spec.cell == "rnn" else {"use_cudnn": cudnn}
    layers = [
        LAYERS[spec.cell](
            spec.hidden,
            return_sequences=spec.every_step or layer < spec.layers - 1,
            dtype=spec.dtype,
            name=f"{spec.cell}_{layer}",
            **chosen,
        )
        for layer in range(spec.layers)
    ]
    output = keras.layers.Dense(spec.outputs, dtype=spec.dtype, name="output")
    inputs = keras.Input((None, spec.input_size), dtype=spec.dtype)
    return keras.Sequential([inputs, *layers, output])


def _swap_gates(spec: ModelSpec, value: Array) -> Array:
    """Exchange the first two blocks of a GRU's last axis: r, z, n <-> z, r, n."""
    if spec.cell != "gru":
        return value
    first, second, rest = np.split(value, [spec.hidden, 2 * spec.hidden], axis=-1)
    return np.concatenate([second, first, rest], axis=-1)


def to_canonical(spec: ModelSpec, arrays: list[Array]) -> Weights:
    """Every array of the canonical form, a GRU's redundant biases included."""
    weights: Weights = {}
    for layer in range(spec.layers):
        parts = (_swap_gates(spec, a) for a in arrays[3 * layer : 3 * layer + 3])
        own = dict(zip(("input", "recurrent", "bias"), parts, strict=True))
        if spec.cell == "gru":
            own["bias"], second = own["bias"]
            redundant, inner = np.split(second, [2 * spec.hidden])
            own = {"redundant_bias": redundant, "recurrent_bias": inner} | own
        weights |= {f"layers.{layer}.{name}": value for name, value in own.items()}
    weights["output.weight"], weights["output.bias"] = arrays[-2:]
    return weights
