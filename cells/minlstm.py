"""The minLSTM of Feng et al. 2024: two gates that see the input alone and sum to 1."""

from typing import Any

from cells import Cell, linear_step


def linear(x: Any, w: Any, math: Any) -> Any:
    """Feng et al. 2024, section 3.2.4, as h = a ⊙ h′ + b; ⊙ is the product by elements."""
    f, i = math.sigmoid(x.f), math.sigmoid(x.i)
    f, i = f / (f + i), i / (f + i)
    return f, i * x.n, {"f": f, "i": i, "n": x.n}


CELL = Cell(
    name="minlstm",
    summary="An LSTM without recurrent weights, of one state, whose two gates sum to 1.",
    source="Feng et al. 2024",
    gates=("f", "i", "n"),
    states=("h",),
    step=linear_step(linear),
    linear=linear,
    equations=(
        "f = σ(x W_f + b_f) and i = σ(x W_i + b_i), both then divided by their sum",
        "n = x W_n + b_n",
        "h = f ⊙ h′ + i ⊙ n",
    ),
    without_recurrent=("f", "i", "n"),
    sigmoids={"f": "forget", "i": "input"},
    keeps="f",
    writes="i",
    parent="lstm",
    title="minLSTM",
)
