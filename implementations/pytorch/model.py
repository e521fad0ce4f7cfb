"""The PyTorch model; see the package docstring for kernels and conventions."""

from __future__ import annotations

import os

import numpy as np
import torch

from implementations import GATES, Array, ModelSpec, Weights, adam_schedule
from implementations.pytorch import cells

LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
DTYPES = {"float32": torch.float32, "float64": torch.float64}


def build(spec: ModelSpec, weights: Weights) -> TorchModel:
    """Place ``weights`` on the CPU as a model of ``spec``."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return TorchModel(spec, weights)


class TorchModel:
    """A :class:`implementations.Model` in PyTorch."""

    def __init__(self, spec: ModelSpec, weights: Weights) -> None:
        self._spec = spec
        self._dtype = DTYPES[spec.dtype]
        self._layers = LAYERS[spec.cell](
            spec.input_size, spec.hidden, spec.layers, dtype=self._dtype, device="cpu"
        )
        self._output = torch.nn.Linear(spec.hidden, spec.outputs, dtype=self._dtype, device="cpu")
        self._modules = torch.nn.ModuleDict({"layers": self._layers, "output": self._output})
        with torch.no_grad():
            for name, parameter in self._modules.named_parameters():
                parameter.copy_(torch.tensor(_to_torch(spec, weights, name), dtype=self._dtype))
        self._flatten()
        self._first = torch.zeros_like(self._flat)
        self._second = torch.zeros_like(self._flat)
        self._steps = 0

    def _flatten(self) -> None:
        """Make every trained parameter and its gradient a view into one vector each."""
        redundant = "layers.bias_hh" if self._spec.cell != "gru" else "none"
        for name, parameter in self._modules.named_parameters():
            parameter.requires_grad_(not name.startswith(redundant))
        trained = {n: p for n, p in self._modules.named_parameters() if p.requires_grad}
        self._flat = torch.cat([p.detach().reshape(-1) for p in trained.values()])
        self._gradient = torch.zeros_like(self._flat)
        self._redundant_gradients = []
        place = 0
        for name, parameter in trained.items():
            size = parameter.numel()
            parameter.data = self._flat[place : place + size].view_as(parameter)
            parameter.grad = self._gradient[place : place + size].view_as(parameter)
            if "bias_hh" in name:
                self._redundant_gradients.append(parameter.grad[: 2 * self._spec.hidden])
            place += size

    def train(self, inputs: Array, targets: Array) -> Array:
        x = self._inputs(inputs).transpose(1, 2).contiguous()
        y = self._targets(targets)
        schedule = adam_schedule(self._spec.optimiser, self._steps + 1, len(inputs))
        losses = []
        for k, (rate, epsilon) in enumerate(zip(*(a.tolist() for a in schedule), strict=True)):
            losses.append(self._backward(x[k], y[k]))
            self._update(rate, epsilon)
        self._steps += len(inputs)
        return torch.stack(losses).numpy()

    def predict(self, inputs: Array) -> Array:
        with torch.no_grad():
            return self._outputs(self._inputs(inputs).transpose(0, 1).contiguous()).numpy()

    def gradients(self, inputs: Array, targets: Array) -> Weights:
        self._backward(self._inputs(inputs).transpose(0, 1).contiguous(), self._targets(targets))
        return _to_canonical(
            self._spec,
            {
                name: (torch.zeros_like(p) if p.grad is None else p.grad).numpy()
                for name, p in self._modules.named_parameters()
            },
        )

    def weights(self) -> Weights:
        return _to_canonical(
            self._spec,
            {name: p.detach().numpy() for name, p in self._modules.named_parameters()},
        )

    def parameter_counts(self) -> dict[str, int]:
        return {name: p.numel() for name, p in self._modules.named_parameters()}

    def device(self) -> str:
        return self._output.weight.device.type

    def _inputs(self, values: Array) -> torch.Tensor:
        return torch.as_tensor(values, dtype=self._dtype, device="cpu")

    def _targets(self, values: Array) -> torch.Tensor:
        dtype = self._dtype if self._spec.loss == "mse" else torch.int64
        return torch.as_tensor(values, dtype=dtype, device="cpu")

    def _outputs(self, x: torch.Tensor) -> torch.Tensor:
        """x [T, B, d] -> [B, o] or [B, T, o]."""
        hidden = self._hidden(x)
        out: torch.Tensor = self._output(
            hidden.transpose(0, 1) if self._spec.every_step else hidden[-1]
        )
        return out

    def _hidden(self, x: torch.Tensor) -> torch.Tensor:
        """The top layer's hidden states, x [T, B, d] -> [T, B, h]."""
        if self._spec.cell == "lstm":
            hidden: torch.Tensor = self._layers(x)[0]
            return hidden
        cell = cells.gru if self._spec.cell == "gru" else cells.rnn
        for weights in self._layers.all_weights:
            x = cell(x, weights)
        return x

    def _backward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Fill the gradient vector for one batch; returns the loss."""
        outputs = self._outputs(x)
        if self._spec.loss == "mse":
            loss = torch.nn.functional.mse_loss(outputs, y)
        else:
            loss = torch.nn.functional.cross_entropy(outputs.flatten(0, -2), y.flatten())
        self._gradient.zero_()
        loss.backward()  # type: ignore[no-untyped-call]
        for gradient in self._redundant_gradients:
            gradient.zero_()
        return loss.detach()

    @torch.no_grad()
    def _update(self, rate: float, epsilon: float) -> None:
        rule, w, g = self._spec.optimiser, self._flat, self._gradient
        m, v = self._first, self._second
        if rule.clip:
            g.mul_((rule.clip / torch.linalg.vector_norm(g)).clamp_(max=1))
        if rule.name == "sgd":
            w.sub_(g, alpha=rule.learning_rate)
        elif rule.name == "rmsprop":
            v.mul_(rule.decay).addcmul_(g, g, value=1 - rule.decay)
            w.addcdiv_(g, v.sqrt().add_(rule.epsilon), value=-rule.learning_rate)
        else:
            m.mul_(rule.beta1).add_(g, alpha=1 - rule.beta1)
            v.mul_(rule.beta2).addcmul_(g, g, value=1 - rule.beta2)
            w.addcdiv_(m, v.sqrt().add_(epsilon), value=-rate)


def _to_torch(spec: ModelSpec, weights: Weights, name: str) -> Array:
    """The value of PyTorch's parameter ``name``, from the canonical weights."""
    if name == "output.weight":
        return weights["output.weight"].T.copy()
    if name == "output.bias":
        return weights["output.bias"]
    _, kind, end, layer = name.replace(".", "_").split("_")
    prefix = f"layers.{layer[1:]}"
    if kind == "weight":
        source = "input" if end == "ih" else "recurrent"
        return weights[f"{prefix}.{source}"].T.copy()
    if end == "ih":
        return weights[f"{prefix}.bias"]
    second = np.zeros_like(weights[f"{prefix}.bias"])
    if spec.cell == "gru":
        second[2 * spec.hidden :] = weights[f"{prefix}.recurrent_bias"]
    return second


def _to_canonical(spec: ModelSpec, parameters: dict[str, Array]) -> Weights:
    weights: Weights = {}
    for layer in range(spec.layers):
        ours, theirs = f"layers.{layer}", f"layers.{{}}_l{layer}"
        weights[f"{ours}.input"] = parameters[theirs.format("weight_ih")].T.copy()
        weights[f"{ours}.recurrent"] = parameters[theirs.format("weight_hh")].T.copy()
        weights[f"{ours}.bias"] = parameters[theirs.format("bias_ih")].copy()
        if spec.cell == "gru":
            second = parameters[theirs.format("bias_hh")]
            weights[f"{ours}.recurrent_bias"] = second[2 * spec.hidden :].copy()
    weights["output.weight"] = parameters["output.weight"].T.copy()
    weights["output.bias"] = parameters["output.bias"].copy()
    assert weights["layers.0.bias"].size == GATES[spec.cell] * spec.hidden
    return weights
