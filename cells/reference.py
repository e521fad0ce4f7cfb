"""The reference: RNN, LSTM and GRU in NumPy float64, forward and by-hand gradients.

Written to be read beside the textbook: one variable for each gate, one time step
after another, nothing fused. Every implementation is compared with it.

Notation. x_t [B, d] is the input and h_t [B, h] the hidden state at time step t;
W [d, h], U [h, h] and b [h] belong to the gate of their index. σ is the logistic
function, ⊙ the product by elements.

The equations, and where the article that this suite starts from prints others:

- RNN (Elman 1990): (1) h_t = tanh(x_t W + h_{t-1} U + b).
- LSTM (Gers, Schmidhuber & Cummins 2000, without peepholes):
  (2) i, f, o = σ(x_t W + h_{t-1} U + b), each with its own W, U, b;
  (3) g = tanh(x_t W_g + h_{t-1} U_g + b_g);
  (4) c_t = f ⊙ c_{t-1} + i ⊙ g; (5) h_t = o ⊙ tanh(c_t).
  The article doubles the recurrent term in every gate, and weighs the candidate
  with (1 - f), which would be a coupled gate, another cell.
- GRU (Cho et al. 2014), z keeping the old state:
  (6) r, z = σ(x_t W + h_{t-1} U + b);
  (7) n = tanh(x_t W_n + b_n + (r ⊙ h_{t-1}) U_n), reset before the product, or
  (8) n = tanh(x_t W_n + b_n + r ⊙ (h_{t-1} U_n + b_hn)), reset after it (cuDNN's
  form, the default of all three frameworks);
  (9) h_t = (1 - z) ⊙ n + z ⊙ h_{t-1}.
  The article's output has no z ⊙ h_{t-1}, so that nothing is remembered, and it
  calls the reset gate an output gate.

Gradients are backpropagation through time by hand; the tests compare them with
complex steps, whose error is rounding only.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from cells import GATES, Array, ModelSpec, Weights

Reset = Literal["after", "before"]


def outputs(spec: ModelSpec, weights: Weights, x: Array, reset: Reset = "after") -> Array:
    """The model's outputs for x [B, T, d]: [B, o], or [B, T, o] at every step."""
    return forward(spec, weights, x, reset)[0]


def loss(spec: ModelSpec, predicted: Array, targets: Array) -> Any:
    """The mean squared error over all values, or the mean cross-entropy in nats."""
    if spec.loss == "mse":
        return np.mean((predicted - targets) ** 2)
    chosen = np.take_along_axis(log_softmax(predicted), targets[..., None], axis=-1)
    return -np.mean(chosen)


def loss_and_gradients(
    spec: ModelSpec, weights: Weights, x: Array, targets: Array, reset: Reset = "after"
) -> tuple[float, Weights]:
    """The loss on one batch and its gradient by every canonical weight."""
    predicted, sequences, caches = forward(spec, weights, x, reset)
    d_out = output_gradient(spec, predicted, targets)
    top = sequences[-1]
    d_sequence = np.zeros_like(top)
    gradients: Weights = {}
    if spec.every_step:
        d_out = d_out.swapaxes(0, 1)  # [T, B, o]
        gradients["output.weight"] = np.einsum("tbh,tbo->ho", top, d_out)
        gradients["output.bias"] = d_out.sum(axis=(0, 1))
        d_sequence += d_out @ weights["output.weight"].T
    else:
        gradients["output.weight"] = top[-1].T @ d_out
        gradients["output.bias"] = d_out.sum(axis=0)
        d_sequence[-1] = d_out @ weights["output.weight"].T
    for layer in reversed(range(spec.layers)):
        own = layer_weights(weights, layer)
        d_sequence, d_own, _ = _BACKWARD[spec.cell](
            _effective(own), sequences[layer], caches[layer], d_sequence, reset
        )
        if "redundant_bias" in own:
            d_own["redundant_bias"] = d_own["bias"][: own["redundant_bias"].size]
        d_own = {name: d_own[name] for name in own}
        gradients |= {f"layers.{layer}.{name}": value for name, value in d_own.items()}
    return float(loss(spec, predicted, targets)), gradients


def output_gradient(spec: ModelSpec, predicted: Array, targets: Array) -> Array:
    """The gradient of :func:`loss` by the outputs, shaped as they are."""
    if spec.loss == "mse":
        return 2 * (predicted - targets) / predicted.size
    one_hot = np.eye(spec.outputs)[targets]
    result: Array = (np.exp(log_softmax(predicted)) - one_hot) / targets.size
    return result


