"""The RNN and the GRU with gradients by hand, for speed.

ATen's CPU layers of these two keep a graph of every small operation of every time
step. Here a time step costs one matrix product and a few operations in place, and
whatever does not depend on the recurrence, the products with the inputs and the
gradients of the weights, is done once over all time steps. Parameters are those of
``torch.nn.RNN`` and ``torch.nn.GRU``: weights [G·h, d], two biases for each gate.
"""

from __future__ import annotations

from typing import Any

import torch

Tensor = torch.Tensor
Gradients = tuple[Tensor | None, Tensor, Tensor, Tensor, Tensor]


def rnn(x: Tensor, weights: list[Tensor]) -> Tensor:
    """Elman 1990, x [T, B, d] -> h [T, B, h]."""
    result: Tensor = _Rnn.apply(x, *weights)  # type: ignore[no-untyped-call]
    return result


def gru(x: Tensor, weights: list[Tensor]) -> Tensor:
    """Cho 2014 with the reset gate after the product, x [T, B, d] -> h [T, B, h]."""
    result: Tensor = _Gru.apply(x, *weights)  # type: ignore[no-untyped-call]
    return result


class _Rnn(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
    ) -> Tensor:
        # The hidden states take the place of the input products, step after step.
        states = _input_products(x, w_ih, b_ih + b_hh)
        previous, transposed = None, w_hh.t()
        for h in states.unbind(0):
            if previous is not None:
                h.addmm_(previous, transposed)
            previous = h.tanh_()
        ctx.save_for_backward(x, w_ih, w_hh, states)
        return states

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Gradients:
        x, w_ih, w_hh, states = ctx.saved_tensors
        slope = 1 - states * states
        d_a = torch.empty_like(states)
        carried = None
        rows = zip(outputs[0].unbind(0), slope.unbind(0), d_a.unbind(0), strict=True)
        for d_h, slope_t, d_a_t in reversed(list(rows)):
            torch.mul(d_h if carried is None else carried + d_h, slope_t, out=d_a_t)
            carried = d_a_t @ w_hh
        d_bias = d_a.sum((0, 1))
        d_x, d_w_ih = _input_gradients(ctx, x, w_ih, d_a)
        return d_x, d_w_ih, _recurrent_gradient(d_a, states), d_bias, d_bias


class _Gru(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
    ) -> Tensor:
        size = w_hh.shape[1]
        # After its step a row holds the gates r, z and the candidate n.
        gates = _input_products(x, w_ih, b_ih)
        recurrent = torch.empty_like(gates)
        states = gates.new_empty(*gates.shape[:2], size)
        h, transposed = states.new_zeros(states.shape[1:]), w_hh.t()
        for rz, r, z, n, u, u_rz, u_n, out in zip(
            gates[..., : 2 * size].unbind(0),
            gates[..., :size].unbind(0),
            gates[..., size : 2 * size].unbind(0),
            gates[..., 2 * size :].unbind(0),
            recurrent.unbind(0),
            recurrent[..., : 2 * size].unbind(0),
            recurrent[..., 2 * size :].unbind(0),
            states.unbind(0),
            strict=True,
        ):
            torch.addmm(b_hh, h, transposed, out=u)
            rz.add_(u_rz).sigmoid_()
            n.addcmul_(r, u_n).tanh_()
            # (1 - z)·n + z·h
            h = torch.lerp(n, h, z, out=out)
        ctx.save_for_backward(x, w_ih, w_hh, gates, recurrent, states)
        return states

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Gradients:
        x, w_ih, w_hh, gates, recurrent, states = ctx.saved_tensors
        size = w_hh.shape[1]
        r, z, n = gates.chunk(3, dim=-1)
        before = _before(states)
        by_n = (1 - z) * (1 - n * n)
        by_z = (before - n) * z * (1 - z)
        by_r = by_n * recurrent[..., 2 * size :] * r * (1 - r)
        # The gradient of U·h + b: r, z, and the candidate's through the reset gate. Each
        # is the state's gradient times a factor that does not wait for the recurrence.
        factor = torch.cat([by_r, by_z, by_n * r], dim=-1).view(*r.shape[:2], 3, size)
        d_u = torch.empty_like(factor)
        d_states = outputs[0].clone()
        carried = None
        rows = zip(
            d_states.unbind(0), factor.unbind(0), z.unbind(0), d_u.unbind(0),
            d_u.flatten(2).unbind(0), strict=True,
        )  # fmt: skip
        for d_h, factor_t, z_t, d_u_t, flat in reversed(list(rows)):
            if carried is not None:
                d_h.add_(carried)
            torch.mul(d_h.unsqueeze(1), factor_t, out=d_u_t)
            carried = torch.addmm(d_h * z_t, flat, w_hh)
        d_u = d_u.flatten(2)
        d_a = torch.cat([d_u[..., : 2 * size], d_states * by_n], dim=-1)
        d_x, d_w_ih = _input_gradients(ctx, x, w_ih, d_a)
        return d_x, d_w_ih, _recurrent_gradient(d_u, states), d_a.sum((0, 1)), d_u.sum((0, 1))


def _input_products(x: Tensor, w_ih: Tensor, bias: Tensor) -> Tensor:
    flat = torch.addmm(bias, x.flatten(0, 1), w_ih.t())
    return flat.view(*x.shape[:2], -1)


def _input_gradients(
    ctx: Any, x: Tensor, w_ih: Tensor, d_a: Tensor
) -> tuple[Tensor | None, Tensor]:
    flat = d_a.flatten(0, 1)
    d_x = (flat @ w_ih).view_as(x) if ctx.needs_input_grad[0] else None
    return d_x, flat.t() @ x.flatten(0, 1)


def _recurrent_gradient(d_a: Tensor, states: Tensor) -> Tensor:
    """The first state is zero, so the first step adds nothing."""
    return d_a[1:].flatten(0, 1).t() @ states[:-1].flatten(0, 1)


def _before(states: Tensor) -> Tensor:
    """The state before each time step."""
    return torch.cat([torch.zeros_like(states[:1]), states[:-1]])


LAYERS = {("manual", "rnn"): rnn, ("manual", "gru"): gru}
