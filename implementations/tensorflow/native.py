"""The model that Keras's users get: its layers and optimisers, their defaults untouched."""

from __future__ import annotations

from typing import Any

import numpy as np

from cells import Array, ModelSpec, Weights
from implementations.rule import Optimiser
from implementations.tensorflow import model as matched
from implementations.tensorflow.model import (
    batch_of,
    device_of,
    keras_model,
    loss,
    over_steps,
    place_targets,
    to_canonical,
)

# The other module knows how to import these two quickly.
keras, tf = matched.keras, matched.tf

RULES = {
    "adam": keras.optimizers.Adam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def build(spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> KerasModel:
    """A model as Keras initialises it from ``seed``."""
    with tf.device(device):
        return KerasModel(spec, optimiser, seed, device)


class Cooldown(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[name-defined,misc]
    """A constant rate that falls linearly to zero over the last steps."""

    def __init__(self, optimiser: Optimiser, dtype: str) -> None:
        self._rate, self._steps = optimiser.learning_rate, optimiser.steps
        self._falling, self._dtype = optimiser.falling, dtype

    def __call__(self, step: Any) -> Any:
        """The rate after ``step`` steps."""
        left = keras.ops.cast(self._steps - step, self._dtype) / self._falling
        return self._rate * keras.ops.clip(left, 0.0, 1.0)


class KerasModel:
    """A :class:`implementations.NativeModel` in Keras."""

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> None:
        self._spec, self._device = spec, device
        # The type of the learning rate and of Adam's bias corrections.
        keras.config.set_floatx(spec.dtype)
        keras.utils.set_random_seed(seed)
        self._keras = keras_model(spec)
        rate = Cooldown(optimiser, spec.dtype) if optimiser.falling else optimiser.learning_rate
        self._rule = RULES[optimiser.name](learning_rate=rate, clipnorm=optimiser.clip or None)
        self._rule.build(self._keras.trainable_variables)
        # As Keras's own fit has it: its layers of cuDNN are not compiled.
        jit = all(layer.supports_jit for layer in self._keras.layers)
        compiled = tf.function(jit_compile=jit, autograph=False)
        self._train = compiled(self._chunk)
        self._predict = compiled(lambda x: self._keras(x, training=False))

    def train(
        self, inputs: Array, targets: Array, sample_weights: Array | None = None
    ) -> tuple[Array, Array]:
        with tf.device(self._device):
            y = place_targets(self._spec, targets, sample_weights)
            losses, norms = self._train(tf.constant(inputs, self._spec.dtype), y)
        return losses.numpy(), norms.numpy()

    def predict(self, inputs: Array) -> Array:
        with tf.device(self._device):
            outputs: Array = self._predict(tf.constant(inputs, self._spec.dtype)).numpy()
        return outputs

    def weights(self) -> Weights:
        return to_canonical(self._spec, [v.numpy() for v in self._keras.trainable_variables])

    def parameter_counts(self) -> dict[str, int]:
        return {v.path: int(np.prod(v.shape)) for v in self._keras.trainable_variables}

    def device(self) -> str:
        return device_of(self._keras.trainable_variables[0].value)

    def _chunk(self, inputs: Any, targets: Any) -> tuple[Any, Any]:
        variables = self._keras.trainable_variables

        def step(k: Any, state: Any) -> tuple[Any, Any, Any]:
            with tf.GradientTape() as tape:
                outputs = self._keras(inputs[k], training=True)
                value = loss(self._spec, outputs, batch_of(targets, k))
            gradient = tape.gradient(value, variables)
            norm = tf.linalg.global_norm(gradient)
            self._rule.apply(gradient, variables)
            return state, value, norm

        # The state is in Keras's own variables.
        return over_steps(step, (), inputs)[1:]
