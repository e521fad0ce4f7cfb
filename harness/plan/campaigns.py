"""What is timed: shapes, methods, and the campaigns that a configuration asks for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import cells
from cells import CELLS, ModelSpec
from harness.errors import UserError
from harness.registry import check_names
from implementations import CPU, PRECISIONS, STOCK, Framework

AXES = ("batch", "sequence_length", "hidden", "layers")
# A training step; its gradient without the update; the loss alone; handing over the data.
PHASES = ("step", "gradient", "forward", "data")
SWEEPS = "sweeps"  # the name of the campaign that holds all of them


@dataclass(frozen=True)
class Shape:
    """The sizes of a training step: B sequences of T steps of d inputs, L layers of h units.

    h may differ by cell, as where LSTM and GRU get equal parameter counts.
    The model has one output at the last time step and the squared error as its loss.
    """

    name: str
    batch: int
    sequence_length: int
    input_size: int
    hidden: int | dict[str, int]
    layers: int

    def units(self, cell: str) -> int:
        """The hidden size h of ``cell``."""
        return self.hidden if isinstance(self.hidden, int) else self.hidden[cell]

    def spec(self, cell: str) -> ModelSpec:
        """The model of this shape."""
        return ModelSpec(cell, self.layers, self.input_size, self.units(cell), 1, False, "mse")

    def forward_flop(self, cell: str) -> int:
        """The floating-point operations of all layers' matrix products in a forward pass.

        A layer multiplies [T·B, d] with [d, G·h] and, step after step, [B, h] with [h, G·h],
        where all G gates have both matrices: 2·T·B·G·h·(d + h) operations, a multiplication and
        an addition each. What is done element by element and the output layer are left out.
        """
        shapes = cells.shapes(self.spec(cell)).items()
        products = [s for name, s in shapes if name.startswith("layers.") and len(s) == 2]
        return self._steps() * sum(map(math.prod, products))

    def step_flop(self, cell: str) -> int:
        """The same for a training step, 6·T·B·G·h·(d + h) a layer.

        The gradients of a product's two factors cost as much as the product each. The
        first layer needs no gradient of its inputs: 2·T·B·G·h·d less. The first time
        step starts from zeros, which no framework makes use of.
        """
        unneeded = self._steps() * math.prod(cells.shapes(self.spec(cell))["layers.0.input"])
        return 3 * self.forward_flop(cell) - unneeded

    def _steps(self) -> int:
        return 2 * self.sequence_length * self.batch


@dataclass(frozen=True)
class Method:
    """A framework's way to compute a cell; the twin of one is the same under a second name."""

    framework: str
    kernel: str
    cell: str
    twin: bool = False

    @property
    def name(self) -> str:
        """What the method is called in the tables."""
        return f"{self.framework}/{self.kernel}/{self.cell}" + ("/again" if self.twin else "")

    @property
    def original(self) -> Method:
        """The method itself, of a twin or not."""
        return replace(self, twin=False)


@dataclass(frozen=True)
class Sweep:
    """The shapes, by name, along one axis; the held-out one takes no part in the fit."""

    axis: str
    shapes: tuple[str, ...]
    held_out: str


