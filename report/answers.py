"""The answers to the four questions, each one sentence from the tables of evidence.

A sentence begins with what a reader in a hurry takes away; the number that follows, with its
interval, is the least clear one of those that decided, so that it promises nothing too much.
"""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from report import advice_words
from report.advice_words import CANNOT, Row
from report.numbers import effect, interval, listed, number
from report.sections import speed
from report.tables import Tables

# More tasks or timed shapes than these are counted, not named.
MOST_NAMED = 3
# Stands among the classical methods and is none: what no forecast can beat.
BOUNDS = ("noise floor",)
# The group of claims that are identities, not findings.
IDENTITIES = "parameters"


@dataclass(frozen=True)
class Answer:
    """One sentence of at most 30 words, its number with interval and place, what would tell."""

    text: str
    evidence: str = ""
    tell: str = ""


def cell(tables: Tables) -> Answer:
    rows = _advice(tables, "which_cell")
    if not rows:
        return _not_yet("the evidence has not been weighed")
    first, *others = _by_answer(rows, "on", "tasks")
    known = [row for row in rows if row["verdict"] != "unknown"]
    beaten = _beaten(tables)
    if not known:
        why = {advice_words.evidence(row) for row in rows}
        # A reason that all tasks share, such as too few seeds, is short; others stand below.
        short = f"We cannot tell: {why.pop()}" if len(why) == 1 else first
        return _sentence(short, [beaten, _furthest(tables["aggregate"])])
    return _sentence(first, [_decided(tables, known[0]), beaten, *others])


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


def _advice(tables: Tables, question: str) -> list[Row]:
    advice = tables["advice"]
    return advice[advice["question"] == question].to_dict("records")


def _decided(tables: Tables, row: Row) -> str:
    """What decided, as a number: in the framework and against the rival where it shows least."""
    task, metric = row["task"], _metric(tables, row["task"])
    known, verdict = math.isfinite(row["effect"]) and row["low"] <= row["high"], row["verdict"]
    # A ratio of 0 or without end is to one that never solves: no number for a reader.
    if not known or (verdict == "sooner" and not row["effect"]):
        return advice_words.evidence(row)
    one, other = str(row["a"]).upper(), str(row["b"]).upper()
    size = effect(row, positive=verdict == "better")
    words = {
        "equal": f"the scores of {one} and {other} on {task} differ by {size} in {metric}",
        "sooner": f"{one} solves {task} in {size} times the steps of {other}",
        "better": f"{one} is ahead of {other} on {task} by {size} in {metric}",
    }[verdict]
    return f"{words} ({row['n']:.0f} seeds in {row['framework']}{advice_words.among(row)})"


def _furthest(aggregate: pd.DataFrame) -> str:
    known = aggregate[aggregate["mean"].notna()].sort_values("mean", ascending=False)
    if known.empty:
        return ""
    top = known.iloc[0]
    mean = interval(top["mean"], top["low"], top["high"])
    return (
        "furthest from the baseline (0) towards solved (1) on the mean of all tasks is "
        f"{top['framework']} {str(top['cell']).upper()} with {mean}"
    )


def framework(tables: Tables) -> Answer:
    rows, timing = _advice(tables, "fastest_framework"), tables["timing"]
    if timing.empty or not rows:
        return _not_yet("nothing has been timed in this configuration")
    first, *others = _by_answer(rows, "at", "timed shapes and cells")
    ahead = next((_faster(row) for row in rows if row["verdict"] == "better"), "")
    sure = [advice_words.place(row) for row in rows if row["verdict"] != "unknown"]
    warned = [place for place in sure if place in speed.warnings(tables)]
    warning = ""
    if warned:
        places = listed(warned) if len(warned) <= MOST_NAMED else f"{len(warned)} of these"
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


def _faster(row: Row) -> str:
    """How much less time a step takes than in the next framework, as the clock has it."""
    return f"at {advice_words.place(row)} its step takes {effect(row)} times that of {row['b']}"


