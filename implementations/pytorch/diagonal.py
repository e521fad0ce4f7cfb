"""Buffers of the kernel ``manual``, a stack of layers with gradients by hand.

Matrices are transposed, [units, batch], so that one product ``weights @ state`` gives
all gates, each in one piece of memory. Layers are computed along the diagonal: at
stage s layer l does its time step s - l, and an operation in place serves all layers at
work. What a stage reads is one matrix, with the rows

    inputs | 1 | layer 0's state | 1 | layer 1's state | ...

in which a layer's inputs, the row for its bias and its own state are neighbours. The
gradients of the weights are added up stage by stage, while the stage is in the cache;
one product over the sequence would fetch its operands from memory once more. Buffers
are kept between training steps, and no graph is built.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch

Tensor = torch.Tensor

# Elements of the block of stages whose slopes are computed together: it fits in the cache.
BLOCK = 2**16
# For every gate of the joint product: the factor of its weights, since tanh(a) is
# 2σ(2a) - 1, and the factor that the backward pass leaves out.
FACTORS = {"rnn": ((2,), (1,)), "lstm": ((1, 1, 2, 1), (4, 1, 4, 1)), "gru": ((1, 1, 2), (1, 1, 1))}


class Packed:
    """One layer's weights and their gradients as the stages use them.

    ``joint`` is [JOINT·h, k + 1 + h], for the inputs, the bias and the state; a GRU's
    candidate takes nothing from the inputs there but has ``apart``, [h, k + 1]. Both
    have their transposes for the backward pass and their gradients.
    """

    def __init__(self, cell: str, first: bool, parameters: list[Tensor]) -> None:
        h, k = parameters[1].shape[1], parameters[0].shape[1]
        rows, left_out = (parameters[0].new_tensor(f).repeat_interleave(h) for f in FACTORS[cell])
        columns = rows.new_full((k + 1 + h,), 2.0)
        columns[k] = 1
        if first:
            columns[:k] = 1
        scale = torch.outer(rows, columns)
        scale_back = scale * left_out[:, None]
        scale_apart = 2 * columns[: k + 1].repeat(h, 1)
        plain, self.joint, self.d_joint = (torch.zeros_like(scale) for _ in range(3))
        plain_apart, self.apart, self.d_apart = (torch.zeros_like(scale_apart) for _ in range(3))
        # The gradient of the first layer's inputs is not asked for.
        needed = k + 1 if first else 0
        self.joint_back, self.apart_back = (
            torch.zeros_like(scale.t()[needed:].contiguous()),
            self.apart.t(),
        )
        self.scaled = [
            (plain, scale, self.joint),
            (plain.t()[needed:], scale_back.t()[needed:], self.joint_back),
        ]
        self.d_all = [self.d_joint]
        n = len(rows) - (h if cell == "gru" else 0)  # the rows of the joint product with inputs
        w_ih, w_hh, b_ih, b_hh = (one.detach() for one in parameters)
        self.copies = [
            (plain[:n, :k], w_ih[:n]), (plain[:, k + 1 :], w_hh), (plain[:n, k], b_ih[:n])
        ]  # fmt: skip
        d_w_ih, d_w_hh, d_b_ih, d_b_hh = (one.grad for one in parameters)
        assert d_w_ih is not None
        assert d_b_ih is not None
        self.gradients = [
            (self.d_joint[:n, :k], scale_back[:n, :k], d_w_ih[:n]),
            (self.d_joint[:n, k], scale_back[:n, k], d_b_ih[:n]),
            (self.d_joint[:, k + 1 :], scale_back[:, k + 1 :], d_w_hh),
        ]
        # A second bias that is not trained is zero.
        self.second = None if d_b_hh is None else (plain[:, k], b_hh, plain[:n, k], b_ih[:n])
        if d_b_hh is not None:
            self.gradients.append((self.d_joint[:, k], scale_back[:, k], d_b_hh))
        if cell == "gru":
            self.d_all.append(self.d_apart)
            self.scaled.append((plain_apart, scale_apart, self.apart))
            self.copies += [(plain_apart[:, :k], w_ih[n:]), (plain_apart[:, k], b_ih[n:])]
            self.gradients += [
                (self.d_apart[:, :k], scale_apart[:, :k], d_w_ih[n:]),
                (self.d_apart[:, k], scale_apart[:, k], d_b_ih[n:]),
            ]

    def pack(self) -> None:
        """Take the parameters as they are."""
        for to, source in self.copies:
            to.copy_(source)
        if self.second:
            all_rows, second, rows, first = self.second
            all_rows.copy_(second)
            rows.add_(first)
        for plain, scale, out in self.scaled:
            torch.mul(plain, scale, out=out)

    def unpack(self) -> None:
        """Fill the parameters' gradients."""
        for gradient, scale, out in self.gradients:
            torch.mul(gradient, scale, out=out)


