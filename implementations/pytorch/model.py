"""The PyTorch model; see the package docstring for kernels and conventions."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch

import cells
from cells import ModelSpec, Weights
from implementations import EQUATIONS, GPU, SCAN, STOCK, Product, packed
from implementations.pytorch import MANUAL, equations, scan
from implementations.pytorch.flat import FlatModel
from implementations.pytorch.graph import Captured
from implementations.pytorch.manual import Manual

# The layers that any cell's equations make.
ANY = {EQUATIONS: equations.layer, SCAN: scan.layer}
LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
# A layer's parameters: matrices and biases beside the inputs ("ih") and the state ("hh").
KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def build(spec: ModelSpec, weights: Weights, kernel: str, device: str) -> FlatModel:
    """Place ``weights`` on the device as a model of ``spec``."""
    eager, captured = MODELS[kernel in ANY]
    kind = captured if device == GPU and kernel != STOCK else eager
    model: FlatModel = kind(spec, weights, kernel, on(device))
    return model


def on(device: str) -> torch.device:
    """PyTorch's device of that name, with the threads of the environment."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return torch.device({"gpu": "cuda"}.get(device, device))


def product(m: int, k: int, n: int, count: int, device: str) -> Product:
    """``count`` products [m, k] @ [k, n] in float32, one after the other."""
    rng, there = np.random.default_rng(0), on(device)
    a, b = (
        torch.as_tensor(rng.normal(size=s), dtype=torch.float32, device=there)
        for s in ((count, m, k), (k, n))
    )
    out = torch.empty(m, n, device=there)

    def all_of_them() -> None:
        for one in a.unbind(0):
            torch.mm(one, b, out=out)
        if there.type == "cuda":
            torch.cuda.synchronize()

    return all_of_them


class TorchModel(FlatModel):
    """The kernels ``stock`` and ``manual``, whose parameters are those of ``torch.nn``."""

    def __init__(
        self, spec: ModelSpec, weights: Weights, kernel: str, device: torch.device
    ) -> None:
        super().__init__(spec, weights, device)
        kind: Any = {"dtype": self._dtype, "device": device}
        self._layers = LAYERS[spec.cell](spec.input_size, spec.hidden, spec.layers, **kind)
        self._output = torch.nn.Linear(spec.hidden, spec.outputs, **kind)
        self._modules = torch.nn.ModuleDict({"layers": self._layers, "output": self._output})
        self._modules.load_state_dict(_to_torch(spec, weights))
        self._flatten()
        self._manual: Manual | None = None
        if kernel == MANUAL:
            output = self._output.weight, self._output.bias
            self._manual = Manual(spec, self._layers.all_weights, *output)

    def _flatten(self) -> None:
        """Make every trained parameter and its gradient a view into one vector each."""
        cell = cells.cell(self._spec.cell)
        second = self._spec.hidden * (len(cell.gates) - len(cell.inner_bias))
        redundant = "layers.0.redundant_bias" in self._given
        inner = "layers.0.recurrent_bias" in self._given
        for name, parameter in self._modules.named_parameters():
            parameter.requires_grad_(redundant or inner or "bias_hh" not in name)
        placed = {n: p for n, p in self._modules.named_parameters() if p.requires_grad}
        if self._device.type == "cuda":
            # cuDNN takes a layer's weights as they are where all of them, trained or not, lie in
            # the order in which PyTorch has just put them; or else it copies them in each step.
            placed = dict(sorted(self._modules.named_parameters(), key=_place_for_cudnn))
        self._begin(torch.cat([p.detach().reshape(-1) for p in placed.values()]))
        place = 0
        for name, parameter in placed.items():
            size = parameter.numel()
            parameter.data = self._flat[place : place + size].view_as(parameter)
            gradient = self._gradient[place : place + size].view_as(parameter)
            place += size
            if not parameter.requires_grad:
                continue  # its piece of the gradient stays zero, and so nothing moves it
            parameter.grad = gradient
            if "bias_hh" in name:
                if not redundant:
                    self._held.append(parameter.grad[:second])
                if not inner:
                    self._held.append(parameter.grad[second:])
            # The biases of a layer are one variable.
            variable = name.replace("bias_hh", "bias_ih")
            self._variables.setdefault(variable, []).append(gradient)

    def weights(self) -> Weights:
        found = to_canonical(self._spec, self._modules)
        return {name: found[name] for name in self._given}

    def parameter_counts(self) -> dict[str, int]:
        return {name: p.numel() for name, p in self._modules.named_parameters()}

    def _order(self, batches: int) -> list[int]:
        if self._manual is None:
            return super()._order(batches)
        return [*range(batches), batches + 1, batches + 2, batches]

    def _outputs(self, x: torch.Tensor) -> torch.Tensor:
        """x [T, B, d], or [T, d, B] for ``manual``."""
        if self._manual:
            by_step = self._manual.outputs(x).permute(2, 0, 1)
            return by_step if self._spec.every_step else by_step[:, -1]
        hidden = self._layers(x)[0]
        out: torch.Tensor = self._output(
            hidden.transpose(0, 1) if self._spec.every_step else hidden[-1]
        )
        return out

    def _backward(self, x: torch.Tensor, y: Any) -> torch.Tensor:
        if self._manual is None:
            return super()._backward(x, y)
        value = self._manual.backward(x, y)
        for gradient in self._held:
            gradient.zero_()
        return value.detach()


