"""The frameworks' own matrix products: how fast a machine can be at a shape."""

import math

from analysis.speed.measured import Measured, Rows, geometric
from harness.clock.worker import PRODUCTS, product_sizes


def rows(timed: Measured) -> Rows:
    """A row for each product; the fastest of a shape is its attainable peak."""
    result: Rows = []
    for shape in timed.campaign.shapes:
        for method in timed.campaign.methods:
            for phase in PRODUCTS:
                values = timed.values(method, shape, phase)
                if values and not method.twin:
                    m, k, n = product_sizes(shape, method.cell, phase, timed.campaign.device)
                    speed, low, high = geometric([2 * m * k * n / v / 1e6 for v in values])
                    result.append({
                        "shape": shape.name, "framework": method.framework, "cell": method.cell,
                        "product": phase.removeprefix("product_"), "m": m, "k": k, "n": n,
                        "gflops": speed, "low": low, "high": high,
                        "threads": timed.campaign.threads,
                    })  # fmt: skip
    for row in result:
        row["attainable"] = row["gflops"] == attainable(result, row["shape"])
    return result


def attainable(peaks: Rows, shape: str) -> float:
    """The most GFLOP/s that any framework's product reached; NaN where none was timed."""
    return max((row["gflops"] for row in peaks if row["shape"] == shape), default=math.nan)
