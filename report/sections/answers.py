"""The first screen: four questions, each answered in one sentence from the tables of evidence.

A sentence begins with what a reader in a hurry takes away; the number that follows, with its
interval, is the least clear one of those that decided, so that it promises nothing too much.
"""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd

from report.numbers import interval, number
from report.sections import provenance, speed
from report.tables import Tables, rows

Row = dict[str, Any]
# More tasks or timed shapes than these are counted, not named.
MOST_NAMED = 3
# Stands among the classical methods and is none: what no forecast can beat.
BOUNDS = ("noise floor",)


def content(tables: Tables) -> dict[str, Any]:
    """The answers, and what was run where."""
    scores, runs, found = tables["scores"], tables["runs"], answers(tables)
    palette = tables.palette
    return {
        "answers": found,
        "article": any("the article" in row["short"] + row["rest"] for row in found),
        "cells": palette.present(scores["cell"]),
        "frameworks": [name for name in palette.frameworks if name in set(runs["framework"])],
        "tasks": tables.tasks,
        "count": len(runs),
        "provenance": provenance.of(tables),
    }


def answers(tables: Tables) -> list[dict[str, str]]:
    """Question, the answer in short, the rest of its sentence, and the section it leads to."""
    return [
        {"question": "Which cell?", "link": "advice"} | _cell(tables),
        {"question": "Which framework, and how far from the hardware?", "link": "speed"}
        | _framework(tables),
        {"question": "Same results if ported?", "link": "sameness"} | _ported(tables),
        {"question": "Do the claims hold?", "link": "claims"} | _claims(tables),
    ]


def _cell(tables: Tables) -> dict[str, str]:
    advice = tables["advice"]
    advised = advice[advice["question"] == "Which cell?"]
    if advised.empty:
        return _not_yet("the evidence has not been weighed")
    first, *others = _by_answer(advised, "on", "tasks")
    known = advised[advised["sure"] != "unknown"]
    beaten = _beaten(tables)
    if known.empty:
        why = set(advised["evidence"].astype(str))
        # A reason that all tasks share, such as too few seeds, is short; others stand below.
        short = f"We cannot tell: {why.pop()}" if len(why) == 1 else first
        return _sentence(short, [beaten, _furthest(tables["aggregate"])])
    details = (_decided(tables, row) for row in rows(known))
    return _sentence(first, [next((text for text in details if text), ""), beaten, *others])


def _beaten(tables: Tables) -> str:
    """Where a method without a network does better than every network."""
    found = []
    for task in tables.rows("tasks"):
        name, sign = task["task"], -1 if task["direction"] == "higher" else 1
        scores = tables.of_task("scores", name)["median"].dropna() * sign
        classical = tables.of_task("classical", name).groupby("method")["score"].median() * sign
        classical = classical.drop(list(BOUNDS), errors="ignore")
        if len(scores) and len(classical) and classical.min() < scores.min():
            best, network = sign * classical.min(), sign * scores.min()
            found.append(
                f"on {name} {classical.idxmin()} ({number(best)}), which is no network, beats "
                f"every network (at best {number(network)}, {task['metric']})"
            )
    return "; ".join(found)


def _advised(row: Row) -> tuple[list[str], bool, bool]:
    """The names that advice is for, and whether it is for sooner, and for alike.

    The only place that reads a sentence of the table.
    """
    answer = str(row["answer"])
    words = re.split(r" rather than |[,:]", answer)[0].lower().split()
    return words, "sooner" in answer, "does not matter" in answer


def _decided(tables: Tables, advice: Row) -> str:
    """What decided, as a number: in the framework and against the rival where it shows least."""
    task, (words, sooner, alike) = str(advice["task"]), _advised(advice)
    compared = tables["comparisons"]
    mine = compared[
        (compared["kind"] == "cells")
        & (compared["track"] == "matched")
        & (compared["task"] == task)
        & (compared["metric"] == ("steps_to_solve" if sooner else "score"))
        & compared["low"].notna()
        & compared["high"].notna()
    ]
    turned = filter(None, (_turned(row, words, alike) for row in rows(mine)))
    found = [one for one in turned if alike or one["ahead"]]
    if not found:
        return str(advice["evidence"]).split("; ")[0]
    least = min(found, key=lambda one: -abs(one["effect"]) if alike else one["sure"])
    size = interval(least["effect"], least["low"], least["high"])
    one, other, metric = least["one"], least["other"], _metric(tables, task)
    if alike:
        said = f"the scores of {one} and {other} on {task} differ by {size} in {metric}"
    elif sooner:
        said = f"{one} solves {task} in {size} times the steps of {other}"
    else:
        said = f"{one} is ahead of {other} on {task} by {size} in {metric}"
    of = sum(row["other"] == other and row["one"] == one for row in found)
    most = "they are furthest apart" if alike else "it shows least"
    place = f", the one of {of} frameworks where {most}" if of > 1 else ""
    return f"{said} ({least['n']} seeds in {least['framework']}{place})"


