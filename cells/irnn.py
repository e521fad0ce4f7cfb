"""The IRNN of Le, Jaitly & Hinton 2015: ReLU, and recurrent weights that start as the identity."""

from typing import Any

from cells import Cell


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Le et al. 2015, section 2."""
    (h,) = state
    h = math.relu(x.h + u(h).h)
    return (h,), {"h": h}


CELL = Cell(
    name="irnn",
    summary="A plain RNN of rectified linear units that starts by copying its state.",
    source="Le et al. 2015",
    gates=("h",),
    states=("h",),
    step=step,
    equations=("h = max(0, x W + h′ U + b)",),
    start="identity",
    parent="rnn",
)
