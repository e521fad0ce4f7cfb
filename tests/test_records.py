"""Records: checked, written in one step, and damage is noticed and named."""

import itertools
import json
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from harness import machine
from harness.errors import UserError
from harness.files import replacing, write_text
from harness.pipeline import progress
from harness.plan import asked, tracks
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.registry import framework
from harness.run import loop, records, solving, streams
from implementations import Framework
from tasks.adding import Adding
from tests.conftest import ROOT, TINY
from tests.fakes import with_model


def ignore(step: int, loss: float, score: float) -> None:
    """What ``on_chunk`` does where nobody looks."""


RUN = Run("adding", "pytorch", "gru", "matched", 0)
PYTORCH = framework("pytorch")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    settings = resolve("adding", TINY, "test")
    record, state = loop.run(PYTORCH, RUN, settings, 1, tmp_path_factory.mktemp("cache"), ignore)
    return record, state


def test_a_run_leaves_a_complete_record(finished):
    record, state = finished
    records.check(record, "test")
    assert record["status"] == "ok"
    assert record["steps"] == 3
    assert [p["step"] for p in record["curve"]] == [0, 3]
    assert state.dynamics()["losses"].shape == (3,)
    assert record["parameters"]["total"] == sum(record["parameters"]["by_name"].values())
    assert record["device"] == "cpu"
    assert 0 < record["seconds"]["first_chunk"] < record["seconds"]["total"]
    assert record["versions"]["torch"].startswith("2.")
    assert record["gatebench"] == machine.gatebench()


def test_the_score_is_that_of_the_final_weights_on_the_test_data(finished):
    record, state = finished
    settings = resolve("adding", TINY, "test")
    spec = tracks.model_spec(RUN.cell, settings)
    model = PYTORCH.build(spec, state.weights, record["kernel"])
    scores = {}
    for split in ("validation", "test"):
        inputs, targets = streams.examples(settings.task, split, RUN.seed, 8)
        outputs = np.concatenate([model.predict(inputs[:4]), model.predict(inputs[4:])])
        scores[split] = settings.task.score(outputs, targets, inputs)
    assert record["score"] == scores["test"]
    assert record["curve"][-1]["score"] == scores["validation"]


@pytest.mark.parametrize("track", ["matched", "native"])
def test_how_often_it_is_evaluated_changes_nothing(tmp_path, track):
    finals = set()
    for every in (1, 2, 6):
        changes = {"steps": 6, "evaluate_every": every, "learning_rate": 0.1}
        settings = resolve("adding", TINY | changes, "test")
        record, _ = loop.run(PYTORCH, replace(RUN, track=track), settings, 1, tmp_path, ignore)
        finals.add(record["weights_sha256"]["final"])
    assert len(finals) == 1


@pytest.mark.parametrize(
    ("test_score", "steps_to_solve", "solved"), [(0.001, 6, True), (9.0, None, False)]
)
def test_steps_to_solve_are_of_a_solve_that_lasts_and_that_the_test_confirms(
    tmp_path, monkeypatch, test_score, steps_to_solve, solved
):
    # Before training, at steps 2 to 12, and on the test.
    scores = iter([9.0, 0.001, 9.0, 0.009, 0.01, 0.002, 9.0, test_score])
    monkeypatch.setattr(Adding, "score", lambda self, *answered: next(scores))
    settings = resolve("adding", TINY | {"steps": 12, "evaluate_every": 2}, "test")
    record, _ = loop.run(PYTORCH, RUN, settings, 1, tmp_path, ignore)
    assert (record["steps_to_solve"], record["solved"]) == (steps_to_solve, solved)


@pytest.mark.parametrize(
    ("scores", "step"),
    [
        ([0.9, 0.2, 0.1, 0.1, 0.9], 100),
        ([0.9, 0.2, 0.1, 0.9, 0.1, 0.1, 0.1], 400),
        ([0.9, 0.2, 0.1, 0.9, 0.1, 0.1], None),
        ([0.1, 0.2, 0.1, 0.9], None),
        ([0.1, 0.2, 0.1, 0.1], 100),
        ([0.9, 0.1, None, 0.1, 0.1], None),
        ([0.9, 0.1], None),
        ([], None),
    ],
    ids=[
        "lasts", "a single passage", "two are not three", "before training does not count",
        "nor does it hinder", "not finite", "a short budget", "no evaluation",
    ],
)  # fmt: skip
@pytest.mark.parametrize("higher", [False, True])
def test_a_solve_lasts_three_evaluations(scores, step, higher):
    sign = -1 if higher else 1
    curve = [
        {"step": 100 * i, "score": None if score is None else sign * score}
        for i, score in enumerate(scores)
    ]
    assert solving.first_lasting(curve, sign * 0.2, higher) == step


def test_the_command_in_a_record_repeats_it(finished):
    record, _ = finished
    words = record["command"].split()
    given = dict(w.split("=") for w in words if "=" in w)
    again = resolve("adding", given, "test")
    assert again.as_dict() == record["settings"]


