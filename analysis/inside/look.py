"""Inside the gates: the saved weights of a results folder, looked into run by run.

Each task gives one part of every table, since its runs are looked into as soon as they
are done; :func:`join` puts the parts together.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from analysis.inside import gates
from analysis.inside.gates import Rows
from cells import Weights
from harness.errors import UserError
from harness.files import write_text
from harness.plan import tracks
from harness.plan.asked import read_plan
from harness.plan.run import Run, run_named
from harness.plan.settings import resolve
from harness.run import records, streams
from harness.run.records import Record

# The first seeds of a task, and the tracks, that are looked into: enough for a claim to be decided
# among all the tests of the ledger.
SEEDS = 10
TRACKS = ("matched", "native")
IDENTITY = ("task", "framework", "cell", "track", "seed")
MODEL = (*IDENTITY, "moment")
COLUMNS: dict[str, tuple[str, ...]] = {
    "gradient_flow": (
        *MODEL, "cotangent", "lag", "gradient_h", "gradient_c", "decay", "horizon",
    ),
    "gates": (
        *MODEL, "layer", "gate", "units", "below", "below_q10", "below_q90", "above",
        "above_q10", "above_q90", "timescale_q10", "timescale_q25", "timescale_q50",
        "timescale_q75", "timescale_q90", "lag", "longer",
    ),
    "memory_probe": (*MODEL, "step", "metric", "score", "chance"),
    "dynamics": (
        *IDENTITY, "first_step", "last_step", "norm_q10", "norm_q50", "norm_q90", "norm_most",
        "limit", "over_limit", "spikes",
    ),
    "insides_skipped": (*IDENTITY, "reason"),
}  # fmt: skip
NAMES = tuple(COLUMNS)
MOMENTS = ("initialisation", "trained")


def chosen(runs: Iterable[Run], task: str) -> list[Run]:
    """The runs of ``task`` that are looked into: two tracks, the first seeds."""
    mine = [run for run in runs if run.task == task and run.track in TRACKS]
    seeds = sorted({run.seed for run in mine})[:SEEDS]
    return [run for run in mine if run.seed in seeds]


def tasks(runs: Iterable[Run]) -> list[str]:
    """The tasks of ``runs`` of which any run is looked into."""
    runs = list(runs)
    return [t for t in dict.fromkeys(run.task for run in runs) if chosen(runs, t)]


def planned(results: Path) -> list[Run]:
    """The runs that the folder's plan asks for; all that are there where there is no plan."""
    names = read_plan(results)["runs"] or sorted(p.stem for p in (results / "runs").glob("*.json"))
    return [run for name in names if (run := run_named(name)) is not None]


def part(results: Path, task: str, name: str) -> Path:
    """Where the part of table ``name`` that comes from ``task`` is kept."""
    return results / "insides" / task / f"{name}.csv"


def write_part(results: Path, task: str) -> int:
    """Look into the runs of ``task`` and write its parts; returns the number skipped.

    Raises :class:`UserError` when the folder has no runs of that task.
    """
    runs = chosen(planned(results), task)
    if not runs:
        raise UserError(f"{results}: there is no run of {task} to look into; run the pipeline.")
    rows: dict[str, Rows] = {name: [] for name in NAMES}
    known: dict[tuple[Any, ...], dict[str, Rows]] = {}
    data: dict[tuple[Any, ...], dict[str, Any]] = {}
    for run in runs:
        try:
            record = records.read(run.path(results))
            moments, norms = _arrays(run, results, record)
        except UserError as error:
            print(f"skipped: {error}")
            rows["insides_skipped"].append(vars(run) | {"reason": str(error)})
            continue
        settings = resolve(task, record["settings"], f"the record of {run.title}")
        spec = tracks.model_spec(run.cell, settings)
        about = (run.seed, str(settings.as_dict()))
        if about not in data:
            data[about] = gates.examples(settings.task, spec.hidden, run.seed)
        for moment, weights in moments.items():
            # The same weights, such as those that all frameworks start from, once only.
            key = (run.cell, about, streams.sha256(weights.values()))
            if key not in known:
                known[key] = gates.inspect(settings.task, spec, weights, data[about], run.seed)
            for name, found in known[key].items():
                rows[name] += [vars(run) | {"moment": moment} | row for row in found]
        rows["dynamics"] += [
            vars(run) | row for row in gates.dynamics_rows(norms, settings.budget.clip)
        ]
    for name, table in rows.items():
        _write(part(results, task, name), COLUMNS[name], table)
    return len(rows["insides_skipped"])


def join(results: Path) -> None:
    """Write the tables of ``results`` from the parts of its tasks."""
    names = tasks(planned(results))
    for name, columns in COLUMNS.items():
        rows: Rows = []
        for task in names:
            path = part(results, task, name)
            try:
                with path.open(encoding="utf-8", newline="") as file:
                    rows += csv.DictReader(file)
            except OSError as error:
                raise UserError(
                    f"{path}: cannot be read ({error.strerror}); run python -m analysis insides "
                    f"--results {results} --task {task}."
                ) from error
        _write(results / f"{name}.csv", columns, rows)


def _write(path: Path, columns: tuple[str, ...], rows: Rows) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _arrays(run: Run, results: Path, record: Record) -> tuple[dict[str, Weights], Any]:
    """The weights at both moments and the gradient norms, checked against the record.

    Raises :class:`UserError` when they are missing, damaged or not finite, or belong to
    another run than the record.
    """
    path = run.path(results).with_suffix(".npz")
    if record["status"] != "ok":
        raise UserError(f"{run.title}: {record['status']} ({record['reason']}).")
    arrays = records.read_arrays(path)
    norms = arrays.pop("gradient_norms")
    del arrays["losses"]
    moments = {
        "initialisation": {
            name.removeprefix("initial."): value
            for name, value in arrays.items()
            if name.startswith("initial.")
        },
        "trained": {k: v for k, v in arrays.items() if not k.startswith("initial.")},
    }
    for moment, digest in zip(MOMENTS, ("initial", "final"), strict=True):
        weights = moments[moment].values()
        if streams.sha256(weights) != record["weights_sha256"][digest]:
            raise UserError(f"{path}: is not of the run in the record beside it; repeat the run.")
        if not all(np.isfinite(value).all() for value in weights):
            raise UserError(f"{path}: the weights are not finite.")
    return moments, norms
