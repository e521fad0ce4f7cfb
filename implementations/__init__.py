"""The contract of an implementation: what a folder here must offer.

An implementation is one folder that knows its framework and nothing of tasks. Its
``__init__.py`` imports nothing of the framework; its docstring says which layer and
backend run and which conventions they follow, and ``FRAMEWORK``, a :class:`Framework`,
everything else that is to be said before the framework is imported.

Its ``model.py`` may import the framework and defines ``build(spec, weights, kernel, device)
-> Model`` and ``product(m, k, n, count, device) -> Product``, and where a kernel is ``batched``,
``together(models) -> Batch``. Its ``native.py`` defines
``build(spec, optimiser, seed, device) -> NativeModel``: the framework's own layers,
initialisation and optimiser, as its users get them without a choice of their own.
Where a version lacks what a kernel calls, ``lacking.py`` says so: it is unavailable there.
``functional.py`` makes a whole model in JAX from one pure function, ``optax_model.py`` a native
one.

Weights travel in the canonical form of ``cells/__init__.py``: what is given is trained, and
nothing else. A framework that has no layer for a cell does not name it among its biases; if it has
the kernel ``equations``, it can train it all the same. ``scan``, where there is one, is another way
to compute the cells that say that they are linear.
"""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from cells import Array, ModelSpec, Weights, is_linear
from implementations.rule import Optimiser

# What a framework's defaults may change, one at a time, on the way from matched to native.
FACTORS = ("initialisation", "biases", "form", "adam", "clipping")

# The kernel that is the framework's own layer, the one that a native model has, the one that
# computes any cell from its equations, and the one that does so at all time steps at once.
STOCK, NATIVE, EQUATIONS, SCAN = "stock", "native", "equations", "scan"

# The cells that frameworks have layers of their own for.
OWN = ("rnn", "lstm", "gru")

# Where a model can be: one word each, whatever a framework calls it.
DEVICES = CPU, GPU = ("cpu", "gpu")

# How a GPU multiplies numbers in float32: as IEEE 754 has it, or as each framework does unless it
# is told otherwise, which may be with ten bits of mantissa (TF32). On a CPU there is no difference.
PRECISIONS = IEEE, DEFAULT = ("ieee", "default")

# Does its matrix products once each time it is called, and returns when they are done.
Product = Callable[[], None]


class NoDevice(Exception):
    """The device that was asked for is not there; the message is one sentence without a stop."""


@dataclass(frozen=True)
class Default:
    """One of a framework's defaults that differs from the matched track.

    ``what`` says it in words, ``cells`` for which cells it holds, ``optimiser`` which
    fields of :class:`Optimiser` it sets. The factor says which of the native model's
    initial weights belong to it: ``initialisation`` the matrices, ``biases`` the
    biases, ``form`` the presence of the GRU's ``recurrent_bias``.
    """

    factor: str
    what: str
    cells: tuple[str, ...] = OWN
    optimiser: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kernel:
    """One way in which a framework can compute a recurrent layer and its gradient.

    ``what`` says it in words, ``cells`` for which cells there is one; None is every cell.
    A ``linear`` one is for those of them alone that say that they are linear in their state.
    Without ``inner_bias`` its GRU has no ``recurrent_bias``. It is there on ``devices`` alone,
    and for models of ``dtypes`` alone. Of a ``batched`` one several models can be trained as one
    batch, by :meth:`Framework.together`.
    """

    what: str
    cells: tuple[str, ...] | None = OWN
    inner_bias: bool = True
    linear: bool = False
    devices: tuple[str, ...] = DEVICES
    dtypes: tuple[str, ...] = ("float32", "float64")
    batched: bool = False

    def has(self, cell: str, device: str = CPU) -> bool:
        """Whether there is one for a cell on a device."""
        known = (self.cells is None or cell in self.cells) and device in self.devices
        return known and (not self.linear or is_linear(cell))


