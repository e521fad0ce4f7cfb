"""JANET of van der Westhuizen & Lasenby 2018: the LSTM with its forget gate only, chrono start."""

from typing import Any

from cells import Cell

# β in the paper's section 3: with s the input of the forget gate, 1 - σ(s - β) is what is written.
BETA = 1.0


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """van der Westhuizen & Lasenby 2018, the last equations of section 3; ⊙ is by elements."""
    (h,) = state
    U = u(h)
    s = x.f + U.f
    f = math.sigmoid(s)
    n = math.tanh(x.n + U.n)
    h = f * h + (1 - math.sigmoid(s - BETA)) * n
    return (h,), {"f": f, "n": n}


CELL = Cell(
    name="janet",
    summary="One gate and one state: an LSTM that only forgets, with biases for the task's length.",
    source="van der Westhuizen & Lasenby 2018",
    gates=("f", "n"),
    states=("h",),
    step=step,
    equations=(
        "s = x W_f + h′ U_f + b_f",
        "f = σ(s), the forget gate",
        "n = tanh(x W_n + h′ U_n + b_n)",
        "h = f ⊙ h′ + (1 − σ(s − 1)) ⊙ n",
    ),
    sigmoids={"f": "forget"},
    keeps="f",
    chrono=True,
    parent="lstm",
)
