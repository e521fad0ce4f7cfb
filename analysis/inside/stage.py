"""The stage ``insides``: the saved weights of a results folder, looked into run by run.

Each task gives one part of every table, since its runs are looked into as soon as they
are done; :func:`join` puts the parts together.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.inside import dynamics, example, model, samples
from analysis.inside.rows import Rows
from cells import Weights
from harness import layout
from harness.errors import UserError
from harness.plan import tracks
from harness.plan.asked import need_all_runs, read_plan
from harness.plan.run import Run, run_named
from harness.plan.settings import Settings, resolve
from harness.run import records, streams
from harness.run.records import Record

NAMES = layout.names("insides")
# The first seeds of a task, and the tracks, whose models are looked into: enough for a claim to be
# decided among all the tests of the ledger. Gradient norms are those of every run.
SEEDS = 10
TRACKS = ("matched", "native")
MOMENTS = ("initialisation", "trained")


def chosen(runs: Iterable[Run], task: str) -> list[Run]:
    """The runs of ``task`` that are looked into: two tracks, the first seeds."""
    mine = [run for run in runs if run.task == task and run.track in TRACKS]
    seeds = sorted({run.seed for run in mine})[:SEEDS]
    return [run for run in mine if run.seed in seeds]


def planned(results: Path) -> list[Run]:
    """The runs that the folder's plan asks for; all that are there where there is no plan."""
    names = read_plan(results)["runs"] or sorted(p.stem for p in (results / "runs").glob("*.json"))
    return [run for name in names if (run := run_named(name)) is not None]


def tasks(runs: Iterable[Run]) -> list[str]:
    """The tasks of ``runs``."""
    return list(dict.fromkeys(run.task for run in runs))


def part(results: Path, task: str) -> Path:
    """The folder of the parts that come from ``task``."""
    return results / "insides" / task


def write_part(results: Path, task: str) -> int:
    """Look into the runs of ``task`` and write its parts; returns the number skipped.

    Raises :class:`UserError` when the folder has no runs of that task.
    """
    runs = [run for run in planned(results) if run.task == task]
    if not runs:
        raise UserError(f"{results}: there is no run of {task} to look into; run the pipeline.")
    rows: dict[str, Rows] = {name: [] for name in NAMES}
    looked_into, known = set(chosen(runs, task)), dict[Any, Any]()
    for run in runs:
        try:
            record = records.read(run.path(results))
            norms, losses = _kept(run, results, record)
            if norms is not None and (found := dynamics.gradient_norms(norms, losses)) is not None:
                rows["gradient_norms"].append(vars(run) | found)
            if run in looked_into:
                weights = _weights(run, results, record)
                for name, own in _look(run, record, weights, norms, known).items():
                    rows[name] += own
        except UserError as error:
            print(f"skipped: {error}")
            rows["insides_skipped"].append(vars(run) | {"reason": str(error)})
            looked_into.discard(run)
    rows["gate_examples"] = _examples(runs, looked_into, results)
    rows["samples"] = _samples(runs, looked_into, results)
    for name, table in rows.items():
        layout.write(part(results, task), name, table)
    return len(rows["insides_skipped"])


def join(results: Path) -> None:
    """Write the tables of ``results`` from the parts of its tasks."""
    need_all_runs(results)
    parts = {task: part(results, task) for task in tasks(planned(results))}
    for name in NAMES:
        for task, folder in parts.items():
            if not layout.path(folder, name).is_file():
                raise UserError(
                    f"{layout.path(folder, name)}: is not there; run python -m analysis insides "
                    f"--results {results} --task {task}."
                )
        frames = [layout.read(folder, name) for folder in parts.values()]
        layout.write(results, name, pd.concat(frames) if frames else [])


