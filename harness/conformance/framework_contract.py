"""``python -m harness check implementation``: does one implementation keep its contract?

Each finding is one sentence: where, what is wrong, what is expected. An empty list
means that the harness can work with it.
"""

import ast
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from cells import CELLS, Array, ModelSpec, Weights, network
from harness import machine, registry
from harness.conformance import against_reference, examples, parameter_counts, textbook_rules
from harness.conformance.contract import REPLACE, Findings, sentences
from harness.errors import UserError
from harness.plan.tracks import model_of
from harness.run import initialisation
from implementations import DEVICES, FACTORS, STOCK, Described, Framework, Model, device_of
from implementations.rule import Optimiser, updates

RULE = Optimiser("adam", 1e-2, 0.1)
FALLING = Optimiser("sgd", 1e-2, steps=8, cooldown=0.5)
DEVICE = DEVICES[0]
METHODS = sorted(name for kind in (Described, Model) for name in vars(kind) if name[0] != "_")


def check_framework(name: str) -> list[str]:
    """What is wrong with ``implementations/<name>``: contract, equations, native model."""
    where = f"implementations/{name}"
    try:
        framework = registry.framework(name)
    except UserError as error:
        return [str(error)]
    with tempfile.TemporaryDirectory(prefix="gatebench-") as scratch:
        if said := sentences(f"{where}/__init__.py", _described(framework, Path(scratch))):
            return said
        framework.pin(1, Path(scratch), DEVICE)
        parts = {"model": ("build", "product"), "native": ("build",)}
        for part in parts if framework.biases.get("native") else ["model"]:
            try:
                module = framework.load(part)  # type: ignore[arg-type]
            except Exception as error:
                return [f"{where}/{part}.py: cannot be imported ({registry.short(error)})."]
            for function in parts[part]:
                if not callable(getattr(module, function, None)):
                    says = "implementations/__init__.py says what it is"
                    return [f"{where}/{part}.py: does not define {function}; {says}."]
        found = sentences(f"{where}/model.py", _product(framework), "product: ")
        cells = [cell for cell in CELLS if framework.kernels_of(cell)]
        for cell in cells:
            for kernel in framework.kernels_of(cell):
                prefix = f"{cell} ({kernel}): "
                found += sentences(f"{where}/model.py", _model(framework, cell, kernel), prefix)
        if found:  # what follows builds on it
            return found
        kernels = {cell: framework.kernels_of(cell) for cell in cells}
        rows = against_reference.check(framework, kernels, DEVICE)
        found = [against_reference.sentence(row) for row in rows if not row["passed"]]
        for cell in filter(CELLS.__contains__, framework.biases.get("native", ())):
            for check in (_native, _falling):
                found += sentences(f"{where}/native.py", check(framework, cell), f"{cell}: ")
        # Behind the outputs all cells share their code.
        for cell in list(framework.biases.get("native", ()))[:1]:
            losses = _native_losses(framework, cell)
            found += sentences(f"{where}/native.py", losses, f"{cell}: ")
    return found or [f"{where}/{finding}." for finding in _written(framework)]


def _described(framework: Framework, scratch: Path) -> Findings:
    if not _docstring(framework, "__init__"):
        yield "has no docstring, expected kernels and conventions"
    if STOCK not in framework.kernels:
        yield f"kernels has no {STOCK!r}, expected the framework's own layer"
    if absent := {"matched", "native"} - set(framework.biases):
        yield f"biases lacks {', '.join(sorted(absent))}, expected both tracks, native maybe empty"
    own = [c for k in framework.kernels.values() for c in k.cells or ()]
    if absent := set(own) - set(framework.biases.get("matched", {})):
        yield f"biases of matched lacks {', '.join(sorted(absent))}, expected every cell of kernels"
    for default in framework.defaults:
        if default.factor not in FACTORS:
            yield f"defaults has {default.factor!r}, expected one of {', '.join(FACTORS)}"
    for cell in CELLS:
        known = framework.kernels_of(cell)
        if known and (chosen := framework.choice(_spec(cell), 32, 100)) not in known:
            yield f"fastest gives {chosen!r} for the {cell}, expected one of kernels"
    for key, value in framework.environment(1, scratch, DEVICE).items():
        if not isinstance(value, str):
            yield f"environment: {key} is {value!r}, expected a text"
    installed = machine.versions(framework.packages).keys() & framework.packages
    for name in framework.packages:
        # One framework may be installed under one of several names, as tensorflow-cpu.
        alike = any(n.startswith(f"{name}-") or name.startswith(f"{n}-") for n in installed)
        if name not in installed and not alike:
            yield f"packages: {name!r} is not installed, expected the name that pip knows it by"


