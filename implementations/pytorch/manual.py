"""A whole training step by hand, without autograd: the kernel ``manual``.

``diagonal.py`` has the buffers, ``cells.py`` what is done in a stage. Here the
parameters of ``torch.nn`` are brought into the form that a stage reads, the output
layer and the loss get their gradients, and the gradients go back to the parameters.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from cells import ModelSpec
from implementations.pytorch.cells import Gru, Lstm, Rnn
from implementations.pytorch.diagonal import Diagonal

Tensor = torch.Tensor
CELLS: dict[str, type[Diagonal]] = {"rnn": Rnn, "lstm": Lstm, "gru": Gru}
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


class Manual:
    """The stack of layers and the output layer of ``spec``; the parameters stay the caller's.

    Shapes: inputs [T, d, B]; outputs [T, o, B], or [1, o, B] for the last step alone.
    """

    def __init__(
        self, spec: ModelSpec, layers: list[list[Tensor]], weight: Tensor, bias: Tensor
    ) -> None:
        self.spec, self.weight, self.bias = spec, weight, bias
        self.layers = [Packed(spec.cell, i == 0, parameters) for i, parameters in enumerate(layers)]
        # The shapes of training, and of a shorter last batch.
        self.diagonal = lru_cache(maxsize=2)(self._diagonal)

    def _diagonal(self, length: int, batch: int, keep: bool) -> Diagonal:
        spec = self.spec
        shape = spec.layers, spec.input_size, spec.hidden, length, batch
        return CELLS[spec.cell](*shape, self.weight.detach(), keep)

    @torch.no_grad()
    def outputs(self, x: Tensor) -> Tensor:
        """The forward pass alone."""
        return self._forward(self._diagonal(len(x), x.shape[-1], keep=False), x)[0]

    @torch.no_grad()
    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        """Fill every parameter's gradient; returns the loss."""
        diagonal = self.diagonal(len(x), x.shape[-1], keep=True)
        outputs, states = self._forward(diagonal, x)
        value, d_outputs = loss_and_gradient(self.spec, outputs, y)
        _gradient(self.weight).copy_((d_outputs @ states.transpose(1, 2)).sum(0)).mul_(2)
        _gradient(self.bias).copy_(d_outputs.sum((0, 2)))
        layers = self.layers
        for layer in layers:
            for gradient in layer.d_all:
                gradient.zero_()
        diagonal.backward(
            (2 * self.weight.t()) @ d_outputs,
            [layer.joint_back for layer in layers],
            [layer.apart_back for layer in layers],
            [layer.d_joint for layer in layers],
            [layer.d_apart for layer in layers],
        )
        for layer in layers:
            layer.unpack()
        return value

    def _forward(self, diagonal: Diagonal, x: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.layers:
            layer.pack()
        diagonal.inputs.copy_(x)
        diagonal.forward([one.joint for one in self.layers], [one.apart for one in self.layers])
        states = diagonal.top if self.spec.every_step else diagonal.top[-1:]
        # States are stored as h/2.
        return (2 * self.weight) @ states + self.bias[:, None], states


def loss_and_gradient(spec: ModelSpec, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of outputs [T, o, B] and its gradient there; targets as a batch has them."""
    if spec.loss == "mse":
        y = y.permute(1, 2, 0) if spec.every_step else y.t()[None]
        error = outputs - y
        return (error * error).mean(), error.mul_(2 / error.numel())
    y = (y.t() if spec.every_step else y[None]).unsqueeze(1)
    logarithms = torch.log_softmax(outputs, 1)
    value = -logarithms.gather(1, y).mean()
    return value, logarithms.exp_().scatter_add_(
        1, y, logarithms.new_full((), -1.0).expand(y.shape)
    ).div_(y.numel())


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad
