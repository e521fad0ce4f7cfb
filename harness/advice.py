"""The advice: what to use, from the tables of evidence alone, by rules that stand here.

Which cell, for each task, on the matched track:

1. No cell whose median leaves the baseline: none of them.
2. A cell is beaten when, in every framework, another one's score is better by more than the
   task's margin: the whole interval, and p after Holm. What is not beaten remains.
3. One remains: that one, *sure*. If it is so by the intervals alone, before Holm: *likely*.
4. Several remain, and one of them solves sooner than each other one in every framework (interval
   and p after Holm): that one, *sure* where their scores are shown equal, else *likely*.
5. Several remain whose scores are shown equal (TOST after Holm) in every framework: it does not
   matter for the score, *sure*.
6. Anything else: we cannot tell.

Which framework is fastest, for each shape and cell of the clock: as 2, 3, 5 and 6, with the
clock's intervals and a margin of 3 %. Whether the framework matters for the score: the verdicts
on the claims that matched frameworks agree and native ones differ. Fewer than five seeds, or a
campaign whose control failed, tell nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from harness.claim_tests import ALPHA
from harness.claims import Margin, margin_of

COLUMNS = ("question", "task", "answer", "sure", "evidence")
CANNOT = "we cannot tell"
FASTER = 1.03
Row = dict[str, Any]
Relation = Callable[[str, str], bool]


def write(
    tables: Mapping[str, pd.DataFrame],
    claims: pd.DataFrame,
    comparisons: pd.DataFrame,
    margins: Mapping[str, Margin],
) -> pd.DataFrame:
    """The table of advice; every row has an answer, how sure it is, and its evidence."""
    scores = tables["scores"]
    matched = scores[scores["track"] == "matched"]
    rows = [
        _cell(str(task), group, comparisons, margin_of(margins["score"], task) or 0.0)
        for task, group in matched.groupby("task")
    ]
    rows += _fastest(tables.get("speed_ratios"))
    rows += [
        _framework(str(task), claims, track, name)
        for task in sorted(set(scores["task"]))
        for track, name in (("matched", "matched-scores-agree"), ("native", "native-scores-differ"))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def choose(names: list[str], beats: Relation, equal: Relation) -> tuple[list[str], bool]:
    """What no other name beats, and whether all of that is equal to each other."""
    left = [x for x in names if not any(beats(y, x) for y in names if y != x)]
    return left, all(equal(x, y) for x in left for y in left if x < y)


def _cell(task: str, scores: pd.DataFrame, comparisons: pd.DataFrame, margin: float) -> Row:
    row = {"question": "Which cell?", "task": task}
    if (scores["runs"] < 5).all():
        seeds = int(scores["runs"].max())
        return row | _unknown(f"{seeds} of at least 5 seeds")
    if scores["state"].isin(["at baseline", "failed"]).all():
        return row | {
            "answer": "none of them: no cell leaves the baseline", "sure": "sure",
            "evidence": "median of every method less than 5 % of the way to solved",
        }  # fmt: skip
    mine = comparisons[
        (comparisons["kind"] == "cells")
        & (comparisons["task"] == task)
        & (comparisons["track"] == "matched")
    ]
    by_score, by_steps = (mine[mine["metric"] == m] for m in ("score", "steps_to_solve"))
    cells = sorted(scores["cell"].unique())

    def better(x: str, y: str, corrected: bool = True) -> bool:
        return _everywhere(by_score, x, y, lambda r: _ahead(r, margin, corrected))

    def equal(x: str, y: str) -> bool:
        return _everywhere(by_score, x, y, lambda r: r["equivalent"] is True)

    def sooner(x: str, y: str) -> bool:
        return _everywhere(by_steps, x, y, lambda r: _ahead(r, 0.0, True))

    left, alike = choose(cells, better, equal)
    beaten = [x for x in cells if x not in left]
    behind = f"; {_names(beaten)} behind by more than {margin:g}" if beaten else ""
    if len(left) == 1:
        return row | {"answer": left[0].upper(), "sure": "sure",
                      "evidence": _shown(by_score, left[0], beaten)}  # fmt: skip
    first = [x for x in left if all(sooner(x, y) for y in left if y != x)]
    if first:
        others = [x for x in left if x != first[0]]
        return row | {
            "answer": f"{first[0].upper()}, which solves sooner",
            "sure": "sure" if alike else "likely",
            "evidence": f"{_shown(by_steps, first[0], others)}; scores of {_names(left)} "
            f"{'equal' if alike else 'neither shown equal nor apart'}{behind}",
        }  # fmt: skip
    if alike:
        return row | {
            "answer": f"{_names(left)}: it does not matter for the score", "sure": "sure",
            "evidence": f"equal within {margin:g} in every framework{behind}",
        }  # fmt: skip
    likely, _ = choose(cells, lambda x, y: better(x, y, corrected=False), equal)
    if len(likely) == 1:
        return row | {"answer": likely[0].upper(), "sure": "likely",
                      "evidence": "by the intervals, not after Holm: " + _shown(
                          by_score, likely[0], [x for x in cells if x not in likely])}  # fmt: skip
    same = [f"{_names([x, y])} equal" for x in left for y in left if x < y and equal(x, y)]
    return row | _unknown(
        "; ".join(
            [
                f"not all scores of {_names(left)} are shown equal, and none apart by more than "
                f"{margin:g}, in every framework",
                *same,
            ]
        )
        + behind
    )


def _everywhere(
    rows: pd.DataFrame, x: str, y: str, holds: Callable[[dict[str, Any]], bool]
) -> bool:
    """Whether it holds of ``x`` against ``y`` in every framework that compares them."""
    found = _against(rows, x, y)
    return bool(found) and all(holds(row) for row in found)


def _against(rows: pd.DataFrame, x: str, y: str) -> list[dict[str, Any]]:
    """The comparisons of ``x`` with ``y``, turned so that ``x`` is the first, in logarithms where
    they are ratios, and so that more is better."""
    found = []
    for row in rows.to_dict("records"):
        cells = str(row["a"]).split("/")[1], str(row["b"]).split("/")[1]
        if set(cells) != {x, y}:
            continue
        low, effect, high = (float(row[k]) for k in ("low", "effect", "high"))
        if row["unit"] == "ratio":
            with np.errstate(divide="ignore"):
                low, effect, high = (float(np.log(v)) for v in (low, effect, high))
        if (cells[0] == x) != (row["better"] == "higher"):
            low, effect, high = -high, -effect, -low
        turned = {"low": low, "effect": effect, "high": high, "shown": row["effect"]}
        found.append({str(k): v for k, v in row.items()} | turned)
    return found


def _ahead(row: dict[str, Any], margin: float, corrected: bool) -> bool:
    return bool(row["low"] > margin and (not corrected or row["p_holm"] < ALPHA))


def _shown(rows: pd.DataFrame, x: str, others: list[str]) -> str:
    """The comparisons that decided, in words: against each other one, over the frameworks."""
    parts = []
    for y in others:
        found = _against(rows, x, y)
        ratio = bool(found) and found[0]["unit"] == "ratio"
        effects = sorted(abs(r["effect"]) for r in found)
        if ratio:
            # As a ratio of x to y, in which fewer steps are better.
            effects = sorted(float(np.exp(-value)) for value in effects)
        metric = "steps to solve, ratio" if ratio else "score, difference"
        span = " to ".join(dict.fromkeys(f"{v:.3g}" for v in (effects[0], effects[-1])))
        seeds = min(r["n"] for r in found)
        count = f"{len(found)} framework{'s' if len(found) > 1 else ''}"
        parts.append(f"{metric} to {y.upper()} {span} ({count}, {seeds} seeds)")
    return "; ".join(parts)


def _fastest(ratios: pd.DataFrame | None) -> list[Row]:
    question = "Which framework is fastest here?"
    if ratios is None or ratios.empty:
        return [{"question": question, "task": "every task"} | _unknown("no timing campaign")]
    rows = []
    across = ratios[(ratios["cell"] == ratios["other_cell"]) & ~ratios["same_framework"]]
    for (shape, cell), group in across.groupby(["shape", "cell"]):
        row = {"question": question, "task": f"{shape}, {str(cell).upper()}"}
        if not group["control_ok"].all():
            rows.append(row | _unknown("this campaign told one method from itself"))
            continue
        known: dict[tuple[str, str], dict[str, Any]] = {
            (str(r["framework"]), str(r["other_framework"])): {str(k): v for k, v in r.items()}
            for r in group.to_dict("records")
        }
        names = sorted(set(group["framework"]))

        def faster(x: str, y: str, known: Any = known) -> bool:
            return bool((x, y) in known and known[x, y]["high"] < 1 / FASTER)

        def same(x: str, y: str, known: Any = known) -> bool:
            if (x, y) not in known:
                return False
            return bool(known[x, y]["low"] > 1 / FASTER and known[x, y]["high"] < FASTER)

        left, alike = choose(names, faster, same)
        evidence = "; ".join(
            f"{x} / {y} {v['ratio']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"
            for (x, y), v in known.items()
            if x in left and (y not in left or x < y)
        )
        if len(left) == 1:
            rows.append(row | {"answer": left[0], "sure": "sure", "evidence": evidence})
        elif alike:
            answer = f"{' or '.join(left)}: it does not matter"
            rows.append(row | {"answer": answer, "sure": "sure", "evidence": evidence})
        else:
            rows.append(row | _unknown(f"between {' and '.join(left)}: {evidence}"))
    return rows or [{"question": question, "task": "every task"} | _unknown("one framework timed")]


def _framework(task: str, claims: pd.DataFrame, track: str, name: str) -> Row:
    row = {"question": f"Does the framework matter for the score ({track})?", "task": task}
    mine = claims[(claims["claim"] == name) & (claims["task"] == task)]
    if mine.empty:
        return row | _unknown(f"the claim {name} is not tested here")
    verdicts = mine["verdict"].value_counts().to_dict()
    evidence = f"{name}: " + ", ".join(f"{v} for {n} of {len(mine)} cells"
                                       for v, n in verdicts.items())  # fmt: skip
    apart, alike = ("refuted", "supported") if track == "matched" else ("supported", "refuted")
    if apart in verdicts:
        cells = mine.loc[mine["verdict"] == apart, "case"]
        return row | {"answer": f"yes, for {_names(list(cells))}", "sure": "sure",
                      "evidence": evidence}  # fmt: skip
    if verdicts.get(alike, 0) == len(mine):
        return row | {"answer": "no: it does not matter", "sure": "sure", "evidence": evidence}
    cells = mine.loc[mine["verdict"] == alike, "case"]
    known = f"; it does not matter for {_names(list(cells))}" if len(cells) else ""
    return row | _unknown(evidence + known)


def _unknown(why: str) -> Row:
    return {"answer": CANNOT, "sure": "unknown", "evidence": why}


def _names(cells: list[str]) -> str:
    return " and ".join(cell.upper() for cell in cells)
