"""Comparisons and summaries on tables of known truth."""

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import comparisons, evidence_tables
from analysis.inside import stage as insides
from analysis.tables import stage
from harness import layout
from harness.errors import UserError
from harness.plan.run import Run
from harness.run.records import write, write_arrays
from tests import fakes
from tests.test_claims import LEDGER
from tests.test_report import record

MARGINS = LEDGER.margins
FRAMEWORKS = ("jax", "pytorch")


def method(cell: str, scores: list[float], steps: list[float | None], framework: str, track: str):
    """The runs of one method on adding; steps None where the run did not solve."""
    return [
        {
            "task": "adding", "framework": framework, "cell": cell, "track": track, "seed": seed,
            "status": "ok", "score": score, "solved": step is not None, "evaluate_every": 50,
            "steps_to_solve": np.nan if step is None else step, "budget": 1200.0,
            "train_seconds": 10.0 + seed, "data_sha256": f"data of {seed}",
            "progress": (score - 1 / 6) / (0.01 - 1 / 6),
        }
        for seed, (score, step) in enumerate(zip(scores, steps, strict=True))
    ]  # fmt: skip


def runs(**methods: tuple[float, float | None]) -> pd.DataFrame:
    """For each cell a score and steps to solve, with a little noise, in two frameworks."""
    rng = np.random.default_rng(0)
    rows = []
    for framework in FRAMEWORKS:
        for cell, (score, step) in methods.items():
            scores = list(score * rng.uniform(0.98, 1.02, 8))
            steps = [None if step is None else step + 50 * (i % 3) for i in range(8)]
            rows += method(cell, scores, steps, framework, "matched")
    return pd.DataFrame(rows)


def compare(table: pd.DataFrame) -> pd.DataFrame:
    return comparisons.compare_methods(table, {"adding": False}, MARGINS)


def test_comparisons_are_paired_oriented_and_complete():
    table = compare(runs(lstm=(0.002, 800), gru=(0.002, 300), rnn=(0.17, None)))
    found = table.set_index(["kind", "metric", "a", "b"])
    assert len(table) == 4 * (2 * 3 + 3) - 1, "no steps to compare where nobody solves"
    steps = found.loc[("cells", "steps_to_solve", "jax/gru", "jax/lstm")]
    ratios = np.array([300, 350, 400] * 3)[:8] / np.array([800, 850, 900] * 3)[:8]
    assert steps["effect"] == pytest.approx(np.exp(np.log(ratios).mean()))
    assert steps["low"] < steps["effect"] < steps["high"] < 1
    assert steps["p_margin"] < steps["p_margin_holm"] < 0.05, "fewer than 1/1.25 of the steps"
    assert steps["p"] < steps["p_margin"]
    assert steps["probability_of_improvement"] == 1
    assert steps["p_holm"] < 0.05
    score = found.loc[("cells", "score", "jax/gru", "jax/lstm")]
    assert score["equivalent"] is True
    assert score["p_margin"] == 1, "within the margin"
    assert score["unit"] == "difference"
    apart = found.loc[("cells", "score", "jax/gru", "jax/rnn")]
    assert (apart["equivalent"], apart["better"]) == (False, "lower")
    never = found.loc[("cells", "steps_to_solve", "jax/gru", "jax/rnn")]
    assert never["probability_of_improvement"] == 1
    assert never["effect"] == pytest.approx(np.array([300, 350, 400] * 3)[:8].mean() / 1200)
    same = found.loc[("frameworks", "steps_to_solve", "jax/gru", "pytorch/gru")]
    assert (same["effect"], same["equivalent"]) == (1, True)
    assert same["high"] - same["low"] > 50 / 400, "steps are known to 50 only"
    rate = found.loc[("cells", "solved", "jax/gru", "jax/rnn")]
    assert rate["effect"] == 1
    assert 0 < rate["low"] < 1


def test_matched_is_what_native_is_compared_with():
    both = [method("gru", [s] * 6, [300.0] * 6, "jax", t)
            for s, t in ((0.002, "matched"), (0.004, "native"))]  # fmt: skip
    table = compare(pd.DataFrame(both[0] + both[1]))
    row = table[(table["kind"] == "tracks") & (table["metric"] == "score")].iloc[0]
    assert (row["track"], row["a"], row["b"]) == ("native, matched", "jax/gru", "jax/gru")
    assert row["effect"] == pytest.approx(0.002)


