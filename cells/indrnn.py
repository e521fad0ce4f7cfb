"""The IndRNN of Li et al. 2018: of the state before, every unit sees only its own value.

The paper keeps |u| within 2^(1/T) in training, T the number of steps. Here u starts between 0 and
1, and training may take it further.
"""

from typing import Any

from cells import Cell, Extra


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Li et al. 2018, equation (2); ⊙ is the product by elements."""
    (h,) = state
    h = math.relu(x.h + w.u * h)
    return (h,), {"h": h}


CELL = Cell(
    name="indrnn",
    summary="A plain RNN with one recurrent weight a unit in the place of a matrix.",
    source="Li et al. 2018",
    gates=("h",),
    states=("h",),
    step=step,
    equations=("h = max(0, x W + u ⊙ h′ + b)",),
    without_recurrent=("h",),
    extras={"u": Extra(0.0, 1.0)},
    parent="irnn",
    title="IndRNN",
)
