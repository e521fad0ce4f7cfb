"""The advice on tables of known truth: each of its rules, and what it cannot tell."""

import io
import re

import pandas as pd
import pytest

from analysis.evidence import advice, claims
from analysis.evidence.claims import Ledger
from cells import CELLS
from harness import layout
from report import advice_words
from report.advice_words import CANNOT
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
    _, cases = claims.evaluate(Ledger(tuple(agree), MARGINS), found)
    return frame(advice.advise(found, cases, compare(table), MARGINS))


def frame(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(layout.TABLES["advice"].columns))


def read(rows: pd.DataFrame) -> pd.DataFrame:
    """The table as a reader of its file has it."""
    return pd.read_csv(io.StringIO(rows.to_csv(index=False)))


def words(rows: pd.DataFrame) -> pd.DataFrame:
    """The sentences of the page, by question and where they hold."""
    return pd.DataFrame(advice_words.said(read(rows))).set_index(["question", "task"])


def which_cell(**methods: tuple[float, float | None]) -> tuple[pd.Series, str, str]:
    """The row on adding, and the page's answer and evidence."""
    rows = advise(runs(**methods))
    said = words(rows).loc[("Which cell?", "adding problem")]
    return rows.iloc[0], said["answer"], said["evidence"]


def test_the_better_cell_is_advised():
    row, answer, evidence = which_cell(lstm=(0.002, 800), gru=(0.006, 800))
    assert (row["verdict"], row["sure"], row["why"]) == ("better", "sure", "beyond_margin")
    assert (row["better"], row["worse"], row["a"], row["b"]) == ("lstm", "gru", "lstm", "gru")
    assert row["low"] < row["effect"] < row["high"] < -row["margin"]
    assert answer == "LSTM"
    assert evidence.startswith("score, LSTM − GRU: −0.00400 [−0.00409, −0.00392] in JAX")
    assert evidence.endswith("of 2 frameworks where it shows least, 8 seeds")


def test_the_evidence_is_what_speaks_least():
    """Of two rivals the nearer one, in the framework in which it is nearer."""
    table = runs(lstm=(0.002, 800), gru=(0.006, 800), rnn=(0.17, None))
    near = (table["cell"] == "gru") & (table["framework"] == "pytorch")
    table.loc[near, "score"] -= 0.001
    row = advise(table).iloc[0]
    assert (row["better"], row["worse"]) == ("lstm", "gru rnn")
    assert (row["a"], row["b"], row["framework"]) == ("lstm", "gru", "pytorch")
    assert row["effect"] == pytest.approx(-0.003, abs=1e-4)


def test_one_cell_alone_is_no_choice():
    row, answer, evidence = which_cell(lstm=(0.002, 800))
    assert (row["verdict"], row["sure"], row["why"]) == ("unknown", "unknown", "one_name")
    assert (answer, evidence) == (CANNOT, "only one cell was run")


def test_of_equal_cells_the_sooner_one_is_advised_or_none():
    row, answer, evidence = which_cell(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None))
    assert (row["verdict"], row["sure"], row["better"]) == ("sooner", "sure", "gru")
    assert (row["metric"], row["b"], row["worse"]) == ("steps_to_solve", "lstm", "lstm rnn")
    assert answer == "GRU, which solves sooner"
    assert evidence.replace("\u00a0", " ").startswith(
        "GRU: 59 % fewer steps to solve than LSTM [55 to 63 %] in"
    )
    row, answer, _ = which_cell(lstm=(0.002, 800), gru=(0.002, 800))
    assert (row["verdict"], row["sure"], row["better"]) == ("equal", "sure", "gru lstm")
    assert answer == "GRU or LSTM: it does not matter for the score"