def test_writing_and_reading(finished, tmp_path):
    record, state = finished
    path = RUN.path(tmp_path)
    records.write(path, record)
    records.write_arrays(path, state.initial, state.weights, state.dynamics())
    assert records.read(path) == record
    assert records.unfinished(path) == ""
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
        assert arrays["losses"].shape == (3,)
        initial = {f"initial.{name}" for name in state.weights}
        assert set(arrays) == {"losses", "gradient_norms", *initial, *state.weights}
        assert (arrays["gradient_norms"] > 0).all()
    assert sorted(p.name for p in path.parent.iterdir()) == [f"{RUN.name}.json", f"{RUN.name}.npz"]


def test_a_record_that_does_not_fit_is_not_written(finished, tmp_path):
    record, _ = finished
    with pytest.raises(UserError, match="status"):
        records.write(RUN.path(tmp_path), record | {"status": "fine"})
    with pytest.raises(ValueError, match="JSON"):
        records.write(RUN.path(tmp_path), record | {"score": float("nan")})
    assert not RUN.path(tmp_path).exists()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text[: len(text) // 2], "not a readable record"),
        (lambda text: "", "not a readable record"),
        (lambda text: "[1, 2]", "not a record"),
        (lambda text: text.replace('"status": "ok"', '"status": "fine"'), "status"),
        (lambda text: text.replace('"seed": 0', '"seed": 7'), "record of another run"),
        (
            lambda text: text.replace('"cell": "gru"', '"cell": "lstn"'),
            "'lstn' is not in cells/; put",
        ),
        (lambda text: text.replace('"status": "ok"', '"status": "failed"'), "failed"),
        (lambda text: text.replace('"status": "ok"', '"status": "unavailable"'), "unavailable"),
    ],
)
def test_a_damaged_record_is_named_and_run_again(finished, tmp_path, damage, says):
    path = RUN.path(tmp_path)
    write_text(path, damage(json.dumps(finished[0])))
    reason = records.unfinished(path)
    assert says in reason
    assert str(path) in reason


def test_a_diverged_run_stands(finished, tmp_path):
    records.write(RUN.path(tmp_path), finished[0] | {"status": "diverged", "score": None})
    assert records.unfinished(RUN.path(tmp_path)) == ""


def test_divergence_is_a_result(tmp_path):
    settings = resolve("adding", TINY | {"learning_rate": 1e30, "clip": 0, "steps": 9}, "test")
    run = Run("adding", "pytorch", "rnn", "matched", 0)
    record, state = loop.run(PYTORCH, run, settings, 1, tmp_path, ignore)
    assert record["status"] == "diverged"
    step = int(np.argmin(np.isfinite(state.dynamics()["losses"]))) + 1
    assert record["reason"] == f"the loss was not finite at step {step}"
    assert record["score"] is None
    records.check(record, "test")


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_score_too_large_for_its_type_is_divergence(tmp_path):
    def wild(*given):
        model = PYTORCH.build(*given)
        model.predict = lambda inputs: np.full((len(inputs), 1), 3e38, np.float32)
        return model

    its = with_model(PYTORCH, SimpleNamespace(build=wild))
    record, _ = loop.run(its, RUN, resolve("adding", TINY, "test"), 1, tmp_path, ignore)
    assert record["status"] == "diverged"
    records.write(RUN.path(tmp_path), record)


def test_what_a_framework_raises_ends_in_the_record(tmp_path):
    def broken(*_):
        raise RuntimeError("no such kernel\nand more")

    its = with_model(PYTORCH, SimpleNamespace(build=broken))
    record, _ = loop.run(its, RUN, resolve("adding", TINY, "test"), 1, tmp_path, ignore)
    assert (record["status"], record["reason"]) == ("failed", "RuntimeError: no such kernel")
    records.check(record, "test")


def test_a_framework_that_is_not_installed_is_unavailable(monkeypatch, tmp_path):
    def missing(*_):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(Framework, "load", missing)
    record, _ = loop.run(PYTORCH, RUN, resolve("adding", TINY, "test"), 1, tmp_path, ignore)
    assert record["status"] == "unavailable"
    assert "torch" in record["reason"]


def test_a_model_elsewhere_than_asked_is_refused(tmp_path):
    def elsewhere(*given):
        model = PYTORCH.build(*given)
        model.device = lambda: "cuda"
        return model

    its = with_model(PYTORCH, SimpleNamespace(build=elsewhere))
    record, _ = loop.run(its, RUN, resolve("adding", TINY, "test"), 1, tmp_path, ignore)
    assert record["status"] == "failed"
    assert record["reason"] == "RuntimeError: the model is on gpu, not on cpu"


