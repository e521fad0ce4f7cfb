"""The ledger: its rules on data of known truth, and what is not tested."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from analysis.evidence import claims
from analysis.evidence.claim_tests import TESTS
from analysis.evidence.claims import Claim, Ledger
from harness.errors import UserError
from harness.plan import tracks as all_tracks
from harness.registry import score_margin, task_names

MARGINS = {name: margin for name in task_names() if (margin := score_margin(name)) is not None}
LEDGER = claims.load(MARGINS)


def runs(**values: list[float]) -> pd.DataFrame:
    """Matched runs of adding in JAX: for each cell the scores of its seeds."""
    rows = []
    for cell, scores in values.items():
        for seed, score in enumerate(scores):
            rows.append({
                "task": "adding", "framework": "jax", "cell": cell, "track": "matched",
                "seed": seed, "status": "ok", "score": score, "solved": score < 0.01,
                "steps_to_solve": 500.0 if score < 0.01 else np.nan, "budget": 1200.0,
                "progress": (score - 1 / 6) / (0.01 - 1 / 6), "sequence_length": 100,
            })  # fmt: skip
    return pd.DataFrame(rows)


def judge(claim: Claim, **tables: pd.DataFrame) -> pd.Series:
    """The only verdict on one claim alone, so that its family is itself."""
    found, _ = claims.evaluate(Ledger((claim,), LEDGER.margins), tables)
    assert len(found) == 1
    return found.iloc[0]


def claim(name: str) -> Claim:
    return next(c for c in LEDGER.claims if c.id == name)


def noisy(centre: float, sd: float, n: int = 6, seed: int = 0) -> list[float]:
    return list(np.random.default_rng(seed).normal(centre, sd, n))


def test_the_ledger_is_valid_and_names_what_exists():
    assert len(LEDGER.claims) >= 14
    assert {c.test["name"] for c in LEDGER.claims} == set(TESTS)
    for one in LEDGER.claims:
        places = [one.data["where"], one.test.get("a", {}), one.test.get("b", {})]
        tracks = {t for p in places for t in np.atleast_1d(p.get("track", []))}
        assert tracks <= set(all_tracks.names()), one.id


def test_without_data_nothing_is_tested():
    found, cases = claims.evaluate(LEDGER, {})
    assert cases.empty
    assert list(found["claim"]) == [c.id for c in LEDGER.claims]
    assert set(found["verdict"]) == {"not tested"}
    assert found["detail"].str.startswith("needs ").all()
    assert found["p_holm"].isna().all()


@pytest.mark.parametrize(
    ("lstm", "gru", "verdict"),
    [
        (noisy(0.002, 1e-5), noisy(0.002, 1e-5, seed=1), "supported"),
        (noisy(0.002, 1e-5), noisy(0.005, 1e-5, seed=1), "refuted"),
        (noisy(0.002, 0.003), noisy(0.002, 0.003, seed=1), "inconclusive"),
        (noisy(0.002, 1e-5, 4), noisy(0.002, 1e-5, 4, seed=1), "inconclusive"),
    ],
)
def test_equality_needs_two_one_sided_tests_and_enough_seeds(lstm, gru, verdict):
    found = judge(claim("gru-scores-on-par"), runs=runs(lstm=lstm, gru=gru))
    assert found["verdict"] == verdict
    assert (found["task"], found["margin"]) == ("adding", 0.001)
    if len(lstm) < 5:
        assert found["detail"].startswith("4 of at least 5 seeds")


@pytest.mark.parametrize(
    ("rnn", "lstm", "verdict"),
    [
        ([0.17] * 6, [0.001] * 6, "supported"),
        ([0.001] * 6, [0.001] * 6, "refuted"),
        ([0.17] * 3 + [0.001] * 3, [0.001] * 6, "inconclusive"),
        ([0.17] * 6, [0.17] * 6, "not tested"),
    ],
)
def test_the_rnn_fails_only_where_the_lstm_solves(rnn, lstm, verdict):
    found = judge(claim("rnn-fails-where-lstm-solves"), runs=runs(rnn=rnn, lstm=lstm))
    assert found["verdict"] == verdict


def test_where_all_stay_at_the_baseline_nothing_is_on_par_or_agrees():
    table = runs(gru=noisy(0.166, 1e-5), lstm=noisy(0.166, 1e-5, seed=1))
    assert judge(claim("gru-scores-on-par"), runs=table)["verdict"] == "not tested"
    both = pd.concat([table, table.assign(framework="pytorch")]).query("cell == 'gru'")
    assert judge(claim("matched-scores-agree"), runs=both)["verdict"] == "not tested"


def test_a_task_without_a_margin_is_named():
    table = runs(gru=noisy(0.002, 1e-5)).assign(task="csv")
    table = pd.concat([table, table.assign(framework="pytorch")])
    found = judge(claim("matched-scores-agree"), runs=table)
    assert (found["verdict"], found["detail"]) == ("not tested", "needs a margin in tasks/csv.py")


def test_every_task_of_this_house_has_a_margin():
    assert set(MARGINS) == set(task_names()) - {"csv"}


def test_short_sequences_do_not_test_long_lags():
    table = runs(rnn=noisy(0.17, 0.005), lstm=noisy(0.001, 1e-4)).assign(sequence_length=50)
    assert judge(claim("rnn-fails-where-lstm-solves"), runs=table)["verdict"] == "not tested"


def test_sooner_counts_what_is_censored():
    table = runs(lstm=[0.1] * 8, gru=noisy(0.001, 1e-4, 8))
    found = judge(claim("gru-solves-adding-sooner"), runs=table)
    assert found["verdict"] == "supported"
    assert found["effect"] == pytest.approx(500 / 1200), "of means within the budget"
    assert "8 of 16 did not solve" in found["detail"]
    table = runs(gru=[0.1] * 8, lstm=noisy(0.001, 1e-4, 8))
    assert judge(claim("gru-solves-adding-sooner"), runs=table)["verdict"] == "refuted"
    table = runs(gru=[0.1] * 8, lstm=[0.1] * 8)
    assert judge(claim("gru-solves-adding-sooner"), runs=table)["verdict"] == "inconclusive"


def test_holm_counts_the_claims_of_a_group():
    table = runs(lstm=noisy(0.002, 5e-4), gru=noisy(0.002, 5e-4, seed=1))
    one = claim("gru-scores-on-par")
    alone = judge(one, runs=table)
    assert alone["verdict"] == "supported"
    many = tuple(replace(one, id=f"again{i}") for i in range(40))
    found, _ = claims.evaluate(Ledger(many, LEDGER.margins), {"runs": table})
    assert found["p_holm"].to_numpy() == pytest.approx(min(1, 40 * alone["p"]))
    assert set(found["verdict"]) == {"inconclusive"}
    assert found["detail"].str.contains("not after Holm over the 40").all()


def frameworks(apart: float) -> pd.DataFrame:
    tables = []
    for i, name in enumerate(("jax", "pytorch", "tensorflow")):
        scores = noisy(0.002 + (apart if name == "tensorflow" else 0), 1e-5, seed=i)
        tables.append(runs(lstm=scores).assign(framework=name))
    return pd.concat(tables, ignore_index=True)


def test_frameworks_agree_when_every_pair_does_and_differ_when_one_does():
    same, other = frameworks(0), frameworks(0.004)
    agree, differ = claim("matched-scores-agree"), claim("native-scores-differ")
    assert judge(agree, runs=same)["verdict"] == "supported"
    found = judge(agree, runs=other)
    assert found["verdict"] == "refuted"
    assert "tensorflow" in found["detail"]
    assert judge(differ, runs=same.assign(track="native"))["verdict"] == "refuted"
    assert judge(differ, runs=other.assign(track="native"))["verdict"] == "supported"


@pytest.mark.parametrize(
    ("low", "high", "control", "verdict"),
    [
        (0.7, 0.9, True, "supported"), (0.98, 1.2, True, "refuted"),
        (0.9, 1.0, True, "inconclusive"), (0.7, 0.9, False, "inconclusive"),
    ],
)  # fmt: skip
def test_the_clocks_interval_decides_unless_its_control_failed(low, high, control, verdict):
    half = np.log(high / low) / 2
    row = {
        "shape": "large", "kind": "cell", "numerator": "jax/gru", "denominator": "jax/lstm",
        "ratio": np.sqrt(low * high), "log_se": half / stats.t.ppf(0.975, 2), "df": 2,
        "low": low, "high": high, "framework": "jax", "cell": "gru", "other_framework": "jax",
        "other_cell": "lstm", "same_framework": True, "same_hidden": True,
        "control_ok": control, "processes": 3,
    }  # fmt: skip
    found = judge(claim("gru-steps-faster"), speed_ratios=pd.DataFrame([row]))
    assert found["verdict"] == verdict
    few = judge(claim("gru-steps-faster"), speed_ratios=pd.DataFrame([row | {"processes": 2}]))
    assert few["verdict"] == "inconclusive"
    assert few["detail"].startswith("2 of at least 3 processes")


def test_counts_are_exact():
    rows = [
        {"framework": "jax", "track": "native", "cell": "gru", "matrices_to_lstm": ratio}
        for ratio in (0.75, 0.75)
    ]
    one = claim("gru-has-three-quarters")
    assert judge(one, parameter_counts=pd.DataFrame(rows))["verdict"] == "supported"
    rows[1]["matrices_to_lstm"] = 0.7602
    assert judge(one, parameter_counts=pd.DataFrame(rows))["verdict"] == "refuted"


@pytest.mark.parametrize(
    ("lstm", "passes", "cured"),
    [(0.5, "supported", "supported"), (0.2, "supported", "refuted"), (1e-3, "refuted", "refuted")],
)
def test_what_is_left_of_the_gradient_at_the_lag(lstm, passes, cured):
    """To pass more than the plain RNN is no cure: that takes 1/e at the task's lag."""
    rng = np.random.default_rng(0)
    left = pd.DataFrame([
        {"task": task, "framework": "jax", "cell": cell, "track": "native", "seed": seed,
         "moment": "initialisation", "cotangent": "random", "left": value * np.exp(noise)}
        for task in ("adding", "copying")
        for cell, value in (("rnn", 0.02), ("lstm", lstm))
        for seed, noise in enumerate(rng.normal(0, 0.1, 6))
    ])  # fmt: skip
    left["log_left"] = np.log(left["left"])
    found = judge(claim("lstm-passes-more-gradient-at-start"), gradient_left=left)
    assert (found["verdict"], found["n"]) == (passes, 6)
    found = judge(claim("gates-cure-vanishing-at-start"), gradient_left=left)
    assert found["verdict"] == cured
    found = judge(claim("lstm-passes-more-gradient-trained"), gradient_left=left)
    assert found["verdict"] == "not tested"


