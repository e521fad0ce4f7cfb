"""The kernels that autograd differentiates: PyTorch's own layers."""

from __future__ import annotations

from contextlib import nullcontext

import torch

from implementations import KernelUnavailable

Tensor = torch.Tensor


def check(kernel: str) -> None:
    """Raises KernelUnavailable when this machine lacks what ``kernel`` needs."""
    if kernel == "no_onednn" and not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        raise KernelUnavailable("this PyTorch has no oneDNN, so stock does without it already")


def states(kernel: str, layers: torch.nn.RNNBase, x: Tensor) -> Tensor:
    """The top layer's hidden states, x [T, B, d] -> [T, B, h]."""
    without = torch.backends.mkldnn.flags(enabled=False)
    with without if kernel == "no_onednn" else nullcontext():
        found: Tensor = layers(x)[0]
    return found
