"""The section "Claims": a board of verdicts, every claim with its cases and its rule."""

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import NullLocator

from report import answers, words
from report.answers.phrases import capital
from report.figures.drawing import Job
from report.figures.panels import laid_out
from report.figures.style import MARK, Palette, settings
from report.figures.svg import svg
from report.sections import claim_words
from report.sections.claim_words import CASES, VERDICTS
from report.tables import Tables, rows

# Groups whose names say little by themselves.
GROUPS = {"paper rows": "published tables", "waiting": "data that are fetched first"}
UNITS = {
    "difference": "difference (0: none)", "ratio": "times as much (1: no difference)",
    "share": "share of the runs",
    "slope": "how much the lead grows from the easiest level to the hardest",
}  # fmt: skip


def content(tables: Tables) -> dict[str, Any]:
    """The claims by group, each with its cases, and what came out of all of them."""
    claims, cases = rows(tables["claims"]), tables["cases"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for claim in claims:
        mine = rows(cases[cases["claim"] == claim["claim"]])
        groups.setdefault(claim["group"], []).append(_entry(claim, mine))
    return {
        "answer": answers.claims(tables),
        "title": finding(claims),
        "groups": [_group(name, entries) for name, entries in groups.items()],
        "verdicts": VERDICTS,
    }


def finding(claims: list[dict[str, Any]]) -> str:
    """The title of the board: where claims hold best, and where they fail most.

    That a count is its formula is no finding.
    """
    found = [c for c in claims if c["group"] != answers.IDENTITIES]
    tested = [c for c in found if c["verdict"] != "not tested"]
    if not tested:
        return f"None of the {len(found)} claims can be tested with these runs"
    parts: list[str] = []
    for verdict, singular, plural in (
        ("supported", "holds", "hold"), ("refuted", "does not hold", "do not hold"),
    ):  # fmt: skip
        counts = [
            (group, sum(c["verdict"] == verdict for c in mine), len(mine))
            for group in dict.fromkeys(c["group"] for c in tested)
            if (mine := [c for c in tested if c["group"] == group])
        ]
        # Many of many say more than all of few.
        group, n, of = max(counts, key=lambda one: one[1] ** 2 / one[2])
        if 2 * n >= of:
            claims_ = "" if parts else f" claim{'s' if of > 1 else ''}"
            parts.append(f"on {group} {n} of {of}{claims_} {plural if n > 1 else singular}")
    if not parts:
        return f"Of {len(tested)} claims that were tested, most are open"
    return f"{parts[0][0].upper()}{', '.join(parts)[1:]}"


def _group(name: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A group with its claims by verdict, and how many have which in words."""
    by = {v: [e for e in entries if e["verdict"] == v] for v in VERDICTS}
    counts = [f"{len(by[v])} {_plural(v, len(by[v]))}" for v in VERDICTS if by[v]]
    shown = GROUPS.get(name, name)
    shown = capital(shown)
    return {"name": name, "title": shown, "claims": entries, "by": by, "counts": ", ".join(counts)}


def _plural(verdict: str, n: int) -> str:
    word = VERDICTS[verdict][0]
    several = {"holds": "hold", "does not hold": "do not hold"}
    return several.get(word, word) if n > 1 else word


def _entry(claim: dict[str, Any], cases: list[dict[str, Any]]) -> dict[str, Any]:
    """A claim with what the page says of it, and of each of its cases."""
    word, style, mark = VERDICTS[claim["verdict"]]
    shown = {
        "measured": claim_words.measured(claim), "counted": claim_words.counted(claim),
        "place": claim_words.place(claim), "rates": claim_words.rates(claim),
        "solved": claim_words.solved(claim), "decides": claim_words.decides(claim),
        "command": claim_words.command(claim), "told": words.told(claim["detail"]),
        "word": word, "style": style, "mark": mark,
    }  # fmt: skip
    told = [
        case | dict(zip(("word", "style", "mark"), CASES[case["says"]], strict=True))
        | {"measured": claim_words.measured(case), "counted": claim_words.counted(case),
           "place": claim_words.place(case)}
        for case in cases
    ]  # fmt: skip
    tip = [word]
    if shown["measured"]:
        tip.append(f"{shown['place'] or 'over all'}: {shown['measured']}, {shown['counted']}")
    return claim | shown | {"rows": told, "tip": "; ".join(tip)}


def figures(tables: Tables) -> dict[str, Job]:
    """A forest plot for each group."""
    claims, cases = tables["claims"], tables["cases"]
    jobs: dict[str, Job] = {}
    for group, mine in claims.groupby("group", sort=False):
        data = cases.merge(mine[["claim", "sentence"]], on="claim")
        jobs[str(group)] = forest, (data, str(group), tables.palette)
    return jobs


def forest(cases: pd.DataFrame, group: str, palette: Palette) -> Markup:
    """The cases of the claims of ``group``, a panel a claim; empty without any interval.

    Filled points are decided cases. Where margins differ by task, effects are in margins.
    """
    data = cases[cases["unit"].isin(UNITS) & cases["low"].notna()]
    if data.empty:
        return Markup()
    panels = [data[data["claim"] == claim].iloc[::-1] for claim in data["claim"].unique()]
    heights = [len(panel) + 1.6 for panel in panels]
    with settings(f"forest {group}"):
        high = 0.9 + 0.3 * sum(heights)
        figure, axes = laid_out(len(panels), 1, 9, high, height_ratios=heights)
        for place, panel in zip(axes.flat, panels, strict=True):
            _panel(place, panel, palette)
        return svg(figure, f"Effects and intervals of the claims on {group}")


def _panel(axes: Any, cases: pd.DataFrame, palette: Palette) -> None:
    unit = str(cases["unit"].iloc[0])
    by_task = cases["margin"].nunique() > 1
    values = cases[["low", "effect", "high"]].to_numpy(float)
    if by_task:
        values = values / cases["margin"].to_numpy(float)[:, None]
    margin = 1.0 if by_task else float(cases["margin"].iloc[0])
    ratio = unit == "ratio"
    edges = {1 / margin, margin} if ratio and margin else {-margin, margin}
    expect = cases["expect"].iloc[0]
    if expect in ("above", "below", "not below") or unit == "share":
        lower = 1 / margin if ratio and margin else -margin
        edges = {lower if expect in ("below", "not below") else margin}
    # What is infinite, or zero on a logarithmic axis, is drawn at the edge of the panel.
    known = [v for v in [*values.flat, *edges] if np.isfinite(v) and (v > 0 or not ratio)]
    least, most = min(known), max(known)
    span = (most / least) ** 0.08 if ratio else 0.08 * (most - least)
    limits = (least / span, most * span) if ratio else (least - span, most + span)
    for place, (row, bounds) in enumerate(zip(cases.to_dict("records"), values, strict=True)):
        low, effect, high = np.clip(bounds, *limits)
        colour = palette.framework(row["framework"])
        axes.plot((low, high), (place, place), color=colour, linewidth=1.6)
        filled = colour if row["says"] in ("supports", "refutes") else "none"
        axes.plot(effect, place, "o", color=colour, markerfacecolor=filled)
    for edge in edges:
        axes.axvline(edge, **MARK)
    axes.set_yticks(range(len(cases)), [claim_words.place(row) for row in rows(cases)])
    axes.set_ylim(-0.7, len(cases) - 0.3)
    axes.set_title(str(cases["sentence"].iloc[0]), loc="left", fontsize=10)
    axes.set_xlabel(UNITS[unit] + (", in margins of each task" if by_task else ""))
    if ratio:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}" if most / least < 20 else "")
        if most / least >= 20:
            axes.xaxis.set_minor_locator(NullLocator())
    if np.diff(limits) > 0:
        axes.set_xlim(*limits)
