"""Cells that only tests know: what the contract must be able to say."""

import sys
import types

import pytest

from cells import Cell, Extra


def before(x, u, w, state, math):
    """The GRU with its reset before the product, as Cho et al. 2014 print it."""
    (h,) = state
    U = u(h, "r", "z")
    r, z = math.sigmoid(x.r + U.r), math.sigmoid(x.z + U.z)
    n = math.tanh(x.n + u(r * h, "n").n)
    return ((1 - z) * n + z * h,), {"r": r, "z": z, "n": n}


def peepholes(x, u, w, state, math):
    """Gers, Schraudolph & Schmidhuber 2002."""
    h, c = state
    U = u(h)
    i = math.sigmoid(x.i + U.i + w.p_i * c)
    f = math.sigmoid(x.f + U.f + w.p_f * c)
    g = math.tanh(x.g + U.g)
    c = f * c + i * g
    o = math.sigmoid(x.o + U.o + w.p_o * c)
    return (o * math.tanh(c), c), {"i": i, "f": f, "g": g, "o": o}


def diagonal(x, u, w, state, math):
    """IndRNN, Li et al. 2018: a vector instead of a recurrent matrix."""
    (h,) = state
    h = math.relu(x.h + w.d * h)
    return (h,), {"h": h}


def exponential(x, u, w, state, math):
    """sLSTM, Beck et al. 2024: exponential gates, a normaliser n and a stabiliser m."""
    h, c, n, m = state
    U = u(h)
    i, f = x.i + U.i, math.log(math.sigmoid(x.f + U.f))
    z, o = math.tanh(x.z + U.z), math.sigmoid(x.o + U.o)
    m_before, m = m, math.maximum(f + m, i)
    i, f = math.exp(i - m), math.exp(f + m_before - m)
    c, n = f * c + i * z, f * n + i
    return (o * c / n, c, n, m), {"i": i, "f": f, "z": z, "o": o}


def partly(x, u, w, state, math):
    """MUT1, Jozefowicz et al. 2015, where z has no recurrent matrix; W x inside tanh."""
    (h,) = state
    z, r = math.sigmoid(x.z), math.sigmoid(x.r + u(h, "r").r)
    n = math.tanh(u(r * h, "n").n + math.tanh(x.n) + w.b)
    return (n * z + h * (1 - z),), {"z": z, "r": r, "n": n}


def normalised(x, u, w, state, math):
    """A gate whose input is normalised over the units, as in Ba et al. 2016."""
    (h,) = state
    a = x.h + u(h).h
    a = a - math.mean(a)
    h = math.tanh(w.gain * a / math.sqrt(math.mean(a * a) + 1e-5) + w.shift)
    return (h,), {"h": h}


LSTM = ("i", "f", "g", "o")
_CELLS = {
    "before": (before, ("r", "z", "n"), ("h",), {"keeps": "z"}),
    "peepholes": (
        peepholes, LSTM, ("h", "c"),
        {"extras": {"p_i": Extra(), "p_f": Extra(), "p_o": Extra(-1, 1)}, "keeps": "f"},
    ),
    "diagonal": (
        diagonal, ("h",), ("h",),
        {"extras": {"d": Extra(0, 1)}, "without_recurrent": ("h",)},
    ),
    "exponential": (exponential, ("i", "f", "z", "o"), ("h", "c", "n", "m"), {}),
    "partly": (
        partly, ("z", "r", "n"), ("h",),
        {"extras": {"b": Extra()}, "without_recurrent": ("z",), "writes": "z"},
    ),
    "normalised": (
        normalised, ("h",), ("h",), {"extras": {"gain": Extra(1, 1), "shift": Extra()}},
    ),
}  # fmt: skip
NAMES = tuple(_CELLS)


def make(which: str, **changes) -> Cell:
    """The cell of that name, with some of its fields changed."""
    step, gates, states, more = _CELLS[which]
    return Cell(**{
        "name": which, "summary": "Of the tests.", "source": "Nobody 2000", "gates": gates,
        "states": states, "step": step, "equations": ("h = …",), **more, **changes,
    })  # fmt: skip


def put(monkeypatch: pytest.MonkeyPatch, cell: Cell, name: str = "") -> None:
    """Let ``cells.cell`` find ``cell``, as if its file stood in ``cells/``."""
    module = types.ModuleType(f"cells.{name or cell.name}", "Of the tests.")
    module.CELL = cell
    monkeypatch.setitem(sys.modules, module.__name__, module)
