"""Several seeds in one batch of models: each as if it were alone, each with its own record."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cells import ModelSpec
from harness.commands import command_line
from harness.conformance import against_reference
from harness.errors import UserError
from harness.plan.run import Run
from harness.plan.settings import Settings, resolve
from harness.plan.together import batches
from harness.registry import framework
from harness.run import loop, records, together
from implementations.functional import FunctionalBatch
from tests.conftest import SMALL, TINY, overrides, snakemake, table
from tests.test_configuration import load
from tests.test_records import ignore

RUN = Run("adding", "jax", "gru", "matched", 0)
LONGER = TINY | {"steps": 9}


def in_a_batch(runs: list[Run], settings: Settings, folder: Any) -> list[tuple[dict, Any]]:
    found = together.run(framework("jax"), runs, settings, 1, folder, lambda *_: None)
    for record, _ in found:
        records.check(record, "test")
    return found


@pytest.mark.parametrize("track", ["matched", "initialisation"])
def test_each_seed_is_trained_as_if_it_were_alone(track, tmp_path):
    settings = resolve("adding", LONGER, "test", "gru")
    runs = [replace(RUN, seed=seed, track=track) for seed in (3, 0, 7)]
    found = in_a_batch(runs, settings, tmp_path)
    for run, (record, progress) in zip(runs, found, strict=True):
        alone, wanted = loop.run(framework("jax"), run, settings, 1, tmp_path, ignore)
        assert (record["seed"], record["status"], record["together"]) == (run.seed, "ok", 3)
        assert "together" not in alone
        for same in ("data_sha256", "parameters", "kernel", "steps", "command"):
            assert record[same] == alone[same]
        assert record["weights_sha256"]["initial"] == alone["weights_sha256"]["initial"]
        np.testing.assert_allclose(
            progress.dynamics()["losses"], wanted.dynamics()["losses"], rtol=1e-5
        )
        assert record["score"] == pytest.approx(alone["score"], rel=1e-4)
        assert [row["step"] for row in record["curve"]] == [0, 3, 6, 9]


def test_one_that_diverges_or_fails_leaves_and_the_others_go_on(tmp_path, monkeypatch):
    settings = resolve("adding", LONGER, "test", "gru")
    runs = [replace(RUN, seed=seed) for seed in range(4)]
    usual = FunctionalBatch.train
    calls = []

    def train(self: FunctionalBatch, placed: Any) -> Any:
        losses, norms = (values.copy() for values in usual(self, placed))
        calls.append(len(placed))
        losses[1] = np.nan  # the second seed's, which leaves after its first chunk
        return losses, norms

    drawn = loop.streams.TrainingStream

    def stream(task: Any, budget: Any, seed: int) -> Any:
        if seed == 2:  # it fails before it has a model, and so has no row
            raise RuntimeError("no data")
        return drawn(task, budget, seed)

    monkeypatch.setattr(FunctionalBatch, "train", train)
    monkeypatch.setattr(loop.streams, "TrainingStream", stream)
    found = [record for record, _ in in_a_batch(runs, settings, tmp_path)]
    assert [r["status"] for r in found] == ["ok", "diverged", "failed", "ok"]
    assert found[1]["reason"] == "the loss was not finite at step 1"
    assert found[2]["reason"] == "RuntimeError: no data"
    assert [r["steps"] for r in found] == [9, 3, 0, 9]
    assert calls == [3, 3, 3]


def test_what_fails_for_all_is_in_every_record(tmp_path, monkeypatch):
    def train(self: FunctionalBatch, placed: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(FunctionalBatch, "train", train)
    settings = resolve("adding", TINY, "test", "gru")
    found = in_a_batch([RUN, replace(RUN, seed=1)], settings, tmp_path)
    assert {r["reason"] for r, _ in found} == {"RuntimeError: out of memory"}


def test_a_model_in_a_batch_passes_the_checks_and_one_that_is_touched_does_not(monkeypatch):
    its, chosen = framework("jax"), {"mgu": ["equations"]}
    # In float64 a processor with AVX-512 may be wrong: benchmarks/jax_batch.py.
    small = [ModelSpec("mgu", 1, 2, 5, 3, False, "mse", "float32")]
    monkeypatch.setattr(against_reference, "SPECIFICATIONS", small)
    monkeypatch.setattr(against_reference, "LOSSES", ())

    def checked() -> dict[str, bool]:
        rows = against_reference.check(its, chosen, "cpu", together=True)
        return {r["check"]: r["passed"] for r in rows if r["check"].endswith(", in a batch")}

    found = checked()
    assert {"forward, in a batch", "gradient, in a batch"} <= found.keys()
    assert all(found.values())
    usual = FunctionalBatch.train

    def train(self: FunctionalBatch, placed: Any) -> Any:
        return usual(self, placed[::-1][1:] + placed[:1])  # each row with another's data

    monkeypatch.setattr(FunctionalBatch, "train", train)
    found = checked()
    assert not found["gradient, in a batch"]


def test_which_runs_share_a_batch(tmp_path):
    asked = {
        "frameworks": ["jax", "pytorch"], "cells": ["gru"], "tasks": ["adding"],
        "studies": ["cells", "frameworks"], "seeds": [0, 1, 2, 3, 4], "seeds_together": 3,
    }  # fmt: skip
    found = batches(load(tmp_path, **asked))
    of_jax = [run for runs in found.values() for run in runs]
    assert {run.framework for run in of_jax} == {"jax"}
    assert "native" not in {run.track for run in of_jax}
    assert all(
        2 <= len(seeds) <= 3 and run.seed == seeds[0] for seeds in found for run in found[seeds]
    )
    assert not batches(load(tmp_path, **asked | {"seeds_together": 1}))
    with pytest.raises(UserError, match="seeds_together: no two of the runs"):
        batches(load(tmp_path, **asked | {"frameworks": ["pytorch"]}))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["--framework", "pytorch"],
            "--framework: pytorch's .* cannot train several models in one",
        ),
        (["--track", "native"], "--track: native models are trained alone"),
        (["--seeds", "3"], "--seeds: must be at least two numbers such as 0,1,2, not '3'"),
        (["--seeds", "a,b"], "--seeds: must be at least two numbers"),
    ],
)
def test_what_cannot_be_in_a_batch_is_one_sentence(words, says, tmp_path):
    usual = {
        "--task": "adding", "--framework": "jax", "--cell": "gru", "--seeds": "0,1",
        "--results": str(tmp_path),
    }  # fmt: skip
    given = usual | dict([words])
    with pytest.raises(UserError, match=says):
        command_line.run(["together", *(word for pair in given.items() for word in pair)])


def test_the_pipeline_trains_seeds_together_and_records_each(tmp_path):
    results = tmp_path / "results"
    config = SMALL | {
        "frameworks": "[jax, pytorch]", "seeds": "[0, 1, 2]", "seeds_together": 2,
        "overrides": overrides(["adding"]), "studies": "[frameworks]", "tracks": "[matched]",
    }  # fmt: skip
    done = snakemake(results, **config)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = table(results, "runs").set_index(["framework", "seed"])
    assert set(runs["status"]) == {"ok"}
    told = {key: records.read(results / "runs" / f"adding-{key[0]}-rnn-matched-seed{key[1]}.json")
            for key in runs.index}  # fmt: skip
    assert {key: r.get("together") for key, r in told.items()} == {
        ("jax", 0): 2, ("jax", 1): 2, ("jax", 2): None,
        ("pytorch", 0): None, ("pytorch", 1): None, ("pytorch", 2): None,
    }  # fmt: skip
    assert runs.loc["jax", "together"].tolist()[:2] == [2, 2]
    # One of them is damaged: the batch is made again, and nothing else.
    path = results / "runs" / "adding-jax-rnn-matched-seed1.json"
    path.write_text(json.dumps(records.read(path) | {"status": "failed", "reason": "by a test"}))
    again = snakemake(results, **config)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "[2/2]" in again.stdout
    assert records.read(path)["status"] == "ok"