def same(tables: Tables) -> Answer:
    checked, compared = tables["conformance_summary"], tables["comparisons"]
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
    if len(checked):
        passed, checks = int(checked["passed"].sum()), int(checked["checks"].sum())
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
    margin = f" (margin {number(row['margin'])})" if pd.notna(row["margin"]) else ""
    return (
        f"furthest apart are {one[0]} and {other[0]}, with {one[1].upper()} on {row['task']} by "
        f"{effect(row, positive=True)} in {_metric(tables, row['task'])}{margin}"
    )


def claims(tables: Tables) -> Answer:
    judged = tables["claims"]
    if judged.empty:
        return _not_yet("no claim has been judged")
    # That a count is its formula is no finding.
    found = judged[judged["group"] != IDENTITIES]
    tested = found[found["verdict"] != "not tested"]
    if tested.empty:
        return _not_yet(f"none of {len(found)} claims can be tested with these runs")
    counts = tested["verdict"].value_counts()
    words = {
        "supported": ("holds", "hold"),
        "refuted": ("is refuted", "are refuted"),
        "inconclusive": ("stays open", "stay open"),
    }
    parts = [f"{counts[v]} {words[v][bool(counts[v] > 1)]}" for v in words if v in counts]
    short = f"Of {len(tested)} claims tested, {listed(parts)}"
    untested = len(found) - len(tested)
    more = f"{untested} more need{'s' if untested == 1 else ''} other runs" if untested else ""
    return _sentence(short, [_clearest(tested), more])


def _clearest(claims: pd.DataFrame) -> str:
    """The clearest refutation or, without one, the clearest confirmation."""
    # What says how large an effect is, before what says that there is none.
    tested = claims[claims["verdict"].isin(["refuted", "supported"]) & claims["p_holm"].notna()]
    tested = tested[(tested["expect"] != "equal") | (tested["verdict"] == "refuted")]
    if tested.empty:
        return ""
    row = tested.sort_values(["verdict", "p_holm"]).iloc[0]
    case = " ".join(str(row[k]) for k in ("framework", "task", "case") if pd.notna(row[k]))
    where = f" ({case})" if case else ""
    what = "refuted most clearly" if row["verdict"] == "refuted" else "clearest"
    return f"{what} is “{str(row['sentence']).rstrip('.')}”, {row['unit']} {effect(row)}{where}"


def _by_answer(rows: list[Row], where: str, places: str) -> list[str]:
    """Every answer once with what it is for; what is known first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        short = advice_words.answer(row).removesuffix(", which solves sooner")
        groups.setdefault((short, row["sure"]), []).append(advice_words.place(row))
    parts: list[str] = []
    order = sorted(groups.items(), key=lambda one: (one[0][0] == CANNOT, -len(one[1])))
    for (answer, sure), there in order:
        names = listed(there)
        if len(rows) > MOST_NAMED:
            names = str(len(there)) if parts else f"{len(there)} of {len(rows)} {places}"
        if answer == CANNOT:
            parts.append(f"{where} {names} {CANNOT}" if parts else f"{CANNOT} {where} {names}")
        else:
            parts.append(f"{answer} {where} {names} ({sure})")
    if parts[0].startswith(("we", "none")):
        parts[0] = parts[0][0].upper() + parts[0][1:]
    return parts


def _metric(tables: Tables, task: str) -> str:
    metrics = dict(zip(tables["tasks"]["task"], tables["tasks"]["metric"], strict=True))
    return str(metrics.get(task, "score"))


def _sentence(short: str, parts: list[str]) -> Answer:
    rest = "; ".join(part for part in parts if part)
    return Answer(f"{short}.", f"{rest[0].upper()}{rest[1:]}." if rest else "")


def _not_yet(why: str) -> Answer:
    return _sentence("Not known yet", [why])
