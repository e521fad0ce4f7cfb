"""Two results folders side by side: the rows on which they are compared, and what is not.

Of the two, one is here and the other there: the reference, or a folder from anywhere. Nothing
of theirs is ever averaged.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import statistics
from analysis.evidence import claims
from analysis.folders import agreement, first_losses, unmatched
from analysis.folders.agreement import Row
from analysis.folders.reference_results import description

Tables = dict[str, pd.DataFrame]

ITEMS = ("exact", "training", "equivalence", "claims", "speed")
CLAIM = ["claim"]
RATIO = ["shape", "kind", "numerator", "denominator"]
SIZES = ["batch", "sequence_length", "input_size", "hidden", "layers"]
TIME = ["shape", *SIZES, "framework", "kernel", "cell", "phase"]


@dataclass(frozen=True)
class Sides:
    """What two folders have in common, row by row, and what they came from.

    ``both`` are the runs that both have, with the same settings; ``about`` says what is not
    compared, how the folders differ, and what each of them is.
    """

    rows: list[Row]
    both: pd.DataFrame
    about: dict[str, Any]


def pair(here: Tables, there: Tables, rules: agreement.Rules) -> Sides:
    """The rows of the five items: exact, training, equivalence, claims, the clock's ratios."""
    mine, other = agreement.runs_of(here), agreement.runs_of(there)
    both = agreement.pairs(mine, other)
    judged = here["tasks"].merge(there["tasks"], on="task", suffixes=("", "_there"))
    alike = judged[_same(judged, "metric") & _same(judged, "direction")]
    higher = {str(t): d == "higher" for t, d in alike[["task", "direction"]].to_numpy()}
    losses = here["losses"], there["losses"]
    unlike = _unlike_shapes(here, there)
    ratios, their_ratios = (
        tables["speed_ratios"][~tables["speed_ratios"]["shape"].isin(list(unlike))]
        for tables in (here, there)
    )
    rows = [
        *_metrics(judged, set(both["task"]), higher),
        *agreement.exact(both),
        *first_losses.rows(both, other, losses, rules.times_rounding, rules.least_rounding),
        *agreement.equivalence(both[both["task"].isin(list(higher))], other, higher, rules),
        *_claims(here["claims"], there["claims"]),
        *_ratios(ratios, their_ratios),
    ]
    skipped = [
        *unmatched.runs(mine, other, both),
        *unmatched.lacking(losses, "losses.csv", "the losses of the first steps"),
        *unmatched.counted(here["claims"], there["claims"], CLAIM, "claim"),
        *(f"the clock's shape {name}: other sizes, not compared" for name in sorted(unlike)),
        *unmatched.counted(ratios, their_ratios, RATIO, "ratio of the clock"),
    ]
    sides = description(here), description(there)
    about = {"not_compared": skipped, "differs": unmatched.differences(*sides)}
    return Sides(rows, both, about | dict(zip(("here", "there"), sides, strict=True)))


def _same(frame: pd.DataFrame, name: str) -> Any:
    return frame[name] == frame[f"{name}_there"]


def _metrics(judged: pd.DataFrame, tasks: set[str], alike: dict[str, bool]) -> list[Row]:
    """Whether both score a task in the same way; without that no score is compared."""
    return [
        {
            "item": "exact", "check": "metric", "task": row["task"], "n": 1,
            "verdict": "same" if row["task"] in alike else "different",
            "detail": "" if row["task"] in alike else
            f"{row['metric']} here, {row['metric_there']} there, so no score is compared",
        }
        for row in judged.to_dict("records") if row["task"] in tasks
    ]  # fmt: skip


def _claims(here: pd.DataFrame, there: pd.DataFrame) -> list[Row]:
    """Item 4: the verdict on every claim; one that a folder has not tested has none there."""
    rows: list[Row] = []
    for row in _both(here, there, CLAIM).to_dict("records"):
        one, two = str(row["verdict"]), str(row["verdict_there"])
        same = "same verdict" if one == two else "other verdict"
        rows.append({
            "item": "claims", "check": row["claim"], "task": row["task"],
            "framework": row["framework"], "case": row["case"], "here": row["effect"],
            "there": row["effect_there"],
            "verdict": "not applicable" if claims.NOT_TESTED in (one, two) else same,
            "detail": one if one == two else f"{one} here, {two} there",
        })  # fmt: skip
    return rows


def _ratios(here: pd.DataFrame, there: pd.DataFrame) -> list[Row]:
    """Item 5: the clock's ratios, and how far apart they are; a method against itself is none."""
    return [
        {"item": "speed", "check": row["kind"],
         "case": f"{row['shape']}: {row['numerator']} / {row['denominator']}"}
        | apart(row, "ratio", "low", "high")
        for row in _both(here, there, RATIO).to_dict("records")
        if row["kind"] != "aa"
    ]  # fmt: skip


def times(here: Tables, there: Tables) -> list[Row]:
    """The clock's times, phase by phase, here against there."""
    return [
        {"item": "speed", "check": row["phase"], "framework": row["framework"],
         "cell": row["cell"], "case": f"{row['shape']}: {row['kernel']}, ms"}
        | apart(row, "median_ms", "low_ms", "high_ms")
        for row in _both(here["timing"], there["timing"], TIME).to_dict("records")
    ]  # fmt: skip


def apart(row: Mapping[Any, Any], value: str, low: str, high: str) -> Row:
    """Two values that were measured apart, as their ratio with its interval."""
    names = (value, low, high)
    mine, other = [row[name] for name in names], [row[f"{name}_there"] for name in names]
    effect, lower, upper = statistics.independent_ratio(mine, other)
    return {
        "verdict": parted(lower, upper), "here": mine[0], "there": other[0], "unit": "ratio",
        "effect": effect, "low": lower, "high": upper,
    }  # fmt: skip


def parted(low: float, high: float) -> str:
    """Whether the interval of a ratio leaves out 1."""
    if not low <= high:
        return "no interval"
    return "apart" if low > 1 or high < 1 else "not apart"


def _both(here: pd.DataFrame, there: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    mine, other = here.drop_duplicates(key), there.drop_duplicates(key)
    if mine.empty or other.empty:  # whose columns have no kind, and so do not merge
        return mine.iloc[:0]
    return mine.merge(other, on=key, suffixes=("", "_there"))


def _unlike_shapes(here: Tables, there: Tables) -> set[str]:
    """The clock's shapes of one name and other sizes."""
    mine, other = (
        {str(name): set(map(tuple, own[SIZES].to_numpy())) for name, own in timed.groupby("shape")}
        for timed in (here["timing"], there["timing"])
    )
    return {name for name in mine.keys() & other.keys() if mine[name].isdisjoint(other[name])}


def items(rows: list[Row]) -> dict[str, Any]:
    """How many rows of each item have which verdict; whether it passed is for others to say."""
    counts = {item: Counter(r["verdict"] for r in rows if r["item"] == item) for item in ITEMS}
    return {item: {"passed": None, "verdicts": dict(found)} for item, found in counts.items()}
