"""The minGRU of Feng et al. 2024: gates that see the input only, so that time can be scanned."""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Feng et al. 2024, section 3.1.3; ⊙ is the product by elements."""
    (h,) = state
    z = math.sigmoid(x.z)
    h = (1 - z) * h + z * x.n
    return (h,), {"z": z, "n": x.n}


CELL = Cell(
    name="mingru",
    summary="A GRU without recurrent weights: its gate and its candidate see the input only.",
    source="Feng et al. 2024",
    gates=("z", "n"),
    states=("h",),
    step=step,
    equations=(
        "z = σ(x W_z + b_z), the update gate",
        "n = x W_n + b_n",
        "h = (1 − z) ⊙ h′ + z ⊙ n",
    ),
    without_recurrent=("z", "n"),
    sigmoids={"z": "update"},
    writes="z",
    parent="gru",
    title="minGRU",
)