def test_a_study_is_compared_with_matched_where_the_data_are_the_same():
    tracks = {"matched": 0.002, "noclip": 0.004, "forget0": 0.003, "length50": 0.001}
    table = pd.concat(
        pd.DataFrame(method("lstm", [s] * 6, [300.0] * 6, "jax", t)) for t, s in tracks.items()
    )
    other = table["track"] == "length50"
    table.loc[other, "data_sha256"] = "other " + table.loc[other, "data_sha256"]
    # What diverged saw less data, but no other.
    stopped = (table["track"] == "noclip") & (table["seed"] == 0)
    table.loc[stopped, ["status", "data_sha256"]] = ["diverged", ""]
    found = compare(table)
    assert set(found["track"]) == {"noclip, matched", "forget0, matched"}
    assert found.set_index(["track", "metric"]).loc[
        ("forget0, matched", "score"), "effect"
    ] == pytest.approx(0.001)


def test_few_seeds_have_effects_but_no_interval():
    table = runs(lstm=(0.002, 800), gru=(0.002, 300))
    found = compare(table[table["seed"] < 4])
    rows = found[found["metric"] != "solved"]
    assert rows["effect"].notna().all()
    assert rows[["low", "high", "p", "p_holm", "p_logrank"]].isna().all(axis=None)


def test_summaries_count_divergence_as_not_solved():
    table = runs(gru=(0.002, 300))
    table.loc[0, ["status", "score", "solved", "steps_to_solve"]] = [
        "diverged",
        np.nan,
        False,
        np.nan,
    ]
    row = comparisons.summarise(table).iloc[0]
    assert (row["n"], row["diverged"], row["solved"]) == (7, 1, 7)
    assert row["solve_rate"] == 7 / 8
    assert row["rate_low"] < 7 / 8 < row["rate_high"]
    assert (row["steps_low"], row["steps"], row["steps_high"]) == (300, 350, 400)


def test_aggregates_use_whole_seeds():
    table = runs(gru=(0.002, 300))
    means, profiles = comparisons.aggregate(table)
    assert set(means["n"]) == {8}
    assert means["mean"].to_numpy() == pytest.approx((0.002 - 1 / 6) / (0.01 - 1 / 6), abs=1e-3)
    assert (profiles["share"] == 1).all()
    # Wilson's interval for eight of eight.
    assert profiles["low"].to_numpy() == pytest.approx(8 / (8 + 1.959964**2))
    assert profiles["high"].to_numpy() == pytest.approx(1)
    table.loc[table["seed"] < 4, "progress"] = 0.5
    profile = comparisons.aggregate(table)[1].set_index("threshold")
    assert set(profile.loc[0.5, "share"]) == {0.5}, "four of eight seeds are not above 0.5"
    assert (profile.loc[0.5, "low"] < 0.3).all()
    assert (profile.loc[0.5, "high"] > 0.7).all()


def ratios(high: float, control: float = 0.99) -> pd.DataFrame:
    """The clock's table: two frameworks, and the control under its two names."""
    rows = [
        ("large", "framework", "jax/manual/gru", "pytorch/stock/gru", 0.8, 0.7, high),
        ("large", "kernel", "jax/manual/gru", "jax/stock/gru", 0.5, 0.4, 0.6),
        ("large", "aa", "jax/manual/gru/again", "jax/manual/gru", 1.0, control, 1.05),
    ]
    columns = ["shape", "kind", "numerator", "denominator", "ratio", "low", "high"]
    return evidence_tables.speed_ratios(fakes.with_sides(pd.DataFrame(rows, columns=columns)))