def _docstring(framework: Framework, part: str) -> str:
    path = registry.ROOT / "implementations" / framework.name / f"{part}.py"
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _written(framework: Framework) -> Findings:
    """What remains to be said of a framework that works."""
    for part in ("__init__", "model", "native"):
        if REPLACE in _docstring(framework, part):
            yield f"{part}.py: the docstring is still the template's; replace its {REPLACE}"


def _spec(cell: str, dtype: str = "float32") -> ModelSpec:
    return ModelSpec(cell, 1, 2, 6, 3, False, "mse", dtype)  # type: ignore[arg-type]


def _product(framework: Framework) -> Findings:
    done: object = framework.product(2, 3, 4, 5, DEVICE)()
    if done is not None:
        yield f"a call gives {done!r}, expected None when all products are done"


def _model(framework: Framework, cell: str, kernel: str) -> Findings:
    """Does a model offer everything, and do its methods agree with each other?"""
    for dtype in ("float32", "float64"):
        spec = _spec(cell, dtype)
        weights = examples.random_weights(spec, framework.kernels[kernel].inner_bias)
        model = framework.build(spec, weights, kernel, DEVICE)
        if absent := [name for name in METHODS if not callable(getattr(model, name, None))]:
            yield f"the model has no {', '.join(absent)}, expected all methods of Model"
            return
        if device_of(model) != DEVICE:
            yield f"the model is on {device_of(model)}, expected {DEVICE}"
        inputs, targets = examples.random_batches(spec, 3)
        placed = model.place(inputs, targets, updates(RULE, 1, 3))
        alone = model.losses(placed), model.gradients(placed)
        trained = model.train(placed)
        for what, before, values in zip(("losses", "gradients"), alone, trained, strict=True):
            yield from (f"{what}: {f}" for f in _numbers(before, 3, dtype))
            yield from (f"train: {what} are {f}" for f in _numbers(values, 3, dtype))
            if not np.allclose(before[0], values[0], rtol=1e-4):
                both = f"{what} gives {before[0]:.4g} and train {values[0]:.4g}"
                yield f"{both}, expected the same"
        yield from (f"predict: {f}" for f in _numbers(model.predict(inputs[0])[:, 0], 4, dtype))


def _numbers(values: Array, count: int, dtype: str) -> Findings:
    if values.shape != (count,) or values.dtype != dtype or not np.isfinite(values).all():
        yield f"{values.dtype} {values.shape}, expected {dtype} ({count},) and finite"


def _native(framework: Framework, cell: str) -> Findings:
    spec = _spec(cell)
    model, again, other = (framework.native(spec, RULE, seed, DEVICE) for seed in (0, 0, 1))
    weights, wanted = model.weights(), examples.random_weights(spec)
    yield from _canonical(weights, wanted)
    if any(not np.array_equal(v, again.weights()[k]) for k, v in weights.items()):
        yield "the same seed gives other weights, expected the same bytes"
    if all(np.array_equal(v, other.weights()[k]) for k, v in weights.items()):
        yield "another seed gives the same weights, expected a draw"
    yield from _as_declared(framework, cell)
    counted = sum(model.parameter_counts().values())
    if counted != (expected := parameter_counts.formula(framework, "native", spec)):
        yield f"counts {counted} parameters, expected {expected} by biases"
    inputs, targets = (np.repeat(a, 30, 0) for a in examples.random_batches(spec, 1))
    losses, norms = model.train(inputs, targets)
    for what, values in (("losses", losses), ("gradient norms", norms)):
        if wrong := list(_numbers(values, 30, spec.dtype)):
            yield f"the {what} of 30 steps are {wrong[0]}"
            return
    if not losses[-1] < losses[0]:
        yield f"the loss of one batch goes from {losses[0]:.4g} to {losses[-1]:.4g}, expected less"
    if (shape := model.predict(inputs[0]).shape) != targets[0].shape:
        yield f"predict gives {shape}, expected {targets[0].shape}"
    if device_of(model) != DEVICE:
        yield f"the model is on {device_of(model)}, expected {DEVICE}"


