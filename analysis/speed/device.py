"""What a GPU said of itself while it was timed: a row for each shape, method and phase."""

import math

import numpy as np
import pandas as pd

from analysis.speed.measured import Measured, Rows, identity
from harness.clock.campaign import ENERGY
from harness.clock.samples import ON_GPU
from implementations import CPU

KNOWN = ("driver", "cuda", "cudnn", "deterministic")


def rows(timed: Measured) -> Rows:
    """Medians over the blocks of a phase; energy is of one long block, and none on a CPU."""
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
                    | {"joules_a_step": _joules(energy) if phase == "step" else math.nan}
                    | {"throttled": _reasons(found), "card": about.get("card", "")}
                    | {name: about.get(name) for name in KNOWN}
                )  # fmt: skip
    return result


def _medians(found: pd.DataFrame) -> dict[str, float]:
    values = {name: float(np.median(found[name])) for name in ON_GPU if name != "energy_j"}
    device = found["device_s"] / found["steps"]
    host = found["wall_s"] / found["steps"]
    return {
        "host_ms": 1e3 * float(np.median(host)),
        "device_ms": 1e3 * float(np.median(device)),
        **{name: value for name, value in values.items() if name != "device_s"},
    }


def _joules(energy: pd.DataFrame) -> float:
    """Of one training step; NaN where the card has no counter."""
    return float(energy["energy_j"].sum(min_count=1) / energy["steps"].sum())


def _reasons(found: pd.DataFrame) -> str:
    """What held the card back, and in how many blocks."""
    counts = found["throttled"][found["throttled"] != ""].value_counts().to_dict()
    return ", ".join(f"{reason} in {n} of {len(found)} blocks" for reason, n in counts.items())
