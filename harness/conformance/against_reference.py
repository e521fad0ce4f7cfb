"""Conformance: does an implementation compute the reference's function, step for step?

Every cell, with one and two layers, with outputs at the last and at every step, in
float32 and float64, is compared with NumPy in float64 from the same weights on the
same batches. The sizes are small and unequal, so that nothing fits by chance, and
all biases are random, so that none can be forgotten.

The gradient is read off the very code that trains: 50 steps of which only the last
moves the weights, by plain gradient descent at so high a rate that nothing else is
left in them. Trajectories are 50 real steps of each rule, the last ten at a falling rate. Errors
are the largest difference in an array divided by the largest value of the reference's array.

The binary cross-entropy, and weights of the answers, some of them zero, are looked at in one cell
of each kernel: behind the outputs all cells share their code.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

import cells
from cells import Array, ModelSpec, Weights
from harness import layout, machine
from harness.conformance import answers
from harness.conformance.answers import GRADIENT, OUTPUTS, RULES
from harness.conformance.company import InCompany
from harness.conformance.examples import STEPS
from harness.conformance.parameter_counts import Checked, article_counts, formula
from harness.errors import in_one_line
from harness.files import write_text
from implementations import (
    DEFAULT,
    PRECISIONS,
    Framework,
    NoDevice,
    lacking,
)  # fmt: skip
from implementations.rule import Optimiser, updates

COLUMNS = tuple(layout.TABLES["conformance"].columns)
Row = dict[str, Any]

TOLERANCE = {
    "float64": {"forward": 1e-10, "gradient": 1e-10, "trajectory": 1e-8},
    "float32": {"forward": 1e-5, "gradient": 1e-5, "trajectory": 1e-3},
}
# Of float32 on a GPU with the precision ``default``. TF32 rounds a product's factors to 10 bits of
# mantissa, each by up to 2⁻¹¹ = 4.9e-4. A forward pass of two layers and four time steps has some
# ten products behind one another, and so may be off by ten times that and twice for the factors;
# its gradient has as many again. A trajectory takes 50 steps of a rule that divides by the
# gradient's own size, so that where a gradient is near zero its step may turn round: at a rate of
# 0.01 a tenth of the largest weight is what a fifth of the steps would come to.
TF32 = {"forward": 1e-2, "gradient": 2e-2, "trajectory": 1e-1}

# Every combination; either loss stands with one kind of output.
SPECIFICATIONS = [
    ModelSpec(cell, layers, 2, 5, 3, loss == "cross_entropy", loss, dtype)  # type: ignore[arg-type]
    for dtype in TOLERANCE
    for cell in cells.CELLS
    for layers in (1, 2)
    for loss in ("mse", "cross_entropy")
]

# Looked at in one cell of each kernel: a loss, whether at every step, and whether weighted.
LOSSES = (
    ("mse", False, True),
    ("cross_entropy", True, True),
    ("binary_cross_entropy", False, False),
    ("binary_cross_entropy", True, True),
)

Kernels = dict[str, list[str]]  # by cell


def check(
    framework: Framework, chosen: Kernels, device: str, precision: str = PRECISIONS[0],
    together: bool = False,
) -> list[Row]:  # fmt: skip
    """The rows of every check of the ``chosen`` kernels; what raises is a row that did not pass.

    With ``together`` those that can be are looked at a second time, in a batch with other models.
    """
    try:
        framework.load()
        framework.prepare(device, precision)
    except NoDevice as error:
        return not_checked(framework, chosen, str(error))
    except Exception as error:
        return not_checked(framework, chosen, f"cannot be imported: {in_one_line(error)}")
    rows = [
        check_one(framework, *one, device, precision) for one in _combinations(framework, chosen)
    ]
    first = {kernel: cell for cell in reversed(chosen) for kernel in chosen[cell]}
    rows += [
        check_losses(framework, cell, kernel, device, precision) for kernel, cell in first.items()
    ]
    if together:
        in_company = InCompany(**vars(framework))
        rows += [
            [row | {"check": f"{row['check']}, in a batch"} for row in found]
            for spec, kernel in _combinations(framework, chosen)
            if framework.kernels[kernel].batched
            for found in [check_one(in_company, spec, kernel, device, precision)]
        ]
    counts = (
        _row(framework, one.kernel, one.spec, one.checked)
        | {"track": one.track, "counted": one.counted}
        for one in article_counts(framework, device)
    )
    return [*chain(*rows), *counts]


def _combinations(framework: Framework, chosen: Kernels) -> Iterator[tuple[ModelSpec, str]]:
    return (
        (spec, kernel)
        for spec in SPECIFICATIONS
        for kernel in chosen.get(spec.cell, ())
        if spec.dtype in framework.kernels[kernel].dtypes
    )


def tolerances(dtype: str, precision: str) -> dict[str, float]:
    """What a model of this type may be off by, by check."""
    return TF32 if (dtype, precision) == ("float32", DEFAULT) else TOLERANCE[dtype]


def not_checked(
    framework: Framework, chosen: Kernels, reason: str, check: str = "import"
) -> list[Row]:
    """One row for each combination that could not be looked at."""
    checked = check, np.inf, 0.0, reason
    return [
        _row(framework, kernel, spec, checked) for spec, kernel in _combinations(framework, chosen)
    ]


def check_one(
    framework: Framework, spec: ModelSpec, kernel: str, device: str,
    precision: str = PRECISIONS[0],
) -> list[Row]:  # fmt: skip
    """Every check of one combination."""
    allowed = tolerances(spec.dtype, precision)
    found = _until_it_raises(framework, kernel, _checks(framework, spec, kernel, device, allowed))
    return [_row(framework, kernel, spec, checked) for checked in found]


def check_losses(
    framework: Framework, cell: str, kernel: str, device: str, precision: str = PRECISIONS[0]
) -> list[Row]:
    """The gradient and a trajectory of each of ``LOSSES`` in one layer of the cell."""
    rows = []
    for dtype in framework.kernels[kernel].dtypes:
        allowed = tolerances(dtype, precision)
        for loss, every_step, weighted in LOSSES:
            spec = ModelSpec(cell, 1, 2, 5, 3, every_step, loss, dtype)  # type: ignore[arg-type]
            said = loss.replace("_", " ") + ", weighted" * weighted
            checks = _learnt(framework, spec, kernel, device, allowed, ("adam",), weighted)
            for name, error, tolerance, detail in _until_it_raises(framework, kernel, checks):
                name = name if name == lacking.CHECK else f"{name}, {said}"
                checked = name, error, tolerance, detail
                rows.append(_row(framework, kernel, spec, checked))
    return rows


def _until_it_raises(
    framework: Framework, kernel: str, checks: Iterator[Checked]
) -> Iterator[Checked]:
    try:
        yield from checks
    except Exception as error:
        if lacks := lacking.lack(error):
            yield lacking.CHECK, np.inf, 0.0, lacking.sentence(framework.name, kernel, lacks)
        else:
            yield "run", np.inf, 0.0, in_one_line(error)


def _checks(
    framework: Framework, spec: ModelSpec, kernel: str, device: str, allowed: dict[str, float]
) -> Iterator[Checked]:
    inner_bias = framework.kernels[kernel].inner_bias
    case = answers.case_of(spec, inner_bias)
    weights, inputs = _as_typed(answers.weights_of(case), spec), answers.batches_of(case)[0]
    model = framework.build(spec, weights, kernel, device)
    returned = model.weights()
    same = returned.keys() == weights.keys() and all(
        np.array_equal(returned[k], v) and returned[k].dtype == v.dtype for k, v in weights.items()
    )
    yield "round trip", 0.0 if same else np.inf, 0.0, ""
    counted = sum(model.parameter_counts().values())
    expected = formula(framework, "matched", spec, inner_bias, kernel)
    yield "parameters", abs(counted - expected), 0.0, f"counted {counted}, formula {expected}"
    error = relative(model.predict(inputs[0]), answers.of(case, OUTPUTS)["outputs"])
    yield "forward", error, allowed["forward"], ""
    yield from _learnt(framework, spec, kernel, device, allowed, RULES)


def _learnt(
    framework: Framework, spec: ModelSpec, kernel: str, device: str, tolerance: dict[str, float],
    rules: Iterable[str], weighted: bool = False,
) -> Iterator[Checked]:  # fmt: skip
    """The gradient by the last batch, and the trajectories of some of ``RULES``."""
    case = answers.case_of(spec, framework.kernels[kernel].inner_bias, weighted)
    exact, (inputs, targets, *counts) = answers.weights_of(case), answers.batches_of(case)
    weights, rate = _as_typed(exact, spec), 2.0**20

    model = framework.build(spec, weights, kernel, device)
    constants = updates(Optimiser("sgd", rate), 1, STEPS)
    constants[:-1, 0] = 0
    model.train(model.place(inputs, targets, constants, *counts))
    found = {k: (exact[k] - v.astype(np.float64)) / rate for k, v in model.weights().items()}
    error, detail = worst_named(found, answers.of(case, GRADIENT))
    yield "gradient", error, tolerance["gradient"], detail

    for name in rules:
        model = framework.build(spec, weights, kernel, device)
        constants = updates(RULES[name], 1, STEPS)
        losses, _ = model.train(model.place(inputs, targets, constants, *counts))
        found = model.weights() | {"losses": losses}
        error, detail = worst_named(found, answers.of(case, name))
        yield f"trajectory {name}", error, tolerance["trajectory"], detail


def asked(cell: str) -> Iterator[tuple[answers.Case, str]]:
    """Every case of a cell, and what is asked of it, that some kernel may be compared with."""
    specs = [spec for spec in SPECIFICATIONS if spec.cell == cell]
    cases = {
        answers.case_of(spec, inner): (answers.GIVEN, OUTPUTS, GRADIENT, *RULES)
        for spec in specs
        for inner in (True, False)
    }
    for loss, every_step, weighted in LOSSES:
        spec = ModelSpec(cell, 1, 2, 5, 3, every_step, loss)  # type: ignore[arg-type]
        for inner in (True, False):
            cases.setdefault(
                answers.case_of(spec, inner, weighted), (answers.GIVEN, GRADIENT, "adam")
            )
    return ((case, what) for case, whats in cases.items() for what in whats)


def _as_typed(weights: Weights, spec: ModelSpec) -> Weights:
    return {name: value.astype(spec.dtype) for name, value in weights.items()}


def relative(found: Array, expected: Array) -> float:
    """The largest difference over the largest value; infinite for another shape or NaN."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def worst_named(found: Weights, expected: Weights) -> tuple[float, str]:
    """The largest relative error of all arrays, and whose it is."""
    errors = {k: relative(found[k], v) if k in found else np.inf for k, v in expected.items()}
    name = max(errors, key=errors.__getitem__)
    return errors[name], f"largest in {name}"