def _turned(row: Row, winners: list[str], alike: bool) -> Row | None:
    """A comparison of cells turned so that the winner comes first; None where none is one.

    Differences are turned so that more is better. ``sure`` is how far the interval keeps away
    from no difference, at its nearer end.
    """
    framework, one = str(row["a"]).split("/")
    other = str(row["b"]).split("/")[1]
    won = [cell in winners for cell in (one, other)]
    if not any(won) or all(won) != alike:
        return None
    effect, low, high = (float(row[k]) for k in ("effect", "low", "high"))
    swapped = not won[0]
    if row["unit"] == "ratio":
        # A ratio of 0 or without end is to one that never solves: no number for a reader.
        if not 0 < effect < math.inf:
            return None
        if swapped:
            effect, low, high = 1 / effect, 1 / high, 1 / low if low else math.inf
        sure = -math.log(high) if 0 < high < math.inf else -math.inf
    else:
        if not alike and swapped != (row["better"] == "lower"):
            effect, low, high = -effect, -high, -low
        sure = low
    names = (other, one) if swapped else (one, other)
    return {
        "effect": effect, "low": low, "high": high, "sure": sure, "ahead": sure > 0,
        "one": names[0].upper(), "other": names[1].upper(), "framework": framework,
        "n": int(row["n"]),
    }  # fmt: skip


def _furthest(aggregate: pd.DataFrame) -> str:
    known = aggregate[aggregate["iqm"].notna()].sort_values("iqm", ascending=False)
    if known.empty:
        return ""
    top = known.iloc[0]
    return (
        f"furthest from the baseline (0) towards solved (1) over all tasks is {top['framework']} "
        f"{str(top['cell']).upper()} with {interval(top['iqm'], top['low'], top['high'])}"
    )


def _framework(tables: Tables) -> dict[str, str]:
    advice, timing = tables["advice"], tables["timing"]
    advised = advice[advice["question"] == "Which framework is fastest here?"]
    if timing.empty or advised.empty:
        return _not_yet("nothing has been timed in this configuration")
    first, *others = _by_answer(advised, "at", "timed shapes and cells")
    known = rows(advised[advised["sure"] != "unknown"])
    ahead = next((text for text in (_faster(tables, row) for row in known) if text), "")
    warned = sorted({row["task"] for row in known} & speed.warnings(tables).keys())
    warning = ""
    if warned:
        places = _names(warned) if len(warned) <= MOST_NAMED else f"{len(warned)} of these"
        warning = f"the clock warns of its times at {places} (see Speed)"
    steps = timing[(timing["phase"] == "step") & timing["peak_fraction"].notna()]
    peak = ""
    if len(steps):
        best = steps.sort_values("peak_fraction").iloc[-1]
        peak = (
            f"the best step reaches {number(100 * best['peak_fraction'], 2)} % of the "
            f"attainable peak ({best['framework']} {str(best['cell']).upper()} at {best['shape']})"
        )
    return _sentence(first, [ahead, warning, *others, peak])


def _faster(tables: Tables, advice: Row) -> str:
    """How much less time a step takes than in the next framework, as the clock has it."""
    shape, cell = str(advice["task"]).rsplit(", ", 1)
    ratios = tables["speed_ratios"]
    mine = ratios[
        (ratios["kind"] == "framework")
        & (ratios["shape"] == shape)
        & (ratios["numerator_cell"].astype(str).str.upper() == cell)
        & ratios["low"].notna()
    ]
    found = []
    for row in rows(mine):
        one, other = row["numerator_framework"], row["denominator_framework"]
        values = row["ratio"], row["low"], row["high"]
        if advice["answer"] == other:
            one, other, values = other, one, (1 / values[0], 1 / values[2], 1 / values[1])
        if advice["answer"] == one:
            found.append((*values, other))
    if not found:
        return ""
    ratio, low, high, rival = max(found)
    size = interval(ratio, low, high)
    return f"at {shape}, {cell} its step takes {size} times that of {rival}"


def _ported(tables: Tables) -> dict[str, str]:
    gate, compared = tables["conformance_summary"], tables["comparisons"]
    pairs = compared[(compared["kind"] == "frameworks") & (compared["metric"] == "score")]
    pairs = pairs[pairs["p_holm"].notna()]
    counts = {}
    for track in ("matched", "native"):
        mine = pairs[pairs["track"] == track]
        equal = (mine["equivalent"].astype(str) == "True").sum()
        counts[track] = len(mine), int(equal), int((mine["p_holm"] < 0.05).sum())
    total, equal, apart = counts["matched"]
    parts = [_portions("comparisons of two frameworks", *counts["matched"])] if total else []
    parts.append(_widest(tables, pairs[pairs["track"] == "matched"]))
    if counts["native"][0]:
        parts.append("on the native track " + _portions("comparisons", *counts["native"]))
    if len(gate):
        passed, checks = int(gate["passed"].sum()), int(gate["checks"].sum())
        of = "all" if passed == checks else f"{number(passed)} of"
        parts.append(f"{of} {number(checks)} checks against the reference pass")
    if not any(parts):
        return _not_yet("no two frameworks were compared")
    if not total:
        return _sentence("We cannot tell, as no two frameworks have five seeds each", parts)
    alike = "Yes" if equal == total else "No difference was found"
    short = "Not always" if apart else alike
    return _sentence(f"{short} on the matched track", parts)


