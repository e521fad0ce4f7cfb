"""The advice: what to use, from the tables of evidence alone, by rules that stand here.

Which cell, for each task, on the matched track:

1. No cell whose median leaves the baseline: none of them.
2. A cell is beaten when, in every framework, another one's score is better by more than the
   task's margin: the whole interval, and p after Holm. What is not beaten remains.
3. One remains: that one, *sure*.
4. Several remain, and one of them solves sooner than each other one in every framework (interval
   and p after Holm): that one, *sure* where their scores are shown equal, else *likely*.
5. Several remain whose scores are shown equal (TOST after Holm) in every framework: it does not
   matter for the score, *sure*.
6. Several remain, and some of them are better than the others by weaker evidence, in every
   framework: by more than the margin before Holm, or after Holm by less than the margin. Those
   that nothing is better than, *likely*.
7. Anything else: we cannot tell.

Which framework is fastest, for each shape and cell of the clock: as 2, 3, 5 and 7, with the
clock's intervals and a margin of 3 %. Whether the framework matters for the score: the verdicts
on the claims that matched frameworks agree and native ones differ. When it does not matter: all
that these rules show to be equal. Fewer than five seeds, or a campaign whose control failed,
tell nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.evidence import phrases
from analysis.evidence.claims import Margin, margin_of
from analysis.evidence.phrases import Equal, Row, answer, unknown
from analysis.evidence.which_cell import Cells, choose
from harness import layout

CANNOT = phrases.CANNOT
NO_MATTER = "When does it not matter?"
FASTER = 1.03
Pairs = Mapping[tuple[str, str], Row]


def write(
    tables: Mapping[str, pd.DataFrame],
    claims: pd.DataFrame,
    comparisons: pd.DataFrame,
    margins: Mapping[str, Margin],
) -> pd.DataFrame:
    """The table of advice; every row has an answer, how sure it is, its evidence and its rule."""
    scores = tables["scores"]
    matched = scores[scores["track"] == "matched"]
    cells = [
        Cells(str(task), group, comparisons, margin_of(margins["score"], task))
        for task, group in matched.groupby("task")
    ]
    clock = _clock(tables.get("speed_ratios"))
    agreement = [
        (task, track, claims[(claims["claim"] == name) & (claims["task"] == task)])
        for task in sorted(set(scores["task"].astype(str)))
        for track, name in (("matched", "matched-scores-agree"), ("native", "native-scores-differ"))
    ]
    rows = [one.advice() for one in cells]
    rows += [_fastest(place, pairs) for place, pairs in clock] or [
        {"question": "Which framework is fastest here?", "task": "every task"}
        | unknown("no two frameworks were timed", "a timing campaign is needed")
    ]
    rows += [_framework(*one) for one in agreement]
    rows += [
        _no_matter("the cell, for the score", "equal within the task's margin in every framework "
                   "(TOST after Holm)", [text for one in cells for text in one.equal_pairs()]),
        _no_matter("the framework, for the score", "every pair of frameworks equal within the "
                   "task's margin (TOST after Holm)",
                   [text for one in agreement for text in _same_score(*one)]),
        _no_matter("the framework, for the speed", "the clock's whole interval within 3 %",
                   [text for place, pairs in clock for text in _same_speed(place, pairs)]),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(layout.TABLES["advice"].columns))


def _clock(ratios: pd.DataFrame | None) -> list[tuple[str, Pairs]]:
    """Each shape and cell with its ratios of frameworks; with none where the control failed."""
    if ratios is None or ratios.empty:
        return []
    across = ratios[(ratios["cell"] == ratios["other_cell"]) & ~ratios["same_framework"]]
    return [
        (
            f"{shape}, {str(cell).upper()}",
            {
                (str(r["framework"]), str(r["other_framework"])): r
                for r in group.to_dict("records")
                if group["control_ok"].all()
            },
        )
        for (shape, cell), group in across.groupby(["shape", "cell"])
    ]


def _fastest(place: str, known: Pairs) -> Row:
    row = {"question": "Which framework is fastest here?", "task": place}
    if not known:
        return row | unknown(
            "this campaign told one method from itself", "its A/A interval leaves out 1"
        )

    def faster(x: str, y: str) -> bool:
        return (x, y) in known and bool(known[x, y]["high"] < 1 / FASTER)

    left, alike = choose(sorted({x for x, _ in known}), faster, lambda x, y: _same(known, x, y))
    evidence = "; ".join(
        phrases.ratio(x, y, v)
        for (x, y), v in known.items()
        if x in left and (y not in left or x < y)
    )
    if len(left) == 1:
        return row | answer(
            left[0], "sure", evidence, "the clock's whole interval more than 3 % below each other"
        )
    if alike:
        return row | answer(f"{' or '.join(left)}: it does not matter", "sure", evidence,
                             "the clock's whole interval within 3 %")  # fmt: skip
    return row | unknown(
        f"between {' and '.join(left)}: {evidence}", "an interval crosses the margin of 3 %"
    )


def _same(known: Pairs, x: str, y: str) -> bool:
    if (x, y) not in known:
        return False
    return bool(known[x, y]["low"] > 1 / FASTER and known[x, y]["high"] < FASTER)


def _same_speed(place: str, known: Pairs) -> list[Equal]:
    return [
        (f"{place}: {x} or {y}", phrases.ratio(x, y, v), abs(np.log(v["ratio"])))
        for (x, y), v in known.items()
        if x < y and _same(known, x, y)
    ]


def _framework(task: str, track: str, claims: pd.DataFrame) -> Row:
    row = {"question": f"Does the framework matter for the score ({track})?", "task": task}
    if claims.empty or (claims["verdict"] == "not tested").all():
        return row | unknown("not tested here", "two frameworks and five seeds are needed")
    apart, alike = ("refuted", "supported") if track == "matched" else ("supported", "refuted")
    by_verdict = {
        "yes": claims.loc[claims["verdict"] == apart, "case"],
        "no": claims.loc[claims["verdict"] == alike, "case"],
        CANNOT: claims.loc[~claims["verdict"].isin([apart, alike]), "case"],
    }
    known = {answer: list(cases) for answer, cases in by_verdict.items() if len(cases)}
    evidence = "; ".join(phrases.verdict(r) for r in claims.to_dict("records"))
    rule = "every pair of frameworks by TOST within the task's margin, after Holm"
    if list(known) == [CANNOT]:
        return row | unknown(evidence, rule)
    if list(known) == ["no"]:
        return row | answer("no: it does not matter", "sure", evidence, rule)
    text = "; ".join(f"{answer} for {phrases.names(cells)}" for answer, cells in known.items())
    return row | answer(text, "sure", evidence, rule)


def _same_score(task: str, track: str, claims: pd.DataFrame) -> list[Equal]:
    alike = claims[claims["verdict"] == ("supported" if track == "matched" else "refuted")]
    if alike.empty:
        return []
    furthest = max(alike.to_dict("records"), key=_in_margins)
    place = f"{task}, {phrases.names(list(alike['case']))}, {track}"
    return [(place, phrases.verdict(furthest), _in_margins(furthest))]


def _in_margins(row: Row) -> float:
    return float(abs(row["effect"]) / row["margin"])


def _no_matter(what: str, rule: str, found: list[Equal]) -> Row:
    """All places where it does not matter, and the evidence of the one that is furthest apart."""
    row = {"question": NO_MATTER, "task": what}
    if not found:
        return row | unknown("nothing is shown equal here", rule)
    place, evidence, _ = max(found, key=lambda one: one[2])
    text = (
        evidence if len(found) == 1 else f"the furthest apart of {len(found)}: {place}: {evidence}"
    )
    return row | answer("; ".join(one[0] for one in found), "sure", text, rule)
