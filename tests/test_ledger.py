"""The whole ledger at once, on made-up tables of what `make full` runs, in worlds of known truth.

What a claim says of one table alone is tested in test_claims.py; here every case of every claim
has to come out right beside all the others, after Holm's correction over them.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.evidence import claims, evidence_tables
from analysis.inside import stage
from harness.plan.configuration import Configuration
from harness.plan.run import Run
from tests import fakes
from tests.conftest import ROOT
from tests.test_claims import MARGINS
from tests.test_configuration import default, load

LEDGER = claims.load(MARGINS)
# Its runs stand in a folder of their own; tests/test_published.py judges it there.
ELSEWHERE = "gru-solves-long-adding-lstm-not"
# Progress ahead of the matched run of the same cell, for the LSTM in a world as claimed.
HARDER = {"length50": -0.2, "length200": 0.2, "delay10": 0.1, "delay20": 0.2, "delay30": 0.3,
          "symbols4": -0.2, "symbols16": 0.2}  # fmt: skip
Values = dict[str, float]
# Standard deviations over seeds: of scores, in the task's margins; of steps and spikes, logarithms.
CALM = {"margins": 0.1, "early": 0.05, "decay": 0.02, "logarithm": 0.05}
WILD = {"margins": 500, "early": 3.0, "decay": 0.3, "logarithm": 1.0}


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Configuration:
    config = yaml.safe_load((ROOT / "workflows/config/full.yaml").read_text())
    for key in ("tracks", "timing"):
        config[key] = default()[key] | config[key]
    folder = tmp_path_factory.mktemp("full")
    return load(folder, **config | {"results": str(folder)})


def as_claimed(run: Run) -> Values:
    """Progress, steps to solve, progress after a quarter of the budget, factor λ and spike."""
    gated, framework = run.cell != "rnn", ("jax", "pytorch", "tensorflow").index(run.framework)
    found = {
        "progress": 1.05 if gated else 0.1,
        "steps": {"gru": 300.0, "lstm": 800.0, "rnn": 900.0}[run.cell],
        "early": {"gru": 0.8, "lstm": 0.3, "rnn": 0.0}[run.cell],
        "decay": 0.95 if gated else 0.8,
        "spike": 200.0 if run.track == "noclip" else 5.0,
    }
    if run.track == "native":
        found["progress"] += 0.2 * framework
        found["steps"] *= 2**framework
    if run.cell == "lstm":
        found["progress"] += HARDER.get(run.track, 0)
        found["steps"] *= {"forget0": 2, "chrono": 0.5}.get(run.track, 1)
    return found | {"delay30chrono": {"progress": 1.8}, "delay200": {"progress": 0.01}}.get(
        run.track, {}
    )


def against(run: Run) -> Values:
    """The same where every claim is wrong."""
    gated, framework = run.cell != "rnn", ("jax", "pytorch", "tensorflow").index(run.framework)
    found = {
        "progress": {"gru": 1.3, "lstm": 1.1, "rnn": 0.9}[run.cell],
        "steps": {"gru": 800.0, "lstm": 300.0, "rnn": 900.0}[run.cell],
        "early": {"gru": 0.3, "lstm": 0.8, "rnn": 0.0}[run.cell],
        "decay": 0.8 if gated else 0.95,
        "spike": 5.0 if run.track == "noclip" else 20.0,
    }
    if run.track != "native":
        found["progress"] += 0.02 * framework
        found["steps"] *= 2**framework
    if run.cell == "lstm":
        found["progress"] -= HARDER.get(run.track, 0)
        found["steps"] *= {"forget0": 0.5, "chrono": 2}.get(run.track, 1)
    return found | {"delay30chrono": {"progress": 0.2}, "delay200": {"progress": 0.4}}.get(
        run.track, {}
    )


def undecided(run: Run) -> Values:
    """No method differs from another, and the seeds scatter widely."""
    return {"progress": 0.6, "steps": 600.0, "early": 0.3, "decay": 0.9, "spike": 20.0}


def tables(
    full: Configuration, world: Any, ratios: tuple[float, float], parts: tuple[float, float],
    scatter: Values,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """What the ledger reads, as :func:`analysis.evidence.evidence_tables.read` gives it."""
    rng = np.random.default_rng(0)
    runs, flow, norms = [], [], []
    looked_into = {run for task in stage.tasks(full.runs) for run in stage.chosen(
        full.runs, task)}  # fmt: skip
    for run in full.runs:
        task, settings = full.settings_of(run).task, full.settings_of(run).as_dict()
        truth = world(run)
        way = task.solved - task.baseline
        margin = LEDGER.margins["score"][run.task] / abs(way)
        progress = truth["progress"] + scatter["margins"] * margin * rng.normal()
        early, decay = (truth[k] + scatter[k] * rng.normal() for k in ("early", "decay"))
        steps, spike = (
            truth[k] * np.exp(scatter["logarithm"] * rng.normal()) for k in ("steps", "spike")
        )
        runs.append(settings | vars(run) | {
            "status": "ok", "budget": 4000.0, "progress": progress, "early": early,
            "score": task.baseline + progress * way,
            "solved": progress >= 1, "steps_to_solve": steps if progress >= 1 else np.nan,
        })  # fmt: skip
        norms.append(vars(run) | {"spike": spike})
        if run in looked_into:
            flow += [
                vars(run) | {"moment": m, "cotangent": "random", "lag": lag, "decay": decay}
                for m in stage.MOMENTS
                for lag in (0, 9)
            ]
    counts = [
        {"framework": f, "track": t, "cell": cell, "matrices_to_lstm": part,
         "agrees": parts[0] == 0.75}
        for f in ("jax", "pytorch", "tensorflow")
        for t in ("matched", "native")
        for cell, part in (("gru", parts[0]), ("lstm", 1.0), ("rnn", parts[1]))
    ]  # fmt: skip
    timed = [
        {"shape": shape, "kind": "cell", "numerator": f"{f}/manual/gru", "processes": 10,
         "denominator": f"{f}/stock/lstm", "ratio": ratio, "low": ratio - 0.01,
         "high": ratio + 0.01, "numerator_hidden": 50 + (shape == "equal_parameters"),
         "denominator_hidden": 50}
        for f in ("jax", "pytorch", "tensorflow")
        for shape, ratio in (("article", ratios[0]), ("equal_parameters", ratios[1]))
    ]  # fmt: skip
    return {
        "runs": pd.DataFrame(runs), "gradient_flow": pd.DataFrame(flow),
        "gradient_norms": pd.DataFrame(norms), "parameter_counts": pd.DataFrame(counts),
        "speed_ratios": evidence_tables._speed_ratios(fakes.with_sides(pd.DataFrame(timed))),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("world", "ratios", "parts", "verdict"),
    [
        (as_claimed, (0.8, 1.0), (0.75, 0.25), "supported"),
        (against, (1.1, 1.2), (0.7602, 0.26), "refuted"),
    ],
)
def test_every_claim_is_decided_as_the_world_is(full, world, ratios, parts, verdict):
    found = claims.evaluate(LEDGER, tables(full, world, ratios, parts, CALM))
    wrong = found[(found["verdict"] != verdict) & (found["claim"] != ELSEWHERE)]
    assert (
        wrong[["claim", "framework", "task", "case", "verdict", "detail"]].to_dict("records") == []
    )
    assert set(found.loc[found["claim"] == ELSEWHERE, "verdict"]) == {"not tested"}
    assert np.isfinite(found["p_holm"]).sum() > 200, "beside this many tests"


def test_where_nothing_differs_and_seeds_scatter_nothing_is_decided(full):
    made_up = tables(full, undecided, (0.97, 1.03), (0.75, 0.25), WILD)
    found = claims.evaluate(LEDGER, made_up).set_index("claim")
    counted = ["gru-has-three-quarters", "rnn-has-a-quarter", "counts-follow-formula"]
    assert set(found.loc[counted, "verdict"]) == {"supported"}
    # That some norm leaps needs one run, so scatter alone shows it.
    others = found.drop(index=[*counted, "gradients-explode"])
    assert set(others["verdict"]) <= {"inconclusive", "not tested"}
    assert set(found.loc["gru-steps-faster", "verdict"]) == {"inconclusive"}