def test_ratios_are_read_both_ways_round():
    found = ratios(0.9).set_index(["framework", "cell", "other_framework"])
    assert len(found) == 4, "the control is no comparison"
    turned = found.loc[("pytorch", "gru", "jax")]
    assert (turned["ratio"], turned["low"], turned["high"]) == (1 / 0.8, 1 / 0.9, 1 / 0.7)
    straight = found[found["kind"] == "framework"].loc[("jax", "gru", "pytorch")]
    assert turned["log_se"] == straight["log_se"] > 0
    assert turned["df"] == straight["df"] == 9
    plain = pd.DataFrame(
        [
            ("s", "cell", "jax/gru", "jax/lstm", 0.9, 0.8, 1.0),
            ("s", "aa", "jax/gru/again", "jax/gru", 1.1, 1.04, 1.2),
        ],
        columns=["shape", "kind", "numerator", "denominator", "ratio", "low", "high"],
    )
    plain = evidence_tables.speed_ratios(fakes.with_sides(plain))
    assert list(plain["cell"]) == ["gru", "lstm"]
    assert not plain["control_ok"].any()


def test_evidence_from_a_results_folder(tmp_path):
    with pytest.raises(UserError, match=r"runs\.csv: is not there; run the pipeline first"):
        evidence_tables.write(tmp_path)
    for seed in range(6):
        good = 1e-3 + 1e-5 * seed
        for cell, score in (("lstm", good), ("peephole", good), ("rnn", 0.17 + 1e-3 * seed)):
            for track in ("matched", "noclip"):
                run = Run("adding", "jax", cell, track, seed)
                write(run.path(tmp_path), record(run, score))
                norms = np.ones(100, np.float32)
                norms[:9] = 40  # large at the start, as of a network that has yet to learn
                norms[70] = np.inf if track == "noclip" else 3
                losses = np.linspace(2, 1, 100).astype(np.float32)
                losses[71:] *= 3 if track == "noclip" else 1
                write_arrays(
                    run.path(tmp_path), {}, {}, {"losses": losses, "gradient_norms": norms}
                )
    stage.write(tmp_path)
    insides.write_part(tmp_path, "adding")
    insides.join(tmp_path)
    evidence_tables.write(tmp_path)
    found = pd.read_csv(tmp_path / "claims.csv").set_index("claim")
    assert list(found.columns[:6]) == ["source", "verdict", "effect", "low", "high", "n"]
    assert found.loc["rnn-fails-where-lstm-solves", "verdict"] == "supported"
    assert found.loc["gradients-explode", "effect"] == 1
    assert found.loc["gru-steps-faster", "verdict"] == "not tested"
    norms = pd.read_csv(tmp_path / "gradient_norms.csv").set_index("track")
    assert set(norms.loc["matched", "spike"]) == {3}
    assert norms.loc["noclip", "spike"].min() > 1e30
    assert norms["exploded"].groupby(level=0).all().to_dict() == {"matched": False, "noclip": True}
    for name in layout.names("evidence"):
        assert len(pd.read_csv(tmp_path / f"{name}.csv")), name
    # What did not pass the gate is in no comparison.
    scores = pd.read_csv(tmp_path / "scores.csv")
    scores.assign(comparable=scores["cell"] != "rnn").to_csv(tmp_path / "scores.csv")
    evidence_tables.write(tmp_path)
    found = pd.read_csv(tmp_path / "claims.csv").set_index("claim")
    assert found.loc["rnn-fails-where-lstm-solves", "verdict"] == "not tested"
    assert set(pd.read_csv(tmp_path / "summary.csv")["cell"]) == {"lstm", "peephole"}


def test_the_margin_is_that_of_the_table_of_tasks(tmp_path):
    for seed in range(5):
        for cell in ("lstm", "gru"):
            run = Run("adding", "jax", cell, "matched", seed)
            write(run.path(tmp_path), record(run, 1e-3 + 1e-5 * seed * len(cell)))
    stage.write(tmp_path)
    table = pd.read_csv(tmp_path / "tasks.csv")
    assert table["margin"].tolist() == [0.001]
    table.assign(margin=0.25).to_csv(tmp_path / "tasks.csv", index=False)
    evidence_tables.write(tmp_path)
    for name, query in (
        ("claims", "claim == 'gru-scores-on-par'"), ("comparisons", "metric == 'score'"),
    ):  # fmt: skip
        found = pd.read_csv(tmp_path / f"{name}.csv").query(query)
        assert found["margin"].tolist() == [0.25]
    table.drop(columns="margin").to_csv(tmp_path / "tasks.csv", index=False)
    with pytest.raises(UserError, match=r"tasks\.csv: is of another version .*no column margin"):
        evidence_tables.write(tmp_path)