def _portions(of: str, total: int, equal: int, apart: int) -> str:
    unclear = f", {total - equal - apart} cannot tell" if total > equal + apart else ""
    return f"{equal} of {total} {of} show equal scores, {apart} different ones{unclear}"


def _widest(tables: Tables, pairs: pd.DataFrame) -> str:
    """The difference that is largest beside its margin."""
    pairs = pairs[pairs["low"].notna()].reset_index(drop=True)
    size = (pairs["effect"] / pairs["margin"]).abs().fillna(-1).to_numpy(float)
    if not len(size):
        return ""
    row = pairs.iloc[int(size.argmax())]
    one, other = (str(row[side]).split("/") for side in ("a", "b"))
    values = [float(row[k]) for k in ("effect", "low", "high")]
    if values[0] < 0:
        values = [-values[0], -values[2], -values[1]]
    margin = f" (margin {number(row['margin'])})" if pd.notna(row["margin"]) else ""
    return (
        f"furthest apart are {one[0]} and {other[0]}, with {one[1].upper()} on {row['task']} by "
        f"{interval(*values)} in {_metric(tables, row['task'])}{margin}"
    )


def _claims(tables: Tables) -> dict[str, str]:
    claims = tables["claims"]
    if claims.empty:
        return _not_yet("no claim has been judged")
    verdicts = [set(v) - {"not tested"} for _, v in claims.groupby("claim", sort=False)["verdict"]]
    tested = [v for v in verdicts if v]
    if not tested:
        return _not_yet(f"none of {len(verdicts)} claims can be tested with these runs")
    counts = {
        ("holds in every case", "hold in every case"): sum(v == {"supported"} for v in tested),
        ("is refuted in some case", "are refuted in some case"): sum(
            "refuted" in v for v in tested
        ),
        ("stays open", "stay open"): sum(
            "inconclusive" in v and "refuted" not in v for v in tested
        ),
    }
    words = [f"{n} {what[n > 1]}" for what, n in counts.items() if n]
    short = f"Of {len(tested)} claims tested, {_names(words)}"
    untested = len(verdicts) - len(tested)
    more = f"{untested} more need{'s' if untested == 1 else ''} other runs" if untested else ""
    return _sentence(short, [_clearest(claims), more])


def _clearest(claims: pd.DataFrame) -> str:
    """The clearest refutation or, without one, the clearest confirmation."""
    # What says how large an effect is, before what says that there is none.
    tested = claims[claims["verdict"].isin(["refuted", "supported"]) & claims["p_holm"].notna()]
    tested = tested[(tested["expect"] != "equal") | (tested["verdict"] == "refuted")]
    if tested.empty:
        return ""
    row = tested.sort_values(["verdict", "p_holm"]).iloc[0]
    case = " ".join(str(row[k]) for k in ("framework", "task", "case") if pd.notna(row[k]))
    what = "refuted most clearly" if row["verdict"] == "refuted" else "clearest"
    return (
        f"{what} is “{str(row['sentence']).rstrip('.')}”, {row['unit']} "
        f"{interval(row['effect'], row['low'], row['high'])} ({case})"
    )


def _by_answer(advised: pd.DataFrame, place: str, places: str) -> list[str]:
    """Every answer once with what it is for; what is known first."""
    parts: list[str] = []
    groups = list(advised.groupby(["answer", "sure"], sort=False))
    groups.sort(key=lambda item: (item[0][1] == "unknown", -len(item[1])))
    for (answer, sure), group in groups:
        names = _names(group["task"])
        if len(advised) > MOST_NAMED:
            names = str(len(group)) if parts else f"{len(group)} of {len(advised)} {places}"
        short = str(answer).removesuffix(", which solves sooner")
        if sure == "unknown":
            where = f"{place} {names}"
            parts.append(f"{where} we cannot tell" if parts else f"We cannot tell {where}")
        else:
            parts.append(f"{short} {place} {names} ({sure})")
    parts[0] = parts[0].replace("none of", "None of")
    return parts


def _names(names: Any) -> str:
    *most, last = [str(name) for name in names]
    return f"{', '.join(most)} and {last}" if most else last


def _metric(tables: Tables, task: str) -> str:
    metrics = dict(zip(tables["tasks"]["task"], tables["tasks"]["metric"], strict=True))
    return str(metrics.get(task, "score"))


def _sentence(short: str, parts: list[str]) -> dict[str, str]:
    rest = "; ".join(part for part in parts if part)
    return {"short": short, "rest": f": {rest}" if rest else ""}


def _not_yet(why: str) -> dict[str, str]:
    return _sentence("Not known yet", [why])
