"""The update rules as their papers print them, in NumPy float64, beside the reference.

Nothing is shared with :func:`implementations.updates`, whose folded form every
implementation uses: this module is what that form is compared with.
"""

import numpy as np

from cells import Array, ModelSpec, Weights, network
from implementations.rule import Optimiser


def train(
    spec: ModelSpec, optimiser: Optimiser, weights: Weights, inputs: Array, targets: Array,
    sample_weights: Array | None = None,
) -> tuple[Array, Weights]:  # fmt: skip
    """Losses [K] and final weights after one step on each batch of inputs [K, B, T, d]."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    m = {name: np.zeros_like(value) for name, value in w.items()}
    v = {name: np.zeros_like(value) for name, value in w.items()}
    losses = []
    for t, (x, y) in enumerate(zip(inputs, targets, strict=True), start=1):
        counts = None if sample_weights is None else sample_weights[t - 1]
        loss, g = network.loss_and_gradients(spec, w, x, y, counts)
        losses.append(loss)
        g = clipped(g, optimiser)
        for name in w:
            w[name], m[name], v[name] = step(optimiser, t, w[name], g[name], m[name], v[name])
    return np.array(losses), w


def clipped(gradients: Weights, optimiser: Optimiser) -> Weights:
    """Gradients scaled to a norm of at most ``clip``: of all, or of every variable apart."""
    if not optimiser.clip:
        return gradients
    groups: dict[str, list[str]] = {}
    for name in gradients:
        variable = name.rpartition(".")[0] + ".biases" if name.endswith("bias") else name
        groups.setdefault(variable if optimiser.clip_each else "all", []).append(name)
    result: Weights = {}
    for names in groups.values():
        norm = np.sqrt(sum((gradients[name] ** 2).sum() for name in names))
        factor = min(1.0, optimiser.clip / norm) if norm else 1.0
        result |= {name: gradients[name] * factor for name in names}
    return result


def rate_at(rule: Optimiser, t: int) -> float:
    """The learning rate of step ``t``, counted from 1: it falls to zero over the last steps."""
    falling, left = round(rule.cooldown * rule.steps), rule.steps - (t - 1)
    return rule.learning_rate * (left / falling) if left < falling else rule.learning_rate


def step(
    rule: Optimiser, t: int, w: Array, g: Array, m: Array, v: Array
) -> tuple[Array, Array, Array]:
    """One step of one weight: the new weight and running means; ``t`` counts from 1."""
    rate = rate_at(rule, t)
    if rule.name == "sgd":
        return w - rate * g, m, v
    if rule.name == "rmsprop":
        v = rule.decay * v + (1 - rule.decay) * g**2
        return w - rate * g / (np.sqrt(v) + rule.epsilon), m, v
    m = rule.beta1 * m + (1 - rule.beta1) * g
    v = rule.beta2 * v + (1 - rule.beta2) * g**2
    if rule.epsilon_hat:
        rate *= np.sqrt(1 - rule.beta2**t) / (1 - rule.beta1**t)
        return w - rate * m / (np.sqrt(v) + rule.epsilon), m, v
    m_hat, v_hat = m / (1 - rule.beta1**t), v / (1 - rule.beta2**t)
    return w - rate * m_hat / (np.sqrt(v_hat) + rule.epsilon), m, v
