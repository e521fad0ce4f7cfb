"""The tables of the clock, from the samples of whole campaigns."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.speed import growth
from analysis.statistics import two_level_interval
from cells import Array
from harness.clock.samples import Samples
from harness.clock.worker import PRODUCTS, product_sizes
from harness.files import write_text
from harness.plan.campaigns import PHASES, Method, Shape
from implementations import STOCK

Rows = list[dict[str, Any]]
START = ("import", "build", "first_step", "first_step_cached")
FEWEST = 5  # processes; fewer get a warning
COLUMNS: dict[str, tuple[str, ...]] = {
    "timing": (
        "shape", "batch", "sequence_length", "input_size", "hidden", "layers", "framework",
        "kernel", "cell", "phase", "median_ms", "low_ms", "high_ms", "processes", "rounds", "flop",
        "gflops", "peak_fraction", "products_ms", "products_fraction", "peak_rss_mb",
        "warning",
    ),
    "speed_ratios": (
        "shape", "kind", "numerator", "denominator", "ratio", "low", "high",
        *(f"{side}_{k}" for side in ("numerator", "denominator")
          for k in ("framework", "kernel", "cell", "hidden")),
        "processes", "warning",
    ),
    "peaks": (
        "shape", "framework", "cell", "product", "m", "k", "n", "gflops", "low", "high",
        "attainable", "threads",
    ),
    "scaling": growth.COLUMNS,
    "scaling_points": growth.POINTS,
}  # fmt: skip
NAMES = tuple(COLUMNS)


def write_tables(results: Path, names: list[str]) -> None:
    """Write the clock's tables from the campaigns ``names``; empty ones where there is none.

    Raises :class:`UserError` when a campaign is not whole.
    """
    rows: dict[str, Rows] = {name: [] for name in NAMES}
    for name in names:
        found = Measured.read(results / "timing" / f"{name}.json")
        rows["timing"] += found.timing_rows()
        rows["speed_ratios"] += found.ratio_rows()
        rows["peaks"] += found.peak_rows()
        fits, points = found.scaling_rows()
        rows["scaling"] += fits
        rows["scaling_points"] += points
    for name, found_rows in rows.items():
        frame = pd.DataFrame(found_rows, columns=list(COLUMNS[name]))
        write_text(results / f"{name}.csv", frame.to_csv(index=False, float_format="%.6g"))


class Measured(Samples):
    """One whole campaign and what its samples say."""

    @cached_property
    def _groups(self) -> dict[tuple[Any, ...], pd.DataFrame]:
        # Round 0 warms up. What comes before the rounds has the number -1.
        counted = self.samples[self.samples["round"] != 0].sort_values(["process", "round"])
        return dict(list(counted.groupby(["method", "shape", "phase"])))

    def _of(self, method: Method, shape: str, phase: str) -> pd.DataFrame:
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
        found = self._of(method, shape.name, phase)
        return [np.asarray(v["ms"]) for _, v in found.groupby("process")]

    def attainable(self, shape: Shape) -> float:
        """The most GFLOP/s that any framework's product reached; NaN where none was timed."""
        reached = [r["gflops"] for r in self._products[shape.name]]
        return max(reached, default=math.nan)

    def timing_rows(self) -> Rows:
        """A row for each shape, method and phase; one with the reason where there is no time."""
        rows = []
        for shape in self.campaign.shapes:
            peak = self.attainable(shape)
            for method in self.campaign.methods:
                if method.twin:
                    continue
                phases = (*(START if self.campaign.peak else ()), *self.campaign.phases)
                for phase in phases:
                    where = "" if phase == "import" else shape.name
                    found = self._of(method, where, phase)
                    if found.empty and phase != "step":
                        continue
                    rows.append(self._timing_row(shape, method, phase, found, peak))
        return rows

    def _timing_row(
        self, shape: Shape, method: Method, phase: str, found: pd.DataFrame, peak: float
    ) -> dict[str, Any]:
        row = _sizes(shape, method.cell) | _identity(method) | {"phase": phase}
        row["warning"] = "; ".join(self._warnings(shape, method, phase, found))
        if found.empty:
            return row
        values = [np.asarray(v["ms"]) for _, v in found.groupby("process")]
        median, low, high = _geometric(values)
        row |= {"median_ms": median, "low_ms": low, "high_ms": high, "processes": len(values)}
        row["rounds"] = len(values[0])
        first = self._of(method, shape.name, "first_step")
        memory = pd.concat([first, self._of(method, shape.name, "first_step_cached")])["rss_mb"]
        row["peak_rss_mb"] = pd.to_numeric(memory).median()
        flop = {
            "step": shape.step_flop, "gradient": shape.step_flop, "forward": shape.forward_flop
        }.get(phase)  # fmt: skip
        if flop is not None:
            row["flop"] = flop(method.cell)
            row["gflops"] = row["flop"] / median / 1e6
            row["peak_fraction"] = row["gflops"] / peak
            row["products_ms"] = self._products_ms(shape, method, phase)
            row["products_fraction"] = row["flop"] / row["products_ms"] / 1e6 / peak
        return row

    def _products_ms(self, shape: Shape, method: Method, phase: str) -> float:
        """What the matrix products of a phase would take at the speed of the framework's own.

        The weights' gradients have as many operations as the forward pass; the rest of a
        step's are those of the states' gradients. NaN where no product was timed.
        """
        speeds = {
            row["product"]: row["gflops"]
            for row in self._products[shape.name]
            if (row["framework"], row["cell"]) == (method.framework, method.cell)
        }
        if not speeds:
            return math.nan
        forward = shape.forward_flop(method.cell)
        time = forward / speeds["step"]
        if phase != "forward":
            states = shape.step_flop(method.cell) - 2 * forward
            time += forward / speeds["weights"] + states / speeds["back"]
        return float(time / 1e6)

    def _warnings(self, shape: Shape, method: Method, phase: str, found: pd.DataFrame) -> list[str]:
        """What is to be known of a row, as pyperf warns, and what went wrong."""
        texts = [self.problems[method.name]] if method.name in self.problems else []
        texts += self.notes
        if found.empty:
            return texts
        processes = found["process"].nunique()
        if phase != "first_step" and processes < FEWEST:
            texts.append(f"{processes} process{'es' * (processes > 1)} only")
        if len(found) > 1 and found["ms"].std() >= 0.1 * found["ms"].mean():
            texts.append(f"deviation {100 * found['ms'].std() / found['ms'].mean():.0f} %")
        if phase in PHASES and found["wall_s"].median() < 1e-3:
            texts.append("blocks under 1 ms")
        for kind in ("disturbed", "suspended"):
            count = int((found["mark"] == kind).sum())
            if count and phase in PHASES:
                texts.append(f"{count} of {len(found)} blocks {kind}")
        if phase == PHASES[0] and (aa := self._aa_warning(shape)):
            texts.append(aa)
        return texts

    def _aa_warning(self, shape: Shape) -> str:
        """What is to be known of every ratio when the same method twice does not come out even."""
        for twin in (m for m in self.campaign.methods if m.twin):
            _, low, high, _ = self._ratio(shape, twin, twin.original)
            if not low <= 1 <= high and not math.isnan(low):
                return "the A/A interval leaves out 1"
        return ""

    def _ratio(
        self, shape: Shape, one: Method, other: Method
    ) -> tuple[float, float, float, int]:  # fmt: skip
        """The ratio of two methods' times paired by round, its interval, and the processes."""
        index = ["process", "round"]
        pair = [self._of(m, shape.name, "step").set_index(index)["ms"] for m in (one, other)]
        logs = (pair[0] / pair[1]).dropna().map(np.log)
        samples = [np.asarray(v) for _, v in logs.groupby("process")]
        if not samples:
            return math.nan, math.nan, math.nan, 0
        ratio, low, high = np.exp(two_level_interval(samples))
        return float(ratio), float(low), float(high), len(samples)

    def ratio_rows(self) -> Rows:
        """The A/A control and what may be compared: cells, frameworks, kernels."""
        rows = []
        for shape in self.campaign.shapes:
            for kind, one, other in self._pairs(shape):
                ratio, low, high, processes = self._ratio(shape, one, other)
                if processes:
                    rows.append(
                        {"shape": shape.name, "kind": kind, "numerator": one.name,
                         "denominator": other.name, "ratio": ratio, "low": low, "high": high,
                         "processes": processes, "warning": self._aa_warning(shape)}
                        | {f"numerator_{k}": v for k, v in _side(one, shape).items()}
                        | {f"denominator_{k}": v for k, v in _side(other, shape).items()}
                    )  # fmt: skip
        return rows

    def _pairs(self, shape: Shape) -> list[tuple[str, Method, Method]]:
        pairs = [("aa", m, m.original) for m in self.campaign.methods if m.twin]
        if self.campaign.sweeps:
            return pairs  # few processes at many sizes: they show how cost grows and rank nothing
        best = self._best(shape)
        for (framework, cell), method in best.items():
            if cell != "lstm" and (framework, "lstm") in best:
                pairs.append(("cell", method, best[framework, "lstm"]))
        for (one, first), (other, second) in combinations(best, 2):
            if first == second:
                pairs.append(("framework", best[one, first], best[other, second]))
        for method in self.campaign.methods:
            stock = Method(method.framework, STOCK, method.cell)
            if not method.twin and method != stock and stock in self.campaign.methods:
                pairs.append(("kernel", method, stock))
        return pairs

    def _best(self, shape: Shape) -> dict[tuple[str, str], Method]:
        """The fastest method of each framework and cell, as measured at this shape."""
        times: dict[tuple[str, str], dict[Method, float]] = {}
        for method in self.campaign.methods:
            if not method.twin and (values := self.values(method, shape)):
                times.setdefault((method.framework, method.cell), {})[method] = _geometric(values)[
                    0
                ]
        return {key: min(found, key=found.__getitem__) for key, found in times.items()}

    @cached_property
    def _products(self) -> dict[str, Rows]:
        """The frameworks' own products by shape."""
        return {shape.name: self._products_at(shape) for shape in self.campaign.shapes}

    def _products_at(self, shape: Shape) -> Rows:
        rows = []
        for method in self.campaign.methods:
            for phase in PRODUCTS:
                values = self.values(method, shape, phase)
                if values and not method.twin:
                    m, k, n = product_sizes(shape, method.cell, phase)
                    speeds = [2 * m * k * n / v / 1e6 for v in values]
                    speed, low, high = _geometric(speeds)
                    rows.append(
                        {"shape": shape.name, "framework": method.framework, "cell": method.cell,
                         "product": phase.removeprefix("product_"), "m": m, "k": k, "n": n,
                         "gflops": speed, "low": low, "high": high,
                         "threads": self.campaign.threads}
                    )  # fmt: skip
        return rows

    def peak_rows(self) -> Rows:
        """The frameworks' own products; the best of a shape is its attainable peak."""
        return [
            row | {"attainable": row["gflops"] == self.attainable(shape)}
            for shape in self.campaign.shapes
            for row in self._products[shape.name]
        ]

    def scaling_rows(self) -> tuple[Rows, Rows]:
        """The fits of the sweeps, and their points."""
        warnings = list(self.notes)
        if self.campaign.processes < FEWEST:
            warnings.append(f"{self.campaign.processes} processes only")
        return growth.rows(self.campaign, self.values, "; ".join(warnings))


def _identity(method: Method) -> dict[str, Any]:
    return {"framework": method.framework, "kernel": method.kernel, "cell": method.cell}


def _side(method: Method, shape: Shape) -> dict[str, Any]:
    return _identity(method) | {"hidden": shape.units(method.cell)}


def _sizes(shape: Shape, cell: str) -> dict[str, Any]:
    values: dict[str, Any] = {"shape": shape.name} | vars(shape) | {"hidden": shape.units(cell)}
    return {k: v for k, v in values.items() if k != "name"}


def _geometric(values: list[Array]) -> tuple[float, float, float]:
    """The geometric mean of the processes' medians, and its interval."""
    estimate, low, high = np.exp(two_level_interval([np.log(v) for v in values]))
    return float(estimate), float(low), float(high)
