"""What the gates of a model do: how often they are shut or open, and how long they keep a state."""

from typing import Any

import numpy as np

from analysis.inside.rows import Rows, quantiles, short
from cells import Array, Cell

# A unit's gate opens or closes at the marked steps where its means there and elsewhere are further
# apart than this.
MOVED = 0.2


def rows(
    cell: Cell, layer: int, values: dict[str, Array], lag: int | None, marked: Array | None = None
) -> Rows:
    """One row a gate between 0 and 1, over the units of a layer: shares of steps and time scales.

    ``below`` and ``above`` are the share of time steps and examples at which a unit's gate is
    under 0.1 and over 0.9 (Karpathy, Johnson & Fei-Fei 2015, section 4.2). The time scale of
    the gate that keeps the old state is τ = -1/⟨ln f⟩, with the mean over time steps and
    examples: the state is multiplied by f at every step, so its logarithms add up. Where a
    gate writes and none keeps, f is one less that gate.
    ``longer`` is the share of units whose τ reaches the task's ``lag``. ``coupling``, of a cell
    that has a gate of each kind, is the correlation of the gate that writes with the one that
    keeps, over units, steps and examples: -1 where what is written makes room for itself, as where
    one gate is for both. ``at_marked`` and ``elsewhere`` are the gate's mean at the steps that are
    ``marked`` [T, B] and at all others, ``opening`` and ``closing`` the shares of units whose own
    mean is there by more than 0.2 higher, or lower.
    """
    result: Rows = []
    kept = cell.keeps or cell.fades
    for gate, name in cell.sigmoids.items():
        open_ = values[gate]  # [T, B, h]
        below, above = ((open_ < 0.1).mean(axis=(0, 1)), (open_ > 0.9).mean(axis=(0, 1)))
        row: dict[str, Any] = {"layer": layer, "gate": name, "units": open_.shape[-1]}
        for side, shares in (("below", below), ("above", above)):
            row |= {side: short(shares.mean())} | quantiles(side, shares, (10, 90))
        row["lag"] = lag
        row |= {} if marked is None else at_marks(open_, marked)
        if gate == (kept or cell.writes):
            scales = time_scales(open_ if kept else 1 - open_)
            row |= quantiles("timescale", scales, (10, 25, 50, 75, 90))
            row["longer"] = None if lag is None else short(np.mean(scales >= lag))
            if cell.keeps and cell.writes:
                row["coupling"] = coupling(values[cell.keeps], values[cell.writes])
        result.append(row)
    return result


def at_marks(values: Array, marked: Array) -> dict[str, float]:
    """A gate [T, B, h] at the ``marked`` [T, B] steps beside all others."""
    there, elsewhere = values[marked].mean(axis=0), values[~marked].mean(axis=0)
    return {
        "at_marked": short(there.mean()),
        "elsewhere": short(elsewhere.mean()),
        "opening": short(np.mean(there - elsewhere > MOVED)),
        "closing": short(np.mean(elsewhere - there > MOVED)),
    }


def time_scales(values: Array) -> Array:
    """τ = -1/⟨ln f⟩ of each unit, in time steps, from gate values [T, B, h]; 0 where f is 0."""
    with np.errstate(divide="ignore"):
        result: Array = -1 / np.minimum(np.log(values).mean(axis=(0, 1)), -1e-300)
    return result


def coupling(keeps: Array, writes: Array) -> float | None:
    """The correlation of two gates' values [T, B, h]; None where one of them never changes."""
    if np.ptp(keeps) == 0 or np.ptp(writes) == 0:
        return None
    return short(np.corrcoef(keeps.ravel(), writes.ravel())[0, 1])
