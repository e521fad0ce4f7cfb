"""What a GPU said of itself while it was timed: a row for each shape, method and phase."""

import numpy as np
import pandas as pd

from analysis.speed.measured import Measured, Rows, identity
from harness.clock.campaign import ENERGY
from harness.clock.samples import ON_GPU
from implementations import CPU

KNOWN = ("driver", "cuda", "cudnn", "deterministic")


def rows(timed: Measured) -> Rows:
    """Medians over the blocks of a phase, device time and energy of one long block of steps."""
    if timed.campaign.device == CPU:
        return []
    result: Rows = []
    for shape in timed.campaign.shapes:
        for method in timed.campaign.methods:
            for phase in timed.campaign.phases if not method.twin else ():
                found = timed.of(method, shape.name, phase)
                if found.empty:
                    continue
                about = timed.accelerators.get(method.framework, {})
                energy = timed.of(method, shape.name, ENERGY)
                result.append(
                    {"shape": shape.name} | identity(method)
                    | {"phase": phase, "precision": timed.campaign.precision}
                    | _medians(found)
                    | (_of_a_long_block(energy) if phase == "step" else {})
                    | {"throttled": _reasons(found), "card": about.get("card", "")}
                    | {name: about.get(name) for name in KNOWN}
                )  # fmt: skip
    return result


def _medians(found: pd.DataFrame) -> dict[str, float]:
    host = found["wall_s"] / found["steps"]
    read = [name for name in ON_GPU if name not in ("energy_j", "device_s")]
    return {
        "host_ms": 1e3 * float(np.median(host)),
        **{name: float(np.median(found[name])) for name in read},
    }


def _of_a_long_block(found: pd.DataFrame) -> dict[str, float]:
    """Of one training step: its time on the device, and its energy where the card counts it.

    Marks on the device and the card's counter are read around a block, so it has to be long.
    """
    if found.empty:
        return {}
    steps = found["steps"].sum()
    return {
        "device_ms": 1e3 * float(found["device_s"].sum(min_count=1) / steps),
        "joules_a_step": float(found["energy_j"].sum(min_count=1) / steps),
    }


def _reasons(found: pd.DataFrame) -> str:
    """What held the card back, and in how many blocks."""
    counts = found.loc[found["throttled"] != "", "throttled"].value_counts()
    return ", ".join(f"{reason} in {n} of {len(found)} blocks" for reason, n in counts.items())
