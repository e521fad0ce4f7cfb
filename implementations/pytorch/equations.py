"""The kernel ``equations``: any cell's own step in an eager loop, differentiated by PyTorch."""

from collections.abc import Callable
from types import SimpleNamespace

import torch

import cells
from implementations.packed import Layout

Tensor = torch.Tensor
Layer = Callable[[cells.Cell, dict[str, Tensor], Tensor], Tensor]
MATH = SimpleNamespace(
    tanh=torch.tanh, exp=torch.exp, log=torch.log, sqrt=torch.sqrt, sigmoid=torch.sigmoid,
    relu=torch.relu, maximum=torch.maximum,
    mean=lambda a: a.mean(-1, keepdim=True),
    split=lambda a, count: a.chunk(count, -1),
    concat=lambda parts: torch.cat(parts, -1),
)  # fmt: skip


def outputs(layout: Layout, arrays: list[Tensor], x: Tensor, layer: Layer) -> Tensor:
    """Outputs [B, o], or [B, T, o] at every step, for x [T, B, d]; ``layer`` as the one below."""
    for weights in layout.layers(arrays):
        x = layer(layout.cell, weights, x)
    top, output = x.transpose(0, 1) if layout.spec.every_step else x[-1], arrays[-1]
    return top @ output[:-1] + output[-1]


def layer(cell: cells.Cell, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The hidden states [T, B, h] of one layer for its inputs x [T, B, d].

    ``weights`` are the layer's canonical arrays without their prefix.
    """
    step = cells.step_of(cell, weights, MATH)
    zero = x.new_zeros(x.shape[1], len(weights["bias"]) // len(cell.gates))
    state, states = (zero,) * len(cell.states), []
    for a in (x @ weights["input"] + weights["bias"]).unbind(0):
        state = step(a, state)[0]
        states.append(state[0])
    return torch.stack(states)
