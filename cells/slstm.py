"""The sLSTM of Beck et al. 2024 (xLSTM): exponential gates, held in bounds by two more states.

One head, so that every unit sees all others; the forget gate is a sigmoid, as in the paper's code.
"""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Beck et al. 2024, equations (8) to (17): n normalises, m stabilises; ⊙ is by elements."""
    h, c, n, m = state
    U = u(h)
    i, f = x.i + U.i, math.log(math.sigmoid(x.f + U.f))
    z, o = math.tanh(x.z + U.z), math.sigmoid(x.o + U.o)
    before, m = m, math.maximum(f + m, i)  # (15)
    i, f = math.exp(i - m), math.exp(f + before - m)  # (16), (17)
    c = f * c + i * z  # (8)
    n = f * n + i  # (9)
    h = o * c / n  # (10)
    return (h, c, n, m), {"i": i, "f": f, "z": z, "o": o}


CELL = Cell(
    name="slstm",
    summary="An LSTM that can overwrite its memory: its input gate is exponential.",
    source="Beck et al. 2024",
    gates=("i", "f", "z", "o"),
    states=("h", "c", "n", "m"),
    step=step,
    equations=(
        "ι = x W_i + h′ U_i + b_i and φ = log σ(x W_f + h′ U_f + b_f)",
        "z = tanh(x W_z + h′ U_z + b_z)",
        "o = σ(x W_o + h′ U_o + b_o), the output gate",
        "m = max(φ + m′, ι)",
        "i = exp(ι − m), the input gate, and f = exp(φ + m′ − m), the forget gate",
        "c = f ⊙ c′ + i ⊙ z and n = f ⊙ n′ + i",
        "h = o ⊙ c / n",
    ),
    first_biases={"f": 1.0},
    # Held in bounds by m, they are between 0 and 1.
    sigmoids={"i": "input", "f": "forget", "o": "output"},
    keeps="f",
    writes="i",
    parent="lstm",
    title="sLSTM",
)
