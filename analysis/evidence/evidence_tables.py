"""The evidence: verdicts, comparisons, summaries and advice, from the other tables alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.aggregation import normalised
from analysis.evidence import advice, claims, comparisons
from analysis.inside import gates
from cells import CELLS
from harness.errors import UserError
from harness.files import write_text

# What stands in the results folder before the evidence is weighed; a table that this
# configuration does not make is left out, and the claims on it are not tested.
INPUTS = (
    "runs", "scores", "tasks", "curves", "parameter_counts", "attribution", "divergence",
    "speed_ratios", "timing", "gradient_flow",
)  # fmt: skip
NEEDED = ("runs", "scores", "tasks")
IDENTITY = ["task", "framework", "cell", "track", "seed"]
# What is written.
NAMES = (
    "claims", "comparisons", "summary", "ratios", "aggregate", "profiles", "advice",
    "gradient_norms",
)  # fmt: skip


def read(results: Path) -> dict[str, pd.DataFrame]:
    """The tables that are there, ready to be compared.

    Runs get their settings as columns, ``budget`` (steps), ``progress``, 0 for a run that
    diverged, and ``early``, the progress on validation data after a quarter of the budget. What
    did not pass the gate is left out everywhere.
    """
    tables = {}
    for name in INPUTS:
        path = results / f"{name}.csv"
        try:
            tables[name] = pd.read_csv(path)
        except FileNotFoundError:
            if name in NEEDED:
                raise UserError(f"{path}: is not there; run the pipeline first.") from None
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}).") from error
    tables["runs"] = _runs(tables["runs"], tables.pop("curves", None))
    tables["gradient_norms"] = _gradient_norms(results, tables["runs"])
    if "speed_ratios" in tables:
        tables["speed_ratios"] = _speed_ratios(tables["speed_ratios"])
    scores = tables["scores"]
    bad = set(
        scores.loc[~scores["comparable"].astype(bool), ["framework", "cell"]].itertuples(
            index=False, name=None
        )
    )
    return {name: _comparable(table, bad) for name, table in tables.items()}


def _comparable(table: pd.DataFrame, bad: set[tuple[str, str]]) -> pd.DataFrame:
    for framework, cell in (("framework", "cell"), ("other_framework", "other_cell")):
        if bad and framework in table and cell in table:
            pairs = zip(table[framework], table[cell], strict=True)
            table = table[np.array([pair not in bad for pair in pairs], dtype=bool)]
    return table


def _runs(runs: pd.DataFrame, curves: pd.DataFrame | None) -> pd.DataFrame:
    settings = pd.DataFrame(
        [dict(word.split(" ", 1) for word in str(text).split("; ")) for text in runs["settings"]],
        index=runs.index,
    )
    runs = runs.assign(budget=settings["steps"].astype(float))
    for name in settings.columns.difference(runs.columns):
        values = pd.to_numeric(settings[name], errors="coerce")
        runs[name] = settings[name] if values.isna().all() else values
    runs["progress"] = _progress(runs, runs["score"])
    runs["early"] = np.nan if curves is None else _progress(runs, _quarter(runs, curves))
    # What never began says nothing of a method.
    return runs[runs["status"].isin(["ok", "diverged"])].reset_index(drop=True)


def _progress(runs: pd.DataFrame, scores: pd.Series[float]) -> NDArray[Any]:
    values = (column.to_numpy(float) for column in (scores, runs["baseline"], runs["solved_at"]))
    return np.where(runs["status"] == "diverged", 0.0, normalised(*values))


def _quarter(runs: pd.DataFrame, curves: pd.DataFrame) -> pd.Series[float]:
    """Each run's score on validation data when a quarter of its budget was used."""
    found = curves.dropna(subset=["score"]).merge(runs[[*IDENTITY, "budget"]], on=IDENTITY)
    found = found[(found["step"] > 0) & (found["step"] <= found["budget"] / 4)]
    last = found.sort_values("step").drop_duplicates(IDENTITY, keep="last")
    return runs[IDENTITY].merge(last, how="left", on=IDENTITY)["score"].set_axis(runs.index)


