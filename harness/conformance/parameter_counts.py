"""How many parameters a model has: by the cell's equations, and by each framework's own count."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

import cells
from cells import ModelSpec
from harness.conformance.examples import random_weights
from harness.errors import in_one_line
from implementations import EQUATIONS, NATIVE, Described, Framework, lacking
from implementations.rule import Optimiser

Checked = tuple[str, float, float, str]  # which check, its error and tolerance, and a detail


class Counted(NamedTuple):
    """What a framework counts in a model on a track; None where it could not be built."""

    spec: ModelSpec
    track: str
    kernel: str
    counted: int | None
    checked: Checked


def article(cell: str) -> ModelSpec:
    """The article's model: two layers of 50 units, one input, one output."""
    return ModelSpec(cell, 2, 1, 50, 1, False, "mse")


def formula(
    framework: Framework, track: str, spec: ModelSpec, inner_bias: bool = True, kernel: str = ""
) -> int:
    """What the cell is trained with, and the biases that the framework has beside those."""
    more = biases(framework, track, spec.cell, kernel) - cells.cell(spec.cell).biases
    return cells.count(spec, inner_bias) + spec.layers * more * spec.hidden


def biases(framework: Framework, track: str, cell: str, kernel: str = "") -> int:
    """How many biases a unit has by the framework's own count; the equations have the cell's."""
    own = framework.biases[track]
    return own[cell] if cell in own and kernel != EQUATIONS else cells.cell(cell).biases


def article_counts(framework: Framework, device: str) -> Iterator[Counted]:
    """The framework's own count of the article's model, on both tracks, against the formula."""
    for spec in map(article, framework.biases["matched"]):
        for track in (track for track, known in framework.biases.items() if spec.cell in known):
            kernel, counted, error, detail = NATIVE, None, np.inf, ""
            name = "parameters of the article's model"
            try:
                model: Described
                if track == "native":
                    model = framework.native(spec, Optimiser("adam", 1e-3), 0, device)
                else:
                    kernel = framework.choice(spec, 32, 10, device)
                    model = framework.build(spec, random_weights(spec), kernel, device)
                counted = sum(model.parameter_counts().values())
                error = abs(counted - formula(framework, track, spec, kernel=kernel))
            except Exception as problem:
                lacks = lacking.lack(problem)
                name = lacking.CHECK if lacks else name
                detail = (
                    lacking.sentence(framework.name, kernel, lacks)
                    if lacks
                    else in_one_line(problem)
                )
            yield Counted(spec, track, kernel, counted, (name, error, 0.0, detail))