def test_explosions_and_clipping():
    rows = [
        {"task": "adding", "framework": "jax", "cell": "lstm", "track": track, "seed": seed,
         "spike": spike * (1 + seed / 10)}
        for track, spike in (("matched", 5), ("noclip", 150))
        for seed in range(6)
    ]  # fmt: skip
    found = judge(claim("clipping-reduces-explosions"), gradient_norms=pd.DataFrame(rows))
    assert (found["verdict"], found["unit"]) == ("supported", "ratio")
    assert found["effect"] == pytest.approx(1 / 30)


@pytest.mark.parametrize(("slope", "verdict"), [(1, "supported"), (-1, "refuted")])
def test_a_gap_that_grows(slope, verdict):
    tables = [
        runs(lstm=noisy(0.05 - slope * i * 0.01, 0.001, 8, seed=i), gru=noisy(0.05, 1e-4, 8))
        .assign(track=track, sequence_length=length)
        for i, (track, length) in enumerate(
            (("length50", 50), ("matched", 100), ("length200", 200))
        )
    ]  # fmt: skip
    found = judge(claim("gap-grows-on-adding"), runs=pd.concat(tables[::-1], ignore_index=True))
    assert found["verdict"] == verdict
    few = judge(claim("gap-grows-on-adding"), runs=pd.concat(tables[:2], ignore_index=True))
    assert few["verdict"] == "not tested", "two levels are no trend"


