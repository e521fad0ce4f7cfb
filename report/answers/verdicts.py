"""Do the published claims hold?"""

import pandas as pd
from markupsafe import Markup

from report import words
from report.answers.answer import ENOUGH, FEWEST, Answer, seeds, unweighed
from report.answers.phrases import difference, plural, ratio
from report.numbers import listed
from report.tables import Tables

# The group of claims that are identities, not findings.
IDENTITIES = "parameters"
VERBS = {
    "supported": ("holds", "hold"), "refuted": ("is refuted", "are refuted"),
    "inconclusive": ("stays open", "stay open"),
}  # fmt: skip


def claims(tables: Tables) -> Answer:
    """Whether the published claims hold."""
    judged = tables["claims"]
    if judged.empty:
        return unweighed(tables, "claims")
    # That a count is its formula is no finding.
    found = judged[judged["group"] != IDENTITIES]
    tested = found[found["verdict"] != "not tested"]
    left = len(found) - len(tested)
    where = Markup('<a href="#claims">each says</a> what would test it.')
    if tested.empty:
        none = "The one claim cannot" if len(found) == 1 else f"None of {len(found)} claims can"
        return Answer(
            f"{none} be tested with these runs.", tell=Markup("Under Claims {}").format(where)
        )
    few = seeds(tables) < FEWEST
    shown = [verdict for verdict in VERBS if not (few and verdict == "inconclusive")]
    parts = [
        f"{n} {VERBS[verdict][n > 1]}"
        for verdict in shown if (n := int((tested["verdict"] == verdict).sum()))
    ]  # fmt: skip
    evidence = _clearest(tables, tested)
    if few:
        said = f"{listed(parts)}; for the others" if parts else "none is decided; for that"
        text = f"Of {plural(len(found), 'claim')} {said} these runs are too few."
        return Answer(text, evidence, Markup("{}.").format(ENOUGH))
    of = plural(len(tested), "claim")
    others = "1 more was" if left == 1 else f"{left} more were"
    rest = Markup("{} not tested; under Claims {}").format(others, where)
    return Answer(f"Of {of} tested here {listed(parts)}.", evidence, rest if left else "")


def _clearest(tables: Tables, judged: pd.DataFrame) -> str:
    """The clearest refutation or, without one, the clearest confirmation."""
    # What says how large an effect is, before what says that there is none.
    tested = judged[judged["verdict"].isin(["refuted", "supported"]) & judged["p_holm"].notna()]
    same = tested["expect"].isin(["equal", "not below"])
    tested = tested[~same | (tested["verdict"] == "refuted")]
    # Where every seed gave the same, there is nothing to tell its clarity by.
    tested = tested[tested["low"] < tested["high"]]
    if tested.empty:
        return ""
    row = tested.sort_values(["verdict", "p_holm"]).iloc[0]
    what = "Refuted most clearly" if row["verdict"] == "refuted" else "Clearest"
    size = ratio(row) if row["unit"] == "ratio" else f"measured {difference(row)}"
    # What the clock found is repeated in processes, not by seed.
    timed = row["case"] in set(tables["timing"]["shape"])
    n = plural(row["n"], "process", "processes") if timed else plural(row["n"], "seed")
    framework, task = (row[name] if pd.notna(row[name]) else "" for name in ("framework", "task"))
    where = [words.framework(framework), words.task(task) if task else "", n]
    sentence = str(row["sentence"]).rstrip(".")
    return f"{what}: “{sentence}”: {size}, {', '.join(filter(None, where))}."
