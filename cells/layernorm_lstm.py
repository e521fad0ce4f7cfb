"""The LSTM with layer normalisation, Ba, Kiros & Hinton 2016.

The sum x W + h U + b is normalised over the units of each gate, and so is the cell state before
it is shown. The paper normalises x W and h U apart, over all gates together. A bias that all units
of a gate share is normalised away, so b cannot set a gate, and chrono initialisation leaves this
cell as it is.
"""

from typing import Any

from cells import Cell, Extra
from cells.lstm import CELL as LSTM

EPSILON = 1e-5


def _normalised(a: Any, gain: Any, shift: Any, math: Any) -> Any:
    """a [B, h] with mean 0 and variance 1 over its units (Ba et al. 2016), then gain and shift."""
    a = a - math.mean(a)
    return gain * a / math.sqrt(math.mean(a * a) + EPSILON) + shift


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Ba et al. 2016, equations (20) to (22), normalised gate by gate; ⊙ is by elements."""
    h, c = state
    U = u(h)
    i = math.sigmoid(_normalised(x.i + U.i, w.gain_i, w.shift_i, math))
    f = math.sigmoid(_normalised(x.f + U.f, w.gain_f, w.shift_f, math))
    g = math.tanh(_normalised(x.g + U.g, w.gain_g, w.shift_g, math))
    o = math.sigmoid(_normalised(x.o + U.o, w.gain_o, w.shift_o, math))
    c = f * c + i * g
    h = o * math.tanh(_normalised(c, w.gain_c, w.shift_c, math))
    return (h, c), {"i": i, "f": f, "g": g, "o": o}


CELL = Cell(
    name="layernorm_lstm",
    summary="An LSTM in which every gate and the cell state are normalised over the units.",
    source="Ba et al. 2016",
    gates=LSTM.gates,
    states=LSTM.states,
    step=step,
    equations=(
        "N_k(a) = gain_k ⊙ (a − mean(a)) / √(variance(a) + 10⁻⁵) + shift_k",
        "i = σ(N_i(x W_i + h′ U_i + b_i)), the input gate",
        "f = σ(N_f(x W_f + h′ U_f + b_f)), the forget gate",
        "o = σ(N_o(x W_o + h′ U_o + b_o)), the output gate",
        "g = tanh(N_g(x W_g + h′ U_g + b_g))",
        "c = f ⊙ c′ + i ⊙ g",
        "h = o ⊙ tanh(N_c(c))",
    ),
    extras={
        **{f"gain_{one}": Extra(1.0, 1.0) for one in "ifgoc"},
        # A forget bias of 1 would be normalised away; as a shift it stays.
        **{f"shift_{one}": Extra(one == "f", one == "f") for one in "ifgoc"},
    },
    sigmoids=LSTM.sigmoids,
    fades="f",
    parent="lstm",
    title="LayerNorm-LSTM",
)
