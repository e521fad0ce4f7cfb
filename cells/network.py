"""The reference: a stack of any cell in NumPy float64, with its loss and all gradients.

One time step after another, nothing fused, from ``Cell.step`` alone. Gradients are those of
``autograd``; the tests compare them with complex steps, whose error is rounding only.

Shapes: B examples, T time steps, d inputs, h units, o outputs.
"""

from typing import Any, NamedTuple

import autograd.numpy as np
from autograd import value_and_grad
from autograd.core import VJPNode, add_outgrads
from autograd.extend import defvjp, primitive
from autograd.tracer import trace
from autograd.util import toposort

import cells
from cells import Array, ModelSpec, Weights


@primitive  # type: ignore[untyped-decorator]
def sigmoid(a: Array) -> Array:
    """σ(a), by tanh, which does not overflow."""
    result: Array = 0.5 * (1 + np.tanh(0.5 * a))
    return result


defvjp(sigmoid, lambda result, _: lambda g: g * result * (1 - result))
MATH = cells.Math(np, sigmoid)


class Pass(NamedTuple):
    """A forward pass: outputs [B, o] or [B, T, o], what each layer read and the last one gave
    [T, B, .], and each layer's gates by name [T, B, h]."""

    outputs: Array
    sequences: list[Array]
    gates: list[dict[str, Array]]


def outputs(spec: ModelSpec, weights: Weights, x: Array) -> Any:
    """The model's outputs for x [B, T, d]: [B, o], or [B, T, o] at every step."""
    sequence = x.swapaxes(0, 1)
    for layer in range(spec.layers):
        sequence = np.stack([h for (h, *_), _ in run(spec, weights, layer, sequence)])
    return _output(spec, weights, sequence)


def forward(spec: ModelSpec, weights: Weights, x: Array) -> Pass:
    """As :func:`outputs`, with what each layer read and the values of its gates."""
    sequences, gates = [x.swapaxes(0, 1)], []
    for layer in range(spec.layers):
        states, values = zip(*run(spec, weights, layer, sequences[-1]), strict=True)
        sequences.append(np.stack([h for h, *_ in states]))
        gates.append({name: np.stack([v[name] for v in values]) for name in values[0]})
    return Pass(_output(spec, weights, sequences[-1]), sequences, gates)


def run(spec: ModelSpec, weights: Weights, layer: int, sequence: Any) -> list[Any]:
    """The states and gates of one layer after every step of its inputs [T, B, d]."""
    cell, own = cells.cell(spec.cell), cells.layer_weights(weights, layer)
    step = cells.step_of(cell, own, MATH)
    state = (np.zeros((sequence.shape[1], spec.hidden)),) * len(cell.states)
    steps = []
    for a in sequence @ own["input"] + own["bias"]:
        state, gates = step(a, state)
        steps.append((state, gates))
    return steps


def _output(spec: ModelSpec, weights: Weights, top: Any) -> Any:
    top = np.swapaxes(top, 0, 1) if spec.every_step else top[-1]
    return top @ weights["output.weight"] + weights["output.bias"]


def loss(
    spec: ModelSpec, predicted: Any, targets: Array, sample_weights: Array | None = None
) -> Any:
    """The mean of :func:`losses` over all answers, weighted where there are weights [..]."""
    each = losses(spec, predicted, targets)
    if sample_weights is None:
        return np.mean(each)
    return np.sum(sample_weights * each) / np.sum(sample_weights)


def losses(spec: ModelSpec, predicted: Any, targets: Array) -> Any:
    """The loss of each answer [B], or [B, T] at every step.

    The mean squared error of its o values, the cross-entropy of its class in nats, or the sum
    over its o outputs of their binary cross-entropies in nats, targets being 0 or 1:
    -y ln σ(a) - (1 - y) ln(1 - σ(a)) = max(a, 0) + ln(1 + exp(-|a|)) - y a.
    """
    if spec.loss == "mse":
        return np.mean((predicted - targets) ** 2, axis=-1)
    if spec.loss == "binary_cross_entropy":
        # By the real part, so that complex steps go through; -|a| = a - 2 max(a, 0).
        above = np.where(np.real(predicted) > 0, predicted, 0 * predicted)
        softplus = above + np.log1p(np.exp(predicted - 2 * above))
        return np.sum(softplus - targets * predicted, axis=-1)
    return -np.sum(log_softmax(predicted) * np.eye(spec.outputs)[targets], axis=-1)


def log_softmax(a: Any) -> Any:
    """The logarithm of the softmax over the last axis."""
    shifted = a - np.max(np.real(a), axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def loss_and_gradients(
    spec: ModelSpec, weights: Weights, x: Array, targets: Array, sample_weights: Array | None = None
) -> tuple[float, Weights]:
    """The loss on one batch and its gradient by every canonical weight."""
    value, gradients = value_and_grad(
        lambda w: loss(spec, outputs(spec, w, x), targets, sample_weights)
    )(weights)
    return float(value), gradients


def output_gradient(spec: ModelSpec, predicted: Array, targets: Array) -> Array:
    """The gradient of :func:`loss` by the outputs, shaped as they are."""
    gradient: Array = value_and_grad(lambda p: loss(spec, p, targets))(predicted)[1]
    return gradient


def state_gradients(spec: ModelSpec, weights: Weights, below: Array, last: Array) -> Weights:
    """The gradient by the last layer's states after every step, when h_T has the gradient ``last``.

    ``below`` [T, B, .] is what that layer reads, ``last`` is [B, h]. Returns each state of the
    cell, [T, B, h]: entry t is the total derivative by the state's new value at step t, through
    all that is computed from it, in that step and later.
    """
    kept: list[tuple[Any, ...]] = []

    def top(sequence: Any) -> Any:
        kept.extend(states for states, _ in run(spec, weights, spec.layers - 1, sequence))
        return kept[-1][0]

    _, end = trace(VJPNode.new_root(), top, below)
    gradients = _by_node(end, last)
    zero = np.zeros_like(last)
    return {
        name: np.stack([gradients.get(states[k]._node, zero) for states in kept])
        for k, name in enumerate(cells.cell(spec.cell).states)
    }


def _by_node(end: VJPNode, gradient: Array) -> dict[VJPNode, Array]:
    """autograd's backward pass, which keeps the gradient of every value instead of the first's."""
    found: dict[VJPNode, Any] = {end: (gradient, False)}
    for node in toposort(end):
        for parent, part in zip(node.parents, node.vjp(found[node][0]), strict=True):
            found[parent] = add_outgrads(found.get(parent), part)
    return {node: value for node, (value, _) in found.items()}
