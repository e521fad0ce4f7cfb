"""The PyTorch model; see the package docstring for kernels and conventions."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

import cells
from cells import Array, ModelSpec, Weights
from implementations import EQUATIONS, GPU, SCAN, STOCK, Product, packed
from implementations.pytorch import MANUAL, equations, scan
from implementations.pytorch.manual import Manual

# The layers that any cell's equations make.
ANY = {EQUATIONS: equations.layer, SCAN: scan.layer}
LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
# A layer's parameters: matrices and biases beside the inputs ("ih") and the state ("hh").
KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
DTYPES = {"float32": torch.float32, "float64": torch.float64}


def build(spec: ModelSpec, weights: Weights, kernel: str, device: str) -> FlatModel:
    """Place ``weights`` on the device as a model of ``spec``."""
    if device == GPU and kernel != STOCK:
        # It holds the models of this module, and a CPU has no use for it.
        from implementations.pytorch import graph

        return graph.build(spec, weights, kernel, on(device))
    if kernel in ANY:
        return EquationsModel(spec, weights, kernel, on(device))
    return TorchModel(spec, weights, kernel, on(device))


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


def _place_for_cudnn(named: tuple[str, torch.nn.Parameter]) -> tuple[bool, int]:
    """Where a parameter lies in its module's memory; the recurrent layers' before the output's."""
    name, parameter = named
    return name.startswith("output"), int(parameter.storage_offset())


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
