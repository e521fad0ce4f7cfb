"""A training step as a CUDA graph: captured once, then replayed for each batch of a chunk.

In an eager loop Python launches a hundred small kernels a step, and the GPU waits for it.
Captured, a step is one launch. It finds its batch by a counter on the device, which it moves on
itself, and leaves loss and norm in its batch's place, so that nothing comes back before the
chunk is done. A graph is bound to the memory that it was captured with: chunks are copied into
the graph's own buffers, and there is one graph for each size of chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from cells import Array, ModelSpec, Weights
from implementations.pytorch.model import (
    ANY,
    EquationsModel,
    FlatModel,
    TorchModel,
    loss,
    place_tensors,
)

Tensor = torch.Tensor
# Of a batch's tensors, its numbers: the loss alone, the norm alone, or both.
Step = Callable[..., Sequence[Tensor]]
WARMING = 3  # steps before the capture, in which libraries choose kernels and take memory


def build(spec: ModelSpec, weights: Weights, kernel: str, device: torch.device) -> Captured:
    """The model of a kernel whose steps are captured."""
    return (CapturedEquations if kernel in ANY else CapturedTorch)(spec, weights, kernel, device)


class Captured(FlatModel):
    """A :class:`FlatModel` that takes a chunk's steps by replaying a graph."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._graphs: dict[Any, Replay] = {}

    def place(
        self, inputs: Array, targets: Array, constants: Array, sample_weights: Array | None = None
    ) -> Any:
        x = self._inputs(inputs).permute(self._order(1)).contiguous()
        answers = place_tensors(self._spec, targets, sample_weights, self._device)
        rows = torch.as_tensor(constants, dtype=self._dtype, device=self._device)
        # A limit for each variable is more work in every step: only where there is one.
        return (x, *answers, rows), bool(np.isfinite(constants[:, -1]).any())

    def train(self, placed: Any) -> tuple[Array, Array]:
        chunk, apart = placed

        def step(x: Tensor, *rest: Tensor) -> Sequence[Tensor]:
            value = self._backward(x, _answers(rest[:-1]))
            return value, self._updated(rest[-1], apart)

        losses, norms = self._replayed(("train", apart), step, chunk, 2)
        return losses, norms

    def gradients(self, placed: Any) -> Array:
        def step(x: Tensor, *rest: Tensor) -> Sequence[Tensor]:
            self._backward(x, _answers(rest[:-1]))
            return (torch.linalg.vector_norm(self._gradient),)

        return self._replayed("gradients", step, placed[0], 1)[0]

    def losses(self, placed: Any) -> Array:
        def step(x: Tensor, *rest: Tensor) -> Sequence[Tensor]:
            with torch.no_grad():
                return (loss(self._spec, self._outputs(x), _answers(rest[:-1])),)

        return self._replayed("losses", step, placed[0], 1)[0]

    def _replayed(self, kind: Any, step: Step, chunk: Sequence[Tensor], count: int) -> list[Array]:
        """``count`` numbers of each batch of a chunk, by the graph of this kind and size."""
        key = kind, *(tuple(tensor.shape) for tensor in chunk)
        if key not in self._graphs:
            state = self._flat.detach(), self._gradient, self._first, self._second
            self._graphs[key] = Replay(step, chunk, count, state)
        return self._graphs[key](chunk)

    @torch.no_grad()
    def _updated(self, row: Tensor, apart: bool) -> Tensor:
        """The rule of :func:`implementations.rule.updates` by constants on the device.

        Every rule is the one formula, since a graph cannot choose. Returns the norm.
        """
        rate, keep_m, keep_v, scale, epsilon, clip, clip_each = row.unbind(0)
        w, g, m, v = self._flat, self._gradient, self._first, self._second
        norm: Tensor = torch.linalg.vector_norm(g)
        g.mul_((clip / norm).clamp_(max=1))
        for parts in self._variables.values() if apart else ():
            one = torch.linalg.vector_norm(torch.cat([p.flatten() for p in parts]))
            for part in parts:
                part.mul_((clip_each / one).clamp_(max=1))
        torch.addcmul(g, m, keep_m, out=m)
        torch.addcmul(g * g, v, keep_v, out=v)
        w.addcdiv_(m * rate, torch.addcmul(epsilon, v.sqrt(), scale), value=-1)
        return norm


class CapturedTorch(Captured, TorchModel):
    """The kernel ``graph``."""


class CapturedEquations(Captured, EquationsModel):
    """The kernels ``equations`` and ``scan`` on a GPU."""


class Replay:
    """A step that was captured for chunks of one size.

    ``step`` takes one batch's tensors and returns ``count`` numbers; ``state`` is what it changes,
    which warming up must leave as it was.
    """

    def __init__(
        self, step: Step, chunk: Sequence[Tensor], count: int, state: Sequence[Tensor]
    ) -> None:
        self._take, self._chunk = step, [tensor.clone() for tensor in chunk]
        first = self._chunk[0]
        self._batch = torch.zeros(1, dtype=torch.int64, device=first.device)
        self._found = [first.new_zeros(len(first)) for _ in range(count)]
        before = [tensor.clone() for tensor in state]
        self._replay = self._captured()
        for tensor, value in zip(state, before, strict=True):
            tensor.copy_(value)

    def _captured(self) -> Callable[[], None]:
        """What replays the graph of one step."""
        graph = torch.cuda.CUDAGraph()
        # Warming up is done beside the stream that captures, and is over before it begins.
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(WARMING):
                self._one()
                self._batch.zero_()
        torch.cuda.current_stream().wait_stream(beside)
        with torch.cuda.graph(graph):
            self._one()
        # It holds the model, which holds this: a cycle would keep its memory until it is found.
        del self._take
        return graph.replay

    def _one(self) -> None:
        """Take the step of the batch whose turn it is, and go on to the next one."""
        batch = (tensor.index_select(0, self._batch)[0] for tensor in self._chunk)
        for place, value in zip(self._found, self._take(*batch), strict=True):
            place.index_copy_(0, self._batch, value.detach().view(1))
        self._batch.add_(1)

    def __call__(self, chunk: Sequence[Tensor]) -> list[Array]:
        """The numbers of each batch of a chunk, [K] each, when all steps are done."""
        for place, tensor in zip(self._chunk, chunk, strict=True):
            place.copy_(tensor)
        self._batch.zero_()
        for _ in range(len(self._chunk[0])):
            self._replay()
        return [numbers.cpu().numpy() for numbers in self._found]


def _answers(tensors: Sequence[Tensor]) -> Any:
    """The targets, or the pair of targets and weights that ``loss`` takes."""
    return tensors[0] if len(tensors) == 1 else tuple(tensors)
