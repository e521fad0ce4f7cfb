"""REPLACE: what the cell is called, in words, and whose it is."""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """REPLACE: which equations of which paper (these: the minimal gated unit, Zhou et al. 2016)."""
    (h,) = state
    # x.f is x_t W_f + b_f, and u(h, "f").f is h U_f: each gate of `gates` has W, b and U.
    f = math.sigmoid(x.f + u(h, "f").f)
    # A product that waits for another gate: the named gate's alone.
    n = math.tanh(x.n + u(f * h, "n").n)
    h = (1 - f) * h + f * n
    # The new states, the output first, and every gate's values.
    return (h,), {"f": f, "n": n}


CELL = Cell(
    name="example",
    summary="REPLACE: in one sentence, what is special about it.",
    source="REPLACE: where it comes from: authors, year",
    gates=("f", "n"),
    states=("h",),
    step=step,
    # For the page: W_f gets a subscript, h′ is the state before the step.
    equations=(
        "REPLACE: f = σ(x W_f + h′ U_f + b_f), the forget gate",
        "n = tanh(x W_n + (f ⊙ h′) U_n + b_n)",
        "h = (1 − f) ⊙ h′ + f ⊙ n",
    ),
    # The gates between 0 and 1, with the names that people give them.
    sigmoids={"f": "forget"},
    # Which gate keeps the old state (keeps=), or, where 1 - gate does, which one writes.
    writes="f",
    # The cell that this one changes, with which the report compares it; or take the line out.
    parent="gru",
)