def test_of_many_cells_it_says_which_are_the_best():
    """All pairs are compared; of twelve cells that end alike two learn sooner than the others."""
    fast, slow, failing = CELLS[:2], CELLS[2:12], CELLS[12:]
    table = runs(**{
        **dict.fromkeys(fast, (0.002, 300)), **dict.fromkeys(slow, (0.002, 800)),
        **dict.fromkeys(failing, (0.17, None)),
    })  # fmt: skip
    table = table[table["framework"] == "jax"]
    found = compare(table)
    n = len(CELLS) * (len(CELLS) - 1) // 2
    assert (found["metric"] == "score").sum() == n
    row = advise(table).iloc[0]
    assert (row["verdict"], row["sure"], row["better"]) == (
        "sooner",
        "sure",
        " ".join(sorted(fast)),
    )
    assert set(row["worse"].split()) == {*slow, *failing}
    table.loc[table["cell"].isin(fast), "steps_to_solve"] += 500
    row = advise(table).iloc[0]
    assert (row["verdict"], row["sure"]) == ("equal", "sure")
    assert set(row["better"].split()) == {*fast, *slow}
    pairs = words(advise(table)).loc[("When does it not matter?", "the cell, for the score")]
    assert re.match(r"adding problem: \d+ pairs$", pairs["answer"])


def test_what_cannot_be_told_is_not():
    row, answer, evidence = which_cell(lstm=(0.17, None), gru=(0.169, None))
    assert (row["verdict"], row["why"], row["metric"]) == ("none", "at_baseline", "progress")
    assert answer.startswith("none of them")
    assert "% of the way to solved, 8 seeds" in evidence
    table = runs(lstm=(0.002, 800), gru=(0.006, 800))
    row = advise(table[table["seed"] < 4]).iloc[0]
    assert (row["verdict"], row["why"], row["n"]) == ("unknown", "few_seeds", 4)
    # The frameworks contradict each other.
    table = runs(lstm=(0.002, 800), gru=(0.006, 800))
    other = table["framework"] == "pytorch"
    table.loc[other, "cell"] = table.loc[other, "cell"].map({"lstm": "gru", "gru": "lstm"})
    row = advise(table).iloc[0]
    assert (row["verdict"], row["why"], row["better"]) == ("unknown", "undecided", "gru lstm")


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
            "p_margin_holm": 1.0,
            "equivalent": equivalent,
        })  # fmt: skip
    scores = pd.DataFrame([
        {"task": "adding", "framework": "jax", "cell": cell, "track": "matched", "runs": 8,
         "state": "solved", "progress": 1.0}
        for cell in ("gru", "lstm", "rnn")
    ])  # fmt: skip
    nothing = pd.DataFrame(columns=list(layout.TABLES["cases"].columns))
    runs_of = scores.assign(learning_rate=0.01)

    def advised(rows: list[dict]) -> tuple[pd.Series, str]:
        found = frame(
            advice.advise({"scores": scores, "runs": runs_of}, nothing, pd.DataFrame(rows), MARGINS)
        )
        return found.iloc[0], words(found)["answer"].iloc[0]

    row, answer = advised(rows)
    assert answer == "GRU or LSTM rather than RNN, it does not matter which"
    assert (row["verdict"], row["sure"], row["why"]) == ("better", "likely", "weaker")
    assert (row["better"], row["worse"], row["alike"]) == ("gru lstm", "rnn", True)
    # The one that speaks least: LSTM's lead may be smaller than the GRU's.
    assert (row["a"], row["b"], row["high"], row["n"]) == ("lstm", "rnn", -0.0005, 8)
    rows[0]["equivalent"] = False
    row, answer = advised(rows)
    assert not row["alike"]
    assert answer.endswith("we cannot tell which")
    # Neither of the two weaker proofs: beyond nothing, and not after Holm.
    rows[2] |= {"p_holm": 0.2}
    rows[1] |= {"high": 0.001}
    row, answer = advised(rows)
    assert (row["verdict"], row["sure"], answer) == ("unknown", "unknown", CANNOT)
    assert row["better"] == "gru lstm rnn"
    assert (row["a"], row["b"]) == ("gru", "rnn"), "the two that are furthest apart"


