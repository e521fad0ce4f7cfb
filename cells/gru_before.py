"""The GRU as Cho et al. 2014 print it: the reset gate before the recurrent product."""

from dataclasses import replace
from typing import Any

from cells.gru import CELL as GRU


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Cho et al. 2014, equations (5) to (8), z keeping the old state; ⊙ is by elements."""
    (h,) = state
    U = u(h, "r", "z")
    r = math.sigmoid(x.r + U.r)  # (5)
    z = math.sigmoid(x.z + U.z)  # (6)
    n = math.tanh(x.n + u(r * h, "n").n)  # (8)
    h = (1 - z) * n + z * h  # (7)
    return (h,), {"r": r, "z": z, "n": n}


CELL = replace(
    GRU,
    name="gru_before",
    summary="The GRU whose reset gate acts before the recurrent product, as it was published.",
    source="Cho et al. 2014",
    step=step,
    equations=(*GRU.equations[:2], "n = tanh(x W_n + (r ⊙ h′) U_n + b_n)", GRU.equations[3]),
    inner_bias=(),
    parent="gru",
    title="reset-first GRU",
)
