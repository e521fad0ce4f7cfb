"""The stage ``timing``: the clock's tables, from the samples of whole campaigns."""

from pathlib import Path

from analysis.speed import device, growth, peaks, ratios, times, versions
from analysis.speed.measured import Measured, Rows
from harness import layout


def write(results: Path, names: list[str]) -> None:
    """Write the clock's tables from the campaigns ``names``; empty ones where there is none.

    Every row says on which machine it was measured; several that timed a campaign have their own
    rows. Raises :class:`.UserError` when a campaign is
    not whole.
    """
    tables: dict[str, Rows] = {name: [] for name in layout.names("timing")}
    campaigns = [Measured.read(path) for name in names for path in layout.timed(results, name)]
    for timed in campaigns:
        noise = ratios.noise(other for other in campaigns if other.machine == timed.machine)
        products = peaks.rows(timed)
        fits, points = growth.rows(timed)
        for table, rows in {
            "timing": times.rows(timed, products),
            "speed_ratios": ratios.rows(timed, noise),
            "version_ratios": versions.rows(timed),
            "timing_device": device.rows(timed),
            "peaks": products,
            "scaling": fits,
            "scaling_points": points,
        }.items():
            tables[table] += [{"machine": timed.machine} | row for row in rows]
    for name, rows in tables.items():
        layout.write(results, name, rows)
