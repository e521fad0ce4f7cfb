"""If I port a model, do I get the same results?"""

import pandas as pd
from markupsafe import Markup

from report import words
from report.answers.answer import MORE_SEEDS, Answer, metric, these, unweighed
from report.answers.phrases import difference, fitting, plural, title
from report.numbers import number
from report.tables import Tables

ALIKE = "from the same weights and with the same update rule"


def same(tables: Tables) -> Answer:
    """Whether a ported model gives the same results."""
    compared = tables["comparisons"]
    pairs = compared[(compared["kind"] == "frameworks") & (compared["metric"] == "score")]
    known, checks = pairs[pairs["p_holm"].notna()], _checks(tables["conformance_summary"])
    ours, theirs = (_counts(known[known["track"] == track]) for track in ("matched", "native"))
    matched = pairs[pairs["track"] == "matched"]
    if "comparisons" in tables.missing:
        return unweighed(tables, "comparisons")
    if not ours[0] and not theirs[0]:
        return _few(tables, matched, checks)
    of = f"{ours[0]} comparisons" if ours[0] > 1 else "comparison"
    if not ours[0]:
        start = "With the same weights nothing was compared"
    elif ours[2]:
        start = f"Not always: {ALIKE} {ours[2]} of {of} of two frameworks differ"
    elif ours[1] == ours[0]:
        every, show = ("all", "show") if ours[0] > 1 else ("the", "shows")
        start = f"Yes, {ALIKE}: {every} {of} {show} equal scores"
    else:
        start = f"No difference was found {ALIKE}, and {ours[1]} of {of} show equal scores"
    total, equal, apart = theirs
    own = f" With the frameworks’ own defaults {apart} of {total} differ"
    text = fitting(
        *([f"{start}.{own}, {equal} are equal.", f"{start}.{own}."] if total else []),
        f"{start}.",
    )
    unclear = ours[0] + total - sum(ours[1:]) - equal - apart
    tell = Markup("{} {} open; more seeds would tell {}.").format(
        plural(unclear, "comparison"), "stay" if unclear > 1 else "stays", MORE_SEEDS
    )
    return Answer(text, _widest(tables, matched), tell if unclear else "", checks)


def _checks(checked: pd.DataFrame) -> str:
    """How many checks against the reference model pass."""
    if checked.empty:
        return ""
    passed, total = int(checked["passed"].sum()), int(checked["checks"].sum())
    of = "All" if passed == total else f"{number(passed)} of"
    return f"{of} {number(total)} checks against the reference model pass."


def _counts(pairs: pd.DataFrame) -> tuple[int, int, int]:
    """How many pairs there are, how many are shown equal, how many apart."""
    equal = pairs["equivalent"].astype(str) == "True"
    # A difference smaller than counts can be beyond chance: such a pair is equal.
    return len(pairs), int(equal.sum()), int(((pairs["p_holm"] < 0.05) & ~equal).sum())


def _few(tables: Tables, pairs: pd.DataFrame, checks: str) -> Answer:
    """Of too few runs: how far apart their scores are."""
    pairs = pairs[pairs["effect"].notna() & pairs["margin"].notna()]
    if pairs.empty:
        text = "No two frameworks were trained alike in these runs."
        return Answer(
            text, checks, Markup("A second one in <code>frameworks</code> would tell.")
        )  # fmt: skip
    beyond = int((pairs["effect"].abs() > pairs["margin"]).sum())
    if beyond:
        of = plural(len(pairs), "comparison")
        text = f"{these(tables)} {beyond} of {of} of two frameworks differ by more than counts."
    else:
        text = f"{these(tables)}, yes: {ALIKE} all frameworks’ scores are as good as equal."
    return Answer(text, _widest(tables, pairs), more=checks)


def _widest(tables: Tables, pairs: pd.DataFrame) -> str:
    """The difference that is largest beside its margin."""
    pairs = pairs[pairs["effect"].notna()].reset_index(drop=True)
    size = (pairs["effect"] / pairs["margin"]).abs().fillna(-1).to_numpy(float)
    if not len(size):
        return ""
    row = pairs.iloc[int(size.argmax())]
    one, other = (str(row[side]).split("/") for side in ("a", "b"))
    counts = f" (up to {number(row['margin'])} counts as equal)" if pd.notna(row["margin"]) else ""
    return (
        f"Furthest apart: {words.cell(one[-1])} on {title(row['task'])}, {words.framework(one[0])} "
        f"and {words.framework(other[0])}, by {difference(row)} in {metric(tables, row['task'])}"
        f"{counts}, {plural(row['n'], 'seed')}."
    )
