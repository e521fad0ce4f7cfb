"""The contract of an implementation: what a folder here must offer.

An implementation is one folder that knows its framework and nothing of tasks.
Its ``__init__.py`` imports nothing of the framework; its docstring says which
layer and backend run and which conventions they follow, and it defines

- ``PACKAGES``: the names under which its packages were installed, for the
  record of versions;
- ``environment(threads, cache) -> dict``: the environment variables that pin
  the framework to ``threads`` CPU threads and to the CPU, set before it is
  imported; ``cache`` is a folder it may keep compiled code in.

Its ``model.py`` may import the framework and defines
``build(spec, weights) -> Model``.

Canonical weights are the one form in which weights travel. Layer l has
``layers.l.input`` [d, G·h], ``layers.l.recurrent`` [h, G·h] and ``layers.l.bias``
[G·h]; a GRU also has ``layers.l.recurrent_bias`` [h], the bias inside the reset
product. ``output.weight`` is [h, o], ``output.bias`` [o]. The gates stand in
the order i, f, g, o (LSTM) and r, z, n (GRU). Biases that a framework holds
twice stay at zero in the second place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = dict[str, Array]

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


@dataclass(frozen=True)
class Optimiser:
    """One update rule with the same constants in every framework.

    Gradients are first scaled to a global norm of at most ``clip`` (Pascanu
    2013; no clipping when 0). Then, with gradient g at step t:

    - ``adam`` (Kingma & Ba 2015, algorithm 1): m and v are the running means of
      g and g², and w -= rate · m̂ / (√v̂ + ε);
    - ``rmsprop`` (Hinton 2012): w -= rate · g / (√v + ε), v with ``decay``;
    - ``sgd``: w -= rate · g.
    """

    name: Literal["adam", "rmsprop", "sgd"]
    learning_rate: float
    clip: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    decay: float = 0.9
    epsilon: float = 1e-8


@dataclass(frozen=True)
class ModelSpec:
    """A stack of recurrent layers and one linear output layer, and how it learns.

    ``every_step`` asks for outputs at every time step instead of the last only.
    """

    cell: Literal["rnn", "lstm", "gru"]
    layers: int
    input_size: int
    hidden: int
    outputs: int
    every_step: bool
    loss: Literal["mse", "cross_entropy"]
    optimiser: Optimiser
    dtype: Literal["float32", "float64"] = "float32"


class Model(Protocol):
    """A model on a device, with its optimiser's state.

    Shapes: K optimiser steps, batch B, T time steps, d inputs, o outputs.
    Targets are [.., o] of the model's type for mse and integer classes [..] for
    cross_entropy, with T after the batch when the spec asks for every step.
    """

    def train(self, inputs: Array, targets: Array) -> Array:
        """Take one optimiser step per batch; inputs [K, B, T, d] -> losses [K] before each."""

    def predict(self, inputs: Array) -> Array:
        """Outputs for inputs [B, T, d]: [B, o], or [B, T, o] at every step."""

    def gradients(self, inputs: Array, targets: Array) -> Weights:
        """The loss's gradient for one batch, unclipped, in canonical form."""

    def weights(self) -> Weights:
        """The weights in canonical form."""

    def parameter_counts(self) -> dict[str, int]:
        """The framework's own count by its own names, redundant biases included."""

    def device(self) -> str:
        """Where the weights really are, such as ``cpu``."""


def adam_schedule(optimiser: Optimiser, first: int, count: int) -> tuple[Array, Array]:
    """Adam's bias corrections folded into a rate and an ε for each step.

    With c1 = 1 - β1^t and c2 = 1 - β2^t, rate·m̂/(√v̂ + ε) equals
    (rate·√c2/c1) · m/(√v + ε·√c2). Computed here once in float64, since
    1 - β2^t loses five digits in float32 and every framework would round it
    its own way. ``first`` is the first t, from 1; both arrays are [count].
    """
    t = np.arange(first, first + count, dtype=np.float64)
    root = np.sqrt(1 - optimiser.beta2**t)
    return optimiser.learning_rate * root / (1 - optimiser.beta1**t), optimiser.epsilon * root
