"""The kernels that autograd differentiates: PyTorch's own layers, and compiled cells.

``compiled`` writes the cells' equations down and leaves the rest to ``torch.compile``:
a graph of ``STEPS`` time steps, one for its forward and one for its backward pass. A
longer graph costs less on entry, and its compilation takes longer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

import torch

from implementations import KernelUnavailable

Tensor = torch.Tensor
# Time steps in a compiled graph.
STEPS = 10


def check(kernel: str) -> None:
    """Raises KernelUnavailable when this machine lacks what ``kernel`` needs."""
    if kernel == "no_onednn" and not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        raise KernelUnavailable("this PyTorch has no oneDNN, so stock does without it already")
    if kernel == "compiled":
        from torch._inductor import cpp_builder, exc

        try:
            cpp_builder.get_cpp_compiler()
        except exc.InvalidCxxCompiler:
            raise KernelUnavailable(
                "torch.compile found no C++ compiler; install g++ or name one in CXX"
            ) from None


def states(kernel: str, cell: str, layers: torch.nn.RNNBase, x: Tensor) -> Tensor:
    """The top layer's hidden states, x [T, B, d] -> [T, B, h]."""
    if kernel == "compiled":
        for weights in layers.all_weights:
            x = _compiled(cell, x, *weights)
        return x
    without = torch.backends.mkldnn.flags(enabled=False)
    with without if kernel == "no_onednn" else nullcontext():
        found: Tensor = layers(x)[0]
    return found


def _compiled(
    cell: str, x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> Tensor:
    """One layer, its products with the inputs as one; eager where no gradient is asked for."""
    if cell != "gru":
        b_ih = b_ih + b_hh
    products = torch.addmm(b_ih, x.flatten(0, 1), w_ih.t()).view(*x.shape[:2], -1)
    learning = torch.is_grad_enabled()
    # With a gradient of their own, which nobody asks for, the first states look like all
    # others, and one graph serves for both.
    zeros = [
        x.new_zeros(x.shape[1], w_hh.shape[1], requires_grad=learning)
        for _ in range(2 if cell == "lstm" else 1)
    ]
    steps = _graph(cell) if learning else CELLS[cell]
    parts, state = [], tuple(zeros)
    for part in torch.split(products, STEPS):
        found, state = steps(part, state, w_hh, b_hh)
        parts.append(found)
    return torch.cat(parts)


@cache
def _graph(cell: str) -> Callable[..., Any]:
    # Every shape has its graph, and none may fall back to eager in silence.
    torch._dynamo.config.recompile_limit = 64
    return torch.compile(CELLS[cell], fullgraph=True, dynamic=False)


State = tuple[Tensor, ...]


def _rnn(products: Tensor, state: State, w_hh: Tensor, _: Tensor) -> tuple[Tensor, State]:
    """Elman 1990, some time steps: products [n, B, G·h] -> h [n, B, h] and the last state."""
    (h,), found = state, []
    for product in products.unbind(0):
        h = torch.tanh(product + h @ w_hh.t())
        found.append(h)
    return torch.stack(found), (h,)


def _lstm(products: Tensor, state: State, w_hh: Tensor, _: Tensor) -> tuple[Tensor, State]:
    """Gers 2000."""
    (h, c), found = state, []
    for product in products.unbind(0):
        i, f, g, o = (product + h @ w_hh.t()).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append(h)
    return torch.stack(found), (h, c)


def _gru(products: Tensor, state: State, w_hh: Tensor, b_hh: Tensor) -> tuple[Tensor, State]:
    """Cho 2014, the reset gate after the product."""
    (h,), found = state, []
    for product in products.unbind(0):
        a_r, a_z, a_n = product.chunk(3, -1)
        u_r, u_z, u_n = (h @ w_hh.t() + b_hh).chunk(3, -1)
        r, z = torch.sigmoid(a_r + u_r), torch.sigmoid(a_z + u_z)
        n = torch.tanh(a_n + r * u_n)
        h = (1 - z) * n + z * h
        found.append(h)
    return torch.stack(found), (h,)


CELLS = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}