def test_the_plateau_is_of_chance_where_a_short_delay_is_learned():
    long = runs(gru=[0.1] * 6).assign(
        task="copying", track="delay200", delay=200, progress=noisy(0.01, 0.005)
    )
    short = long.assign(track="matched", delay=10, progress=noisy(0.9, 0.05))
    plateau = claim("copying-plateau")
    assert judge(plateau, runs=pd.concat([long, short]))["verdict"] == "supported"
    assert judge(plateau, runs=long)["verdict"] == "not tested"
    untrained = short.assign(progress=0.0)
    assert judge(plateau, runs=pd.concat([long, untrained]))["verdict"] == "not tested"
    learned = long.assign(progress=noisy(0.4, 0.05))
    assert judge(plateau, runs=pd.concat([learned, short]))["verdict"] == "refuted"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"test": {"name": "guess"}}, "claims.gru-steps-faster.test.name: must be one of equals, "),
        ({"margin": "scores"}, "claims.gru-steps-faster.margin: must be a number from 0 on, "),
        ({"id": "gru-scores-on-par"}, "claims: the id gru-scores-on-par stands twice"),
        ({"colour": 1}, "claims.gru-steps-faster: unknown key 'colour'; allowed: data, "),
    ],
)
def test_a_wrong_entry_is_named_in_one_sentence(tmp_path, change, says):
    content = yaml.safe_load(claims.LEDGER.read_text())
    next(c for c in content["claims"] if c["id"] == "gru-steps-faster").update(change)
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError) as error:
        claims.load({}, path)
    assert str(error.value).startswith(f"claims.yaml: {says}")
    assert "\n" not in str(error.value)
