"""A whole training step by hand, without autograd: the kernel ``manual``.

``diagonal.py`` has the buffers and brings the parameters of ``torch.nn`` into the form that
a stage reads, ``cells.py`` has what is done in a stage. Here the output layer and the loss
get their gradients, and the gradients go back to the parameters.
"""

from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional

from cells import ModelSpec
from implementations.pytorch.cells import Gru, Lstm, Rnn
from implementations.pytorch.diagonal import Diagonal, Packed

Tensor = torch.Tensor
CELLS: dict[str, type[Diagonal]] = {"rnn": Rnn, "lstm": Lstm, "gru": Gru}


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
    def backward(self, x: Tensor, y: Any) -> Tensor:
        """Fill every parameter's gradient; returns the loss."""
        diagonal = self.diagonal(len(x), x.shape[-1], keep=True)
        outputs, states = self._forward(diagonal, x)
        value, d_outputs = loss_and_gradient(self.spec, outputs, y)
        _gradient(self.weight).copy_((d_outputs @ states.transpose(1, 2)).sum(0)).mul_(2)
        _gradient(self.bias).copy_(d_outputs.sum((0, 2)))
        for layer in self.layers:
            for gradient in layer.d_all:
                gradient.zero_()
        diagonal.backward((2 * self.weight.t()) @ d_outputs, self.layers)
        for layer in self.layers:
            layer.unpack()
        return value

    def _forward(self, diagonal: Diagonal, x: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.layers:
            layer.pack()
        diagonal.inputs.copy_(x)
        diagonal.forward(self.layers)
        states = diagonal.top if self.spec.every_step else diagonal.top[-1:]
        # States are stored as h/2.
        return (2 * self.weight) @ states + self.bias[:, None], states


def loss_and_gradient(spec: ModelSpec, outputs: Tensor, y: Any) -> tuple[Tensor, Tensor]:
    """The loss of outputs [T, o, B] and its gradient there; y is as for ``flat.loss``."""
    if isinstance(y, tuple):
        targets, sample_weights = y
        each, slopes = _losses(spec, outputs, _by_step(spec, targets))
        shares = _by_step(spec, sample_weights / sample_weights.sum())
        return (shares * each).sum(), slopes.mul_(shares)
    y = _by_step(spec, y)
    if spec.loss == "mse":
        error = outputs - y
        return (error * error).mean(), error.mul_(2 / error.numel())
    each, slopes = _losses(spec, outputs, y)
    return each.mean(), slopes.div_(each.numel())


def _losses(spec: ModelSpec, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of each answer [T, 1, B] and its gradient [T, o, B] by the answer's outputs."""
    if spec.loss == "mse":
        error = outputs - y
        return (error * error).mean(1, keepdim=True), error.mul_(2 / spec.outputs)
    if spec.loss == "binary_cross_entropy":
        each = functional.binary_cross_entropy_with_logits(outputs, y, reduction="none")
        return each.sum(1, keepdim=True), torch.sigmoid(outputs).sub_(y)
    logarithms = torch.log_softmax(outputs, 1)
    each = logarithms.gather(1, y).neg_()
    return each, logarithms.exp_().scatter_add_(1, y, logarithms.new_full((), -1.0).expand(y.shape))


def _by_step(spec: ModelSpec, values: Tensor) -> Tensor:
    """Targets or weights of a batch, [B, ..] or [B, T, ..], as [T, o, B]; without o it is 1."""
    values = values if spec.every_step else values[:, None]
    return (values if values.ndim == 3 else values[..., None]).permute(1, 2, 0)


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad
