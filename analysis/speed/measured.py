"""One whole campaign, and what its samples say of a method at a shape."""

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics import two_level_interval
from cells import Array
from harness.clock.samples import Samples
from harness.plan.campaigns import PHASES, Method, Shape

Rows = list[dict[str, Any]]
FEWEST = 5  # processes; fewer get a warning


class Measured(Samples):
    """The samples that count: of whole processes, without the round that warms up."""

    @cached_property
    def _groups(self) -> dict[tuple[Any, ...], pd.DataFrame]:
        # Round 0 warms up. What comes before the rounds has the number -1.
        counted = self.samples[self.samples["round"] != 0].sort_values(["process", "round"])
        return dict(list(counted.groupby(["method", "shape", "phase"])))

    def of(self, method: Method, shape: str, phase: str) -> pd.DataFrame:
        """The samples of a phase; from whole processes only, if it is one of the rounds'."""
        found = self._groups.get((method.name, shape, phase), self.samples.iloc[:0])
        return found[found["process"].isin(self._whole(method))] if phase == "step" else found

    def _whole(self, method: Method) -> list[int]:
        """The processes that took a method to the end: the last round of the last shape."""
        key = (method.name, self.campaign.shapes[-1].name, "step")
        found = self._groups.get(key, self.samples.iloc[:0])
        return list(found[found["round"] == self.campaign.rounds]["process"])

    def values(self, method: Method, shape: Shape, phase: str = PHASES[0]) -> list[Array]:
        """Milliseconds per step, an array of rounds for each process."""
        found = self.of(method, shape.name, phase)
        return [np.asarray(v["ms"]) for _, v in found.groupby("process")]


def identity(method: Method) -> dict[str, Any]:
    """The columns that name a method."""
    return {"framework": method.framework, "kernel": method.kernel, "cell": method.cell}


def geometric(values: list[Array]) -> tuple[float, float, float]:
    """The geometric mean of the processes' medians, and its interval."""
    estimate, low, high = np.exp(two_level_interval([np.log(v) for v in values]))
    return float(estimate), float(low), float(high)
