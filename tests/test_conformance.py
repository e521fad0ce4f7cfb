"""The gate catches what it is for: broken copies of implementations, each by its own check."""

import sys
import types
from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from analysis.tables import conformance as tables
from cells import CELLS, FIRST
from harness.conformance import against_reference, parameter_counts
from harness.registry import ROOT, framework_names
from harness.registry import framework as named
from implementations import Framework
from tests.fakes import with_model
from tests.test_implementations import pinned

# The kernel to break, and the modules in which that can be done; the last is the framework's model.
KERNELS = {
    "jax": ("manual", ["functional", "jax.manual", "jax.model"]),
    "pytorch": ("manual", ["pytorch.model"]),
}


def broken(framework: str, *edits: tuple[str, str]) -> Framework:
    """A framework with a copy of its modules in which every ``old`` is replaced by ``new``."""
    its = pinned(framework)
    its.load()
    names = [f"implementations.{name}" for name in KERNELS[framework][1]]
    sources = {n: (ROOT / f"{n.replace('.', '/')}.py").read_text() for n in names}
    for old, new in edits:
        (name,) = (name for name, source in sources.items() for _ in range(source.count(old)))
        sources[name] = sources[name].replace(old, new)
    with ExitStack() as stack:
        for name, source in sources.items():
            copy, (package, _, last) = types.ModuleType(name), name.rpartition(".")
            # Those that are made after it import this one.
            stack.enter_context(patch.dict(sys.modules, {name: copy}))
            stack.enter_context(patch.object(sys.modules[package], last, copy))
            exec(compile(source, name, "exec"), copy.__dict__)
    return with_model(its, copy)


def failed(framework: Framework, cell: str) -> set[str]:
    spec = next(
        s for s in against_reference.SPECIFICATIONS
        if (s.cell, s.layers, s.every_step, s.dtype) == (cell, 2, False, "float64")
    )  # fmt: skip
    rows = against_reference.check_one(framework, spec, KERNELS[framework.name][0], "cpu")
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
            "jax", "lstm",
            [("i, f, g, o = _split(gates, [size] * 4, 1)\n        new",
              "f, i, g, o = _split(gates, [size] * 4, 1)\n        new")],
            id="gates swapped",
        ),
        pytest.param(
            "jax", "rnn", [("lax.pad(x, np.ones((), x.dtype)", "lax.pad(x, np.zeros((), x.dtype)")],
            id="bias forgotten",
        ),
        pytest.param(
            "jax", "gru",
            [("both[:, beside_x:] @ matrix[beside_x:]", "both[:, -size:] @ matrix[-size:]")],
            id="inner bias",
        ),
        pytest.param(
            "jax", "gru",
            [
                (
                    "r * u_n)\n",
                    "r * u_n + (r * h) @ matrix[-size:, -size:]"
                    " - r * (h @ matrix[-size:, -size:]))\n",
                )
            ],
            id="reset before the product",
        ),
    ],
)  # fmt: skip
def test_another_function_is_caught_forward(framework, cell, edits):
    assert failed(broken(framework, *edits), cell) == FORWARD


@pytest.mark.parametrize(
    ("edit", "caught_by"),
    [
        pytest.param(
            (
                "        return jnp.minimum(1, clip / norm) * g\n",
                "        clip_each = jnp.minimum(clip, clip_each)\n        return apart()\n",
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
            ("keep_m * m + g", "g"),
            {"trajectory adam", "trajectory adam, each variable clipped"},
            id="no momentum",
        ),
    ],
)
def test_another_update_is_caught_by_its_trajectory_alone(edit, caught_by):
    assert failed(broken("jax", edit), "lstm") == caught_by


def test_redundant_biases_left_free_are_caught():
    free = ("                if not redundant:\n", "                if False:\n")
    by = failed(broken("pytorch", free), "gru")
    assert "trajectory adam" in by
    assert "forward" not in by


def test_another_count_and_a_changed_weight_are_caught():
    copy = broken("jax", ("value.size for name", "value.size + 1 for name"))
    spec = replace(against_reference.SPECIFICATIONS[0], dtype="float32")
    assert caught(against_reference.check_one(copy, spec, "manual", "cpu")) == {"parameters"}
    copy = broken("pytorch", ('own["redundant_bias"] = second', 'own["bias"] *= 1.5'))
    by = caught(against_reference.check_one(copy, spec, "stock", "cpu"))
    assert "round trip" in by
    assert "forward" not in by


def test_what_raises_or_cannot_be_imported_is_a_row():
    raises = types.SimpleNamespace(build=lambda *_: 1 / 0)
    jax, spec = named("jax"), against_reference.SPECIFICATIONS[0]
    (row,) = against_reference.check_one(with_model(jax, raises), spec, "manual", "cpu")
    assert not row["passed"]
    assert against_reference.sentence(row).endswith(": run: ZeroDivisionError: division by zero.")
    chosen = {cell: ["manual"] for cell in FIRST}
    rows = against_reference.not_checked(jax, chosen, "no")
    assert len(rows) == 8 * len(FIRST)
    assert len(against_reference.SPECIFICATIONS) == 8 * len(CELLS)
    assert tables.not_comparable(rows) == {("jax", cell) for cell in ("rnn", "lstm", "gru")}


@pytest.mark.parametrize("framework", framework_names())
def test_the_articles_model_is_counted_as_published(framework):
    found = list(parameter_counts.article_counts(pinned(framework), "cpu"))
    assert [one.checked[1] for one in found] == [0] * len(found)
    counted = {(one.track, one.spec.cell): one.counted for one in found}
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
