"""The gate catches what it is for: broken copies of implementations, each by its own check."""

from __future__ import annotations

import types
from dataclasses import replace

import numpy as np
import pytest

from analysis.tables import sameness
from harness.conformance import against_reference
from harness.registry import ROOT, framework_names
from implementations import CELLS
from tests.test_implementations import module

KERNELS = {"jax": "scan", "pytorch": "manual"}


def broken(framework: str, *edits: tuple[str, str]) -> types.ModuleType:
    """A copy of an implementation's modules with every ``old`` replaced by ``new``."""
    module(framework)
    folder = ROOT / "implementations" / framework
    sources = {name: (folder / name).read_text() for name in ("kernels.py", "model.py")}
    for old, new in edits:
        (name,) = (name for name, source in sources.items() for _ in range(source.count(old)))
        sources[name] = sources[name].replace(old, new)
    kernels, model = (types.ModuleType("broken") for _ in sources)
    for copy, (name, source) in zip((kernels, model), sources.items(), strict=True):
        exec(compile(source, str(folder / name), "exec"), copy.__dict__)
    model.kernels = kernels
    return model


def failed(framework: str, copy: types.ModuleType, cell: str) -> set[str]:
    spec = next(
        s for s in against_reference.SPECIFICATIONS
        if (s.cell, s.layers, s.every_step, s.dtype) == (cell, 2, False, "float64")
    )  # fmt: skip
    rows = against_reference.check_one(framework, copy, spec, KERNELS[framework])
    assert {"round trip", "parameters"} <= {row["check"] for row in rows if row["passed"]}
    return caught(rows)


def caught(rows: list[against_reference.Row]) -> set[str]:
    return {row["check"] for row in rows if not row["passed"]}


FORWARD = {
    "forward", "gradient", "trajectory adam", "trajectory adam, each variable clipped",
    "trajectory rmsprop", "trajectory sgd",
}  # fmt: skip


@pytest.mark.parametrize(
    ("framework", "cell", "edits"),
    [
        pytest.param(
            "jax", "lstm", [("i, f, g, o = jnp.split", "f, i, g, o = jnp.split")],
            id="gates swapped",
        ),
        pytest.param(
            "jax", "rnn", [('weights["input"] + weights["bias"]', 'weights["input"]')],
            id="bias forgotten",
        ),
        pytest.param("jax", "gru", [("+ r * (u_n + inner_bias)", "+ r * u_n")], id="inner bias"),
        pytest.param(
            "jax", "gru",
            [
                (
                    "n = jnp.tanh(a_n + r * (u_n + inner_bias))",
                    'n = jnp.tanh(a_n + (r * h) @ jnp.split(weights["recurrent"], 3, -1)[2]'
                    " + r * inner_bias)",
                )
            ],
            id="reset before the product",
        ),
    ],
)  # fmt: skip
def test_another_function_is_caught_forward(framework, cell, edits):
    assert failed(framework, broken(framework, *edits), cell) == FORWARD


@pytest.mark.parametrize(
    ("edit", "caught_by"),
    [
        pytest.param(
            (
                "whole = jnp.minimum(1, clip / norm)",
                "whole, clip_each = 1.0, jnp.minimum(clip, clip_each)",
            ),
            {"trajectory adam", "trajectory rmsprop"},
            id="each variable clipped apart",
        ),
        pytest.param(
            ("(scale * jnp.sqrt(v) + epsilon)", "jnp.sqrt(scale * v + epsilon**2)"),
            {"trajectory adam", "trajectory adam, each variable clipped", "trajectory rmsprop"},
            id="epsilon inside the root",
        ),
        pytest.param(
            ("m = keep_m * m + g", "m = g"),
            {"trajectory adam", "trajectory adam, each variable clipped"},
            id="no momentum",
        ),
    ],
)
def test_another_update_is_caught_by_its_trajectory_alone(edit, caught_by):
    assert failed("jax", broken("jax", edit), "lstm") == caught_by


def test_redundant_biases_left_free_are_caught():
    free = ("                if not redundant:\n", "                if False:\n")
    by = failed("pytorch", broken("pytorch", free), "gru")
    assert "trajectory adam" in by
    assert "forward" not in by


def test_another_count_and_a_changed_weight_are_caught():
    copy = broken("jax", ("value.size for name", "value.size + 1 for name"))
    spec = replace(against_reference.SPECIFICATIONS[0], dtype="float32")
    caught = {
        r["check"]
        for r in against_reference.check_one("jax", copy, spec, "scan")
        if not r["passed"]
    }
    assert caught == {"parameters"}
    copied = 'weights["output.bias"] = parameters["output.bias"].copy()'
    copy = broken("pytorch", (copied, copied.replace(".copy()", " * 1.5")))
    caught = {
        r["check"]
        for r in against_reference.check_one("pytorch", copy, spec, "stock")
        if not r["passed"]
    }
    assert "round trip" in caught
    assert "forward" not in caught


def test_what_raises_or_cannot_be_imported_is_a_row():
    copy = types.ModuleType("raises")
    copy.build = lambda spec, weights, kernel: 1 / 0
    (row,) = against_reference.check_one("jax", copy, against_reference.SPECIFICATIONS[0], "scan")
    assert not row["passed"]
    assert row["detail"].startswith("ZeroDivisionError")
    assert "run: error inf, expected at most 0." in against_reference.sentence(row)
    chosen = {cell: ["scan"] for cell in CELLS}
    rows = against_reference.not_checked("jax", chosen, "no")
    assert len(rows) == len(against_reference.SPECIFICATIONS) == 24
    assert sameness.not_comparable(rows) == {("jax", cell) for cell in ("rnn", "lstm", "gru")}


@pytest.mark.parametrize("framework", framework_names())
def test_the_articles_model_is_counted_as_published(framework):
    module(framework)
    rows = against_reference.article_counts(framework)
    assert all(row["passed"] for row in rows)
    counted = {(row["track"], row["cell"]): row["counted"] for row in rows}
    published = {"pytorch": (31_051, 23_301), "tensorflow": (30_651, 23_301)}
    native = counted["native", "lstm"], counted["native", "gru"]
    assert native == published.get(framework, (30_651, 23_001))


def test_relative_errors():
    assert against_reference.relative(np.array([1.0, 2.2]), np.array([1.0, 2.0])) == pytest.approx(
        0.1
    )
    assert against_reference.relative(np.array([1.0]), np.array([1.0, 2.0])) == np.inf
    assert against_reference.relative(np.array([np.nan]), np.array([1.0])) == np.inf


def test_the_tolerances_are_those_that_were_promised():
    """Whoever widens one has to say so here."""
    assert against_reference.TOLERANCE == {
        "float64": {"forward": 1e-10, "gradient": 1e-10, "trajectory": 1e-8},
        "float32": {"forward": 1e-5, "gradient": 1e-5, "trajectory": 1e-3},
    }
