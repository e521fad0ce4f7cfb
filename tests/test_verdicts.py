"""From cases to one verdict a claim, and how often a verdict of the whole ledger is wrong."""

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import claims
from analysis.evidence.claims import Claim, Ledger

LEAD = {"name": "paired", "column": "score", "a": {"cell": "gru"}, "b": {"cell": "lstm"}}


def claim(name: str, expect: str = "above", group: str = "one", **changes: object) -> Claim:
    values = {
        "id": name, "group": group, "sentence": f"{name} is so.", "source": "a book",
        "data": {"table": "runs", "where": {}, "by": ["task"]}, "test": LEAD | {"expect": expect},
        "margin": 0.1, "minimum": 5, "supported_if": "so", "refuted_if": "not so",
    }  # fmt: skip
    return Claim(**values | changes)


def runs(leads: dict[str, float], n: int = 10, framework: str = "jax", sd: float = 0.01):
    """GRU's lead over LSTM on each task, n seeds."""
    rng = np.random.default_rng(3)
    return pd.DataFrame([
        {"task": task, "framework": framework, "cell": cell, "track": "matched", "seed": seed,
         "learning_rate": 0.01 if cell == "gru" else 0.003,
         "score": lead * (cell == "gru") + sd * rng.normal()}
        for task, lead in leads.items() for seed in range(n) for cell in ("gru", "lstm")
    ])  # fmt: skip


def judged(table: pd.DataFrame, *entries: Claim) -> tuple[pd.DataFrame, pd.DataFrame]:
    verdicts, cases = claims.evaluate(Ledger(entries, {}), {"runs": table})
    return verdicts.set_index("claim"), cases


@pytest.mark.parametrize(
    ("leads", "every", "some"),
    [
        ({"adding": 1, "sine": 2}, "supported", "supported"),
        ({"adding": 1, "sine": -2}, "refuted", "supported"),
        ({"adding": -1, "sine": -2}, "refuted", "refuted"),
        ({"adding": 1, "sine": 0.1}, "inconclusive", "supported"),
        ({"adding": -1, "sine": 0.1}, "refuted", "inconclusive"),
    ],
)
def test_what_every_case_says_and_what_some_case_says(leads, every, some):
    found, cases = judged(runs(leads), claim("all"), claim("any", of_cases="some"))
    assert (found.loc["all", "verdict"], found.loc["any", "verdict"]) == (every, some)
    assert len(cases) == 4
    assert found.loc["all", "cases"] == 2


@pytest.mark.parametrize(
    ("lead", "verdict"),
    [
        (1, "supported"),
        (0, "supported"),
        (-0.06, "supported"),
        (-0.2, "refuted"),
        (-0.1, "inconclusive"),
    ],
)
def test_to_lose_nothing_is_to_stay_above_the_lower_edge(lead, verdict):
    found, _ = judged(runs({"adding": lead}), claim("no-worse", "not below"))
    assert found.loc["no-worse", "verdict"] == verdict
    if lead == -0.2:
        # Against the edge of -0.1, from which it is as far as it would be from +0.1 at 0.
        mirrored = judged(runs({"adding": lead}), claim("below", "below"))[0]
        assert found.loc["no-worse", "p"] == mirrored.loc["below", "p"]


def test_the_deciding_case_is_the_one_that_is_shown():
    found, _ = judged(runs({"adding": 1, "sine": 0.2}), claim("all"))
    assert (found.loc["all", "task"], found.loc["all", "supporting"]) == ("sine", 2)
    assert found.loc["all", "effect"] == pytest.approx(0.2, abs=0.02)
    found, cases = judged(runs({"adding": 1, "sine": -1}), claim("all"))
    assert (found.loc["all", "task"], found.loc["all", "refuting"]) == ("sine", 1)
    mine = cases.set_index("task")
    assert found.loc["all", "p"] == pytest.approx(2 * mine.loc["sine", "p"])
    assert dict(mine["says"]) == {"adding": "supports", "sine": "refutes"}


