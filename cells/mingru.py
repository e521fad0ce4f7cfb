"""The minGRU of Feng et al. 2024: gates of the input alone, so all steps can be done at once."""

from typing import Any

from cells import Cell, linear_step


def linear(x: Any, w: Any, math: Any) -> Any:
    """Feng et al. 2024, section 3.1.3, as h = a ⊙ h′ + b; ⊙ is the product by elements."""
    z = math.sigmoid(x.z)
    return 1 - z, z * x.n, {"z": z, "n": x.n}


CELL = Cell(
    name="mingru",
    summary="A GRU without recurrent weights: its gate and its candidate see the input only.",
    source="Feng et al. 2024",
    gates=("z", "n"),
    states=("h",),
    step=linear_step(linear),
    linear=linear,
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
