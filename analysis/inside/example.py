"""One real example, step by step: its inputs, every gate of every unit, and the read-out."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import cells
from analysis.inside import marks, model
from analysis.inside.rows import Rows, thinned
from cells import Array, ModelSpec, Weights, network
from harness.plan.run import Run

# So many of a long sequence's steps are kept, and so many of a large layer's units.
MOST_STEPS, MOST_UNITS = 200, 128


def candidates(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """By cell the runs whose example may be shown: the first of them that has weights is.

    They are the runs of the matched track in the framework that has most of them, by seed.
    """
    found: dict[str, list[Run]] = {}
    matched = [run for run in runs if run.track == "matched"]
    for cell in dict.fromkeys(run.cell for run in matched):
        mine = [run for run in matched if run.cell == cell]
        frameworks = [run.framework for run in mine]
        most = max(dict.fromkeys(frameworks), key=frameworks.count)
        found[cell] = sorted((r for r in mine if r.framework == most), key=lambda r: r.seed)
    return found


def rows(spec: ModelSpec, weights: Weights, data: dict[str, Any]) -> Rows:
    """The first example of ``data`` as rows: of a quantity, the values at the kept steps.

    The values stand in one text, those of the row ``step`` (from 1) say when they are. A cell
    without a gate between 0 and 1 shows its state instead. The read-out is the output layer
    applied to the state after every step: numbers, the probabilities of the classes, or how
    likely each label is on.
    """
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    inputs = data["inputs"][0]
    done = network.forward(spec, weights, inputs[None])
    marked = marks.marked(data["inputs"][: model.BLOCK])
    marked = np.zeros(len(inputs), bool) if marked is None else marked[:, 0]
    kept = steps(marked)
    return [
        _row("step", "", None, np.array(kept) + 1),
        _row("marked", "", None, marked[kept]),
        *(_row("input", "", i, values) for i, values in enumerate(inputs[kept].T)),
        *_targets(data["targets"][0], spec, kept),
        *_weights(data.get("weights"), kept),
        *(
            row | {"layer": layer}
            for layer in range(spec.layers)
            for row in _gates(spec, done, layer, kept)
        ),
        *_read_out(spec, weights, done.sequences[-1][kept, 0]),
    ]


def steps(marked: Array) -> list[int]:
    """The steps that are kept: all, or evenly spread ones and the first marked ones."""
    if len(marked) <= MOST_STEPS:
        return list(range(len(marked)))
    own = np.flatnonzero(marked)[: MOST_STEPS // 2]
    return sorted({*thinned(len(marked), MOST_STEPS - len(own)), *own.tolist()})


def _targets(targets: Array, spec: ModelSpec, kept: list[int]) -> Iterator[dict[str, Any]]:
    """A row for each output or, of classes, one with their numbers, at each step or once."""
    own = targets[kept] if spec.every_step else targets[None]
    for i, values in enumerate(own.reshape(len(own), -1).T):
        yield _row("target", "", i, values)


def _weights(weights: Array | None, kept: list[int]) -> Iterator[dict[str, Any]]:
    """How much each answer counts, where the task says so."""
    if weights is not None:
        own = weights[0]
        yield _row("weight", "", None, own[kept] if own.ndim else own[None])


def _gates(
    spec: ModelSpec, done: network.Pass, layer: int, kept: list[int]
) -> Iterator[dict[str, Any]]:
    sigmoids = cells.cell(spec.cell).sigmoids
    found = {name: ("gate", done.gates[layer][gate]) for gate, name in sigmoids.items()}
    # What a layer gives is the first of its states.
    first = cells.cell(spec.cell).states[0]
    found = found or {first: ("state", done.sequences[layer + 1])}
    for name, (quantity, values) in found.items():
        for unit in thinned(spec.hidden, MOST_UNITS):
            yield _row(quantity, name, unit, values[kept, 0, unit])


def _read_out(spec: ModelSpec, weights: Weights, states: Array) -> Iterator[dict[str, Any]]:
    answers = states @ weights["output.weight"] + weights["output.bias"]
    classes = spec.loss == "cross_entropy"
    values = np.exp(network.log_softmax(answers)) if classes else answers
    values = network.sigmoid(answers) if spec.loss == "binary_cross_entropy" else values
    for i, own in enumerate(values.T):
        yield _row("probability" if classes else "output", "", i, own)


def _row(quantity: str, name: str, unit: int | None, values: Array) -> dict[str, Any]:
    about = {"layer": None, "quantity": quantity, "name": name, "unit": unit}
    return about | {"values": " ".join(map(_short, values.tolist()))}


def _short(value: float) -> str:
    """Two decimals, without a zero that says nothing: .5, -.25, 1, 0."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    text = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
    return "0" if text in ("-0", "") else text
