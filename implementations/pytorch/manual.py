"""A whole training step by hand, without autograd: the kernel ``manual``.

``diagonal.py`` has the buffers, ``cells.py`` what is done in a stage. Here the
parameters of ``torch.nn`` are brought into the form that a stage reads, the output
layer and the loss get their gradients, and the gradients go back to the parameters.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from implementations import ModelSpec
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
    candidate takes nothing from the inputs there but has ``apart``, [h, k + 1].
    """

    def __init__(self, cell: str, first: bool, parameters: list[Tensor]) -> None:
        self.w_ih, self.w_hh, self.b_ih, self.b_hh = parameters
        self.h, self.k = self.w_hh.shape[1], self.w_ih.shape[1]
        h, k = self.h, self.k
        self.gates = (2 if cell == "gru" else len(FACTORS[cell][0])) * h  # rows with inputs
        new = {"dtype": self.w_hh.dtype, "device": "cpu"}
        rows, left_out = (torch.tensor(f, **new).repeat_interleave(h) for f in FACTORS[cell])  # type: ignore[call-overload]
        columns = torch.full((k + 1 + h,), 2.0, **new)  # type: ignore[call-overload]
        columns[k] = 1
        if first:
            columns[:k] = 1
        self.scale = torch.outer(rows, columns)
        self.scale_back = self.scale * left_out[:, None]
        # The gradient of the first layer's inputs is not asked for.
        self.needed = k + 1 if first else 0
        self.joint, self.d_joint = torch.zeros_like(self.scale), torch.zeros_like(self.scale)
        self.joint_back = torch.zeros_like(self.scale.t()[self.needed :])
        self.scale_apart = 2 * columns[: k + 1].expand(h, -1)
        self.apart, self.d_apart = (torch.zeros_like(self.scale_apart) for _ in range(2))

    def pack(self) -> None:
        """Take the parameters as they are."""
        k, end = self.k, self.gates
        plain = torch.zeros_like(self.scale)
        plain[:end, :k] = self.w_ih[:end]
        plain[:, k] = self.b_hh
        plain[:end, k] += self.b_ih[:end]
        plain[:, k + 1 :] = self.w_hh
        torch.mul(plain, self.scale, out=self.joint)
        torch.mul(plain.t()[self.needed :], self.scale_back.t()[self.needed :], out=self.joint_back)
        if end < len(self.w_ih):
            self.apart[:, :k] = self.w_ih[end:]
            self.apart[:, k] = self.b_ih[end:]
            self.apart.mul_(self.scale_apart)
        self.d_joint.zero_()
        self.d_apart.zero_()

    def unpack(self) -> None:
        """Fill the parameters' gradients."""
        k, end = self.k, self.gates
        d_joint = self.d_joint.mul_(self.scale_back)
        _gradient(self.w_ih)[:end] = d_joint[:end, :k]
        _gradient(self.b_ih)[:end] = d_joint[:end, k]
        if end < len(self.w_ih):
            d_apart = self.d_apart.mul_(self.scale_apart)
            _gradient(self.w_ih)[end:] = d_apart[:, :k]
            _gradient(self.b_ih)[end:] = d_apart[:, k]
        if self.b_hh.grad is not None:
            self.b_hh.grad.copy_(d_joint[:, k])
        _gradient(self.w_hh).copy_(d_joint[:, k + 1 :])


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
        return CELLS[spec.cell](*shape, self.weight.dtype, keep)

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
        diagonal.backward(
            (2 * self.weight.t()) @ d_outputs,
            [layer.joint_back for layer in layers],
            [layer.apart.t() for layer in layers],
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
