"""The clock's worker: a fresh process that times one method, a block at a time, when asked.

It reads requests from standard input and answers each with one line, both JSON. The
clock stops when a result is there: every call that is timed returns forced results.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cells
from cells import Array, ModelSpec, Weights
from harness import machine
from harness.clock.block import pin, timed
from harness.clock.card import Card, Sample
from harness.errors import in_one_line
from harness.plan.campaigns import PHASES, Shape
from harness.registry import framework as framework_named
from implementations import CPU, NATIVE, Framework, device_of, lacking
from implementations.rule import Optimiser, updates

# A large product, and the three kinds that a training step consists of: they find the attainable
# peak, and what of a step its products alone would take.
PRODUCTS = ("product_large", "product_step", "product_back", "product_weights")
# Rows and columns of the large product: 12 MB, more than a core's caches; enough to fill a GPU.
LARGE = {"cpu": 1024, "gpu": 4096}
RULE = Optimiser("adam", 1e-3, clip=1.0)
MOST_WARMING = 5.0  # seconds of a phase's calls before the first that counts

Block = tuple[Callable[[], Any], int]  # a call, and how many steps or products it does


def chunk_steps(shape: Shape, cell: str, device: str = CPU) -> int:
    """The steps of one call, the same for every framework: about 40 ms at a usual speed.

    A call of many steps does not show what a call costs, as in training; a usual speed
    is 40 GFLOP/s and 50 µs for a time step of a layer; on a GPU 10 TFLOP/s and 10 µs, with the
    batches of a call, which lie on the device, in at most a gigabyte.
    """
    speed, each = (40e9, 50e-6) if device == CPU else (10e12, 10e-6)
    seconds = shape.step_flop(cell) / speed + each * shape.sequence_length * shape.layers
    most = 100
    if device != CPU:
        most = max(1, min(100, 2**28 // (shape.batch * shape.sequence_length * shape.input_size)))
    return max(1, min(most, round(0.04 / seconds)))


class Worker:
    """What one process knows: a method and its calls by shape and phase."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, str], Block] = {}
        self._framework: Framework
        self._device = self._cell = ""
        self._card: Card | None = None
        self._shapes: dict[str, Shape] = {}

    def start(
        self, framework: str, kernel: str, cell: str, shapes: list[dict[str, Any]], threads: int,
        cores: list[int], cache: str, phases: list[str], device: str, precision: str = "ieee",
    ) -> dict[str, Any]:  # fmt: skip
        """Import, build and take the first step of every shape, each timed apart."""
        pinned = pin(cores)
        its = self._framework = framework_named(framework)
        its.pin(threads, Path(cache), device)
        self._device, self._cell = device, cell
        samples: list[Sample] = [timed(partial(_loaded, its, kernel)) | {"phase": "import"}]
        accelerator = machine.accelerator(its.prepare(device, precision))
        self._card = None if accelerator is None else Card(its)
        native = kernel == NATIVE
        inner_bias = native or its.kernels[kernel].inner_bias
        for values in shapes:
            shape = Shape(**values)
            self._shapes[shape.name] = shape
            spec, count = shape.spec(cell), chunk_steps(shape, cell, device)
            built: list[Any] = []
            build = (
                partial(its.native, spec, RULE, 0, device)
                if native
                else partial(its.build, spec, initial_weights(spec, inner_bias), kernel, device)
            )
            sample = timed(partial(_keep, built, build))
            samples.append(sample | {"phase": "build", "shape": shape.name})
            calls = (_native_calls if native else _calls)(built[0], batches(shape, count))
            for phase, call in calls.items():
                self._blocks[shape.name, phase] = call, count
            if (found := device_of(built[0])) != device:
                raise RuntimeError(f"the model is on {found}, not on {device}")
            for phase in phases:
                sample = timed(self._blocks[shape.name, phase][0])
                samples.append(sample | {"phase": f"first_{phase}", "shape": shape.name})
                samples[-1]["rss_mb"] = machine.peak_rss_mb()
        return {"samples": samples, "pinned": pinned, "accelerator": accelerator}

    def block(self, shape: str, phase: str, calls: int) -> Sample:
        """Time ``calls`` calls of a phase."""
        if phase in PRODUCTS and (shape, phase) not in self._blocks:
            sizes = product_sizes(self._shapes[shape], self._cell, phase, self._device)
            # About 30 ms at 100 GFLOP/s.
            count = max(1, min(1000, round(3e9 / (2 * math.prod(sizes)))))
            call = self._framework.product(*sizes, count, self._device)
            self._blocks[shape, phase] = call, count
            call()
        call, steps = self._blocks[shape, phase]
        if self._card is None:
            return timed(call, calls, steps)
        return self._card.timed(partial(timed, call, calls, steps))

    def warm(self, shape: str, phase: str) -> Sample:
        """Call a phase until two calls running were no tenth faster than the best before; the last.

        Until an allocator has learnt the sizes and all pages were touched, a call may take several
        times as long: training steps of Flax's GRU took 113 and 38 ms before they took 18.
        """
        best, idle, begin = math.inf, 0, time.monotonic()
        while True:
            sample = self.block(shape, phase, 1)
            idle = 0 if sample["wall_s"] < 0.9 * best else idle + 1
            best = min(best, sample["wall_s"])
            if idle == 2 or time.monotonic() - begin > MOST_WARMING:
                return sample

    def pin(self, cores: list[int]) -> dict[str, Any]:
        """Move to other cores."""
        return {"pinned": pin(cores)}

    def conform(
        self, framework: str, methods: list[list[Any]], threads: int, cores: list[int],
        cache: str, device: str, precision: str = "ieee",
    ) -> dict[str, str]:  # fmt: skip
        """Check kernels, given as (kernel, cell, layers), against the reference.

        Returns what is wrong with each, by kernel and cell; an empty text where nothing is.
        """
        from harness.conformance import against_reference

        pin(cores)
        its = framework_named(framework)
        its.pin(threads, Path(cache), device)
        its.prepare(device, precision)
        verdicts = {}
        for kernel, cell, layers in methods:
            failed = [
                row
                for dtype in its.kernels[kernel].dtypes
                for row in against_reference.check_one(
                    its, ModelSpec(cell, layers, 2, 5, 3, False, "mse", dtype),  # type: ignore[arg-type]
                    kernel, device, precision,
                )
                if not row["passed"]
            ]  # fmt: skip
            verdicts[f"{kernel}/{cell}"] = verdict(failed[0]) if failed else ""
        return verdicts


