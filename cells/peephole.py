"""The LSTM with peepholes of Gers, Schraudolph & Schmidhuber 2002, whole and without its parts.

Greff et al. 2017 call it vanilla and remove one part at a time; what they call NP, no peepholes,
is the cell ``lstm``. The peepholes start at zero, so that the cell starts as the LSTM.
"""

from collections.abc import Callable
from typing import Any

from cells import Cell, Extra

SOURCE = "Gers, Schraudolph & Schmidhuber 2002; Greff et al. 2017"
GATES = {"i": "input", "f": "forget", "o": "output"}


def step_without(missing: str = "", coupled: bool = False) -> Callable[..., Any]:
    """Greff 2017, section 2, without the parts in ``missing``: a gate i, f or o, or a tanh, g or h.

    ⊙ is the product by elements. A gate that is missing is 1. ``coupled`` is i = 1 - f.
    """

    def step(x: Any, u: Any, w: Any, state: Any, math: Any) -> Any:
        """One time step of the peephole LSTM without the parts that are missing."""
        h, c = state
        U, gates = u(h), {}
        g = x.g + U.g
        gates["g"] = g = g if "g" in missing else math.tanh(g)
        if "f" not in missing:
            gates["f"] = math.sigmoid(x.f + U.f + w.p_f * c)
        if "i" not in missing and not coupled:
            gates["i"] = math.sigmoid(x.i + U.i + w.p_i * c)
        written = 1 - gates["f"] if coupled else gates.get("i", 1.0)
        c = gates.get("f", 1.0) * c + written * g
        if "o" not in missing:
            gates["o"] = math.sigmoid(x.o + U.o + w.p_o * c)
        h = gates.get("o", 1.0) * (c if "h" in missing else math.tanh(c))
        return (h, c), gates

    return step


def cell_without(name: str, summary: str, missing: str = "", coupled: bool = False) -> Cell:
    """The peephole LSTM under another name, without the parts that :func:`step_without` names."""
    drawn = [gate for gate in GATES if gate not in missing + coupled * "i"]
    lines = {
        gate: f"{gate} = σ(x W_{gate} + h′ U_{gate} + p_{gate} ⊙ {seen} + b_{gate})"
        for gate in drawn
        for seen in ["c" if gate == "o" else "c′"]
    }
    said = {"i": "(1 − f) ⊙ g" if coupled else "i ⊙ g", "f": "f ⊙ c′", "o": "o ⊙ "}
    if "i" in missing:
        said["i"] = "g"
    if "f" in missing:
        said["f"] = "c′"
    if "o" in missing:
        said["o"] = ""
    squashed = "x W_g + h′ U_g + b_g"
    return Cell(
        name=name,
        summary=summary,
        source=SOURCE,
        gates=tuple(gate for gate in "ifgo" if gate == "g" or gate in drawn),
        states=("h", "c"),
        step=step_without(missing, coupled),
        equations=(
            *(f"{lines[gate]}, the {GATES[gate]} gate" for gate in drawn if gate != "o"),
            f"g = {squashed}" if "g" in missing else f"g = tanh({squashed})",
            f"c = {said['f']} + {said['i']}",
            *(f"{lines[gate]}, the output gate" for gate in drawn if gate == "o"),
            f"h = {said['o']}{'c' if 'h' in missing else 'tanh(c)'}",
        ),
        extras={f"p_{gate}": Extra() for gate in drawn},
        first_biases={"f": 1.0} if "f" in drawn else {},
        sigmoids={gate: GATES[gate] for gate in drawn},
        keeps="f" if "f" in drawn else None,
        writes="i" if {"i", "f"} <= set(drawn) else None,
        parent="lstm" if name == "peephole" else "peephole",
        title="peephole LSTM" if name == "peephole" else "",
    )


CELL = cell_without("peephole", "The LSTM whose gates see the cell state too.")
