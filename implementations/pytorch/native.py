"""The model that PyTorch's users get: ``torch.nn`` and ``torch.optim`` with their defaults."""

from __future__ import annotations

import os

import torch

# The first optimiser would import it, which takes a second; here a preloader does so for all runs.
import torch._dynamo

from implementations import Array, ModelSpec, Optimiser, Weights
from implementations.pytorch.model import DTYPES, LAYERS, loss, to_canonical

RULES = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop, "sgd": torch.optim.SGD}


def build(spec: ModelSpec, optimiser: Optimiser, seed: int) -> TorchNativeModel:
    """A model as PyTorch initialises it from ``seed``."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return TorchNativeModel(spec, optimiser, seed)


class TorchNativeModel:
    """A :class:`implementations.NativeModel` in PyTorch."""

    def __init__(self, spec: ModelSpec, optimiser: Optimiser, seed: int) -> None:
        self._spec, self._clip = spec, optimiser.clip
        self._dtype = DTYPES[spec.dtype]
        torch.manual_seed(seed)
        layers = LAYERS[spec.cell](
            spec.input_size, spec.hidden, spec.layers, batch_first=True, dtype=self._dtype
        )
        output = torch.nn.Linear(spec.hidden, spec.outputs, dtype=self._dtype)
        self._modules = torch.nn.ModuleDict({"layers": layers, "output": output})
        self._rule = RULES[optimiser.name](self._modules.parameters(), lr=optimiser.learning_rate)

    def train(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        x = torch.as_tensor(inputs, dtype=self._dtype)
        y = torch.as_tensor(targets, dtype=self._dtype if self._spec.loss == "mse" else torch.int64)
        losses, norms = [], []
        for x_k, y_k in zip(x, y, strict=True):
            self._rule.zero_grad()
            value = loss(self._spec, self._outputs(x_k), y_k)
            value.backward()  # type: ignore[no-untyped-call]
            limit = self._clip or float("inf")
            norms.append(torch.nn.utils.clip_grad_norm_(self._modules.parameters(), limit))
            self._rule.step()
            losses.append(value.detach())
        return torch.stack(losses).numpy(), torch.stack(norms).numpy()

    def predict(self, inputs: Array) -> Array:
        with torch.no_grad():
            return self._outputs(torch.as_tensor(inputs, dtype=self._dtype)).numpy()

    def weights(self) -> Weights:
        parameters = {n: p.detach().numpy() for n, p in self._modules.named_parameters()}
        return to_canonical(self._spec, parameters)

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