def _row(framework: Framework, kernel: str, spec: ModelSpec, checked: Checked) -> Row:
    name, error, tolerance, detail = checked
    return {
        "framework": framework.name,
        "kernel": kernel,
        "track": "matched",
        "cell": spec.cell,
        "layers": spec.layers,
        "outputs": "every step" if spec.every_step else "last step",
        "dtype": spec.dtype,
        "check": name,
        "max_error": float(error),  # as a whole number of parameters is, too
        "tolerance": tolerance,
        "passed": bool(error <= tolerance),
        "counted": None,
        "detail": detail,
    }


def sentence(row: Row) -> str:
    """What is wrong, where, and what was expected."""
    if row["check"] == lacking.CHECK:
        return f"{row['detail']}."
    said = f"error {row['max_error']:.2g}, expected at most {row['tolerance']:.2g}"
    said += f" ({row['detail']})" if row["detail"] else ""
    if row["max_error"] == np.inf and row["detail"] and not row["tolerance"]:
        said = row["detail"]  # it raised, so there is no number to speak of
    layers = f"{row['layers']} layer{'s' * (row['layers'] > 1)}"
    return (
        f"{row['framework']} {row['cell']} ({row['kernel']}), {layers}, {row['outputs']}, "
        f"{row['dtype']}: {row['check']}: {said.rstrip('.')}."
    )


def write(path: Path, rows: list[Row]) -> None:
    """Write the rows as CSV in one step."""
    here = {"machine": machine.name(machine.description())}
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(row | here for row in rows)
    write_text(path, text.getvalue())
