"""Published values against our runs of the same setting, by rules set before the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.evidence import evidence_tables
from analysis.evidence.claim_tests import select
from cells import Array
from harness import documents, layout
from harness.errors import UserError
from harness.registry import ROOT

LEDGER = ROOT / "workflows" / "published.yaml"
# The most by which a model's size may differ from the published one, as a share.
SIZE = 0.05
IDENTITY = tuple(evidence_tables.IDENTITY)
NAMES = layout.names("published")
CONSTANT = "no better than a constant"


@dataclass(frozen=True)
class Published:
    """One published value; the fields are described in ``workflows/published.yaml``."""

    id: str
    title: str
    source: str
    parameters: int
    where: Mapping[str, Any]
    metric: str
    unit: str
    better: str
    published: float
    constant: float
    tolerance: Mapping[str, float]
    differs: str
    needs: str
    best_of: int = 0

    @property
    def edges(self) -> tuple[float, float]:
        """The least and the most that still is the published value."""
        if "factor" in self.tolerance:
            factor = self.tolerance["factor"]
            return self.published / factor, self.published * factor
        difference = self.tolerance["difference"]
        return self.published - difference, self.published + difference


def load(path: Path = LEDGER) -> tuple[tuple[Published, ...], int]:
    """The published values at ``path``, and how many seeds a verdict needs.

    Raises :class:`UserError` that names the first entry that is wrong.
    """
    content = documents.load(path, LEDGER.with_suffix(".schema.json"))
    documents.check_ids(content["rows"], f"{path.name}: rows")
    for entry in content["rows"]:
        if "factor" in entry["tolerance"] and entry["published"] <= 0:
            raise UserError(
                f"{path.name}: rows.{entry['id']}.tolerance: a factor needs a published value "
                "above 0; use a difference."
            )
    return tuple(Published(**entry) for entry in content["rows"]), content["minimum"]


def judge(
    rows: tuple[Published, ...], minimum: int, runs: pd.DataFrame, curves: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``published`` and ``published_runs``; both empty when no run is of any row.

    ``runs`` has its settings as columns (:func:`.evidence_tables.read`); ``curves`` has the mean
    training loss of each chunk.
    """
    last = curves.dropna(subset=["loss"]).sort_values("step").groupby(list(IDENTITY)).last()
    runs = runs.join(last[["loss"]], on=list(IDENTITY))
    found, used = [], []
    for row in rows:
        chosen = select(runs, row.where)
        size = pd.to_numeric(chosen["parameters"]) / row.parameters - 1
        chosen = chosen[size.abs() <= SIZE].assign(id=row.id)
        chosen = chosen.assign(value=chosen[row.metric].where(chosen["status"] == "ok"))
        if chosen.empty:
            found.append(_row(row) | {"n": 0, "verdict": "not run"})
        for framework, group in chosen.groupby("framework", sort=True):
            found.append(_row(row) | {"framework": framework} | _judged(row, minimum, group))
        used.append(chosen)
    own = pd.concat(used) if used else runs.iloc[:0]
    if own.empty:
        found = []
    return (
        pd.DataFrame(found, columns=list(layout.TABLES["published"].columns)),
        own.reindex(columns=list(layout.TABLES["published_runs"].columns)),
    )


def _row(row: Published) -> dict[str, Any]:
    low, high = row.edges
    return {
        "id": row.id, "title": row.title, "source": row.source, "task": row.where["task"],
        "cell": row.where["cell"], "unit": row.unit, "published": row.published, "at_least": low,
        "at_most": high, "better": row.better, "published_parameters": row.parameters,
        "differs": row.differs, "needs": row.needs,
    }  # fmt: skip


def _judged(row: Published, minimum: int, runs: pd.DataFrame) -> dict[str, Any]:
    """Ours, and the verdict, from the runs of one framework."""
    if row.best_of:
        # More seeds than published would have a better best.
        runs, minimum = runs.sort_values("seed").head(row.best_of), row.best_of
    values = runs["value"].dropna().to_numpy(float)
    ours = statistics.over_seeds(values, np.median)
    lost = len(runs) - len(values)
    details = [f"{lost} of {len(runs)} runs without a value"] if lost else []
    value, low, high = ours.value, ours.low, ours.high
    if ours.n < minimum:
        details.append(f"{ours.n} of at least {minimum} seeds")
        low = high = statistics.NAN
    verdict = "inconclusive" if details else _verdict(row, low, high)
    if row.best_of and ours.n:
        value, *ends = _best(row, values)
        if not details:
            low, high = sorted(ends)
            verdict = _verdict(row, low, high)
        details.append(f"the best of {ours.n}; their median is {ours.value:.4g}")
    return {
        "ours": value, "low": low, "high": high,
        "lowest": values.min() if ours.n else statistics.NAN,
        "highest": values.max() if ours.n else statistics.NAN,
        "n": ours.n, "parameters": int(runs["parameters"].iloc[0]), "detail": "; ".join(details),
        "verdict": verdict,
    }  # fmt: skip


def _best(row: Published, values: Array) -> tuple[float, float, float]:
    """The best of ``values`` [n], and the ends of the interval of the best of as many others.

    From the best down, the other end is the first of ours that the best of n other such runs
    falls short of in at most 5 of 100 cases. For the k-th best that happens where the k best of
    all 2n are ours: n/(2n) · (n - 1)/(2n - 1) · …, k factors. Of ten it is the fourth best. By how
    much others might exceed our best, n runs do not say: that end is our best itself.
    """
    ordered = np.sort(values)[:: -1 if row.better == "higher" else 1]
    n, k = len(ordered), np.arange(len(ordered))
    chance = np.cumprod((n - k) / (2 * n - k))
    enough = int(np.argmax(chance <= 0.05)) if (chance <= 0.05).any() else n - 1
    return float(ordered[0]), float(ordered[enough]), float(ordered[0])


def _verdict(row: Published, low: float, high: float) -> str:
    """The verdict on an interval, both ends of it included."""
    least, most = row.edges
    if least <= low and high <= most:
        # What a model without memory reaches too is no reproduction of what a cell can do.
        return CONSTANT if least <= row.constant <= most else "reproduced"
    if high < least:
        return "better" if row.better == "lower" else "worse"
    if low > most:
        return "worse" if row.better == "lower" else "better"
    return "inconclusive"


def write(results: Path, ledger: Path = LEDGER) -> None:
    """Write the tables of ``results``; :class:`UserError` when its runs or the ledger are not read.

    What did not pass the checks against the reference model is left out, as in all evidence.
    """
    rows, minimum = load(ledger)
    runs = evidence_tables.read(results)["runs"]
    curves = layout.read(results, "curves")
    for name, frame in zip(NAMES, judge(rows, minimum, runs, curves), strict=True):
        layout.write(results, name, frame)
