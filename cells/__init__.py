"""The cells: what a model is, and the form in which its weights travel.

Nothing here knows a framework, a task or a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Array = NDArray[Any]
Weights = dict[str, Array]

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
CELLS = tuple(GATES)


@dataclass(frozen=True)
class ModelSpec:
    """A stack of recurrent layers and one linear output layer.

    ``every_step`` asks for outputs at every time step instead of the last only.
    """

    cell: Literal["rnn", "lstm", "gru"]
    layers: int
    input_size: int
    hidden: int
    outputs: int
    every_step: bool
    loss: Literal["mse", "cross_entropy"]
    dtype: Literal["float32", "float64"] = "float32"
