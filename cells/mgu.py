"""The minimal gated unit of Zhou et al. 2016: one gate that forgets and resets."""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Zhou et al. 2016, equations (6a) to (6c); ⊙ is the product by elements."""
    (h,) = state
    f = math.sigmoid(x.f + u(h, "f").f)
    n = math.tanh(x.n + u(f * h, "n").n)
    h = (1 - f) * h + f * n
    return (h,), {"f": f, "n": n}


CELL = Cell(
    name="mgu",
    summary="A GRU with one gate for both: what is reset is what is written.",
    source="Zhou et al. 2016",
    gates=("f", "n"),
    states=("h",),
    step=step,
    equations=(
        "f = σ(x W_f + h′ U_f + b_f), the only gate",
        "n = tanh(x W_n + (f ⊙ h′) U_n + b_n)",
        "h = (1 − f) ⊙ h′ + f ⊙ n",
    ),
    sigmoids={"f": "forget"},
    writes="f",
    parent="gru_before",
)