def state_gradients(
    spec: ModelSpec, weights: Weights, sequences: list[Array], caches: list[Any], last: Array
) -> Weights:
    """The gradient by the last layer's state at every step, when h_T has the gradient ``last``.

    ``last`` is [B, h]; ``sequences`` and ``caches`` are those of :func:`forward`, with the
    reset after the product. Returns h, and for an LSTM c, each [T, B, h]: entry t is the
    total derivative by the state after step t, through all that comes later.
    """
    own = _effective(layer_weights(weights, spec.layers - 1))
    d_states = np.zeros_like(sequences[-1])
    d_states[-1] = last
    backward = _BACKWARD[spec.cell]
    gradients: Weights = backward(own, sequences[-2], caches[-1], d_states, "after")[2]
    return gradients


def layer_weights(weights: Weights, layer: int) -> Weights:
    """The weights of one layer by their short names."""
    prefix = f"layers.{layer}."
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def sigmoid(a: Array) -> Array:
    """σ(a), by tanh, which does not overflow."""
    result: Array = 0.5 * (1 + np.tanh(0.5 * a))
    return result


def log_softmax(a: Array) -> Array:
    """The logarithm of the softmax over the last axis."""
    shifted = a - a.real.max(axis=-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def forward(
    spec: ModelSpec, weights: Weights, x: Array, reset: Reset = "after"
) -> tuple[Array, list[Array], list[list[Any]]]:
    """Outputs; the sequences [T, B, .] before each layer and after the last; caches."""
    sequences, caches = [x.swapaxes(0, 1)], []
    for layer in range(spec.layers):
        own = _effective(layer_weights(weights, layer))
        states, cache = _FORWARD[spec.cell](own, sequences[-1], reset)
        sequences.append(states)
        caches.append(cache)
    top = sequences[-1].swapaxes(0, 1) if spec.every_step else sequences[-1][-1]
    return top @ weights["output.weight"] + weights["output.bias"], sequences, caches


def _effective(own: Weights) -> Weights:
    """The layer with one bias for each gate: a redundant one is added to the first."""
    redundant = own.get("redundant_bias", np.zeros(0))
    bias = own["bias"] + np.pad(redundant, (0, own["bias"].size - redundant.size))
    inner = np.zeros(own["recurrent"].shape[0])
    return {"recurrent_bias": inner, **own, "bias": bias}


def _start(own: Weights, x: Array) -> Array:
    """The state before the first time step: zero, of the weights' and inputs' type."""
    size = own["recurrent"].shape[0]
    return np.zeros((x.shape[1], size), np.result_type(x, own["recurrent"]))


def rnn_forward(own: Weights, x: Array, reset: Reset) -> tuple[Array, list[Any]]:
    """Equation (1); x [T, B, d] -> h [T, B, h] and what the gradient needs."""
    h, states = _start(own, x), []
    for x_t in x:
        h = np.tanh(x_t @ own["input"] + h @ own["recurrent"] + own["bias"])
        states.append(h)
    return np.stack(states), states


def rnn_backward(
    own: Weights, x: Array, states: list[Any], d_states: Array, reset: Reset
) -> tuple[Array, Weights, Weights]:
    """The gradient of equation (1) by its inputs, weights and states."""
    d_own, d_x, d_all = _zeros(own), np.zeros_like(x), np.zeros_like(d_states)
    d_h = np.zeros_like(states[0])
    for t in reversed(range(len(x))):
        d_all[t] = d_h + d_states[t]
        d_a = d_all[t] * (1 - states[t] ** 2)
        h_before = states[t - 1] if t else np.zeros_like(d_h)
        _add_products(d_own, x[t], h_before, d_a, d_a)
        d_x[t] = d_a @ own["input"].T
        d_h = d_a @ own["recurrent"].T
    return d_x, d_own, {"h": d_all}


def lstm_forward(own: Weights, x: Array, reset: Reset) -> tuple[Array, list[Any]]:
    """Equations (2) to (5); x [T, B, d] -> h [T, B, h] and what the gradient needs."""
    h = c = _start(own, x)
    states, cache = [], []
    for x_t in x:
        a_i, a_f, a_g, a_o = _gates(x_t @ own["input"] + h @ own["recurrent"] + own["bias"], 4)
        i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)
        g = np.tanh(a_g)
        c_before, h_before = c, h
        c = f * c_before + i * g
        h = o * np.tanh(c)
        states.append(h)
        cache.append((i, f, g, o, c, c_before, h_before))
    return np.stack(states), cache


