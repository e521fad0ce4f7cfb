"""The kernel ``scan``: all time steps of a linear cell at once, with its gradient.

h = a ⊙ h′ + b twice in a row is a step of the same kind, of a₂a₁ and a₂b₁ + b₂. So pairs of
steps become one, pairs of pairs, and so on (Brent & Kung 1982): 2 log₂ T operations in place, which
shrink and then grow, 2T steps' work in all, instead of T short operations.
Nothing is divided by, and a product of many a between 0 and 1 can only fall to 0, as it should;
so b may have either sign. (The scan in log space of Feng et al. 2024, appendix B, needs b > 0.)
"""

from typing import Any

import torch

import cells
from implementations.pytorch.equations import MATH

Tensor = torch.Tensor


def layer(cell: cells.Cell, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d].

    ``weights`` are the layer's canonical arrays without their prefix.
    """
    a, b = cells.coefficients(cell, weights, x @ weights["input"] + weights["bias"], MATH)
    both = torch.broadcast_tensors(a, b)  # type: ignore[no-untyped-call]
    states: Tensor = Scan.apply(*both)  # type: ignore[no-untyped-call]
    return states


class Scan(torch.autograd.Function):
    """The states h_t = a_t ⊙ h_{t-1} + b_t from zero, of a and b [T, B, h].

    The gradient by h_t of all that follows is one backwards in time, of a_{t+1}.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        """a, b -> h, each [T, B, h]."""
        h = in_place(a.clone(), b.clone())
        ctx.save_for_backward(a, h)
        return h

    @staticmethod
    def backward(ctx: Any, d_h: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients by a and b from that by h."""
        a, h = ctx.saved_tensors
        later = a.roll(-1, 0).flip(0)  # what the first of them is times is zero
        d_b = in_place(later, d_h.flip(0)).flip(0)
        d_a = torch.zeros_like(d_b)
        torch.mul(d_b[1:], h[:-1], out=d_a[1:])
        return d_a, d_b


def in_place(a: Tensor, h: Tensor) -> Tensor:
    """h, which was b [T, ...], as the states; a is used up."""
    strides = [2**k for k in range((len(h) - 1).bit_length())]
    for s in strides:
        # After this, every 2s-th place holds the 2s steps up to it as one.
        end, middle = slice(2 * s - 1, None, 2 * s), slice(s - 1, len(h) - s, 2 * s)
        h[end].addcmul_(a[end], h[middle])
        a[end].mul_(a[middle])
    for s in reversed(strides):
        # Half-way between two places that are done, the s steps since the earlier one.
        end, done = slice(3 * s - 1, None, 2 * s), slice(2 * s - 1, len(h) - s, 2 * s)
        h[end].addcmul_(a[end], h[done])
    return h
