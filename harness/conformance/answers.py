"""The reference model's answers, which an implementation's are compared with.

They are made by the reference model itself, for which autograd is needed. In another environment
than the main one they are read from where the main one left them, with the examples they
are the answers to: ``answers-CELL.npz``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

import cells
from cells import Array, ModelSpec, Weights
from harness.conformance.examples import (
    STEPS,
    random_batches,
    random_sample_weights,
    random_weights,
)
from harness.errors import UserError
from harness.files import replacing
from implementations.rule import Optimiser
from tasks import _handed

# The limit is low enough to clip at every step, and ε large enough to be seen at 1e-8. The rate
# falls over the last ten steps.
_ADAM = Optimiser("adam", 1e-2, clip=0.1, epsilon=1e-4, steps=STEPS, cooldown=0.2)
RULES = {
    "adam": _ADAM,
    "adam, each variable clipped": replace(_ADAM, clip_each=True),
    "rmsprop": replace(_ADAM, name="rmsprop", learning_rate=1e-3),
    "sgd": Optimiser("sgd", 1e-1, steps=STEPS, cooldown=0.2),
}
# What is known of a case: what it starts from, and what the reference makes of that.
GIVEN, OUTPUTS, GRADIENT = "given", "outputs", "gradient"


@dataclass(frozen=True)
class Case:
    """What is asked: a model in float64, with or without its inner bias, and weighted answers."""

    spec: ModelSpec
    inner_bias: bool
    weighted: bool

    @property
    def name(self) -> str:
        """Its name in a file of answers."""
        spec = self.spec
        words = [spec.cell, f"{spec.layers}", spec.loss, "every" if spec.every_step else "last"]
        return "-".join([*words, *["inner"] * self.inner_bias, *["weighted"] * self.weighted])


def case_of(spec: ModelSpec, inner_bias: bool = True, weighted: bool = False) -> Case:
    """The case of a model; one for both its types, which start alike."""
    alike = cells.shapes(spec, True) == cells.shapes(spec, False)
    return Case(replace(spec, dtype="float64"), inner_bias or alike, weighted)


@cache
def of(case: Case, what: str) -> Weights:
    """The arrays of a case by name; ``what`` is one of the three above, or one of ``RULES``.

    ``given`` has the weights by canonical name and ``inputs`` [K, B, T, d], ``targets``
    and, where they are weighted, ``sample_weights``; ``outputs`` are those of the first batch,
    ``gradient`` is that of the last; a rule has the final weights and ``losses`` [K].
    """
    folder = _handed.folder()
    return made(case, what) if folder is None else _read(folder, case, what)


def batches_of(case: Case) -> tuple[Array, ...]:
    """Inputs [K, B, T, d], targets and, where they are weighted, the answers' weights."""
    given = of(case, GIVEN)
    return tuple(given[name] for name in ("inputs", "targets", "sample_weights") if name in given)


def weights_of(case: Case) -> Weights:
    """The weights that a case starts from, in float64; float32 holds them exactly."""
    return {name: value for name, value in of(case, GIVEN).items() if "." in name}


def made(case: Case, what: str) -> Weights:
    """What :func:`of` has, by the reference model."""
    from cells import network
    from harness.conformance import textbook_rules

    spec = case.spec
    if what == GIVEN:
        inputs, targets = random_batches(spec)
        found = random_weights(spec, case.inner_bias) | {"inputs": inputs, "targets": targets}
        return found | ({"sample_weights": random_sample_weights(spec)} if case.weighted else {})
    weights, (inputs, *answers) = weights_of(case), batches_of(case)
    exact = inputs.astype(np.float64)
    if what == OUTPUTS:
        return {"outputs": network.outputs(spec, weights, exact[0])}
    if what == GRADIENT:
        last = (values[-1] for values in answers)
        return network.loss_and_gradients(spec, weights, exact[-1], *last)[1]
    losses, trained = textbook_rules.train(spec, RULES[what], weights, exact, *answers)
    return trained | {"losses": losses}


def file_of(cell: str) -> str:
    """The name of the file with a cell's answers."""
    return f"answers-{cell}.npz"


def hand_over(folder: Path, cell: str, asked: Iterator[tuple[Case, str]]) -> None:
    """Leave the answers of a cell that are ``asked`` for in the folder."""
    arrays = {
        f"{case.name}/{what}/{name}": value
        for case, what in asked
        for name, value in of(case, what).items()
    }
    with replacing(folder / file_of(cell)) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _read(folder: Path, case: Case, what: str) -> Weights:
    path, start = folder / file_of(case.spec.cell), f"{case.name}/{what}/"
    try:
        file = _opened(path)
        found = {n.removeprefix(start): file[n] for n in file.files if n.startswith(start)}
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); {_AGAIN}.") from error
    if not found:
        raise UserError(f"{path}: has no answers to {start.rstrip('/')}; {_AGAIN}.")
    return found


@cache
def _opened(path: Path) -> "np.lib.npyio.NpzFile":
    file: np.lib.npyio.NpzFile = np.load(path, allow_pickle=False)
    return file


_AGAIN = "make it again in the main environment: python -m harness hand-over"
