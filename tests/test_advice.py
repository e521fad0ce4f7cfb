"""The advice on tables of known truth: each of its rules, and what it cannot tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import advice, claims, phrases
from analysis.evidence.advice import CANNOT
from analysis.evidence.claims import Ledger
from tests.test_claims import LEDGER
from tests.test_evidence import MARGINS, compare, ratios, runs


def advise(table: pd.DataFrame, ratios: pd.DataFrame | None = None) -> pd.DataFrame:
    scores = []
    for (framework, cell), group in table.groupby(["framework", "cell"]):
        progress = group["progress"].median()
        state = "solved" if progress >= 1 else "above baseline"
        scores.append({
            "task": "adding", "framework": framework, "cell": cell, "track": "matched",
            "runs": len(group), "progress": progress,
            "state": state if progress > 0.05 else "at baseline",
        })  # fmt: skip
    found = {"runs": table, "scores": pd.DataFrame(scores)}
    if ratios is not None:
        found["speed_ratios"] = ratios
    agree = [c for c in LEDGER.claims if c.id.endswith("-scores-agree")]
    verdicts = claims.evaluate(Ledger(tuple(agree), MARGINS), found)
    return advice.write(found, verdicts, compare(table), MARGINS)


def which_cell(**methods: tuple[float, float | None]) -> tuple[str, str, str]:
    row = advise(runs(**methods)).set_index("question").loc["Which cell?"]
    return row["answer"], row["sure"], row["evidence"]


def test_the_better_cell_is_advised():
    answer, sure, shown = which_cell(lstm=(0.002, 800), gru=(0.006, 800))
    assert (answer, sure) == ("LSTM", "sure")
    assert shown.startswith(
        "score (less is better), LSTM − GRU: −0.004 [−0.00409, −0.00392] in jax"
    )
    assert shown.endswith("the least of 2 frameworks, n = 8")


def test_one_cell_alone_is_no_choice():
    answer, sure, shown = which_cell(lstm=(0.002, 800))
    assert (answer, sure, shown) == (CANNOT, "unknown", "only one cell was run")


def test_of_equal_cells_the_sooner_one_is_advised_or_none():
    answer, sure, shown = which_cell(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None))
    assert (answer, sure) == ("GRU, which solves sooner", "sure")
    assert "steps to solve (less is better), GRU / LSTM: 0.412 [0.375, 0.412] in" in shown
    assert "score (less is better), GRU − RNN: −0.168 [" in shown
    answer, sure, _ = which_cell(lstm=(0.002, 800), gru=(0.002, 800))
    assert (answer, sure) == ("GRU or LSTM: it does not matter for the score", "sure")


def test_what_cannot_be_told_is_not():
    assert which_cell(lstm=(0.17, None), gru=(0.169, None))[0].startswith("none of them")
    table = runs(lstm=(0.002, 800), gru=(0.006, 800))
    assert advise(table[table["seed"] < 4]).iloc[0]["answer"] == CANNOT
    # The frameworks contradict each other.
    table = runs(lstm=(0.002, 800), gru=(0.006, 800))
    other = table["framework"] == "pytorch"
    table.loc[other, "cell"] = table.loc[other, "cell"].map({"lstm": "gru", "gru": "lstm"})
    row = advise(table).iloc[0]
    assert (row["answer"], row["sure"]) == (CANNOT, "unknown")


def test_weaker_evidence_makes_an_answer_likely():
    """Beyond the margin before Holm, or less than the margin after it; else we cannot tell."""
    rows = []
    for a, b, (low, high), p_holm, equivalent in (
        ("gru", "lstm", (-0.0005, 0.0005), 0.8, True),
        ("gru", "rnn", (-0.03, -0.002), 0.06, False),
        ("lstm", "rnn", (-0.002, -0.0005), 0.01, False),
    ):
        rows.append({
            "kind": "cells", "task": "adding", "metric": "score", "track": "matched",
            "a": f"jax/{a}", "b": f"jax/{b}", "n": 8, "effect": (low + high) / 2, "low": low,
            "high": high, "unit": "difference", "better": "lower", "p_holm": p_holm,
            "equivalent": equivalent,
        })  # fmt: skip
    scores = pd.DataFrame([
        {"task": "adding", "framework": "jax", "cell": cell, "track": "matched", "runs": 8,
         "state": "solved", "progress": 1.0}
        for cell in ("gru", "lstm", "rnn")
    ])  # fmt: skip
    nothing = claims.evaluate(Ledger((), MARGINS), {})

    def advised(rows: list[dict]) -> pd.Series:
        return advice.write({"scores": scores}, nothing, pd.DataFrame(rows), MARGINS).iloc[0]

    found = advised(rows)
    assert found["answer"] == "GRU or LSTM rather than RNN, it does not matter which"
    assert found["sure"] == "likely"
    assert (
        "score (less is better), GRU − RNN: −0.016 [−0.03, −0.002] in jax, n = 8"
        in found["evidence"]
    )
    assert (
        "score (less is better), GRU − LSTM: 0 [−0.0005, 0.0005] in jax, n = 8" in found["evidence"]
    )
    rows[0]["equivalent"] = False
    assert advised(rows)["answer"].endswith("we cannot tell which")
    # Neither of the two weaker proofs: beyond nothing, and not after Holm.
    rows[2] |= {"p_holm": 0.2}
    rows[1] |= {"high": 0.001}
    found = advised(rows)
    assert (found["answer"], found["sure"]) == (CANNOT, "unknown")
    assert "RNN" in found["evidence"]


@pytest.mark.parametrize(
    ("high", "control", "answer"),
    [(0.9, 0.99, "jax"), (1.1, 0.99, CANNOT), (0.9, 1.01, CANNOT)],
)
def test_the_fastest_framework_by_the_clock(high, control, answer):
    table = runs(lstm=(0.002, 800), gru=(0.002, 800))
    rows = advise(table, ratios(high, control)).set_index("question")
    row = rows.loc["Which framework is fastest here?"]
    assert (row["task"], row["answer"]) == ("large, GRU", answer)


def test_whether_the_framework_matters():
    question = "Does the framework matter for the score (matched)?"
    rows = advise(runs(lstm=(0.002, 800))).set_index("question")
    assert rows.loc[question, "answer"].startswith("no")
    assert rows.loc[question, "evidence"].startswith("LSTM ")
    assert "n = 8 (furthest apart of 1 pairs: jax and pytorch)" in rows.loc[question, "evidence"]
    table = runs(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None))
    table.loc[(table["cell"] == "gru") & (table["framework"] == "jax"), "score"] += 0.004
    row = advise(table).set_index("question").loc[question]
    assert row["answer"] == f"yes for GRU; no for LSTM; {CANNOT} for RNN"
    rows = advise(runs(lstm=(0.002, 800)).assign(seed=0).iloc[:1]).set_index("question")
    assert rows.loc[question, "answer"] == CANNOT


def test_when_it_does_not_matter():
    """It gathers what is shown equal, and nothing else; without any, we cannot tell."""
    table = runs(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None))
    rows = advise(table, ratios(0.9)).set_index(["question", "task"])
    shown = rows["evidence"].loc[advice.NO_MATTER]
    assert shown["the framework, for the score"].startswith(("GRU ", "LSTM "))
    assert "n = 8" in shown["the framework, for the score"]
    found = rows["answer"].loc[advice.NO_MATTER]
    assert found["the cell, for the score"] == "adding: GRU or LSTM"
    assert found["the framework, for the score"] == "adding, GRU and LSTM, matched"
    assert found["the framework, for the speed"] == CANNOT
    same = ratios(0.9).assign(ratio=1.0, low=0.98, high=1.02)
    rows = advise(table[table["seed"] < 4], same).set_index(["question", "task"])["answer"]
    found = rows.loc[advice.NO_MATTER]
    assert found["the cell, for the score"] == CANNOT
    assert found["the framework, for the speed"] == "large, GRU: jax or pytorch"


def test_all_advice_has_its_evidence_and_its_rule():
    rows = advise(runs(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None)), ratios(0.9))
    assert rows[["answer", "evidence", "rule"]].map(bool).all(axis=None)
    known = rows[rows["sure"] != "unknown"]
    assert known["evidence"].str.contains(r"\[.*\]").all(), "an interval"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (-0.0123, "−0.0123"), (4.56e-7, "4.56·10⁻⁷"), (-1.2e-12, "−1.2·10⁻¹²"),
     (1e10, "1·10¹⁰"), (np.inf, "∞"), (np.nan, "no effect known")],
)  # fmt: skip
def test_numbers_are_readable(value, text):
    assert phrases.short(value) == text
