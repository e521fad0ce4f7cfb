"""The LSTM of Gers, Schmidhuber & Cummins 2000, without peepholes.

The article that this suite starts from prints the recurrent term twice in every gate, and weighs
the candidate g with (1 - f), which would be a coupled gate: another cell.
"""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Gers et al. 2000, with tanh for both squashing functions; h and c are [B, h]."""
    h, c = state
    U = u(h)
    i = math.sigmoid(x.i + U.i)
    f = math.sigmoid(x.f + U.f)
    o = math.sigmoid(x.o + U.o)
    g = math.tanh(x.g + U.g)
    c = f * c + i * g
    h = o * math.tanh(c)
    return (h, c), {"i": i, "f": f, "g": g, "o": o}


CELL = Cell(
    name="lstm",
    summary="A cell state c beside h, with one gate for what is written, kept and shown of it.",
    source="Hochreiter & Schmidhuber 1997; Gers et al. 2000",
    gates=("i", "f", "g", "o"),
    states=("h", "c"),
    step=step,
    equations=(
        "i = σ(x W_i + h′ U_i + b_i), the input gate",
        "f = σ(x W_f + h′ U_f + b_f), the forget gate",
        "o = σ(x W_o + h′ U_o + b_o), the output gate",
        "g = tanh(x W_g + h′ U_g + b_g)",
        "c = f ⊙ c′ + i ⊙ g",
        "h = o ⊙ tanh(c)",
    ),
    first_biases={"f": 1.0},  # Jozefowicz 2015
    sigmoids={"i": "input", "f": "forget", "o": "output"},
    keeps="f",
    writes="i",
)
