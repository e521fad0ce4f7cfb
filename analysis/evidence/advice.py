"""The advice: what to use, from the tables of evidence alone, by rules that stand here.

Which cell, for each task, on the matched track:

1. No cell whose median leaves the baseline: none of them.
2. A cell is beaten when another one's score is better by more than the task's margin: the whole
   interval, and the p against that margin after Holm. What is not beaten remains.
3. One remains: that one, *sure*.
4. Several remain, and one of them solves sooner than each other one (interval and p after Holm):
   that one, *sure* where their scores are shown equal, else *likely*. Where these are shown equal
   and several are left that none solves sooner than: those, *sure*.
5. Several remain whose scores are shown equal (TOST after Holm): it does not matter for the
   score, *sure*.
6. Several remain, and some of them are better than the others by weaker evidence: by more than
   the margin before Holm, or after Holm by less than the margin. Those that nothing is better
   than, *likely*.
7. Anything else: we cannot tell.

All of that in the framework with the most seeds, and in each where several have as many: they
compute the same function, so that another framework is no other experiment. ``rates`` are the
learning rates of the runs, cell by cell.

Which framework is fastest, for each shape and cell of the clock: as 2, 3, 5 and 7, with the
clock's intervals and a margin of 3 %. Whether the framework matters for the score: the verdicts
on the claims that matched frameworks agree and native ones differ. Fewer than five seeds, or a
campaign whose control failed, tell nothing.

A row is an answer: the question, where it holds (task and track, or shape and cell, with the
machine where several were timed), the verdict, how sure it is, what no other one is shown better
than (``better``, names with a space between them) and the rest (``worse``); ``alike`` says whether
``better`` are shown equal. ``why`` is the rule that decided, and the columns from ``metric`` on are
the comparison that speaks least for it: ``a`` against ``b``, in the ``framework`` in which they are
least apart, or furthest where they are equal or nothing is known, of so many ``frameworks``.
Further rows have what is shown equal, pair by pair: ``equal_cells`` and ``equal_frameworks``. The
words are the page's.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analysis.evidence.claim_tests import ALPHA
from analysis.evidence.claims import (
    LEFT_OUT,
    REFUTES,
    SUPPORTS,
    Margin,
    margin_of,
    rates_of,
)
from analysis.statistics import FEWEST

FASTER = 1.03
Row = dict[Any, Any]
# The comparisons of two names, both ways round, in every framework.
Pairs = Mapping[tuple[str, str], list[Row]]
Relation = Callable[[str, str], bool]


def advise(
    tables: Mapping[str, pd.DataFrame],
    cases: pd.DataFrame,
    comparisons: pd.DataFrame,
    margins: Mapping[str, Margin],
) -> list[Row]:
    """The rows of ``advice.csv``, from the tables, the cases of the claims and the comparisons."""
    scores, runs = tables["scores"], tables["runs"]
    cells = comparisons[(comparisons["kind"] == "cells") & (comparisons["track"] == "matched")]
    rows: list[Row] = []
    for task, group in scores[scores["track"] == "matched"].groupby("task"):
        margin = margin_of(margins["score"], task)
        place = {"task": task, "track": "matched", "margin": margin}
        mine = _most_seeds(cells[cells["task"] == task])
        rates = rates_of(runs[(runs["task"] == task) & (runs["track"] == "matched")])
        rows += [place | {"rates": rates} | row for row in _which_cell(group, mine, margin)]
    rows += fastest_framework(tables.get("speed_ratios"))
    for task in sorted(set(scores["task"].astype(str))):
        rows += _framework_matters(task, cases[cases["task"] == task])
    # What is equal pair by pair comes after the answers.
    return sorted(rows, key=lambda row: row["question"].startswith("equal_"))


def _most_seeds(comparisons: pd.DataFrame) -> pd.DataFrame:
    """The comparisons in the framework that has the most seeds, or in all that have as many."""
    frameworks = comparisons["a"].astype(str).str.split("/").str[0]
    seeds = comparisons.groupby(frameworks)["n"].max()
    return comparisons[frameworks.isin(seeds[seeds == seeds.max()].index)]


def _which_cell(
    scores: pd.DataFrame, comparisons: pd.DataFrame, margin: float | None
) -> Iterable[Row]:
    """The advice for one task, and the pairs of its cells that are shown equal."""
    names = sorted(scores["cell"].astype(str).unique())
    score, steps = (
        _both_ways(comparisons[comparisons["metric"] == metric])
        for metric in ("score", "steps_to_solve")
    )
    least = margin or 0.0
    better = _everywhere(score, lambda r: r["worst"] > least and r["p_margin_holm"] < ALPHA)
    equal = _everywhere(score, lambda r: r["equivalent"] is True)
    sooner = _everywhere(steps, lambda r: r["worst"] > 0 and r["p_holm"] < ALPHA)
    beyond = _everywhere(score, lambda r: r["worst"] > least)
    shown = _everywhere(score, lambda r: r["worst"] > 0 and r["p_holm"] < ALPHA)

    def hinted(x: str, y: str) -> bool:
        return better(x, y) or beyond(x, y) or shown(x, y)

    row, seeds = {"question": "which_cell"}, int(scores["runs"].max())
    if len(names) < 2:
        yield row | _unknown("one_name", names)
    elif seeds < FEWEST:
        yield row | _unknown("few_seeds", names) | {"n": seeds}
    elif scores["state"].isin(["at baseline", "failed"]).all():
        most = {"metric": "progress", "effect": scores["progress"].max(), "n": seeds}
        yield row | _answer("none", "sure", "at_baseline", [], names) | most
    else:
        yield row | _chosen(names, score, better, equal, steps, sooner, hinted)
    yield from _equals("equal_cells", names, score, equal)


def _never(x: str, y: str) -> bool:
    return False


def _chosen(
    names: list[str], pairs: Pairs, better: Relation, equal: Relation,
    steps: Pairs = MappingProxyType({}), sooner: Relation = _never, hinted: Relation = _never,
) -> Row:  # fmt: skip
    """Rules 2 to 7, for names that have runs enough; 4 and 6 where their relations are given."""
    left, alike = _unbeaten(names, better, equal)
    first = [x for x in left if all(sooner(x, y) for y in left if y != x)]
    if alike and not first:
        first, _ = _unbeaten(left, sooner, equal)
    likely, same = _unbeaten(names, hinted, equal)
    if len(left) == 1:
        found = _answer("better", "sure", "beyond_margin", left, names)
        return found | _least(pairs, left, names, better)
    if 0 < len(first) < len(left):
        found = _answer("sooner", "sure" if alike else "likely", "sooner", first, names)
        return found | _least(steps, first, left, sooner)
    if alike:
        return _answer("equal", "sure", "within_margin", left, names) | _furthest(pairs, left)
    if 0 < len(likely) < len(names):
        found = _answer("better", "likely", "weaker", likely, names, same)
        return found | _least(pairs, likely, names, hinted)
    return _unknown("undecided", names, left) | _furthest(pairs, left)


def fastest_framework(ratios: pd.DataFrame | None) -> Iterable[Row]:
    """The advice for each shape and cell of the clock, and the frameworks that are as fast."""
    nothing = {"question": "fastest_framework"} | _unknown("not_timed", [])
    if ratios is None or ratios.empty:
        return [nothing]
    rows = []
    across = ratios[(ratios["cell"] == ratios["other_cell"]) & ~ratios["same_framework"]]
    if across["machine"].nunique() < 2:
        across = across.assign(machine="")
    for (machine, shape, cell), group in across.groupby(["machine", "shape", "cell"]):
        names = sorted(set(group["framework"].astype(str)))
        place = {"shape": shape, "cell": cell, "machine": machine, "margin": FASTER}
        row = {"question": "fastest_framework"} | place
        if not group["control_ok"].all():
            rows.append(row | _unknown("control_failed", names))
            continue
        pairs = {
            (str(r["framework"]), str(r["other_framework"])): [{
                "a": r["framework"], "b": r["other_framework"], "effect": r["ratio"],
                "low": r["low"], "high": r["high"], "unit": "ratio", "n": r.get("processes"),
                "metric": "step_ms", "worst": -np.log(r["high"]),
            }]
            for r in group.to_dict("records")
        }  # fmt: skip
        faster = _everywhere(pairs, lambda r: r["high"] < 1 / FASTER)
        equal = _everywhere(pairs, lambda r: r["low"] > 1 / FASTER and r["high"] < FASTER)
        rows.append(row | _chosen(names, pairs, faster, equal))
        rows += [r | place for r in _equals("equal_frameworks", names, pairs, equal)]
    return rows or [nothing]


def _framework_matters(task: str, cases: pd.DataFrame) -> Iterable[Row]:
    """Whether the framework matters for the score, cell by cell on each track."""
    for track, name, alike, apart in (
        ("matched", "matched-scores-agree", SUPPORTS, REFUTES),
        ("native", "native-scores-differ", REFUTES, SUPPORTS),
    ):
        row = {"question": "framework_matters", "task": task, "track": track, "metric": "score"}
        mine = cases[cases["claim"] == name].to_dict("records")
        answers = {
            alike: ("equal", "sure", "within_margin"),
            apart: ("different", "sure", "beyond_margin"),
            LEFT_OUT: ("unknown", "unknown", "not_tested"),
        }
        kept = ("effect", "low", "high", "unit", "n", "margin", "detail")
        for case in mine:
            verdict, sure, why = answers.get(case["says"], ("unknown", "unknown", "undecided"))
            row |= {"cell": case["case"], "verdict": verdict, "sure": sure, "why": why}
            yield row | {name: case.get(name) for name in kept}
        if not mine:
            yield row | _unknown("not_tested", [])


def _both_ways(comparisons: pd.DataFrame) -> Pairs:
    """The comparisons of cells by the two, turned so that the first of the two is ``a``.

    ``worst`` is the bound of the interval that speaks least for ``a``: how much better it is at
    least, in logarithms where it is a ratio.
    """
    pairs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in comparisons.to_dict("records"):
        (framework, a), (_, b) = str(row["a"]).split("/"), str(row["b"]).split("/")
        values = np.array([row["effect"], row["low"], row["high"]], dtype=float)
        ratio = row["unit"] == "ratio"
        with np.errstate(divide="ignore"):
            turned = (1 / values if ratio else -values)[[0, 2, 1]]
            for x, y, found in ((a, b, values), (b, a, turned)):
                low, high = np.log(found[1:]) if ratio else found[1:]
                pairs[x, y].append(
                    row | dict(zip(("effect", "low", "high"), map(float, found), strict=True))
                    | {"a": x, "b": y, "framework": framework,
                       "worst": float(low if row["better"] == "higher" else -high)}
                )  # fmt: skip
    return pairs


def _everywhere(pairs: Pairs, holds: Callable[[Row], Any]) -> Relation:
    """Whether it holds of one name against another in every framework that compares them."""

    def relation(x: str, y: str) -> bool:
        found = pairs.get((x, y), [])
        return bool(found) and all(holds(row) for row in found)

    return relation


def _unbeaten(names: list[str], beats: Relation, equal: Relation) -> tuple[list[str], bool]:
    """What no other name beats, and whether all of that is equal to each other."""
    left = [x for x in names if not any(beats(y, x) for y in names if y != x)]
    return left, all(equal(x, y) for x, y in itertools.combinations(left, 2))


def _least(pairs: Pairs, winners: list[str], names: list[str], beats: Relation) -> Row:
    """The comparison that speaks least for ``winners``, of those that they win."""
    against = [(x, y) for x in winners for y in names if y not in winners and beats(x, y)]
    won = [row for pair in against for row in pairs[pair]]
    return _shown(pairs, min(won, key=lambda row: row["worst"])) if won else {}


def _furthest(pairs: Pairs, names: list[str]) -> Row:
    """The comparison of ``names`` that is furthest apart; nothing where none is compared."""
    found = [row for pair in itertools.combinations(names, 2) for row in pairs.get(pair, [])]
    return _shown(pairs, max(found, key=_size)) if found else {}


def _size(row: Row) -> float:
    with np.errstate(divide="ignore"):
        size = np.log(row["effect"]) if row["unit"] == "ratio" else row["effect"]
    return float(abs(np.nan_to_num(size)))


def _shown(pairs: Pairs, row: Row) -> Row:
    kept = ("metric", "framework", "a", "b", "effect", "low", "high", "unit", "n")
    return {name: row.get(name) for name in kept} | {"frameworks": len(pairs[row["a"], row["b"]])}


def _equals(question: str, names: list[str], pairs: Pairs, equal: Relation) -> Iterable[Row]:
    """What is shown equal, pair by pair."""
    for x, y in itertools.combinations(names, 2):
        if equal(x, y):
            found = {"question": question} | _answer("equal", "sure", "within_margin", [x, y], [])
            yield found | _furthest(pairs, [x, y])


def _answer(
    verdict: str, sure: str, why: str, better: list[str], names: list[str], alike: bool = True
) -> Row:
    worse = " ".join(name for name in names if name not in better)
    return {"verdict": verdict, "sure": sure, "why": why, "better": " ".join(better),
            "worse": worse, "alike": alike}  # fmt: skip


def _unknown(why: str, names: list[str], left: list[str] | None = None) -> Row:
    """The answer where the data cannot tell between ``names``, or what is left of them."""
    left = names if left is None else left
    return _answer("unknown", "unknown", why, left, names, alike=False)
