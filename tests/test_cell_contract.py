"""What ``check cell`` finds: each fault in one sentence, with the file and the line to mend."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import cells
from cells import CELLS
from harness.conformance import cell_contract, cell_fields, cell_trial
from tests.conftest import ROOT, SMALL, snakemake

# The line numbers among the faults are those of this text.
TEXT = '''"""A cell of the tests."""
import numpy as np

from cells import Cell, Extra


def step(x, u, w, state, math):
    """Its equations."""
    h, c = state
    U = u(h)
    f = math.sigmoid(x.f + U.f + w.p * c)
    g = math.tanh(x.g + U.g)
    c = f * c + (1 - f) * g
    h = math.tanh(c)
    return (h, c), {"f": f, "g": g}


CELL = Cell(
    name="mine",
    summary="What is special about it.",
    source="This suite",
    gates=("f", "g"),
    states=("h", "c"),
    step=step,
    equations=("f = σ(x W_f + h′ U_f + p ⊙ c′ + b_f)", "g = tanh(x W_g + h′ U_g + b_g)"),
    extras={"p": Extra()},
    first_biases={"f": 1.0},
    sigmoids={"f": "forget"},
    keeps="f",
    parent="lstm",
)
'''
MATH = "sigmoid, tanh, exp, log, sqrt, relu, maximum, mean"
G = "    g = math.tanh(x.g + U.g)\n"
C = "f * c + (1 - f) * g"
RETURN = '    return (h, c), {"f": f, "g": g}\n'
# What is changed into what, the line to mend, and what is said of it.
FAULTS = [
    # Names.
    ("x.f +", "x.q +", 11, "x has no q, but f, g; mend the name, or add it to gates"),
    ("U.g)", "U.q)", 12, "u(h) has no q, but f, g; mend the name, or add it to gates"),
    ("U.g)", 'u(h, "g").f)', 12, "u(h, 'g') has no f, but g; mend the name, or name it there"),
    ("U.g)", 'u(h, "q").q)', 12, "u has no gate q, but f, g; mend the name, or add it to gates"),
    ("w.p", "w.q", 11, "w has no q, but p; mend the name, or add it to extras"),
    ("math.tanh(x", "math.tahn(x", 12, f"math has no tahn, but {MATH}; mend the name"),
    ("* g\n", "* gg\n", 13, "nothing is called gg; write g"),
    ("* g\n", "* candidate\n", 13,
     "nothing is called candidate; mend the name, or make it in a line before"),
    (C, "f * c + (1 - i) * g\n    i = f", 13,
     "i is used before it is made; move the line that makes it up"),
    ("math.tanh(x", "tanh(x", 12, "nothing is called tanh; write math.tanh"),
    ("U.g)", "u.g)", 12, "a function has no g; call it first, as in u(h).g"),
    ("x.g", 'x["g"]', 12, "x has its parts behind a dot; write x.g"),
    # What a step returns.
    ("(h, c), {", "(h,), {", 15, "step returns 1 state, expected those of states: (h, c)"),
    ("(h, c), {", "[h, c], {", 15, "step returns a list where the tuple (h, c) is expected"),
    ("(h, c), {", "h, {", 15, "step returns one tensor where the tuple (h, c) is expected"),
    (RETURN, "    return h, c\n", 15, "step returns a tuple where the states and the gates are"),
    (RETURN, "", 7, "step returns nothing where the states and the gates are expected: return (h"),
    ('"g": g}', '"q": g}', 15, "step returns the gate 'q' where 'g' is expected; gates has f, g"),
    ('"g": g}', '"g": g, "q": c}', 15, "step returns the gate 'q'; gates has f, g"),
    (', "g": g}', "}", 15, "step does not return the gate 'g', expected every gate's values by"),
    ('"g": g}', '"g": 1.0}', 15, "g is 1.0 after a step, expected a tensor [B, h]"),
    (C, f"math.mean({C})", 13, "c is [B, 1] after a step, expected [B, h]"),
    ("(h, c), {", "(w.p, w.p), {", 15, "h is [h] after a step, expected [B, h]"),
    ("sigmoid(x", "exp(x", 11, "the gate f goes from "),
    # What no framework, or not every framework, can do.
    ("= math.tanh(c)", "= np.tanh(c)", 14,
     "NumPy computes this (tanh), which no framework can train; write math.tanh"),
    ("= math.tanh(c)", "= np.where(True, c, c)", 14,
     f"NumPy computes this (where), which no framework can train; use math, which has {MATH}, "
     "and float(...) of a number"),
    ("= math.tanh(c)", "= np.abs(c)", 14, "NumPy computes this (absolute), which no framework"),
    ("import numpy as np", "import torch", 2, "imports torch; a cell uses the math of its step"),
    (C, f"{C}\n    c += g", 14, "this changes a tensor in place, which some frameworks cannot do"),
    ("    h = math", "    if c: c = -c\n    h = math", 14, "if, and, or and not ask for one yes o"),
    ("    h = math", "    if c > 0: c = -c\n    h = math", 14, "this compares tensors, which has"),
    ("= math.tanh(c)", "= c.clip(-1, 1)", 14, "a tensor's .clip is not the same in every framewor"),
    ("= math.tanh(c)", "= abs(c)", 14, "this raises TypeError: bad operand type for abs(): 'Ten"),
    ("= math.tanh(c)", "= math.maximum(c, 0)", 14, "math.maximum is given 0; it takes a tensor"),
    ("= math.tanh(c)", "= math.mean(c, axis=0)", 14, "math.mean takes 1 tensor and nothing else"),
    ("w.p * c", "c @ w.p", 11, "[B, h] + [B] do not fit; expected [B, h] on both sides, or [h]"),
    ("w.p * c", "c @ h", 11, "[B, h] @ [B, h] do not fit; expected [B, h] @ [h, h]"),
    ("w.p * c", "w * c", 11, "* has w, which has p, on one side, expected a tensor or a number"),
    ("    h, c = state", "    h = c = state", 10, "u is given a tuple; it takes one state, as in"),
    ("    U = u(h)", "    U = u(math.mean(h))", 10, "u is given [B, 1]; it takes a state [B, h]"),
    ("* g\n", "* np.ones(5)\n", 13, "* has a NumPy ndarray on one side, expected a tensor or a nu"),
    # NaN.
    ("= math.tanh(c)", "= (c - c) / (c - c)", 14,
     "/ gives NaN in the first step, where every state is 0; keep what is divided by away from 0"),
    ("U = u(h)", "U, k = u(h), 1 / h", 10, "/ gives infinity in the first step, where every state"),
    ("= math.tanh(c)", "= math.log(c)", 14, "math.log gives NaN in the first step, where every st"),
    # Fields.
    ('equations=("f = σ(x W_f + h′ U_f + p ⊙ c′ + b_f)", "g = tanh(x W_g + h′ U_g + b_g)"),', "",
     18, "the cell lacks equations=; give it as cells/lstm.py does"),
    ("first_biases=", "first_bias=", 27, "a cell has no first_bias; write first_biases"),
    ('{"f": 1.0}', '{"q": 1.0}', 27, "first_biases names 'q', expected one of the gates f, g"),
    ('{"f": 1.0}', '{"f": "1"}', 27, "first_biases is {'f': '1'}, expected values by name, such a"),
    ('{"f": "forget"}', '("f",)', 28, "sigmoids is ('f',), expected values by name, such as"),
    ('keeps="f"', 'keeps="q"', 29, "keeps names 'q', expected one of the gates f, g"),
    ('keeps="f"', 'keeps="g"', 29, "no state stays where keeps (g) is 1, expected one: chrono ini"),
    ('keeps="f"', "chrono=True", 29, "chrono draws biases for keeps and writes, expected one of t"),
    ('keeps="f"', 'start="eye"', 29, 'start is \'eye\', expected "orthogonal" or "identity"'),
    ('parent="lstm"', 'parent="lstn"', 30, "parent is 'lstn', which is no cell; expected rnn, ls"),
    ('parent="lstm"', 'parent="mine"', 30, "the cell is its own parent, expected the cell that it"),
    ('name="mine"', 'name="other"', 19, "the cell's name is 'other', expected that of the file, '"),
    ('"This suite"', '" "', 21, "source is ' ', expected a text on the cell"),
    ('"What is', '"REPLACE: is', 20, "summary: still the text of the template; write your own in"),
    ('"""A cell of', '"""REPLACE of', 1, "the docstring: still the text of the template"),
    ('"""Its equations."""', "pass", 7, "step's docstring is None, expected a text on the cell"),
    ('gates=("f", "g")', 'gates=("f", "g", "g")', 22, "gates is ('f', 'g', 'g'), expected a tuple"),
    ('gates=("f", "g")', 'gates=("f", "is")', 22, "gates has 'is', expected names that Python al"),
    ('gates=("f", "g")', 'gates=["f", "g"]', 22, "gates is ['f', 'g'], expected a tuple of names"),
    ('states=("h", "c")', 'states=("h")', 23, "states is a text, expected a tuple: (\"h\",) with "),
    ('states=("h", "c")', 'states=("h",)', 9, "not enough values to unpack (expected 2, got 1); s"),
    ('states=("h", "c")', 'states=("h", "c", "n")', 9, "too many values to unpack (expected 2"),
    ('{"p": Extra()}', '{"bias": Extra()}', 26, "extras has 'bias', expected a name that no other"),
    ('{"p": Extra()}', '{"p": Extra(), "q": Extra()}', 26, "the extra weight q has no effect; use"),
    ("    keeps=", '    inner_bias=("f",),\n    keeps=', 29, "inner_bias is ('f',), expected the "),
    ("    keeps=", '    without_recurrent=("f",),\n    keeps=', 11,
     "u(h) has no f, but g; mend the name, or add it to gates, or take it out of without_recurren"),
    ("    keeps=", '    without_recurrent=("f", "g"),\n    keeps=', 10,
     "u has no gate, since without_recurrent names all; take one out there"),
    (G, "    g = math.tanh(x.g)\n", 22, "the recurrent weights of g have no effect; use u(h).g in"),
    (G, "    g = math.tanh(U.g + 1)\n", 22, "the input weights of g have no effect; use x.g in st"),
    # Python.
    ("U.g)", "U.g", 12, "Python cannot read this ('(' was never closed); mend it here or in the"),
    ("state, math):", "state):", 7, "step takes (x, u, w, state), expected step(x, u, w, state, m"),
    ("step=step,", "step=stpe,", 24, "nothing is called stpe; write step"),
    ("step=step,", 'step="step",', 24, "step is 'step', expected the function step(x, u, w, state"),
    ("import Cell,", "import Celle,", 4, "this cannot be imported (ImportError: cannot import na"),
    ("    U = u(h)", "    U, k = u(h), {}['k']", 10, "this raises KeyError: 'k'; mend it"),
]  # fmt: skip

# What is changed into what, and is no fault.
WORKS = [
    ("U.g)", 'u(h, "g").g)'), ("= math.tanh(c)", "= g / c * f"), ('    parent="lstm",\n', ""),
    ("= math.tanh(c)", "= math.maximum(-c, 2 ** c) ** 2"), ("(1 - f) * g", "(1 - f)[:, :1] * g"),
    ("import numpy as np", "from math import pi"),
]  # fmt: skip


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a cell called mine into a folder that ``cells`` looks into as well."""
    monkeypatch.setattr(cells, "__path__", [*cells.__path__, str(tmp_path)])
    for module in (cell_trial, cell_fields):
        monkeypatch.setattr(module, "CELLS", (*CELLS, "mine"))

    # Or a file that was changed within a second would be taken for the one before.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(text: str, name: str = "mine") -> None:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()

    yield write
    for name in ("mine", "theirs"):
        sys.modules.pop(f"cells.{name}", None)
        vars(cells).pop(name, None)