def _loaded(framework: Framework, kernel: str) -> None:
    framework.load()
    if kernel == NATIVE:
        framework.load("native")


def _calls(model: Any, given: tuple[Array, Array, Array]) -> dict[str, Callable[[], Any]]:
    """The calls of each phase; a chunk's data are where the model wants them."""
    placed = model.place(*given)
    calls = [partial(do, placed) for do in (model.train, model.gradients, model.losses)]
    return dict(zip(PHASES, [*calls, partial(model.place, *given)], strict=True))


def _native_calls(model: Any, given: tuple[Array, Array, Array]) -> dict[str, Callable[[], Any]]:
    """A native model only trains, with its own rule; its data are on the device if it can."""
    place = getattr(model, "place", lambda *data: data)
    return {PHASES[0]: partial(model.train, *place(*given[:2]))}


def _keep(kept: list[Any], call: Callable[[], Any]) -> None:
    kept.append(call())


def verdict(row: dict[str, Any]) -> str:
    """Why a kernel is not timed, from a check against the reference that it did not pass."""
    if row["check"] in ("run", "import", "lacking"):
        return str(row["detail"])
    return (
        f"does not conform: {row['check']} in {row['dtype']} is off by {row['max_error']:.2g}, "
        f"allowed {row['tolerance']:.2g}"
    )


def product_sizes(shape: Shape, cell: str, phase: str, device: str = CPU) -> tuple[int, int, int]:
    """m, k and n of a product [m, k] @ [k, n]: a large one, or one of the recurrence's own.

    Those are of a time step forward, of one backward, and of the recurrent weights' gradient,
    which is one product over all time steps.
    """
    hidden = shape.units(cell)
    # A cell without recurrent matrices has the products of its inputs alone.
    width = len(cells.cell(cell).recurrent or cells.cell(cell).gates) * hidden
    return {
        "product_large": (LARGE[device],) * 3,
        "product_step": (shape.batch, hidden, width),
        "product_back": (shape.batch, width, hidden),
        "product_weights": (hidden, shape.sequence_length * shape.batch, width),
    }[phase]


def initial_weights(spec: ModelSpec, inner_bias: bool) -> Weights:
    """Weights of unit gain, and the others at zero, in canonical form; speed asks no more."""
    rng = np.random.default_rng(0)
    return {
        name: (rng.normal(size=s) / math.sqrt(s[0]) if len(s) > 1 else np.zeros(s)).astype(
            spec.dtype
        )
        for name, s in cells.shapes(spec, inner_bias).items()
    }


def batches(shape: Shape, count: int) -> tuple[Array, Array, Array]:
    """Inputs [K, B, T, d], targets [K, B, 1] and the update rule's constants of K steps."""
    rng = np.random.default_rng(1)
    size = (count, shape.batch, shape.sequence_length, shape.input_size)
    inputs, targets = rng.normal(size=size), rng.normal(size=(count, shape.batch, 1))
    return inputs.astype("float32"), targets.astype("float32"), updates(RULE, 1, count)


def main(worker: Worker | None = None) -> None:
    """Answer requests until there are no more."""
    # What a framework prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = worker or Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            answer = {"error": lacking.lack(error) or in_one_line(error)}
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # a framework takes up to a second to tear itself down


if __name__ == "__main__":
    main()