class Product(NamedTuple):
    """A layer's matrices at one stage; K rows of ``reads`` are what it reads."""

    layer: int
    reads: Tensor  # [K, B]
    sources: Tensor  # [k + 1, B]: the inputs and the row for the bias
    gates: Tensor  # [GATES·h, B]


class Back(NamedTuple):
    """The same for the gradients. The first layer's inputs need none."""

    layer: int
    gates: Tensor  # [GATES·h, B]
    reads: Tensor  # [B, K], transposed
    sources: Tensor  # [B, k + 1], transposed
    d_reads: Tensor  # [K, B], or the state's rows [h, B] in the first layer
    d_sources: Tensor  # [k + 1, B]


class Diagonal:
    """The buffers of a stack of layers for sequences of one shape.

    They have the type and the device of ``like``. Without ``keep`` the gates have room for
    one stage only: a forward pass alone.
    """

    GATES: int

    def __init__(
        self, layers: int, d: int, h: int, length: int, batch: int, like: Tensor, keep: bool
    ) -> None:
        self.layers, self.d, self.h, self.length, self.keep = layers, d, h, length, keep
        self.like = like
        self.half, self.quarter = (like.new_tensor(x) for x in (0.5, 0.25))
        self.batch, self.stages = batch, length + layers - 1
        self.reads = self.zeros(self.stages + 1, d + layers * (1 + h))
        self.inputs = self.reads[:length, :d]
        by_layer = self.reads[:, d:].view(-1, layers, 1 + h, batch)
        by_layer[:, :, 0] = 1
        self.states = by_layer[:, :, 1:]  # before each stage and after the last, [S + 1, L, h, B]
        self.top = self.states[layers:, -1]  # after each time step, [T, h, B]
        own = [d + layer * (1 + h) + 1 for layer in range(layers)]
        self.rows = [slice(own[i - 1] if i else 0, own[i] + h) for i in range(layers)]
        self.sources = [d + 1, *[h + 1] * (layers - 1)]
        self.gates = self.stored(self.GATES)
        if keep:
            self.d_reads = torch.zeros_like(self.reads[0])
            self.d_states = self.d_reads[d:].view(layers, 1 + h, batch)[:, 1:]
            self.size = min(self.stages, max(1, BLOCK // self.gates[0].numel()))
            self.d_gates = self.zeros(self.size, layers, self.GATES, h)

    def zeros(self, *shape: int) -> Tensor:
        """A buffer [.., B]."""
        return self.like.new_zeros(*shape, self.batch)

    def stored(self, count: int, more: int = 0) -> Tensor:
        """``count`` matrices for every layer, [S, L, count, h, B]; S = 1 if they are not kept."""
        return self.zeros(self.stages + more if self.keep else 1, self.layers, count, self.h)

    def place(self, stage: int) -> int:
        """Where a stage is in :meth:`stored`."""
        return stage if self.keep else 0

    def at_work(self, stage: int) -> slice:
        """The layers that have a time step at ``stage``."""
        return slice(max(0, stage - self.length + 1), min(self.layers, stage + 1))

    def products(self, stage: int) -> list[Product]:
        found, gates = [], self.gates[self.place(stage)].flatten(1, 2)
        for layer in range(self.layers)[self.at_work(stage)]:
            reads = self.reads[stage, self.rows[layer]]
            found.append(Product(layer, reads, reads[: self.sources[layer]], gates[layer]))
        return found

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """From the last: the stages of a block, and its place in ``d_gates``."""
        for end in range(self.stages, 0, -self.size):
            start = max(0, end - self.size)
            yield slice(start, end), slice(0, end - start)

    def backs(self, stages: slice) -> Iterator[tuple[int, int, slice, list[Back]]]:
        """From the last: stage, place in ``d_gates``, layers at work and their matrices."""
        for stage in reversed(range(stages.start, stages.stop)):
            found, place = [], stage - stages.start
            gates = self.d_gates[place].flatten(1, 2)
            for layer in range(self.layers)[self.at_work(stage)]:
                k, reads = self.sources[layer], self.reads[stage, self.rows[layer]].t()
                d_reads = self.d_reads[self.rows[layer]][0 if layer else k :]
                found.append(Back(layer, gates[layer], reads, reads[:, :k], d_reads, d_reads[:k]))
            yield stage, place, self.at_work(stage), found

    def begin(self, d_top: Tensor) -> bool:
        """Start the backward pass; is there a gradient at every step?"""
        self.d_reads.zero_()
        if len(d_top) == 1:
            self.d_states[-1].copy_(d_top[0])
        return len(d_top) > 1

    def forward(self, layers: list[Packed]) -> None:
        """Every stage, from ``inputs`` to ``states``."""
        raise NotImplementedError

    def backward(self, d_top: Tensor, layers: list[Packed]) -> None:
        """Add to the gradients of the layers' weights.

        ``d_top`` is the gradient of the top states, [T, h, B], or [1, h, B] for the last.
        """
        raise NotImplementedError
