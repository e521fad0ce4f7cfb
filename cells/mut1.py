"""MUT1 of Jozefowicz, Zaremba & Sutskever 2015, found by a search over thousands of cells.

The paper adds tanh(x_t), for which the input must be as wide as the state. Here, as in other
implementations, it is tanh(x_t W_n + b_n).
"""

from typing import Any

from cells import Cell, Extra


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Jozefowicz et al. 2015, section 3.3, MUT1; ⊙ is the product by elements."""
    (h,) = state
    z = math.sigmoid(x.z)
    r = math.sigmoid(x.r + u(h, "r").r)
    n = math.tanh(u(r * h, "n").n + math.tanh(x.n) + w.b)
    h = z * n + (1 - z) * h
    return (h,), {"z": z, "r": r, "n": n}


CELL = Cell(
    name="mut1",
    summary="A GRU whose update gate sees the input only.",
    source="Jozefowicz et al. 2015",
    gates=("z", "r", "n"),
    states=("h",),
    step=step,
    equations=(
        "z = σ(x W_z + b_z), the update gate",
        "r = σ(x W_r + h′ U_r + b_r), the reset gate",
        "n = tanh((r ⊙ h′) U_n + tanh(x W_n + b_n) + b)",
        "h = z ⊙ n + (1 − z) ⊙ h′",
    ),
    without_recurrent=("z",),
    extras={"b": Extra()},
    sigmoids={"z": "update", "r": "reset"},
    writes="z",
    parent="gru_before",
)
