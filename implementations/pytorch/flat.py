"""A model whose weights are one vector, its losses, and how a chunk of steps is taken."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch.nn import functional

from cells import Array, ModelSpec

DTYPES = {"float32": torch.float32, "float64": torch.float64}


class FlatModel:
    """A :class:`implementations.Model` whose weights are one vector, and so are its gradients.

    ``held`` are the pieces of the gradient that stay zero, ``variables`` those of each variable.
    """

    def __init__(self, spec: ModelSpec, given: Iterable[str], device: torch.device) -> None:
        self._spec, self._given = spec, tuple(given)
        self._dtype, self._device = DTYPES[spec.dtype], device
        self._held: list[torch.Tensor] = []
        self._variables: dict[str, list[torch.Tensor]] = {}

    def _begin(self, flat: torch.Tensor) -> None:
        """Start from the weights ``flat``."""
        self._flat = flat
        self._gradient, self._first, self._second = (torch.zeros_like(flat) for _ in range(3))

    def place(
        self, inputs: Array, targets: Array, constants: Array, sample_weights: Array | None = None
    ) -> Any:
        x = self._inputs(inputs).permute(self._order(1)).contiguous()
        y = place_targets(self._spec, targets, sample_weights, self._device)
        return x, y, constants.tolist()

    def train(self, placed: Any) -> tuple[Array, Array]:
        losses, norms = [], []
        for x, y, row in zip(*placed, strict=True):
            losses.append(self._backward(x, y))
            norms.append(self._update(*row))
        return torch.stack(losses).cpu().numpy(), torch.stack(norms).cpu().numpy()

    def gradients(self, placed: Any) -> Array:
        norms = []
        for x, y, _ in zip(*placed, strict=True):
            self._backward(x, y)
            norms.append(torch.linalg.vector_norm(self._gradient))
        return torch.stack(norms).cpu().numpy()

    def losses(self, placed: Any) -> Array:
        with torch.no_grad():
            losses = [
                loss(self._spec, self._outputs(x), y) for x, y, _ in zip(*placed, strict=True)
            ]
        return torch.stack(losses).cpu().numpy()

    def predict(self, inputs: Array) -> Array:
        x = self._inputs(inputs).permute(self._order(0)).contiguous()
        with torch.no_grad():
            return self._outputs(x).cpu().numpy()

    def device(self) -> str:
        return self._flat.device.type

    def _inputs(self, values: Array) -> torch.Tensor:
        return torch.as_tensor(values, dtype=self._dtype, device=self._device)

    def _order(self, batches: int) -> list[int]:
        """The axes of inputs [.., B, T, d] as ``_outputs`` takes them; ``batches`` go before."""
        return [*range(batches), batches + 1, batches, batches + 2]

    def _outputs(self, x: torch.Tensor) -> torch.Tensor:
        """x [T, B, d] -> [B, o] or [B, T, o]."""
        raise NotImplementedError

    def _backward(self, x: torch.Tensor, y: Any) -> torch.Tensor:
        """Fill the gradient vector for one batch; returns the loss."""
        value = loss(self._spec, self._outputs(x), y)
        self._gradient.zero_()
        value.backward()  # type: ignore[no-untyped-call]
        for gradient in self._held:
            gradient.zero_()
        return value.detach()

    @torch.no_grad()
    def _update(
        self, rate: float, keep_m: float, keep_v: float, scale: float, epsilon: float,
        clip: float, clip_each: float,
    ) -> torch.Tensor:  # fmt: skip
        """The rule of :func:`implementations.rule.updates`; returns the norm before clipping."""
        w, g, m, v = self._flat, self._gradient, self._first, self._second
        norm: torch.Tensor = torch.linalg.vector_norm(g)
        if clip < math.inf:
            g.mul_((clip / norm).clamp_(max=1))
        if clip_each < math.inf:
            for parts in self._variables.values():
                one = torch.linalg.vector_norm(torch.cat([p.flatten() for p in parts]))
                for part in parts:
                    part.mul_((clip_each / one).clamp_(max=1))
        if keep_m:
            g = torch.add(g, m, alpha=keep_m, out=m)
        if scale:
            squares = self._gradient * self._gradient
            torch.add(squares, v, alpha=keep_v, out=v)
            root = torch.sqrt(v, out=squares)
            w.addcdiv_(g, (root if scale == 1 else root.mul_(scale)).add_(epsilon), value=-rate)
        else:
            w.sub_(g, alpha=rate / epsilon)
        return norm


def place_targets(
    spec: ModelSpec, values: Array, sample_weights: Array | None, device: torch.device
) -> Any:
    """For each batch its targets, of the model's type or classes; a pair if they have weights."""
    found = place_tensors(spec, values, sample_weights, device)
    return found[0] if len(found) == 1 else list(zip(*found, strict=True))


def place_tensors(
    spec: ModelSpec, values: Any, sample_weights: Any, device: torch.device
) -> list[torch.Tensor]:
    """The targets of all batches and, where there are some, their weights."""
    dtype = DTYPES[spec.dtype]
    kind = torch.int64 if spec.loss == "cross_entropy" else dtype
    found = [torch.as_tensor(values, dtype=kind, device=device)]
    if sample_weights is not None:
        found.append(torch.as_tensor(sample_weights, dtype=dtype, device=device))
    return found


def loss(spec: ModelSpec, outputs: torch.Tensor, y: Any) -> torch.Tensor:
    """The mean loss of all answers; y is the targets, or a pair of them and their weights."""
    if isinstance(y, tuple):
        targets, sample_weights = y
        shares: torch.Tensor = sample_weights / sample_weights.sum()
        return (shares * losses(spec, outputs, targets)).sum()
    if spec.loss == "mse":
        return functional.mse_loss(outputs, y)
    if spec.loss == "cross_entropy":
        return functional.cross_entropy(outputs.flatten(0, -2), y.flatten())
    return losses(spec, outputs, y).mean()


def losses(spec: ModelSpec, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The loss of each answer, [B] or [B, T], as ``cells.network.losses`` has it."""
    if spec.loss == "mse":
        return functional.mse_loss(outputs, y, reduction="none").mean(-1)
    if spec.loss == "binary_cross_entropy":
        return functional.binary_cross_entropy_with_logits(outputs, y, reduction="none").sum(-1)
    each = functional.cross_entropy(outputs.flatten(0, -2), y.flatten(), reduction="none")
    return each.view(y.shape)
