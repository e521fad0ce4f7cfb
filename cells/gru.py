"""The GRU of Cho et al. 2014, z keeping the old state, the reset gate after the product.

So cuDNN has it, and all three frameworks by default. Before the product, as in the paper, n is
tanh(x_t W_n + b_n + (r ⊙ h_{t-1}) U_n), another function. The article that this suite starts from
has an output without z ⊙ h_{t-1}, so that nothing is remembered, and calls r an output gate.
"""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Equations (6) to (8); ⊙ is the product by elements."""
    (h,) = state
    U = u(h)
    r = math.sigmoid(x.r + U.r)  # (6)
    z = math.sigmoid(x.z + U.z)
    n = math.tanh(x.n + r * U.n)  # (7)
    h = (1 - z) * n + z * h  # (8)
    return (h,), {"r": r, "z": z, "n": n}


CELL = Cell(
    name="gru",
    summary="One gate for what is kept, and its complement for what is written, of the only state.",
    source="Cho et al. 2014; the reset gate after the product, as in all three frameworks",
    gates=("r", "z", "n"),
    states=("h",),
    step=step,
    equations=(
        "r = σ(x W_r + h′ U_r + b_r), the reset gate",
        "z = σ(x W_z + h′ U_z + b_z), the update gate",
        "n = tanh(x W_n + b_n + r ⊙ (h′ U_n + b_hn))",
        "h = (1 − z) ⊙ n + z ⊙ h′",
    ),
    inner_bias=("n",),
    sigmoids={"r": "reset", "z": "update"},
    keeps="z",
)