class EquationsModel(FlatModel):
    """The kernels ``equations`` and ``scan``, whose weights are a vector in canonical order."""

    def __init__(
        self, spec: ModelSpec, weights: Weights, kernel: str, device: torch.device
    ) -> None:
        super().__init__(spec, weights, device)
        self._layer = ANY[kernel]
        self._layout = packed.layout(spec, self._given)
        self._begin(torch.tensor(self._layout.pack(weights), device=device))
        self._flat.requires_grad_().grad = self._gradient
        for name, piece in self._layout.pieces(self._gradient).items():
            if name not in weights:
                self._held.append(piece)
            variable = name.rpartition(".")[0] + ".bias" if name.endswith("bias") else name
            self._variables.setdefault(variable, []).append(piece)

    def weights(self) -> Weights:
        pieces = self._layout.pieces(self._flat.detach().cpu().numpy())
        return {name: pieces[name].copy() for name in self._given}

    def parameter_counts(self) -> dict[str, int]:
        return {name: value.size for name, value in self.weights().items()}

    def _outputs(self, x: torch.Tensor) -> torch.Tensor:
        return equations.outputs(self._layout, self._layout.matrices(self._flat), x, self._layer)


class CapturedTorch(Captured, TorchModel):
    """The kernel ``graph``."""


class CapturedEquations(Captured, EquationsModel):
    """The kernels ``equations`` and ``scan`` on a GPU."""


# Of torch.nn's own layers, and of any cell's equations.
MODELS: tuple[tuple[Any, Any], ...] = (
    (TorchModel, CapturedTorch), (EquationsModel, CapturedEquations)
)  # fmt: skip


def _place_for_cudnn(named: tuple[str, torch.nn.Parameter]) -> tuple[bool, int]:
    """Where a parameter lies in its module's memory; the recurrent layers' before the output's."""
    name, parameter = named
    return name.startswith("output"), int(parameter.storage_offset())


def _to_torch(spec: ModelSpec, weights: Weights) -> dict[str, torch.Tensor]:
    """PyTorch's parameters by its names, from the canonical weights."""
    found = {"output.weight": weights["output.weight"].T, "output.bias": weights["output.bias"]}
    for layer in range(spec.layers):
        own = cells.layer_weights(weights, layer)
        second = np.zeros_like(own["bias"])
        redundant = own.get("redundant_bias", second[:0])
        second[: redundant.size] = redundant
        if "recurrent_bias" in own:
            second[2 * spec.hidden :] = own["recurrent_bias"]
        values = own["input"].T, own["recurrent"].T, own["bias"], second
        found |= {f"layers.{k}_l{layer}": value for k, value in zip(KINDS, values, strict=True)}
    return {name: torch.tensor(value) for name, value in found.items()}


def to_canonical(spec: ModelSpec, modules: torch.nn.Module) -> Weights:
    """Every array of the canonical form, the redundant ones included."""
    parameters = {n: p.detach().cpu().numpy().T.copy() for n, p in modules.named_parameters()}
    weights: Weights = {}
    for layer in range(spec.layers):
        *parts, second = (parameters[f"layers.{kind}_l{layer}"] for kind in KINDS)
        own = dict(zip(("input", "recurrent", "bias"), parts, strict=True))
        if spec.cell == "gru":
            second, own["recurrent_bias"] = np.split(second, [2 * spec.hidden])
        own["redundant_bias"] = second
        weights |= {f"layers.{layer}.{name}": value for name, value in own.items()}
    return weights | {name: parameters[name] for name in ("output.weight", "output.bias")}