@pytest.mark.parametrize("name", CELLS)
def test_the_suites_cells_keep_their_contract(name):
    assert cell_contract.check_cell(name) == []


def test_the_cell_without_faults_keeps_its_contract(written):
    written(TEXT)
    assert cell_contract.check_cell("mine") == []


@pytest.mark.parametrize(("old", "new", "line", "says"), FAULTS)
def test_each_fault_is_one_sentence_that_names_its_line(written, old, new, line, says):
    assert TEXT.count(old) == 1
    written(TEXT.replace(old, new))
    sentence, *more = cell_contract.check_cell("mine")
    assert sentence.startswith(f"cells/mine.py, line {line}: {says}")
    assert not more
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(("old", "new"), WORKS)
def test_what_works_is_no_fault(written, old, new):
    assert TEXT.count(old) == 1
    written(TEXT.replace(old, new))
    assert cell_contract.check_cell("mine") == []


LINEAR = '''"""A cell of the tests that is linear in its state."""
from cells import Cell, linear_step


def linear(x, w, math):
    """Its equation."""
    z = math.sigmoid(x.z)
    return 1 - z, z * x.n, {"z": z, "n": x.n}


CELL = Cell(
    name="mine",
    summary="What is special about it.",
    source="This suite",
    gates=("z", "n"),
    states=("h",),
    step=linear_step(linear),
    linear=linear,
    equations=("h = (1 − z) ⊙ h′ + z ⊙ n",),
    without_recurrent=("z", "n"),
    sigmoids={"z": "update"},
    writes="z",
    parent="gru",
)
'''
MADE = 'return 1 - z, z * x.n, {"z": z, "n": x.n}'
LINEAR_FAULTS = [
    ("x.z)", "x.q)", 7, "x has no q, but z, n; "),
    ('without_recurrent=("z", "n"),', 'without_recurrent=("z",),', 20,
     "n has a recurrent matrix, expected without_recurrent to name every gate"),
    (MADE, 'return 1 - z, (z * x.n)[..., :1, None], {"z": z, "n": x.n}', 8, ""),
    ("step=linear_step(linear)", "step=linear_step(lambda x, w, math: (x.z, x.n, "
     '{"z": math.sigmoid(x.z), "n": x.n}))', 18,
     "at time step 1, step gives another state than a ⊙ h′ + b by what linear gives for all "),
]  # fmt: skip


