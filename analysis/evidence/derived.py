"""What the claims need of the tables beside their own columns."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.statistics.across_tasks import normalised
from analysis.tables.runs import KIND
from harness import layout

IDENTITY = ["task", "framework", "cell", "track", "seed"]
# What a model does that is looked into before it is trained, or after.
MODEL = [*IDENTITY, "moment"]
# What hangs on the machine: of two machines it is never compared, nor averaged.
TIMES = ("train_seconds", "step_ms", "total_seconds")
# A gradient of which less is left is the end of float64.
SMALLEST = 1e-290


def timed_on_one_machine(runs: pd.DataFrame, machines: pd.DataFrame) -> pd.DataFrame:
    """The runs with the times of those alone that the machine made which made most of them.

    Machines of one kind, with the same processor and as many cores, are one.
    """
    known = machines[["machine", *KIND]].itertuples(index=False)
    kinds = {number: ", ".join(map(str, kind)) for number, *kind in known}
    made_on = runs["machine"].map(kinds)
    counts = made_on.value_counts()
    if len(counts) < 2:
        return runs
    most = min(counts[counts == counts.max()].index)
    return runs.assign(**{name: runs[name].where(made_on == most) for name in TIMES})


def of_runs(runs: pd.DataFrame, curves: pd.DataFrame | None) -> pd.DataFrame:
    """The runs that began, with their settings as columns and what follows from them.

    ``budget`` is the steps that a run had. ``progress`` is the share of the way from the task's
    baseline to solved, 0 for a run that diverged; ``early`` is the same on validation data after
    a quarter of the budget, ``early_seconds`` after a quarter of the seconds of training that the
    slowest cell used with the same framework, track and seed. ``signed_score`` is the score,
    times -1 where less is better, and the baseline's for a run that diverged. ``to_baseline`` is
    the score over the task's baseline. ``seconds_to_solve`` is at the run's mean seconds a step
    (``step_seconds``), ``operations_to_solve``, in GFLOP, at those of the matrix products of a
    training step (``step_gflop``).
    """
    runs = runs.rename(columns={f"{layout.SETTING}steps": "budget"})
    # A setting of a name that a run's own columns have keeps its prefix.
    plain = {name: str(name).removeprefix(layout.SETTING) for name in runs}
    runs = runs.rename(columns={k: v for k, v in plain.items() if v not in runs})
    runs["progress"] = _progress(runs, runs["score"])
    reached = runs["score"].where(runs["status"] != "diverged", runs["baseline"])
    runs["signed_score"] = reached * np.sign(runs["solved_at"] - runs["baseline"])
    runs["to_baseline"] = runs["score"] / runs["baseline"].where(runs["baseline"] != 0)
    runs["step_seconds"] = runs["train_seconds"] / runs["steps"].where(runs["steps"] > 0)
    runs["step_gflop"] = runs["gflop"] / runs["budget"]
    runs["seconds_to_solve"] = runs["steps_to_solve"] * runs["step_seconds"]
    runs["operations_to_solve"] = runs["steps_to_solve"] * runs["step_gflop"]
    same = runs.groupby(["task", "framework", "track", "seed"])["train_seconds"]
    for name, column, limit in (
        ("early", "step", runs["budget"] / 4),
        (
            "early_seconds",
            "seconds",
            (same.transform("max") / 4).where(runs["train_seconds"].notna()),
        ),
    ):
        known = None if curves is None else _until(runs, curves, column, limit)
        runs[name] = np.nan if known is None else _progress(runs, known)
    # What never began says nothing of a method.
    return runs[runs["status"].isin(["ok", "diverged"])].reset_index(drop=True)


def _progress(runs: pd.DataFrame, scores: "pd.Series[float]") -> NDArray[Any]:
    values = (column.to_numpy(float) for column in (scores, runs["baseline"], runs["solved_at"]))
    return np.where(runs["status"] == "diverged", 0.0, normalised(*values))


def _until(
    runs: pd.DataFrame, curves: pd.DataFrame, column: str, limit: "pd.Series[float]"
) -> "pd.Series[float]":
    """Each run's last score on validation data at which ``column`` was within its ``limit``."""
    limits = runs[IDENTITY].assign(limit=limit)
    found = curves.dropna(subset=["score"]).merge(limits, on=IDENTITY)
    found = found[(found["step"] > 0) & (found[column] <= found["limit"])]
    last = found.sort_values("step").drop_duplicates(IDENTITY, keep="last")
    return runs[IDENTITY].merge(last, how="left", on=IDENTITY)["score"].set_axis(runs.index)


def gradient_left(flow: pd.DataFrame) -> pd.DataFrame:
    """How much of the gradient is left at the lag that the task needs: a row a model and cotangent.

    ``left`` is the joint norm of the gradient by all states at ``lag`` over that at lag 0, and
    ``log_left`` its logarithm: 0 where nothing is lost, -1 where 1/e is left, above 0 where it
    grows. ``lag`` is the one that was looked at nearest to ``task_lag``. A task without a lag has
    no row.
    """
    known = flow[flow["task_lag"].notna() & flow["gradient"].notna()]
    key = [*MODEL, "cotangent"]
    zero = known[known["lag"] == 0].drop_duplicates(key).set_index(key)["gradient"]
    known = known.assign(apart=(known["lag"] - known["task_lag"]).abs()).sort_values("apart")
    found = known.drop_duplicates(key)[[*key, "task_lag", "lag", "gradient"]]
    found = found.join(zero.rename("first"), on=key)
    found["left"] = (found["gradient"] / found["first"]).clip(lower=SMALLEST)
    found["log_left"] = np.log(found["left"])
    return found.drop(columns=["gradient", "first"]).sort_values(key).reset_index(drop=True)


def last_probe(probes: pd.DataFrame) -> pd.DataFrame:
    """The memory probes with ``last``, whether it is a model's last time step, and ``kept``.

    ``kept`` is the score over chance, as a share of what is possible over it.
    """
    last = probes.groupby(MODEL)["step"].transform("max")
    kept = (probes["score"] - probes["chance"]) / (1 - probes["chance"])
    return probes.assign(last=probes["step"] == last, kept=kept)


def with_runs(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs that are compared, with what became of these: ``progress``, ``solved``."""
    return table.merge(runs[[*IDENTITY, "progress", "solved"]], on=IDENTITY)