class Described(Protocol):
    """A model on a device, with its optimiser's state.

    Shapes: K optimiser steps, batch B, T time steps, d inputs, o outputs.
    Targets are [.., o] of the model's type for mse and, 0 or 1, for binary_cross_entropy,
    and integer classes [..] for cross_entropy, with T after the batch when the spec asks for
    every step. Where there are ``sample_weights`` [..], none below zero, the loss of a batch is
    Σ weight · loss / Σ weight over its answers: a mask is weights of 1 and 0. Otherwise it is
    the mean. ``cells.network.losses`` says what each answer's loss is.
    """

    def predict(self, inputs: Array) -> Array:
        """Outputs for inputs [B, T, d]: [B, o], or [B, T, o] at every step."""

    def weights(self) -> Weights:
        """The weights in canonical form."""

    def parameter_counts(self) -> dict[str, int]:
        """The framework's own count by its own names, redundant biases included."""

    def device(self) -> str:
        """Where the weights really are, in the framework's own word, such as ``cuda``."""


class Model(Described, Protocol):
    """A model of the matched kind: canonical weights in, the harness's update rule.

    A placed chunk is whatever the framework wants its data to be; all three methods
    that take one return when their result is there.
    """

    def place(
        self, inputs: Array, targets: Array, constants: Array, sample_weights: Array | None = None
    ) -> Any:
        """Hand over a batch for each step: inputs [K, B, T, d], constants of ``updates``."""

    def train(self, placed: Any) -> tuple[Array, Array]:
        """Take one optimiser step per batch.

        Returns the losses and the global gradient norms [K], each from before its
        step and before clipping, in the spec's type.
        """

    def gradients(self, placed: Any) -> Array:
        """The global gradient norm [K] of every batch with the weights as they are."""

    def losses(self, placed: Any) -> Array:
        """The loss [K] of every batch with the weights as they are: the forward pass alone."""


class Batch(Protocol):
    """Several models of one spec and kernel as one: S rows, which nothing passes between."""

    def train(self, placed: Sequence[Any]) -> tuple[Array, Array]:
        """As :meth:`Model.train` for every model, from what each placed; losses and norms [S, K].

        The constants of the steps are those of the first.
        """

    def predict(self, inputs: Sequence[Array]) -> Array:
        """The outputs of every model for its own inputs [B, T, d]: [S, B, ..]."""

    def weights(self, row: int) -> Weights:
        """One model's weights in canonical form."""


class NativeModel(Described, Protocol):
    """A model as the framework's users get it, with the framework's own optimiser."""

    def train(
        self, inputs: Array, targets: Array, sample_weights: Array | None = None
    ) -> tuple[Array, Array]:
        """As :meth:`Model.place` and :meth:`Model.train`, by the framework's own rule."""