def test_other_frameworks_are_no_further_experiments():
    """The framework with the most seeds is asked; the others, which contradict it, are not."""
    table = pd.concat([
        runs({"adding": 1}, n=10), runs({"adding": -1}, n=5, framework="pytorch"),
    ])  # fmt: skip
    found, cases = judged(table, claim("all"))
    assert (found.loc["all", "verdict"], found.loc["all", "n"]) == ("supported", 10)
    assert len(cases) == 1
    each = claim("each", data={"table": "runs", "where": {}, "by": ["task", "framework"]})
    assert len(judged(table, each)[1]) == 2


def test_the_verdict_says_at_which_rates_it_holds():
    found, _ = judged(runs({"adding": 1}), claim("all"))
    assert found.loc["all", "rates"] == "gru 0.01, lstm 0.003"


def test_to_test_further_claims_never_weakens_a_verdict():
    """A claim that no run was made for counts in its group as if it had failed."""
    near = runs({"adding": 0.125}, n=8)
    mine = claim("mine")
    absent = claim("absent", data={"table": "none", "where": {}, "by": []})
    present = claim("present", "below")
    alone = judged(near, mine)[0].loc["mine"]
    beside = judged(near, mine, absent)[0].loc["mine"]
    assert 0.05 / 2 < alone["p"] < 0.05, "the example"
    assert (alone["verdict"], beside["verdict"]) == ("supported", "inconclusive")
    assert beside["detail"].startswith("supported if it were the only claim, not after Holm over")
    assert beside["p_holm"] >= judged(near, mine, present)[0].loc["mine", "p_holm"]
    elsewhere = claim("elsewhere", group="two", data={"table": "none", "where": {}, "by": []})
    assert judged(near, mine, elsewhere)[0].loc["mine", "verdict"] == "supported"


def test_an_open_claim_says_how_many_seeds_would_decide():
    found, _ = judged(runs({"adding": 0.2}, n=6, sd=0.05), claim("all"), claim("other", "below"))
    assert found.loc["all", "verdict"] == "inconclusive"
    assert 6 < found.loc["all", "seeds_needed"] < 100
    few, cases = judged(runs({"adding": 1}, n=3), claim("all"))
    assert few.loc["all", "verdict"] == "inconclusive"
    assert few.loc["all", "detail"] == "3 of at least 5 seeds"
    assert cases["p"].isna().all()


def test_what_nothing_was_run_for_says_what_to_run():
    found, cases = judged(runs({}), claim("all", studies=("cells", "data")))
    assert found.loc["all", "verdict"] == "not tested"
    assert found.loc["all", "detail"] == "needs the studies cells, data"
    assert cases.empty


def test_how_often_a_verdict_is_wrong_where_every_effect_stands_at_its_edge():
    """Eight claims of three cases, all at the edge: a wrong verdict in 5 % of worlds at most."""
    rng = np.random.default_rng(0)
    entries = [
        claim(f"c{i}", ("above", "below", "equal")[i % 3], data={
            "table": "runs", "where": {"claim": i}, "by": ["task"],
        }) for i in range(8)
    ]  # fmt: skip
    wrong, worlds = 0, 200
    for _ in range(worlds):
        rows = []
        for i in range(8):
            edge = -0.1 if i % 3 == 1 else 0.1
            for task in "abc":
                lead = rng.normal(edge, 0.2, 10)
                both = [(cell, seed, lead[seed] * (cell == "gru"))
                        for seed in range(10) for cell in ("gru", "lstm")]  # fmt: skip
                rows += [
                    {"claim": i, "task": task, "framework": "jax", "cell": cell, "seed": seed,
                     "score": score} for cell, seed, score in both
                ]  # fmt: skip
        found, _ = judged(pd.DataFrame(rows), *entries)
        wrong += bool(found["verdict"].isin(["supported", "refuted"]).any())
    assert wrong / worlds <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / worlds)