def test_a_record_of_the_version_before_is_named_as_one_and_not_misread(finished, tmp_path):
    path = RUN.path(tmp_path)
    old = finished[0] | {"schema": 3}
    write_text(path, json.dumps({key: value for key, value in old.items() if key != "device"}))
    assert records.unfinished(path) == (
        f"{path}: is a record of another version (schema 3, not 4)."
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"score": float("nan")}, "is not a readable record (it has the value NaN)."),
        ({"score": 1e300}, "score: must be at most 1e+100, not 1e+300."),
        ({"reason": "x" * 5_000_000}, "reason: must have 10000 characters at most."),
        ({"cell": "lstn"}, "its cell 'lstn' is not in cells/"),
    ],
)
def test_what_cannot_have_been_measured_is_no_record(finished, tmp_path, change, says):
    path = RUN.path(tmp_path)
    write_text(path, json.dumps(finished[0] | change))
    assert says in records.unfinished(path)


def test_a_long_reason_is_cut(finished, tmp_path):
    failed = finished[0] | {"status": "failed", "reason": "x" * 20_000}
    records.write(RUN.path(tmp_path), failed)
    assert len(records.read(RUN.path(tmp_path))["reason"]) == 10_000


def test_a_good_record_is_read_without_the_slow_validator(finished, tmp_path, monkeypatch):
    """Thousands of records are read before any run starts."""
    path = RUN.path(tmp_path)
    records.write(path, finished[0])
    monkeypatch.setitem(sys.modules, "jsonschema", None)  # to import it is an error
    assert records.read(path) == finished[0]
    path.write_text(json.dumps(finished[0] | {"steps": "many"}))
    with pytest.raises(ImportError):
        records.read(path)


def fail_while_writing(path):
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("the disk is gone")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="gone"):
        fail_while_writing(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_line_on_a_finished_run_says_how_many_are_left(finished, tmp_path):
    runs = tuple(Run("adding", "pytorch", "gru", "matched", seed) for seed in range(3))
    assert progress.finished_line(tmp_path, finished[0]).endswith(" s")
    progress.begin(tmp_path, len(runs))
    assert progress.finished_line(tmp_path, finished[0]).endswith(" s")
    progress.count(tmp_path)
    line = progress.finished_line(tmp_path, finished[0])
    assert line.startswith("adding pytorch gru matched seed 0: mean squared error ")
    assert "[1/3, about " in line
    for _ in runs[1:]:
        progress.count(tmp_path)
    assert progress.finished_line(tmp_path, finished[0]).endswith("[3/3]")


def test_no_time_is_taken_from_a_clock_that_jumps(tmp_path, monkeypatch):
    now = itertools.count(time.time(), -3600)
    monkeypatch.setattr(time, "time", lambda: next(now))
    record, _ = loop.run(PYTORCH, RUN, resolve("adding", TINY, "test"), 1, tmp_path, ignore)
    assert record["status"] == "ok"
    seconds = record["seconds"]
    total = seconds.pop("total")
    assert min(seconds.values()) >= 0
    assert sum(seconds.values()) <= total + 0.01 < 3600


def test_the_summary_names_what_failed_and_says_so_in_its_status(finished, tmp_path, capsys):
    asked.write_plan(tmp_path, (RUN,), [RUN.name], conformance=False)
    records.write(RUN.path(tmp_path), finished[0])
    assert progress.summary(tmp_path) == 0
    records.write(RUN.path(tmp_path), finished[0] | {"status": "failed", "reason": "no kernel"})
    assert progress.summary(tmp_path) == 1
    assert "failed: adding pytorch gru matched seed 0: no kernel" in capsys.readouterr().out


def test_the_status_names_what_is_missing(finished, tmp_path, capsys):
    asked.write_plan(tmp_path, (RUN, replace(RUN, seed=1)), [], campaigns=("small", "sweeps"))
    records.write(RUN.path(tmp_path), finished[0])
    write_text(tmp_path / "timing" / "small.json", "{}")
    for begun in ("timing/sweeps.csv", f"runs/{RUN.name[:-1]}1.json.old"):
        write_text(tmp_path / begun, "")
    assert progress.summary(tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "no record: adding-pytorch-gru-matched-seed1; the same snakemake command makes them",
        "no conformance check: pytorch; the same snakemake command makes them",
        "no timing: sweeps; the same snakemake command makes them",
    ]
    with pytest.raises(UserError, match="there is no such results folder; name one"):
        progress.summary(tmp_path / "nosuch")


def test_a_run_that_was_stopped_is_recorded_with_what_it_took(tmp_path):
    path = RUN.path(tmp_path)
    note = path.with_name(f".{path.stem}.peak.tmp")
    write_text(note, "8123.4")
    words = resolve("adding", TINY, "test").arguments(RUN, 1)
    crashed = f"-m harness crashed {words} --record {path} --results {tmp_path} --code 142"
    subprocess.run(
        ["bash", "-c", f"sleep 1; {sys.executable} {crashed} --shell $$ || exit 1"],
        cwd=ROOT, check=True,
    )  # fmt: skip
    record = records.read(path)
    assert record["status"] == "failed"
    assert record["peak_rss_mb"] == 8123.4
    assert record["seconds"]["total"] > 1, "from the start of the job, not of who records it"
    assert not note.exists()