def _gradient_norms(results: Path, runs: pd.DataFrame) -> pd.DataFrame:
    """For each run the median and the largest gradient norm, before clipping, and its spike.

    A spike is the largest norm over the median of the 50 steps before it: over the median of
    the whole run, a network that learned would seem to have exploded at its start. A norm that
    overflowed is the largest there is; infinite, no mean could hold it, so it counts as
    float32's largest number.
    """
    rows = []
    for run in runs.itertuples():
        name = f"{run.task}-{run.framework}-{run.cell}-{run.track}-seed{run.seed}.npz"
        path = results / "runs" / name
        if not path.exists():
            continue
        with np.load(path, allow_pickle=False) as arrays:
            norms = arrays["gradient_norms"] if "gradient_norms" in arrays else np.empty(0)
        norms = np.where(np.isfinite(norms), norms, np.finfo(np.float32).max).astype(float)
        ratios = gates.jumps(norms)
        if np.isnan(ratios).all():
            continue
        rows.append(
            {k: getattr(run, k) for k in IDENTITY}
            | {"median_norm": float(np.median(norms)), "largest_norm": float(norms.max()),
               "spike": float(np.nanmax(ratios))}
        )  # fmt: skip
    return pd.DataFrame(rows, columns=[*IDENTITY, "median_norm", "largest_norm", "spike"])


def _speed_ratios(ratios: pd.DataFrame) -> pd.DataFrame:
    """The clock's ratios both ways round, with framework and cell of each side apart.

    A side's name is the framework, the cell, and between them the kernel where there are several.
    ``same_hidden`` says whether both had as many hidden units, ``control_ok`` whether the A/A
    control of the same shape has 1 in its interval.
    """
    sizes = [f"{side}_hidden" for side in ("numerator", "denominator")]
    same = ratios[sizes[0]] == ratios[sizes[1]] if set(sizes) <= set(ratios) else True
    ratios = ratios.assign(same_hidden=same)
    both = ratios.rename(columns={"numerator": "denominator", "denominator": "numerator"})
    both = both.assign(ratio=1 / both["ratio"], low=1 / ratios["high"], high=1 / ratios["low"])
    # What the clock says of each side, apart from the names, is of the first way round.
    kept = ["shape", "kind", "numerator", "denominator", "ratio", "low", "high", "processes"]
    kept.append("same_hidden")
    both = pd.concat([ratios, both], ignore_index=True)
    both = both[[name for name in kept if name in both]].astype({"numerator": str})
    for side, prefix in (("numerator", ""), ("denominator", "other_")):
        parts = both[side].astype(str).str.extract(rf"^(\w+)/(?:.*/)?({'|'.join(CELLS)})(?:/|$)")
        both[f"{prefix}framework"], both[f"{prefix}cell"] = parts[0], parts[1]
    both["same_framework"] = both["framework"] == both["other_framework"]
    control = (both["numerator"] == "aa") | (both["denominator"] == "aa")
    if "kind" in both:
        control |= both["kind"] == "aa"
    outside = (both["low"] > 1) | (both["high"] < 1)
    both["control_ok"] = ~both["shape"].isin(both.loc[control & outside, "shape"])
    return both[~control & both["cell"].notna() & both["other_cell"].notna()]


def write(results: Path) -> None:
    """Write the tables of evidence of ``results``; :class:`UserError` when runs are missing."""
    tables = read(results)
    if "margin" not in tables["tasks"]:
        raise UserError(
            f"{results / 'tasks.csv'}: has no column margin, so it is of another version; "
            f"make it anew with python -m harness tables --results {results}."
        )
    known = tables["tasks"].dropna(subset="margin")
    ledger = claims.load(dict(zip(known["task"], known["margin"], strict=True)))
    verdicts = claims.evaluate(ledger, tables)
    higher = {str(t): d == "higher" for t, d in tables["tasks"][["task", "direction"]].to_numpy()}
    compared = comparisons.compare(tables["runs"], higher, ledger.margins)
    means, profiles = comparisons.aggregate(tables["runs"])
    frames = {
        "claims": verdicts,
        "comparisons": compared,
        "summary": comparisons.summarise(tables["runs"]),
        "ratios": comparisons.ratios(tables["runs"]),
        "aggregate": means,
        "profiles": profiles,
        "advice": advice.write(tables, verdicts, compared, ledger.margins),
        "gradient_norms": tables["gradient_norms"],
    }
    for name, frame in frames.items():
        write_text(results / f"{name}.csv", frame.to_csv(index=False))
