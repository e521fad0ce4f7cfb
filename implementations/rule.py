"""The one update rule: its constants, for every framework the same numbers."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cells import Array


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

    The rate is ``learning_rate``, but over the last ``cooldown``, a share of the ``steps`` in
    all, it falls linearly to zero: of n such steps the first has the whole rate, the last one
    1/n of it. Without ``steps`` it is constant.
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
    steps: int = 0
    cooldown: float = 0.0

    @property
    def falling(self) -> int:
        """The number of the last steps, over which the rate falls."""
        return round(self.cooldown * self.steps)

    def rate(self, step: Any) -> Any:
        """The learning rate at a step, counted from 1, or at each of an array of steps."""
        left = (self.steps - step + 1) / self.falling if self.falling else np.ones_like(step)
        return self.learning_rate * np.clip(left, 0.0, 1.0)


def updates(optimiser: Optimiser, first: int, count: int) -> Array:
    """The constants of ``count`` steps from step ``first``, counted from 1: [K, 7] float64.

    Every rule is one formula. With gradient g, clipped,

        m = keep_m · m + g,   v = keep_v · v + g²,   w -= rate · m / (scale · √v + ε),

    and a row holds rate, keep_m, keep_v, scale, ε, the limit of the global norm and
    the limit of every variable's norm (infinite where there is none). Adam's running
    means and bias corrections are folded into rate and ε here, once, in float64:
    1 - β2^t loses five digits in float32, and every framework would round it its own way.
    So is the rate of each step.
    """
    limit = optimiser.clip or math.inf
    limits = (math.inf, limit) if optimiser.clip_each else (limit, math.inf)
    t = np.arange(first, first + count, dtype=np.float64)
    rate, table = optimiser.rate(t), np.empty((count, 7))
    table[:, 5:] = limits
    if optimiser.name == "sgd":
        table[:, 0], table[:, 1:5] = rate, (0.0, 0.0, 0.0, 1.0)
        return table
    if optimiser.name == "rmsprop":
        width = math.sqrt(1 - optimiser.decay)
        table[:, 0] = rate / width
        table[:, 1:5] = 0.0, optimiser.decay, 1.0, optimiser.epsilon / width
        return table
    width = math.sqrt(1 - optimiser.beta2)
    root = np.sqrt(1 - optimiser.beta2**t)
    table[:, 0] = rate * (1 - optimiser.beta1) / (1 - optimiser.beta1**t) * root / width
    table[:, 1:4] = optimiser.beta1, optimiser.beta2, 1.0
    table[:, 4] = optimiser.epsilon / width * (1 if optimiser.epsilon_hat else root)
    return table