@dataclass(frozen=True)
class Campaign:
    """Methods timed against each other on some shapes, in fresh processes, round by round.

    Of the kernels of a framework and cell the first is the one that it declares fastest.
    ``processes`` are done always. Beyond them the campaign goes on, to ``most_processes`` or to
    what ``minutes`` allow, until the ratios of the kinds ``needed`` are known
    (:mod:`harness.clock.stopping`). ``peak`` asks for the frameworks' own products too.
    """

    name: str
    shapes: tuple[Shape, ...]
    methods: tuple[Method, ...]
    processes: int
    rounds: int
    threads: int
    phases: tuple[str, ...] = PHASES
    peak: bool = True
    sweeps: tuple[Sweep, ...] = ()
    device: str = CPU
    precision: str = PRECISIONS[0]
    most_processes: int = 0
    minutes: float | None = None
    needed: tuple[str, ...] = ("cell", "framework")
    # By label, what describes the environment of a framework that has one.
    environments: dict[str, str] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The most processes of a method that there can be."""
        return max(self.processes, self.most_processes)

    @property
    def may_go_on(self) -> bool:
        """Whether the number of processes hangs on what they find."""
        return self.last > self.processes

    def as_dict(self) -> dict[str, Any]:
        """The campaign as JSON can hold it; on a CPU there is no precision to choose."""
        found = asdict(self)
        if self.device == CPU:
            del found["precision"]
        if not self.environments:
            del found["environments"]
        return found


def campaign_from(values: dict[str, Any]) -> Campaign:
    """The campaign that :meth:`Campaign.as_dict` described."""
    return Campaign(
        **values
        | {
            "shapes": tuple(Shape(**v) for v in values["shapes"]),
            "methods": tuple(Method(**v) for v in values["methods"]),
            "phases": tuple(values["phases"]),
            "needed": tuple(values["needed"]),
            "sweeps": tuple(
                Sweep(v["axis"], tuple(v["shapes"]), v["held_out"]) for v in values["sweeps"]
            ),
        }
    )


def campaigns(
    timing: dict[str, Any],
    frameworks: list[Framework],
    chosen: dict[tuple[str, str], str],
    device: str = CPU,
    precision: str = PRECISIONS[0],
) -> tuple[Campaign, ...]:
    """The campaigns of a configuration's ``timing``, one for each shape and one for the sweeps.

    ``chosen`` has the kernels that the configuration chooses by framework and cell.
    Raises :class:`UserError`, which begins with the key that is wrong.
    """
    found: list[Campaign] = []
    for values in timing["shapes"]:
        shape = Shape(**{k: v for k, v in values.items() if k not in ("kernels", "phases")})
        if shape.name == SWEEPS or shape.name in [c.name for c in found]:
            raise UserError(f"timing.shapes: the name {shape.name!r} is taken; choose another.")
        if isinstance(shape.hidden, dict):
            where = f"timing.shapes: {shape.name}: hidden"
            check_names(where, "cell", shape.hidden, CELLS)
            if missing := [cell for cell in timing["cells"] if cell not in shape.hidden]:
                raise UserError(
                    f"{where} has no size for {missing[0]}; name every cell of timing.cells."
                )
        kernels = values.get("kernels", "fastest")
        methods = _methods(shape, frameworks, timing["cells"], chosen, kernels, device)
        asked = values.get("phases", timing["phases"])
        found.append(
            Campaign(
                shape.name, (shape,), methods, timing["processes"], timing["rounds"],
                timing["threads"], tuple(p for p in PHASES if p in asked), device=device,
                precision=precision, most_processes=timing["most_processes"],
                minutes=timing["minutes"],
            )
        )  # fmt: skip
    if timing["sweeps"]:
        values = dict(timing["sweep_base"])
        kernels = values.pop("kernels", "fastest")
        base = Shape(SWEEPS, **values)
        sweeps, shapes = _sweeps(base, timing["sweeps"])
        methods = _methods(base, frameworks, timing["cells"], chosen, kernels, device, twins=False)
        found.append(
            Campaign(
                SWEEPS, shapes, methods, timing["sweep_processes"], timing["sweep_rounds"],
                timing["threads"], PHASES[:1], peak=False, sweeps=sweeps, device=device,
                precision=precision,
            )
        )  # fmt: skip
    return tuple(found)


def _sweeps(
    base: Shape, asked: Iterable[dict[str, Any]]
) -> tuple[tuple[Sweep, ...], tuple[Shape, ...]]:
    """The sweeps, and every shape of them once: two axes share a shape where they cross."""
    shapes: dict[Shape, str] = {}
    sweeps: list[Sweep] = []
    for values in asked:
        axis, held_out = values["axis"], values["held_out"]
        if axis in [sweep.axis for sweep in sweeps]:
            raise UserError(f"timing.sweeps: names the axis {axis!r} twice; remove one.")
        if held_out in values["values"]:
            where = f"timing.sweeps: {axis}"
            raise UserError(f"{where}: held_out {held_out} is among the values; choose another.")
        *names, last = (
            shapes.setdefault(replace(base, **{axis: value}), f"{axis}_{value}")
            for value in (*values["values"], held_out)
        )
        sweeps.append(Sweep(axis, tuple(names), last))
    return tuple(sweeps), tuple(replace(shape, name=name) for shape, name in shapes.items())


def _methods(
    shape: Shape,
    frameworks: list[Framework],
    cells: list[str],
    chosen: dict[tuple[str, str], str],
    asked: str,
    device: str,
    twins: bool = True,
) -> tuple[Method, ...]:
    """The kernels ``asked`` for: all, the fastest, or that and the framework's own layer.

    A framework's fastest comes first. That of its first cell stands twice, for the A/A control.
    """
    found = []
    for framework in frameworks:
        for cell in cells:
            best = chosen.get((framework.name, cell)) or framework.choice(
                shape.spec(cell), shape.batch, shape.sequence_length, device
            )
            every = framework.kernels_of(cell, device)
            wanted = {"all": every, "fastest": [best], "fastest and stock": [best, STOCK]}[asked]
            named = [kernel for kernel in every if kernel in wanted]
            named.sort(key=lambda kernel: kernel != best)
            found += [Method(framework.name, kernel, cell) for kernel in named]
    if not found:
        raise UserError(
            "timing.cells: no framework of this configuration has a kernel for them; name other "
            "cells."
        )
    first = {method.framework: method for method in reversed(found)}
    again = [replace(first[f.name], twin=True) for f in frameworks if f.name in first]
    return (*found, *(again if twins else []))
