"""The weights and batches that a model is compared with the reference on; small, and all random."""

import numpy as np

import cells
from cells import Array, ModelSpec, Weights

STEPS, BATCH, LENGTH = 50, 4, 4


def random_weights(spec: ModelSpec, inner_bias: bool = True, seed: int = 0) -> Weights:
    """Normal weights and biases that float32 holds exactly, so that both types start alike."""
    rng, shapes = np.random.default_rng(seed), cells.shapes(spec, inner_bias)
    draws = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: value.astype(spec.dtype) for name, value in draws.items()}


def random_batches(spec: ModelSpec, steps: int = STEPS, seed: int = 1) -> tuple[Array, Array]:
    """Inputs [K, B, T, d] and targets of ``steps`` batches."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(steps, BATCH, LENGTH, spec.input_size)).astype(np.float32)
    shape = _answers(spec, steps)
    if spec.loss == "cross_entropy":
        return inputs, rng.integers(0, spec.outputs, shape).astype(np.int32)
    if spec.loss == "binary_cross_entropy":
        return inputs, rng.integers(0, 2, (*shape, spec.outputs)).astype(np.float32)
    return inputs, rng.normal(size=(*shape, spec.outputs)).astype(np.float32)


def random_sample_weights(spec: ModelSpec, steps: int = STEPS, seed: int = 2) -> Array:
    """Weights 0, 1/2, 1 or 3/2 of every answer, [K, B] or [K, B, T]; each batch has one of 1."""
    found = np.random.default_rng(seed).integers(0, 4, _answers(spec, steps)) / 2
    found.reshape(steps, -1)[:, 0] = 1
    return found.astype(np.float32)


def _answers(spec: ModelSpec, steps: int) -> tuple[int, ...]:
    return (steps, BATCH, LENGTH) if spec.every_step else (steps, BATCH)
