"""The peephole LSTM with full gate recurrence: FGR of Greff et al. 2017.

Each gate also sees the three gates of the step before, as in Hochreiter & Schmidhuber 1997.
"""

from typing import Any

from cells import Cell, Extra
from cells.peephole import CELL as PEEPHOLE
from cells.peephole import GATES, SOURCE, step_without

_lstm = step_without()


class _Shifted:
    """The step's x, to which the gates of the step before have been added, for i, f and o."""

    def __init__(self, x: Any, more: dict[str, Any]) -> None:
        self.g = x.g
        self.__dict__.update({gate: getattr(x, gate) + value for gate, value in more.items()})


def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
    """Greff 2017, section 3: i, f and o get i′ R_i + f′ R_f + o′ R_o before their σ."""
    h, c, i, f, o = state
    more = {
        to: i @ getattr(w, f"i_{to}") + f @ getattr(w, f"f_{to}") + o @ getattr(w, f"o_{to}")
        for to in GATES
    }
    states, gates = _lstm(_Shifted(x, more), u, w, (h, c), math)
    return (*states, gates["i"], gates["f"], gates["o"]), gates


CELL = Cell(
    name="fgr",
    summary="A peephole LSTM whose gates also see all gates of the step before.",
    source=SOURCE,
    gates=PEEPHOLE.gates,
    states=("h", "c", "i", "f", "o"),
    step=step,
    equations=tuple(
        line.replace(" + b_", f" + i′ R_i{line[0]} + f′ R_f{line[0]} + o′ R_o{line[0]} + b_")
        if line[0] in GATES
        else line
        for line in PEEPHOLE.equations
    ),
    extras={
        **PEEPHOLE.extras,
        **{f"{one}_{to}": Extra(matrix=True) for one in GATES for to in GATES},
    },
    first_biases=PEEPHOLE.first_biases,
    sigmoids=PEEPHOLE.sigmoids,
    keeps=PEEPHOLE.keeps,
    writes=PEEPHOLE.writes,
    parent="peephole",
)