def test_a_linear_cell_without_faults_keeps_its_contract(written):
    written(LINEAR)
    assert cell_contract.check_cell("mine") == []


@pytest.mark.parametrize(("old", "new", "line", "says"), LINEAR_FAULTS)
def test_each_fault_of_a_linear_cell_is_one_sentence_too(written, old, new, line, says):
    assert LINEAR.count(old) == 1
    written(LINEAR.replace(old, new))
    sentence, *more = cell_contract.check_cell("mine")
    assert sentence.startswith(f"cells/mine.py, line {line}: {says}")
    assert not more


def test_a_fault_in_the_equations_of_another_cell_names_its_file(written):
    written(TEXT.replace("U.g)", "U.q)").replace('"mine"', '"theirs"'), "theirs")
    written(
        "from dataclasses import replace\n\nfrom cells.theirs import CELL as THEIRS\n\n"
        'CELL = replace(THEIRS, name="mine")\n'
    )
    (sentence,) = cell_contract.check_cell("mine")
    assert sentence.startswith("cells/theirs.py, line 12: u(h) has no q, but f, g; ")


def test_an_unknown_cell_is_one_sentence():
    (sentence,) = cell_contract.check_cell("lstn")
    assert "lstn" in sentence
    assert "lstm" in sentence


def test_a_file_that_is_ignored_for_its_name_is_said(project):
    (project / "cells" / "My-Cell.py").write_text(TEXT)
    said = harness(project, "check", "cell", "My-Cell").stdout
    assert said.startswith("cells: cells/My-Cell.py: 'My-Cell' cannot be the name of a cell; ")
    every = snakemake(project / "results", "-n", root=project, **SMALL | {"cells": "all"})
    assert "cells/My-Cell.py: 'My-Cell' cannot be the name of a cell; rename it" in every.stderr


