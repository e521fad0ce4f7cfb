"""The harness's clock on the device: methods in turn, in fresh processes, with an A/A pair.

``reference`` and ``article`` are the shapes of the default configuration, ``around`` lies on both
sides of where cuDNN changes its algorithm (128 and 192 hidden units), ``wide`` is a shape that
others have published.
"""

import argparse
from collections.abc import Iterable

from benchmarks.gpu import gate, parts
from harness.clock import campaign as clock
from harness.plan.campaigns import Campaign, Method, Shape
from harness.registry import framework
from implementations import CPU, DEFAULT, EQUATIONS, NATIVE, STOCK
from implementations.tensorflow import CUDNN

ARTICLE = Shape("article", 32, 10, 1, 50, 2)
REFERENCE = Shape("reference", 64, 100, 2, 128, 1)
WIDE = Shape("wide", 16, 1024, 768, 768, 1)
AROUND = tuple(Shape(f"hidden_{h}", 64, 100, 2, h, 1) for h in (129, 192, 193))
SHAPES = {"reference": (REFERENCE,), "article": (ARTICLE,), "wide": (WIDE,), "around": AROUND}
PHASES: dict[str, tuple[str, ...]] = {"reference": ("step", "forward"), "wide": ("step", "forward")}
# Beside each framework's fastest kernel; native is the users' own loop.
BESIDE: dict[str, dict[str, tuple[str, ...]]] = {
    "reference": {"pytorch": (NATIVE,), "tensorflow": (STOCK, CUDNN), "jax": ()},
    "article": {
        "pytorch": (NATIVE, EQUATIONS),
        "tensorflow": (STOCK, CUDNN, NATIVE),
        "jax": (NATIVE, EQUATIONS),
    },
    "around": {"pytorch": (NATIVE,)},
    "wide": {"pytorch": (NATIVE,), "tensorflow": (STOCK, CUDNN), "jax": ()},
}
OF_GRU = {"pytorch": (NATIVE,), "tensorflow": (STOCK, CUDNN)}


def main(arguments: argparse.Namespace) -> None:
    """Time the shapes that the word names."""
    word, names = arguments.word, parts.there(arguments.frameworks)
    shapes = (Shape("reference", 2, 5, 2, 4, 1),) if arguments.dry else SHAPES[word]
    cells = ("lstm",) if arguments.dry or word in ("wide", "around") else ("lstm", "gru")
    if arguments.precision == DEFAULT:
        cells = ("lstm",)
    wanted = Campaign(
        name=f"{word}_{arguments.precision}",
        shapes=shapes,
        methods=methods(names, word, shapes[0], cells, arguments.device, arguments.dry),
        processes=1,
        rounds=2 if arguments.dry else 3,
        threads=1 if arguments.device == CPU else 2,
        phases=PHASES.get(word, ("step",)),
        # Of PyTorch alone, which is all that is timed there: XLA takes half a minute to choose
        # among its ways to multiply large matrices.
        peak=word == "around",
        device=arguments.device,
        precision=arguments.precision,
        # As many fresh processes as there is time for.
        most_processes=1 if arguments.dry else 5,
        # To start once more takes some seconds, which the clock does not foresee.
        minutes=(arguments.seconds - 25) / 60,
    )
    found = gate.verdicts(arguments.output, arguments.precision)
    clock.run(wanted, arguments.output, lambda text: print(text, flush=True), verdicts=found)
    _say(arguments, wanted)


def methods(
    names: list[str], word: str, shape: Shape, cells: Iterable[str], device: str, dry: bool
) -> tuple[Method, ...]:
    """The fastest kernel of each framework, then those beside it, then one of them again."""
    found: list[Method] = []
    for name in (name for name in names if name in BESIDE[word]):
        its = framework(name)
        for cell in cells:
            best = its.choice(shape.spec(cell), shape.batch, shape.sequence_length, device)
            known = [*its.kernels_of(cell, device), NATIVE]
            beside = BESIDE[word][name] if cell == "lstm" else OF_GRU.get(name, ())
            found += [Method(name, k, cell) for k in dict.fromkeys([best, *beside]) if k in known]
    if dry:
        found = [m for m in found if m.kernel in (STOCK, NATIVE, "graph", "manual")]
    return (*found, Method(found[0].framework, found[0].kernel, found[0].cell, twin=True))


def _say(arguments: argparse.Namespace, wanted: Campaign) -> None:
    """Milliseconds of a step by method, and how many times as fast as the users' own loop."""
    from analysis.speed.measured import Measured

    timed = Measured.read(arguments.output / "timing" / f"{wanted.name}.json")
    for name, problem in timed.problems.items():
        print(f"  {name}: {problem}", flush=True)
    samples = timed.samples[(timed.samples["phase"] == "step") & (timed.samples["round"] > 0)]
    for shape, rows in samples.groupby("shape"):
        medians = rows.groupby("method")["ms"].median().sort_values()
        for method, ms in medians.items():
            cell = str(method).split("/")[2]
            users = medians.get(f"pytorch/{NATIVE}/{cell}")
            ratio = f", {users / ms:.2f} times as fast as PyTorch's eager loop" if users else ""
            print(f"  {shape} {method}: {ms:.4f} ms a step{ratio}", flush=True)
