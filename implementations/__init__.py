"""The contract of an implementation: what a folder here must offer.

An implementation is one folder that knows its framework and nothing of tasks.
Its ``__init__.py`` imports nothing of the framework; its docstring says which
layer and backend run and which conventions they follow, and it defines

- ``PACKAGES``: the names under which its packages were installed, for the
  record of versions;
- ``environment(threads, cache) -> dict``: the environment variables that pin
  the framework to ``threads`` CPU threads and to the CPU, set before it is
  imported; ``cache`` is a folder it may keep compiled code in;
- ``BIASES``: for each track and cell, how many biases the framework counts in a
  layer, in multiples of the hidden size;
- ``DEFAULTS``: what its users get that the matched track does not have;
- ``KERNELS``: by name, the ways it knows to compute a layer and its gradient; the one
  called ``stock`` is the framework's own layer;
- ``OPTIONAL = True`` where it takes part only when it is named;
- ``fastest(spec, batch, length) -> str``: the kernel that measurements found fastest
  for a model trained on batches of ``batch`` sequences of ``length`` time steps.

Its ``model.py`` may import the framework and defines
``build(spec, weights, kernel) -> Model`` and ``product(m, k, n, count) -> Product``. Its
``native.py`` defines ``build(spec, optimiser, seed) -> NativeModel``: the framework's own
layers, initialisation and optimiser, as its users get them without a choice of their own.

Canonical weights are the one form in which weights travel. Layer l has
``layers.l.input`` [d, G·h], ``layers.l.recurrent`` [h, G·h] and ``layers.l.bias``
[G·h]; a GRU also has ``layers.l.recurrent_bias`` [h], the bias inside the reset
product. ``output.weight`` is [h, o], ``output.bias`` [o]. The gates stand in
the order i, f, g, o (LSTM) and r, z, n (GRU).

What is given is trained, and nothing else. Where a framework has a second bias
for a gate that needs one only, ``layers.l.redundant_bias`` ([G·h], GRU [2h] for r
and z) holds it; when that is not given, it stays at zero. A GRU without
``recurrent_bias`` keeps that one at zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from cells import CELLS, GATES, Array, ModelSpec, Weights

__all__ = ["CELLS", "GATES", "Array", "ModelSpec", "Weights"]

# What a framework's defaults may change, one at a time, on the way from matched to native.
FACTORS = ("initialisation", "biases", "form", "adam", "clipping")

# The kernel that is the framework's own layer, and the one that a native model has.
STOCK, NATIVE = "stock", "native"

# Does its matrix products once each time it is called, and returns when they are done.
Product = Callable[[], None]


@dataclass(frozen=True)
class Optimiser:
    """One update rule with the same constants in every framework.

    Gradients are first scaled to a global norm of at most ``clip`` (Pascanu
    2013; no clipping when 0), or with ``clip_each`` those of every variable apart,
    where the biases of a layer are one variable (Keras's ``clipnorm``). Then, with
    gradient g at step t:

    - ``adam`` (Kingma & Ba 2015, algorithm 1): m and v are the running means of
      g and g², and w -= rate · m̂ / (√v̂ + ε); with ``epsilon_hat`` ε is added
      before the bias correction of v (the form above their section 2.1);
    - ``rmsprop`` (Hinton 2012): w -= rate · g / (√v + ε), v with ``decay``;
    - ``sgd``: w -= rate · g.
    """

    name: Literal["adam", "rmsprop", "sgd"]
    learning_rate: float
    clip: float = 0.0
    clip_each: bool = False
    beta1: float = 0.9
    beta2: float = 0.999
    decay: float = 0.9
    epsilon: float = 1e-8
    epsilon_hat: bool = False


def updates(optimiser: Optimiser, first: int, count: int) -> Array:
    """The constants of ``count`` steps from step ``first``, counted from 1: [K, 7] float64.

    Every rule is one formula. With gradient g, clipped,

        m = keep_m · m + g,   v = keep_v · v + g²,   w -= rate · m / (scale · √v + ε),

    and a row holds rate, keep_m, keep_v, scale, ε, the limit of the global norm and
    the limit of every variable's norm (infinite where there is none). Adam's running
    means and bias corrections are folded into rate and ε here, once, in float64:
    1 - β2^t loses five digits in float32, and every framework would round it its own way.
    """
    limit = optimiser.clip or math.inf
    limits = (math.inf, limit) if optimiser.clip_each else (limit, math.inf)
    rate = optimiser.learning_rate
    if optimiser.name == "sgd":
        row = [rate, 0.0, 0.0, 0.0, 1.0, *limits]
        return np.tile(row, (count, 1))
    if optimiser.name == "rmsprop":
        width = math.sqrt(1 - optimiser.decay)
        row = [rate / width, 0.0, optimiser.decay, 1.0, optimiser.epsilon / width, *limits]
        return np.tile(row, (count, 1))
    t = np.arange(first, first + count, dtype=np.float64)
    width = math.sqrt(1 - optimiser.beta2)
    root = np.sqrt(1 - optimiser.beta2**t)
    table = np.empty((count, 7))
    table[:, 0] = rate * (1 - optimiser.beta1) / (1 - optimiser.beta1**t) * root / width
    table[:, 1:4] = optimiser.beta1, optimiser.beta2, 1.0
    table[:, 4] = optimiser.epsilon / width * (1 if optimiser.epsilon_hat else root)
    table[:, 5:] = limits
    return table


@dataclass(frozen=True)
class Default:
    """One of a framework's defaults that differs from the matched track.

    ``what`` says it in words, ``cells`` for which cells it holds, ``optimiser`` which
    fields of :class:`Optimiser` it sets. The factor says which of the native model's
    initial weights belong to it: ``initialisation`` the matrices, ``biases`` the
    biases, ``form`` the presence of the GRU's ``recurrent_bias``.
    """

    factor: str
    what: str
    cells: tuple[str, ...] = CELLS
    optimiser: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kernel:
    """One way in which a framework can compute a recurrent layer and its gradient.

    ``what`` says it in words, ``cells`` for which cells there is one. Without
    ``inner_bias`` its GRU has no ``recurrent_bias``. ``needs`` says what it asks of the
    machine beside the framework, such as a compiler; where that is missing ``build``
    raises :class:`KernelUnavailable`.
    """

    what: str
    cells: tuple[str, ...] = CELLS
    inner_bias: bool = True
    needs: str = ""


class KernelUnavailable(Exception):
    """A kernel cannot be had on this machine; the message says why."""


class Described(Protocol):
    """A model on a device, with its optimiser's state.

    Shapes: K optimiser steps, batch B, T time steps, d inputs, o outputs.
    Targets are [.., o] of the model's type for mse and integer classes [..] for
    cross_entropy, with T after the batch when the spec asks for every step.
    """

    def predict(self, inputs: Array) -> Array:
        """Outputs for inputs [B, T, d]: [B, o], or [B, T, o] at every step."""

    def weights(self) -> Weights:
        """The weights in canonical form."""

    def parameter_counts(self) -> dict[str, int]:
        """The framework's own count by its own names, redundant biases included."""

    def device(self) -> str:
        """Where the weights really are, such as ``cpu``."""


class Model(Described, Protocol):
    """A model of the matched kind: canonical weights in, the harness's update rule.

    A placed chunk is whatever the framework wants its data to be; all three methods
    that take one return when their result is there.
    """

    def place(self, inputs: Array, targets: Array, constants: Array) -> Any:
        """Hand over a batch for each step: inputs [K, B, T, d], constants of :func:`updates`."""

    def train(self, placed: Any) -> tuple[Array, Array]:
        """Take one optimiser step per batch.

        Returns the losses and the global gradient norms [K], each from before its
        step and before clipping.
        """

    def gradients(self, placed: Any) -> Array:
        """The global gradient norm [K] of every batch with the weights as they are."""

    def losses(self, placed: Any) -> Array:
        """The loss [K] of every batch with the weights as they are: the forward pass alone."""


class NativeModel(Described, Protocol):
    """A model as the framework's users get it, with the framework's own optimiser."""

    def train(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        """As :meth:`Model.place` and :meth:`Model.train`, by the framework's own rule."""
