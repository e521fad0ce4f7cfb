"""The plain recurrent network of Elman 1990."""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Elman 1990, with tanh: h, the only state, is [B, h]."""
    (h,) = state
    h = math.tanh(x.h + u(h).h)
    return (h,), {"h": h}


CELL = Cell(
    name="rnn",
    summary="The plain network: all of the state is written anew at every step.",
    source="Elman 1990",
    gates=("h",),
    states=("h",),
    step=step,
    equations=("h = tanh(x W + h′ U + b)",),
)
