"""The GRU of Cho et al. 2014, but with the reset gate r after the recurrent product.

cuDNN has it so, and all three frameworks by default. In the paper r comes before the product, and
n is tanh(x_t W_n + b_n + (r ⊙ h_{t-1}) U_n): another function, which is the cell ``gru_before``.
As in the paper, z keeps the old state. The article that this suite starts from leaves z ⊙ h_{t-1}
out of the output, so that no part of the old state is kept, and calls r an output gate.
"""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Cho et al. 2014, equations (5) to (8), but (8) has r before the product; h is [B, h]."""
    (h,) = state
    U = u(h)
    r = math.sigmoid(x.r + U.r)  # (5)
    z = math.sigmoid(x.z + U.z)  # (6)
    n = math.tanh(x.n + r * U.n)  # (8), with r after the product
    h = (1 - z) * n + z * h  # (7)
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
