"""A whole training step by hand, without autograd: the kernel ``manual``.

``diagonal.py`` has the buffers and brings the parameters of ``torch.nn`` into the form that
a stage reads, ``cells.py`` has what is done in a stage. Here the output layer and the loss
get their gradients, and the gradients go back to the parameters.
"""

from functools import lru_cache

import torch

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
    def backward(self, x: Tensor, y: Tensor) -> Tensor:
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
