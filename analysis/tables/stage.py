"""The stage ``tables``: every table that is made from the records of the runs."""

from pathlib import Path

from analysis import plan_records
from analysis.tables import (
    attribution,
    cells,
    conformance,
    cost,
    curves,
    divergence,
    environments,
    losses,
    parameters,
    runs,
    scores,
    studies,
    tasks,
    tracks,
    versions,
)
from harness import layout
from harness.errors import UserError
from harness.plan import asked


def write(results: Path) -> None:
    """Write every table of the stage; :class:`UserError` where there is none, or a part."""
    asked.need_all_runs(results)
    found = plan_records.read(results)
    if not found:
        raise UserError(f"{results}: there is no record to make tables of; run the pipeline.")
    checks = conformance.rows(results, found)
    points = curves.rows(found)
    kept = losses.all_kept(results, found)
    parted = divergence.rows(found, kept)
    places = environments.rows(results, found)
    both = versions.runs(results, places, found)
    tables = {
        "runs": runs.rows(found),
        "machines": runs.machines(found),
        "scores": scores.rows(found, conformance.not_comparable(checks)),
        "curves": points,
        "curves_summary": curves.summary(points, runs.of_one_machine(found)),
        "losses": losses.rows(found, kept),
        "tasks": tasks.rows(found),
        "classical": tasks.classical(found),
        "frameworks": tasks.frameworks(found),
        "cells": cells.rows(record["cell"] for record in found),
        "tracks": tracks.rows(record["track"] for record in found),
        "studies": studies.rows(results, found),
        "cost": cost.rows(results, found),
        "conformance": checks,
        "conformance_summary": conformance.summary(checks),
        "divergence": parted,
        "divergence_summary": divergence.summary(parted),
        "environments": places,
        "versions": versions.rows(places, checks, both),
        "version_runs": both,
        "parameter_counts": parameters.rows(found, checks),
        "attribution": attribution.rows(found),
    }
    for name, rows in tables.items():
        layout.write(results, name, rows)
