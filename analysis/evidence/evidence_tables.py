"""The evidence: verdicts, comparisons, summaries and advice, from the other tables alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.evidence import advice, claims, comparisons
from analysis.statistics.across_tasks import normalised
from harness import layout

# What stands in the results folder before the evidence is weighed; a table that this
# configuration does not make is left out, and the claims on it are not tested.
INPUTS = (
    "runs", "scores", "tasks", "curves", "parameter_counts", "attribution", "divergence",
    "speed_ratios", "timing", "gradient_flow", "gradient_norms",
)  # fmt: skip
NEEDED = ("runs", "scores", "tasks")
# Framework and cell of a ratio's two sides, as claims name them.
SIDES = {
    "numerator_framework": "framework", "numerator_cell": "cell",
    "denominator_framework": "other_framework", "denominator_cell": "other_cell",
}  # fmt: skip
IDENTITY = ["task", "framework", "cell", "track", "seed"]


def read(results: Path) -> dict[str, pd.DataFrame]:
    """The tables that are there, ready to be compared.

    Runs get their settings as columns, ``budget`` (steps), ``progress``, 0 for a run that
    diverged, and ``early``, the progress on validation data after a quarter of the budget. What
    did not pass the checks against the reference model is left out.
    """
    tables = {
        name: layout.read(results, name)
        for name in INPUTS
        if name in NEEDED or layout.path(results, name).exists()
    }
    tables["runs"] = _runs(tables["runs"], tables.pop("curves", None))
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
    runs = runs.rename(columns={f"{layout.SETTING}steps": "budget"})
    # A setting of a name that a run's own columns have keeps its prefix.
    plain = {name: str(name).removeprefix(layout.SETTING) for name in runs}
    runs = runs.rename(columns={k: v for k, v in plain.items() if v not in runs})
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


def _speed_ratios(ratios: pd.DataFrame) -> pd.DataFrame:
    """The clock's ratios both ways round, with framework and cell of each side.

    ``same_hidden`` says whether both had as many hidden units, ``control_ok`` is False where the
    whole A/A interval of the same shape, on the same machine, lies beyond the margin. ``log_se``
    and ``df`` are the same both ways round: t of a ratio against an edge is
    (log(ratio) - log(edge)) / log_se. Kernels of two frameworks are left out, but for those
    that each declares fastest.
    """
    ratios = ratios.assign(
        machine=ratios["machine"].fillna(""),
        same_hidden=ratios["numerator_hidden"] == ratios["denominator_hidden"],
    )
    sides = {f"numerator{part}": f"denominator{part}" for part in ("", "_framework", "_cell")}
    turned = ratios.rename(columns=sides | {b: a for a, b in sides.items()})
    turned = turned.assign(
        ratio=1 / ratios["ratio"], low=1 / ratios["high"], high=1 / ratios["low"]
    )
    both = pd.concat([ratios, turned], ignore_index=True).rename(columns=SIDES)
    both["same_framework"] = both["framework"] == both["other_framework"]
    control = both["kind"] == "aa"
    outside = (both["low"] > advice.FASTER) | (both["high"] < 1 / advice.FASTER)
    # Of each machine its own: a control says nothing of what was timed elsewhere.
    place = both["shape"] + " on " + both["machine"]
    both["control_ok"] = ~place.isin(place[control & outside])
    left_out = control | ((both["kind"] == "kernels") & ~both["same_framework"])
    kept = ["machine", "shape", "kind", "numerator", "denominator", "ratio", "low", "high",
            "log_se", "df", "processes", "same_hidden", "same_framework", "control_ok",
            *SIDES.values()]  # fmt: skip
    return both.loc[~left_out, kept]


def write(results: Path) -> None:
    """Write the tables of evidence; :class:`UserError` where a table is missing or too old."""
    tables = read(results)
    known = tables["tasks"].dropna(subset="margin")
    ledger = claims.load(dict(zip(known["task"], known["margin"], strict=True)))
    verdicts = claims.evaluate(ledger, tables)
    higher = {str(t): d == "higher" for t, d in tables["tasks"][["task", "direction"]].to_numpy()}
    compared = comparisons.compare_methods(tables["runs"], higher, ledger.margins)
    means, profiles = comparisons.aggregate(tables["runs"])
    found: dict[str, Any] = {
        "claims": verdicts,
        "comparisons": compared,
        "summary": comparisons.summarise(tables["runs"]),
        "ratios": comparisons.ratios(tables["runs"]),
        "aggregate": means,
        "profiles": profiles,
        "advice": advice.advise(tables, verdicts, compared, ledger.margins),
    }
    for name, rows in found.items():
        layout.write(results, name, rows)
