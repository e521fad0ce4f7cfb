"""The model that PyTorch's users get: ``torch.nn`` and ``torch.optim`` with their defaults."""

from __future__ import annotations

from typing import Any

import torch

# The first optimiser would import it, which takes a second; here a preloader does so for all runs.
import torch._dynamo

from cells import Array, ModelSpec, Weights
from implementations.pytorch.model import (
    DTYPES,
    LAYERS,
    loss,
    on,
    place_targets,
    place_tensors,
    to_canonical,
)
from implementations.rule import Optimiser

RULES = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop, "sgd": torch.optim.SGD}


def build(spec: ModelSpec, optimiser: Optimiser, seed: int, device: str) -> TorchNativeModel:
    """A model as PyTorch initialises it from ``seed``."""
    return TorchNativeModel(spec, optimiser, seed, on(device))


class TorchNativeModel:
    """A :class:`implementations.NativeModel` in PyTorch."""

    def __init__(
        self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: torch.device
    ) -> None:
        self._spec, self._clip = spec, optimiser.clip
        kind: Any = {"dtype": DTYPES[spec.dtype], "device": device}
        self._floats = kind
        torch.manual_seed(seed)
        sizes = spec.input_size, spec.hidden, spec.layers
        layers = LAYERS[spec.cell](*sizes, batch_first=True, **kind)
        output = torch.nn.Linear(spec.hidden, spec.outputs, **kind)
        self._modules = torch.nn.ModuleDict({"layers": layers, "output": output})
        self._rule = RULES[optimiser.name](self._modules.parameters(), lr=optimiser.learning_rate)
        rate = optimiser.learning_rate
        # It counts the steps from 0.
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._rule, lambda step: float(optimiser.rate(step + 1)) / rate
        )

    def place(
        self, inputs: Array, targets: Array, sample_weights: Array | None = None
    ) -> tuple[Any, ...]:
        """What ``train`` takes, on the device already, so that a clock need not wait for it."""
        x = torch.as_tensor(inputs, **self._floats)
        answers = place_tensors(self._spec, targets, sample_weights, x.device)
        return x, *answers

    def train(
        self, inputs: Array, targets: Array, sample_weights: Array | None = None
    ) -> tuple[Array, Array]:
        x = torch.as_tensor(inputs, **self._floats)
        y = place_targets(self._spec, targets, sample_weights, x.device)
        losses, norms = [], []
        for x_k, y_k in zip(x, y, strict=True):
            self._rule.zero_grad()
            value = loss(self._spec, self._outputs(x_k), y_k)
            value.backward()  # type: ignore[no-untyped-call]
            limit = self._clip or float("inf")
            norms.append(torch.nn.utils.clip_grad_norm_(self._modules.parameters(), limit))
            self._rule.step()
            self._schedule.step()
            losses.append(value.detach())
        return torch.stack(losses).cpu().numpy(), torch.stack(norms).cpu().numpy()

    def predict(self, inputs: Array) -> Array:
        with torch.no_grad():
            return self._outputs(torch.as_tensor(inputs, **self._floats)).cpu().numpy()

    def weights(self) -> Weights:
        return to_canonical(self._spec, self._modules)

    def parameter_counts(self) -> dict[str, int]:
        return {name: p.numel() for name, p in self._modules.named_parameters()}

    def device(self) -> str:
        return next(self._modules.parameters()).device.type

    def _outputs(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self._modules["layers"](x)[0]
        out: torch.Tensor = self._modules["output"](
            hidden if self._spec.every_step else hidden[:, -1]
        )
        return out