@dataclass(frozen=True, eq=False)
class Framework:
    """What an implementation says of itself; nothing of it imports the framework.

    ``packages`` are the names under which it was installed, for the record of versions.
    ``environment(threads, cache, device)`` is what pins it to so many CPU threads and to the
    device, set before it is imported; ``cache`` is a folder it may keep compiled code in.
    ``biases`` says, for the matched and the native track and each cell, how many biases its
    own layers have by its own count, in multiples of the hidden size; a cell that is not among
    the native ones has no native model. ``kernels`` are the ways it knows to compute a layer
    and its gradient; the one called ``stock`` is its own layer. ``fastest(spec, batch,
    length)`` is the one that measurements found fastest for batches of so many sequences of so
    many time steps; by default the stock one. ``fastest_on_gpu`` is the same there. ``defaults``
    are what its users get that the matched track does not have. An ``optional`` one takes part
    only where it is named. Where its ``name`` is a label of its own, as for a framework in another
    environment, ``implementation`` is the name of its folder.

    One that knows how to compute on a GPU has a module ``gpu.py``, with ``prepare(precision)``,
    which :meth:`prepare` calls, and ``peak_mb()``, which :meth:`device_peak_mb` calls.
    """

    name: str
    packages: tuple[str, ...]
    environment: Callable[[int, Path, str], dict[str, str]]
    biases: Mapping[str, Mapping[str, int]]
    kernels: Mapping[str, Kernel]
    fastest: Callable[[ModelSpec, int, int], str] = lambda spec, batch, length: STOCK
    fastest_on_gpu: Callable[[ModelSpec, int, int], str] = lambda spec, batch, length: STOCK
    defaults: tuple[Default, ...] = ()
    optional: bool = False
    implementation: str = ""

    @property
    def folder(self) -> str:
        """The name of its folder here."""
        return self.implementation or self.name

    def kernels_of(self, cell: str, device: str = CPU) -> list[str]:
        """The names of the kernels that it knows for a cell on a device."""
        return [name for name, kernel in self.kernels.items() if kernel.has(cell, device)]

    def choice(self, spec: ModelSpec, batch: int, length: int, device: str = CPU) -> str:
        """The kernel to train a model of this shape with on a device."""
        known = self.kernels_of(spec.cell, device)
        if EQUATIONS in known and set(known) <= {EQUATIONS, SCAN}:
            return EQUATIONS
        return (self.fastest if device == CPU else self.fastest_on_gpu)(spec, batch, length)

    def default(self, factor: str, cell: str) -> Default | None:
        """The default that ``factor`` names; None where it is the matched track's."""
        return next((d for d in self.defaults if d.factor == factor and cell in d.cells), None)

    def pin(self, threads: int, cache: Path, device: str) -> None:
        """Set its environment in this process; before it is imported."""
        cache.mkdir(parents=True, exist_ok=True)
        os.environ.update(self.environment(threads, cache, device))

    def prepare(self, device: str, precision: str) -> dict[str, Any] | None:
        """Make it multiply on the device with this precision; what it then says of the device.

        Before the first model is built, and nothing on a CPU. The answer is read back from the
        framework: card, cuda, cudnn, precision, deterministic. Raises :class:`NoDevice` where
        it finds no such device.
        """
        if device == CPU:
            return None
        self.load()
        try:
            about: dict[str, Any] = self.load("gpu").prepare(precision)
        except ModuleNotFoundError as error:
            if error.name != f"implementations.{self.folder}.gpu":
                raise
            raise NoDevice(
                f"device: {self.folder} has no implementations/{self.folder}/gpu.py, and so is for "
                "the CPU alone"
            ) from error
        if about["precision"] != precision:
            raise RuntimeError(f"the precision is {about['precision']}, not {precision}")
        return about

    def device_peak_mb(self, device: str) -> float | None:
        """The most memory that its own allocator has used on the device, in MB; None on a CPU."""
        return None if device == CPU else float(self.load("gpu").peak_mb())

    def load(self, part: Literal["model", "native", "gpu"] = "model") -> Any:
        """Its module ``part``, which imports the framework."""
        return importlib.import_module(f"implementations.{self.folder}.{part}")

    def build(self, spec: ModelSpec, weights: Weights, kernel: str, device: str = "cpu") -> Model:
        """A model of ``spec`` on ``device`` that starts from ``weights``."""
        model: Model = self.load().build(spec, weights, kernel, device)
        return model

    def together(self, models: Sequence[Model]) -> Batch:
        """The models, which have one spec and one ``batched`` kernel, as one batch."""
        batch: Batch = self.load().together(models)
        return batch

    def native(
        self, spec: ModelSpec, optimiser: Optimiser, seed: int, device: str = "cpu"
    ) -> NativeModel:
        """The model that its users get, initialised from ``seed``."""
        model: NativeModel = self.load("native").build(spec, optimiser, seed, device)
        return model

    def product(self, m: int, k: int, n: int, count: int, device: str = "cpu") -> Product:
        """``count`` products [m, k] @ [k, n] in float32, one after the other."""
        product: Product = self.load().product(m, k, n, count, device)
        return product


def device_of(model: Described) -> str:
    """Where a model's weights really are, as one of ``DEVICES`` if it is one of them."""
    found = model.device().lower()
    return "gpu" if found in ("cuda", "rocm") else found