@pytest.mark.parametrize(
    ("high", "control", "verdict", "why"),
    [
        (0.9, 0.99, "better", "beyond_margin"),
        (1.1, 0.99, "unknown", "undecided"),
        (0.9, 1.04, "unknown", "control_failed"),
    ],
)
def test_the_fastest_framework_by_the_clock(high, control, verdict, why):
    rows = advise(runs(lstm=(0.002, 800), gru=(0.002, 800)), ratios(high, control))
    row = rows[rows["question"] == "fastest_framework"].iloc[0]
    assert (row["shape"], row["cell"], row["verdict"], row["why"]) == ("large", "gru", verdict, why)
    answer = words(rows).loc[("Which framework is fastest here?", "large, GRU"), "answer"]
    assert answer == ("JAX" if verdict == "better" else CANNOT)


def test_each_machine_has_its_own_fastest_framework():
    here, there = ratios(0.9).assign(machine="one"), ratios(0.9).assign(machine="two")
    turn = {"framework": "other_framework", "other_framework": "framework"}
    there = there.rename(columns=turn)
    rows = advise(runs(lstm=(0.002, 800), gru=(0.002, 800)), pd.concat([here, there]))
    rows = rows[rows["question"] == "fastest_framework"]
    assert dict(zip(rows["machine"], rows["better"], strict=True)) == {
        "one": "jax",
        "two": "pytorch",
    }
    said = words(rows).loc["Which framework is fastest here?"]
    assert list(said.index) == ["large, GRU on one", "large, GRU on two"]


def test_whether_the_framework_matters():
    question = (
        "Does the framework matter for the score (same start and rule)?", "adding problem",
    )  # fmt: skip
    said = words(advise(runs(lstm=(0.002, 800)))).loc[question]
    assert said["answer"].startswith("no")
    assert said["evidence"].startswith("LSTM ")
    assert "8 seeds (JAX and PyTorch)" in said["evidence"]
    table = runs(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None))
    table.loc[(table["cell"] == "gru") & (table["framework"] == "jax"), "score"] += 0.004
    rows = advise(table)
    mine = rows[(rows["question"] == "framework_matters") & (rows["track"] == "matched")]
    verdicts = dict(zip(mine["cell"], mine["verdict"], strict=True))
    assert verdicts == {"gru": "different", "lstm": "equal", "rnn": "unknown"}
    assert words(rows).loc[question, "answer"] == f"yes for GRU; no for LSTM; {CANNOT} for RNN"
    rows = words(advise(runs(lstm=(0.002, 800)).assign(seed=0).iloc[:1]))
    assert rows.loc[question, "answer"] == CANNOT


def test_when_it_does_not_matter():
    """It gathers what is shown equal, and nothing else; without any, we cannot tell."""
    table = runs(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None))
    rows = words(advise(table, ratios(0.9))).loc["When does it not matter?"]
    assert rows.loc["the framework, for the score", "evidence"].startswith(
        "the furthest apart of 2: adding problem, LSTM, same start and rule: LSTM"
    )
    found = rows["answer"]
    assert found["the cell, for the score"] == "adding problem: GRU or LSTM"
    assert found["the framework, for the score"] == "; ".join(
        f"adding problem, {cell}, same start and rule" for cell in ("GRU", "LSTM")
    )
    assert found["the framework, for the speed"] == CANNOT
    same = ratios(0.9).assign(ratio=1.0, low=0.98, high=1.02)
    found = words(advise(table[table["seed"] < 4], same)).loc["When does it not matter?"]["answer"]
    assert found["the cell, for the score"] == CANNOT
    assert found["the framework, for the speed"] == "large, GRU: JAX or PyTorch"


def test_all_advice_has_its_evidence_and_its_rule():
    rows = words(advise(runs(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None)), ratios(0.9)))
    assert rows[["answer", "evidence", "rule"]].map(bool).all(axis=None)
    known = rows[rows["sure"] != "unknown"]
    assert known["evidence"].str.contains(r"\[.*\]").all(), "an interval"