def _look(
    run: Run, record: Record, moments: dict[str, Weights], norms: Any, known: dict[Any, Any]
) -> dict[str, Rows]:
    """The rows of one run; ``known`` has what other runs of the task share with it."""
    settings = resolve(run.task, record["settings"], f"the record of {run.title}")
    spec = tracks.model_spec(run.cell, settings)
    about = (run.seed, str(settings.as_dict()))
    if about not in known:
        known[about] = model.examples(settings.task, spec.hidden, run.seed)
        known["test", about] = _of_files(settings, run.seed)
    if known["test", about] not in (None, record["data_sha256"]["test"]):
        names = " or ".join(map(str, settings.task.files))
        raise UserError(f"{run.title}: {names} has changed since; run the pipeline again.")
    found = dynamics.rows(norms, settings.budget.clip)
    rows: dict[str, Rows] = {"dynamics": [vars(run) | row for row in found]}
    for moment, weights in moments.items():
        # The same weights, such as those that all frameworks start from, once only.
        key = (run.cell, about, streams.sha256(weights.values()))
        if key not in known:
            known[key] = model.inspect(settings.task, spec, weights, known[about], run.seed)
        for name, own in known[key].items():
            rows.setdefault(name, []).extend(vars(run) | {"moment": moment} | row for row in own)
    return rows


def _examples(runs: list[Run], looked_into: set[Run], results: Path) -> Rows:
    """One example of each cell; why a run has none is said where it was looked into."""
    rows: Rows = []
    for cell_runs in example.candidates(run for run in runs if run in looked_into).values():
        for run in cell_runs:
            with suppress(UserError):
                record = records.read(run.path(results))
                weights = _weights(run, results, record)["trained"]
                settings = resolve(run.task, record["settings"], f"the record of {run.title}")
                spec = tracks.model_spec(run.cell, settings)
                data = model.examples(settings.task, spec.hidden, run.seed)
                rows += [vars(run) | row for row in example.rows(spec, weights, data)]
                break
    return rows


def _samples(runs: list[Run], looked_into: set[Run], results: Path) -> Rows:
    """What each cell's model with the median score writes, where the task is of a text."""
    rows: Rows = []
    for cell_runs in example.candidates(run for run in runs if run in looked_into).values():
        kept = (records.read(run.path(results)) for run in cell_runs)
        if (record := samples.middle(kept)) is None:
            continue
        run = records.identity(record)
        settings = resolve(run.task, record["settings"], f"the record of {run.title}")
        if settings.task.alphabet:
            spec = tracks.model_spec(run.cell, settings)
            weights = _weights(run, results, record)["trained"]
            rows += [vars(run) | row for row in samples.rows(settings.task, spec, weights)]
    return rows


def _of_files(settings: Settings, seed: int) -> str | None:
    """The digest of a run's test data where they are of the user's files, which may change."""
    if not settings.task.files:
        return None
    n = settings.budget.test_examples
    return streams.sha256(streams.examples(settings.task, "test", seed, n))


def _kept(run: Run, results: Path, record: Record) -> tuple[Any, Any]:
    """The gradient norms and losses of a run that began; None where nothing of them was kept.

    Raises :class:`UserError` when they are damaged, or belong to another run than the record.
    """
    path = run.path(results).with_suffix(".npz")
    if record["status"] not in ("ok", "diverged") or not path.exists():
        return None, None
    arrays = records.read_arrays(path, "losses", "gradient_norms")
    if record.get("losses_sha256") not in (None, streams.sha256([arrays["losses"]])):
        raise _of_another_run(path)
    return arrays["gradient_norms"], arrays["losses"]


def _weights(run: Run, results: Path, record: Record) -> dict[str, Weights]:
    """The weights at both moments, checked against the record.

    Raises :class:`UserError` when they are missing, damaged or not finite, or belong to
    another run than the record.
    """
    path = run.path(results).with_suffix(".npz")
    if record["status"] != "ok":
        raise UserError(f"{run.title}: {record['status']} ({record['reason']}).")
    arrays = records.read_arrays(path)
    del arrays["losses"], arrays["gradient_norms"]
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
            raise _of_another_run(path)
        if not all(np.isfinite(value).all() for value in weights):
            raise UserError(f"{path}: the weights are not finite.")
    return moments


def _of_another_run(path: Path) -> UserError:
    return UserError(f"{path}: is not of the run in the record beside it; repeat the run.")