def test_a_broken_cell_is_the_same_sentence_everywhere_and_stops_no_other(project):
    """Before anything is trained; a cell that nobody asks for stops nothing."""
    (project / "cells" / "mine.py").write_text(TEXT.replace("x.f +", "x.q +"))
    sentence = "cells/mine.py, line 11: x has no q, but f, g; mend the name, or add it to gates.\n"
    checked = harness(project, "check", "cell", "mine")
    assert checked.stdout == f"{sentence}cell mine: 1 finding\n"
    words = "--framework pytorch --set steps=3"
    trained = harness(project, *f"train --task adding --cell mine {words}".split())
    assert (trained.returncode, trained.stderr) == (2, sentence)
    conformed = harness(project, "conform", "--framework", "pytorch", "--kernel", "mine=equations")
    assert (conformed.returncode, conformed.stderr) == (2, sentence)
    results = project / "results"
    asked = snakemake(results, "-n", root=project, **SMALL | {"cells": "[rnn, mine]"})
    assert asked.returncode != 0
    assert sentence in asked.stderr
    assert "Traceback" not in asked.stderr
    other = snakemake(results, "-n", root=project, **SMALL)
    assert other.returncode == 0, other.stderr


def harness(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_pages_example_keeps_the_contract_and_its_faults_are_as_it_says(written):
    page = (ROOT / "docs" / "add-a-cell.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0].replace('"ran"', '"mine"')
    written(code)
    assert cell_contract.check_cell("mine") == []
    faults = page.split("```\ncells/ran.py, ")[1].split("```")[0]
    edits = [("U.i)", "U.a)"), ("f * c", "ff * c"), (".tanh", ".tahn"), ("(h, c), {", "(h,), {")]
    found = []
    for old, new in edits:
        assert code.count(old) == 1
        sys.modules.pop("cells.mine")
        written(code.replace(old, new))
        found += cell_contract.check_cell("mine")
    assert "\n".join(found).replace("mine", "ran") == f"cells/ran.py, {faults.rstrip()}"
