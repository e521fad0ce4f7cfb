"""The first screen: four questions, each answered in a sentence from the tables of evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from report.numbers import interval, number

Tables = Mapping[str, pd.DataFrame]
UNKNOWN = "we cannot tell"
WORKLOADS = "shapes and cells"
# More tasks or shapes than these are counted, not named.
MOST_NAMED = 6


def answers(tables: Tables) -> list[dict[str, str]]:
    """Question, answer, the number behind it with its interval, and the section it leads to."""
    return [
        {"question": "Which cell?", "link": "advice"} | _cell(tables),
        {"question": "Which framework, and how far from the hardware?", "link": "speed"}
        | _framework(tables),
        {"question": "Same results if ported?", "link": "sameness"} | _ported(tables),
        {"question": "Do the claims hold?", "link": "claims"} | _claims(tables),
    ]


def _cell(tables: Tables) -> dict[str, str]:
    advice = tables["advice"]
    rows = advice[advice["question"] == "Which cell?"]
    if rows.empty:
        return _not_yet("the evidence has not been weighed")
    known = rows[rows["answer"] != UNKNOWN]
    answer = _by_answer(rows, "tasks")
    compared = tables["comparisons"]
    mine = compared[
        (compared["kind"] == "cells")
        & (compared["track"] == "matched")
        & compared["low"].notna()
        & compared["effect"].abs().between(1e-12, 1e12)
    ]
    for row in known.to_dict("records"):
        sooner = "sooner" in row["answer"]
        decisive = mine[
            (mine["task"] == row["task"])
            & (mine["metric"] == ("steps_to_solve" if sooner else "score"))
        ].sort_values("p_holm")
        if len(decisive):
            return {"answer": answer, "number": _comparison(decisive.iloc[0])}
    best = tables["aggregate"].sort_values("iqm", ascending=False)
    if best.empty:
        return {"answer": answer, "number": ""}
    top = best.iloc[0]
    return {
        "answer": answer,
        "number": "interquartile mean over the tasks (0 is the baseline, 1 is solved), best: "
        f"{top['framework']}/{top['cell']} {interval(top['iqm'], top['low'], top['high'])}",
    }


def _framework(tables: Tables) -> dict[str, str]:
    advice, timing = tables["advice"], tables["timing"]
    rows = advice[advice["question"] == "Which framework is fastest here?"]
    if timing.empty or rows.empty:
        return _not_yet("nothing has been timed in this configuration")
    parts = []
    known = rows[rows["answer"] != UNKNOWN]
    if len(known):
        first = known.iloc[0]
        parts.append(f"{first['task']}: {first['evidence'].split('; ')[0]}")
    steps = timing[(timing["phase"] == "step") & timing["peak_fraction"].notna()]
    if len(steps):
        best = steps.sort_values("peak_fraction").iloc[-1]
        low, high = steps["peak_fraction"].min(), steps["peak_fraction"].max()
        parts.append(
            f"a training step reaches {number(100 * low, 2)} to {number(100 * high, 2)} % of the "
            f"attainable peak ({best['framework']}/{best['cell']} at {best['shape']} most)"
        )
    return {"answer": _by_answer(rows, WORKLOADS), "number": "; ".join(parts)}


def _ported(tables: Tables) -> dict[str, str]:
    gate, compared = tables["conformance_summary"], tables["comparisons"]
    parts = []
    if len(gate):
        passed, checks = int(gate["passed"].sum()), int(gate["checks"].sum())
        parts.append(f"{passed:,} of {checks:,} checks against the reference pass")
    pairs = compared[(compared["kind"] == "frameworks") & (compared["metric"] == "score")]
    for track in ("matched", "native"):
        mine = pairs[(pairs["track"] == track) & pairs["p_holm"].notna()]
        if len(mine):
            equal = int((mine["equivalent"].astype(str) == "True").sum())
            apart = int((mine["p_holm"] < 0.05).sum())
            parts.append(
                f"{track}, {equal} of {len(mine)} comparisons of two frameworks show the same "
                f"score and {apart} a different one"
            )
    if not parts:
        return _not_yet("no two frameworks were compared")
    matched = pairs[(pairs["track"] == "matched") & pairs["low"].notna()].reset_index(drop=True)
    size = (matched["effect"] / matched["margin"]).abs().fillna(-1).to_numpy(float)
    most = _comparison(matched.iloc[int(size.argmax())]) if len(size) else ""
    answer = "; ".join(parts)
    return {
        "answer": answer[0].upper() + answer[1:],
        "number": f"the largest difference beside its margin: {most}" if most else "",
    }


def _claims(tables: Tables) -> dict[str, str]:
    rows = tables["claims"]
    if rows.empty:
        return _not_yet("no claim has been judged")
    verdicts = rows.groupby("claim", sort=False)["verdict"].agg(set)
    counts = {
        "hold in every case tested": sum(_tested(v) == {"supported"} for v in verdicts),
        "are refuted in some case": sum("refuted" in v for v in verdicts),
        "stay open": sum("inconclusive" in v and "refuted" not in v for v in verdicts),
        "are not tested here": sum(v == {"not tested"} for v in verdicts),
    }
    words = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    # What says how large an effect is, before what says that there is none.
    tested = rows[rows["verdict"].isin(["refuted", "supported"]) & rows["p_holm"].notna()]
    tested = tested[(tested["expect"] != "equal") | (tested["verdict"] == "refuted")]
    tested = tested.sort_values(["verdict", "p_holm"])
    surest = ""
    if len(tested):
        row = tested.iloc[0]
        sentence = str(row["sentence"]).rstrip(".")
        case = " ".join(str(row[k]) for k in ("framework", "task", "case") if pd.notna(row[k]))
        surest = (
            f"{row['verdict']}, for one: “{sentence}”, {case}, {row['unit']} "
            f"{interval(row['effect'], row['low'], row['high'])}"
        )
    return {"answer": f"Of {len(verdicts)} published claims {words}", "number": surest}


def _tested(verdicts: set[str]) -> set[str]:
    return verdicts - {"not tested"}


def _by_answer(rows: pd.DataFrame, place: str) -> str:
    """One sentence of all rows: every answer once, with what it is for."""
    parts = []
    groups = list(rows.groupby(["answer", "sure"], sort=False))
    if len(rows) > MOST_NAMED:
        groups.sort(key=lambda item: -len(item[1]))
    for (answer, sure), group in groups:
        note = "" if sure == "unknown" else f" ({sure})"
        answer = str(answer).removesuffix(", which solves sooner")
        names = " and ".join(group["task"].astype(str))
        if len(rows) > MOST_NAMED:
            names = f"{len(group)} of {len(rows)} {place}"
        parts.append(f"{answer}{note} {'at' if place == WORKLOADS else 'on'} {names}")
    text = "; ".join(parts)
    return text[0].upper() + text[1:]


def _comparison(row: Any) -> str:
    sign = "/" if row["unit"] == "ratio" else "−"
    seeds = "" if math.isnan(row["n"]) else f", {int(row['n'])} seeds"
    metric = str(row["metric"]).replace("_", " ")
    return (
        f"{metric} on {row['task']}, {row['a'].replace('/', ' ')} {sign} "
        f"{row['b'].replace('/', ' ')}: "
        f"{interval(row['effect'], row['low'], row['high'])}{seeds}"
    )


def _not_yet(why: str) -> dict[str, str]:
    return {"answer": f"Not known: {why}", "number": ""}