def lstm_backward(
    own: Weights, x: Array, cache: list[Any], d_states: Array, reset: Reset
) -> tuple[Array, Weights, Weights]:
    """The gradient of equations (2) to (5) by inputs, weights and states."""
    d_own, d_x = _zeros(own), np.zeros_like(x)
    d_all = {"h": np.zeros_like(d_states), "c": np.zeros_like(d_states)}
    d_h, d_c = np.zeros_like(d_states[0]), np.zeros_like(d_states[0])
    for t in reversed(range(len(x))):
        i, f, g, o, c, c_before, h_before = cache[t]
        d_h = d_h + d_states[t]
        d_o = d_h * np.tanh(c)
        d_c = d_c + d_h * o * (1 - np.tanh(c) ** 2)
        d_all["h"][t], d_all["c"][t] = d_h, d_c
        d_i, d_f, d_g = d_c * g, d_c * c_before, d_c * i
        d_a = np.concatenate(
            [d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)], axis=-1
        )
        _add_products(d_own, x[t], h_before, d_a, d_a)
        d_x[t] = d_a @ own["input"].T
        d_h = d_a @ own["recurrent"].T
        d_c = d_c * f
    return d_x, d_own, d_all


def gru_forward(own: Weights, x: Array, reset: Reset) -> tuple[Array, list[Any]]:
    """Equations (6), (8) or (7), and (9); x [T, B, d] -> h [T, B, h] and the cache.

    With the reset before the product there is no b_hn: it is ignored.
    """
    h = _start(own, x)
    u_r, u_z, u_n = _gates(own["recurrent"], 3)
    states, cache = [], []
    for x_t in x:
        a_r, a_z, a_n = _gates(x_t @ own["input"] + own["bias"], 3)
        r = sigmoid(a_r + h @ u_r)
        z = sigmoid(a_z + h @ u_z)
        inner = h @ u_n + own["recurrent_bias"]
        n = np.tanh(a_n + (r * inner if reset == "after" else (r * h) @ u_n))
        h_before = h
        h = (1 - z) * n + z * h_before
        states.append(h)
        cache.append((r, z, n, inner, h_before))
    return np.stack(states), cache


def gru_backward(
    own: Weights, x: Array, cache: list[Any], d_states: Array, reset: Reset
) -> tuple[Array, Weights, Weights]:
    """The gradient of equations (6) to (9) by inputs, weights and states."""
    d_own, d_x, d_all = _zeros(own), np.zeros_like(x), np.zeros_like(d_states)
    size = own["recurrent"].shape[0]
    u_r, u_z, u_n = _gates(own["recurrent"], 3)
    d_h = np.zeros_like(d_states[0])
    for t in reversed(range(len(x))):
        r, z, n, inner, h_before = cache[t]
        d_h = d_all[t] = d_h + d_states[t]
        d_n, d_z = d_h * (1 - z), d_h * (h_before - n)
        d_a_n, d_a_z = d_n * (1 - n**2), d_z * z * (1 - z)
        d_before = d_h * z
        if reset == "after":
            d_r, d_inner = d_a_n * inner, d_a_n * r
            d_own["recurrent"][:, 2 * size :] += h_before.T @ d_inner
            d_own["recurrent_bias"] += d_inner.sum(axis=0)
            d_before += d_inner @ u_n.T
        else:
            d_product = d_a_n @ u_n.T
            d_r = d_product * h_before
            d_own["recurrent"][:, 2 * size :] += (r * h_before).T @ d_a_n
            d_before += d_product * r
        d_a_r = d_r * r * (1 - r)
        d_own["recurrent"][:, : 2 * size] += h_before.T @ np.concatenate([d_a_r, d_a_z], -1)
        d_before += d_a_r @ u_r.T + d_a_z @ u_z.T
        d_a = np.concatenate([d_a_r, d_a_z, d_a_n], axis=-1)
        d_own["input"] += x[t].T @ d_a
        d_own["bias"] += d_a.sum(axis=0)
        d_x[t] = d_a @ own["input"].T
        d_h = d_before
    return d_x, d_own, {"h": d_all}


def _gates(a: Array, count: int) -> list[Array]:
    return np.split(a, count, axis=-1)


def _zeros(own: Weights) -> Weights:
    return {name: np.zeros_like(value, np.float64) for name, value in own.items()}


def _add_products(d_own: Weights, x_t: Array, h: Array, d_input: Array, d_hidden: Array) -> None:
    d_own["input"] += x_t.T @ d_input
    d_own["recurrent"] += h.T @ d_hidden
    d_own["bias"] += d_input.sum(axis=0)


_FORWARD = {"rnn": rnn_forward, "lstm": lstm_forward, "gru": gru_forward}
_BACKWARD = {"rnn": rnn_backward, "lstm": lstm_backward, "gru": gru_backward}
assert set(_FORWARD) == set(GATES)