def _native_losses(framework: Framework, cell: str) -> Findings:
    """Is the loss of the first step that of the model's own outputs, by the reference's formula?"""
    for loss, every_step, weighted in against_reference.LOSSES:
        spec = replace(_spec(cell, "float64"), loss=loss, every_step=every_step)  # type: ignore[arg-type]
        inputs, *answers = examples.random_batches(spec, 1)
        if weighted:
            answers.append(examples.random_sample_weights(spec, 1))
        model = framework.native(spec, RULE, 0, DEVICE)
        outputs = model.predict(inputs[0])
        expected = network.loss(spec, outputs, *(values[0] for values in answers))
        found = model.train(inputs, *answers)[0][0]
        if not np.isclose(found, expected, rtol=1e-8):
            said = loss.replace("_", " ") + ", weighted" * weighted
            yield f"the loss ({said}) of its outputs is {found:.4g}, expected {expected:.4g}"


def _falling(framework: Framework, cell: str) -> Findings:
    """Is the native model's rate that of the budget at every step, and does it end at zero?

    By plain gradient descent the length of a step is the rate times the gradient's norm.
    """
    model = framework.native(_spec(cell, "float64"), FALLING, 0, DEVICE)
    batch = examples.random_batches(_spec(cell), 1)
    for t in range(1, FALLING.steps + 2):
        before = model.weights()
        norm = float(model.train(*batch)[1][0])
        after = model.weights()
        squares = sum(float(((after[k] - v) ** 2).sum()) for k, v in before.items())
        rate, expected = squares**0.5 / norm, textbook_rules.rate_at(FALLING, t)
        if not np.isclose(rate, expected, rtol=1e-5, atol=1e-12):
            yield f"the rate at step {t} of {FALLING.steps} is {rate:.4g}, expected {expected:.4g}"
            return


def _as_declared(framework: Framework, cell: str) -> Findings:
    """Do native weights differ from the matched start where ``defaults`` say so, and only there?"""
    tasks = map(registry.load_task, registry.task_names())
    task = next(task for task in tasks if not task.missing)
    ours = initialisation.initial_weights(task, cell, 1, 8, 0)
    own = framework.native(model_of(task, cell, 1, 8), RULE, 0, DEVICE).weights()
    missing = [name for name in ours if name not in own]
    declared = framework.default("form", cell) is not None
    if missing and not declared:
        yield f"{missing[0]} is missing, expected that defaults say so as 'form'"
    elif declared and not missing:
        yield "defaults names a 'form', expected that a weight of the matched track is missing"
    biases = [k for k in {**ours, **own} if k.endswith("bias") and k not in missing]
    differ = [k for k in biases if k not in ours or not np.array_equal(ours[k], own[k])]
    declared = framework.default("biases", cell) is not None
    if differ and not declared:
        yield f"{differ[0]} is not as in the matched track, expected that defaults say so"
    elif declared and not differ:
        yield "defaults names 'biases', expected other ones than in the matched track"


def _canonical(weights: Weights, wanted: Weights) -> Findings:
    for key, value in weights.items():
        # What a framework may leave out or have twice is not among those wanted.
        if key in wanted and value.shape != wanted[key].shape:
            yield f"{key} is {value.shape}, expected {wanted[key].shape}"
        elif key not in wanted and not key.endswith("redundant_bias"):
            yield f"{key} is no canonical weight; implementations/__init__.py names them"
    for key in wanted:
        if key not in weights and not key.endswith("recurrent_bias"):
            yield f"{key} is missing among the weights"
