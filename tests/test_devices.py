"""Devices without one: what is asked for, refused, set and read back, recorded and shown."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from jax.experimental import rnn

from analysis.speed import stage
from analysis.tables import runs as run_rows
from benchmarks.gpu import __main__ as benchmark
from benchmarks.gpu import gate
from cells import CELLS, ModelSpec
from harness.clock import campaign, card, samples
from harness.commands import command_line
from harness.conformance import against_reference, answers, examples
from harness.files import write_text
from harness.layout import read
from harness.plan.campaigns import Campaign, Method, Shape, campaign_from
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.registry import framework, framework_names
from harness.run import loop, records
from implementations import DEVICES, Framework, NoDevice
from implementations.jax import gpu as jax_gpu
from implementations.pytorch import gpu as torch_gpu
from implementations.pytorch import graph, model
from implementations.rule import updates
from report.sections import provenance
from tests.conftest import TINY
from tests.test_configuration import load
from tests.test_records import ignore

CARD = {
    "card": "Made-up H100", "driver": "580.1", "cuda": "13.0", "cudnn": "9.19.0",
    "precision": "ieee", "deterministic": False,
}  # fmt: skip
RUN = Run("adding", "pytorch", "lstm", "matched", 0)


def test_device_and_precision_reach_runs_campaigns_and_commands(tmp_path):
    found = load(tmp_path, device="gpu", precision="default")
    run = next(run for run in found.runs if run.framework == "pytorch" and run.track == "matched")
    words = found.settings_of(run).arguments(run, 1).split()
    asked = command_line._parser().parse_args(["train", *words])
    assert (asked.device, asked.precision) == ("gpu", "default")
    (one, *_) = found.campaigns
    assert (one.device, one.precision) == ("gpu", "default")
    assert {m.kernel for m in one.methods if m.framework == "pytorch"} == {"graph", "stock"}
    assert campaign_from(json.loads(json.dumps(one.as_dict()))) == one
    # What an earlier version wrote of a CPU is what this one writes.
    (plain, *_) = load(tmp_path).campaigns
    assert "precision" not in plain.as_dict()
    assert campaign_from(plain.as_dict()) == plain


@pytest.mark.parametrize("name", ["equinox", *framework_names()])
def test_a_kernel_is_where_it_says_it_is(name):
    its, shape = framework(name), (32, 100)
    for cell in CELLS:
        spec = ModelSpec(cell, 1, 2, 64, 1, False, "mse")
        for device in DEVICES:
            assert its.choice(spec, *shape, device) in its.kernels_of(cell, device)
    on_cpu = {k for cell in CELLS for k in its.kernels_of(cell)}
    assert not on_cpu & {"graph", "cudnn", "unrolled"}
    assert "manual" not in framework("pytorch").kernels_of("lstm", "gpu")


def test_tensorflow_takes_cudnn_for_long_sequences_on_a_gpu():
    its = framework("tensorflow")

    def chosen(cell: str, length: int, device: str) -> str:
        return its.choice(ModelSpec(cell, 1, 2, 64, 1, False, "mse"), 32, length, device)

    assert [chosen(cell, 100, "gpu") for cell in ("lstm", "gru", "rnn", "mgu")] == [
        "cudnn", "cudnn", "stock", "equations",
    ]  # fmt: skip
    assert chosen("lstm", 10, "gpu") == chosen("lstm", 100, "cpu") == "stock"


def run_on_gpu(its: Framework, tmp_path, cell: str = "lstm") -> dict:
    """The record of a run that is asked to go on a GPU."""
    settings = replace(resolve("adding", TINY, "test"), device="gpu")
    run = replace(RUN, framework=its.name, cell=cell)
    record, _ = loop.run(its, run, settings, 1, tmp_path, ignore)
    records.check(record, "test")
    return record


@pytest.mark.parametrize(
    ("name", "says"),
    [("pytorch", "device: PyTorch 2."), ("jax", "device: JAX 0.")],
)
def test_no_gpu_is_unavailable_with_one_sentence(name, says, tmp_path, monkeypatch):
    its = framework(name)
    monkeypatch.setattr(Framework, "pin", lambda *_: None)  # not in the tests' own process
    record = run_on_gpu(its, tmp_path)
    assert (record["status"], record["device"]) == ("unavailable", None)
    assert record["reason"].startswith(says)
    assert " finds no GPU (" in record["reason"]
    assert record["reason"].endswith("or set device: cpu")
    assert "accelerator" not in record


def test_an_old_driver_is_named_as_pytorch_does(monkeypatch):
    def init() -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found 11040).\nPlease …")

    monkeypatch.setattr(torch.cuda, "init", init)
    with pytest.raises(NoDevice, match=r"too old \(found 11040\)\); install a build for CUDA and"):
        framework("pytorch").prepare("gpu", "ieee")


def test_a_framework_for_the_cpu_alone_says_so():
    its = replace(framework("jax"), name="mine")
    module = SimpleNamespace()
    monkey = pytest.MonkeyPatch()
    monkey.setitem(sys.modules, "implementations.mine", module)
    monkey.setitem(sys.modules, "implementations.mine.model", module)
    with pytest.raises(NoDevice, match=r"mine has no implementations/mine/gpu\.py"):
        its.prepare("gpu", "ieee")
    monkey.undo()
    assert its.prepare("cpu", "ieee") is None


@pytest.mark.parametrize("its", [torch_gpu, jax_gpu])
def test_precisions_are_set_and_read_back(its):
    try:
        assert its.precision_now() == "default"
        its.set_precision("ieee")
        assert its.precision_now() == "ieee"
        its.set_precision("default")
        assert its.precision_now() == "default"
    finally:
        its.set_precision("default")


def test_switches_that_disagree_are_no_precision():
    try:
        torch.backends.cudnn.rnn.fp32_precision = "ieee"
        assert torch_gpu.precision_now() == "matmul none, rnn ieee, conv tf32"
    finally:
        torch_gpu.set_precision("default")


def on_a_made_up_gpu(monkeypatch) -> None:
    """PyTorch's models on the CPU, with everything said of a GPU."""
    monkeypatch.setattr(Framework, "prepare", lambda *_: dict(CARD))
    monkeypatch.setattr(Framework, "device_peak_mb", lambda *_: 12.34)
    monkeypatch.setattr(graph.Replay, "_captured", lambda self: self._one)
    monkeypatch.setattr(model, "on", lambda _: torch.device("cpu"))


def test_a_model_that_is_on_the_cpu_after_all_is_refused(monkeypatch, tmp_path):
    on_a_made_up_gpu(monkeypatch)
    record = run_on_gpu(framework("pytorch"), tmp_path)
    assert record["reason"] == "RuntimeError: the model is on cpu, not on gpu"


def test_a_record_and_the_page_name_the_card(monkeypatch, tmp_path):
    on_a_made_up_gpu(monkeypatch)
    monkeypatch.setattr(loop, "device_of", lambda _: "gpu")
    record = run_on_gpu(framework("pytorch"), tmp_path)
    assert (record["status"], record["device"], record["kernel"]) == ("ok", "gpu", "graph")
    assert record["accelerator"] == CARD | {"peak_mb": 12.3}
    assert record["steps"] == TINY["steps"]
    (machine,) = run_rows.machines([record])
    assert machine["processor"].endswith(" with Made-up H100 (float32 ieee)")
    assert machine["packages"].endswith("cuda 13.0, cudnn 9.19.0, driver 580.1")
    frame = pd.DataFrame(run_rows.rows([record]))

    class Tables(dict):
        def rows(self, name: str) -> list[dict]:
            return [machine]

    assert " with Made-up H100 (float32 ieee), " in provenance._line(Tables(runs=frame))


def after_some_steps(model: Any, spec: ModelSpec, weighted: bool, *rules: str) -> dict:
    """Losses and norms of some steps of each rule, and the weights after all of them."""
    inputs, targets = examples.random_batches(spec, 4)
    counts = [examples.random_sample_weights(spec, 4)] if weighted else []
    found: dict = {}
    for rule in rules:
        constants = updates(answers.RULES[rule], 1, 4)
        placed = model.place(inputs, targets, constants, *counts)
        for kind, values in zip(("losses", "norms"), model.train(placed), strict=True):
            found[f"{rule}: {kind}"] = values.copy()
    return found | model.weights()


@pytest.mark.parametrize(
    ("kernel", "weighted"), [("graph", True), ("graph", False), ("equations", False)]
)
def test_a_captured_step_computes_what_the_loop_does(kernel, weighted, monkeypatch):
    """Without a GPU nothing is captured; the step, its counter and its update are the same.

    The cell is the GRU, part of whose second bias is trained.
    """
    on_a_made_up_gpu(monkeypatch)
    spec, its = ModelSpec("gru", 2, 2, 5, 3, False, "mse", "float64"), framework("pytorch")
    weights = examples.random_weights(spec)
    slow, fast = its.build(spec, weights, "stock"), its.build(spec, weights, kernel, "gpu")
    wanted, found = (after_some_steps(one, spec, weighted, *answers.RULES) for one in (slow, fast))
    assert found.keys() == wanted.keys()
    inputs, targets = examples.random_batches(spec, 4)
    placed = [(one, one.place(inputs, targets, np.ones((4, 7)))) for one in (slow, fast)]
    wanted["loss"], found["loss"] = (one.losses(data).copy() for one, data in placed)
    wanted["norm"], found["norm"] = (one.gradients(data).copy() for one, data in placed)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_cudnns_weights_in_jax_stand_where_its_own_reference_looks(monkeypatch):
    def reference(x, h, c, w, lengths, d, size, layers, *rest):
        parts = rnn.unpack_lstm_weights(w, d, size, layers, False)
        return rnn.lstm_ref(x, h, c, *parts, lengths, d, size, layers, *rest)

    monkeypatch.setattr(rnn, "lstm", reference)
    spec, its = ModelSpec("lstm", 2, 2, 5, 3, False, "mse"), framework("jax")
    weights = examples.random_weights(spec)
    wanted, *others = (
        after_some_steps(its.build(spec, weights, k), spec, False, "adam, each variable clipped")
        for k in ("manual", "cudnn", "unrolled")
    )
    for name, value in wanted.items():
        for found in others:
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ["jax", "pytorch"])
def test_a_native_model_takes_what_the_clock_has_placed(name):
    spec, its = ModelSpec("gru", 1, 2, 5, 3, False, "mse"), framework(name)
    one, other = (its.native(spec, answers.RULES["adam"], 0) for _ in range(2))
    inputs, targets = examples.random_batches(spec, 4)
    placed = one.place(inputs, targets)
    for found, wanted in zip(one.train(*placed), other.train(inputs, targets), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_tf32_is_allowed_what_was_named_before_any_run():
    named = {"forward": 1e-2, "gradient": 2e-2, "trajectory": 1e-1}
    assert against_reference.tolerances("float32", "default") == named
    for dtype in ("float32", "float64"):
        exact = against_reference.TOLERANCE[dtype]
        assert against_reference.tolerances(dtype, "ieee") == exact
    assert against_reference.tolerances("float64", "default") == exact


def made_up_nvml() -> SimpleNamespace:
    energy = iter([1000, 3500])
    return SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda _: "card",
        nvmlDeviceGetTotalEnergyConsumption=lambda _: next(energy),
        nvmlDeviceGetPowerUsage=lambda _: 450_000,
        nvmlDeviceGetClockInfo=lambda _, kind: 1980,
        nvmlDeviceGetTemperature=lambda _, kind: 55,
        nvmlDeviceGetCurrentClocksThrottleReasons=lambda _: 0x4 | 0x1,
    )


def test_a_block_on_a_gpu_says_how_fast_the_card_ran(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", made_up_nvml())
    own = SimpleNamespace(stopwatch=lambda: (lambda: None, lambda: 0.03), peak_mb=lambda: 5.0)
    found = card.Card(SimpleNamespace(load=lambda _: own)).timed(  # type: ignore[arg-type]
        lambda device: {"wall_s": 0.04, "device_s": device[1]()}
    )
    assert found == {
        "wall_s": 0.04, "device_s": 0.03, "energy_j": 2.5, "power_w": 450.0, "sm_mhz": 1980,
        "temperature_c": 55, "throttled": "power limit", "device_mb": 5.0,
    }  # fmt: skip
    monkeypatch.setitem(sys.modules, "pynvml", None)
    bare = card.Card(SimpleNamespace(load=lambda _: SimpleNamespace(peak_mb=lambda: 5.0)))  # type: ignore[arg-type]
    unread = bare.timed(lambda device: {"wall_s": 0.04})
    assert (unread["sm_mhz"], unread["device_s"]) == (None, None)


def test_who_waits_for_a_gpu_was_not_disturbed():
    waits = {"wall_s": 0.1, "cpu_s": 0.01, "switches": 0, "jump_s": 0.0, "waited_s": 0.0}
    assert samples.mark(waits) == "disturbed"
    assert samples.mark(waits | {"device_s": None}) == ""
    assert samples.mark(waits | {"device_s": None, "waited_s": 0.02}) == "disturbed"


def test_the_tables_of_a_card_name_it(tmp_path):
    """A made-up campaign: what the card said becomes a table, and its name is the machine's."""
    methods = (Method("pytorch", "graph", "lstm"), Method("pytorch", "native", "lstm"))
    shape = Shape("tiny", 2, 3, 1, 4, 1)
    asked = Campaign("tiny", (shape,), methods, 1, 1, 2, ("step",), peak=False, device="gpu")
    about = {
        "campaign": "one", "asked": asked.as_dict(), "problems": {}, "notes": [],
        "machine": {"processor": "p", "generation": "g", "cores": 2},
        "accelerators": {"pytorch": CARD},
    }  # fmt: skip
    write_text(tmp_path / "timing" / "tiny.json", json.dumps(about))
    block = {
        "phase": "step", "shape": "tiny", "steps": 10, "wall_s": 0.2, "cpu_s": 0.2, "waited_s": 0.0,
        "other_s": 0.0, "switches": 0, "jump_s": 0.0, "device_s": 0.1, "sm_mhz": 1980,
        "power_w": 450.0, "temperature_c": 55, "throttled": "power limit", "energy_j": 1.0,
        "device_mb": 7.0,
    }  # fmt: skip
    with samples.appended(tmp_path / "timing" / "tiny.csv", "one") as write:
        for method in methods:
            write(method, 0, 1, block)
            write(method, 0, -1, block | {"phase": campaign.ENERGY, "steps": 100, "energy_j": 500})
    stage.write(tmp_path, ["tiny"])
    (row, _) = read(tmp_path, "timing_device").to_dict("records")
    wanted = {
        "machine": "Made-up H100, driver 580.1, float32 ieee", "kernel": "graph", "host_ms": 20.0,
        "device_ms": 1.0, "joules_a_step": 5.0, "sm_mhz": 1980.0, "device_mb": 7.0,
        "throttled": "power limit in 1 of 1 blocks", "cudnn": "9.19.0", "precision": "ieee",
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted
    assert set(read(tmp_path, "timing")["machine"]) == {wanted["machine"]}


def test_the_benchmark_keeps_to_its_time_and_says_what_it_left_out(tmp_path, capsys):
    words = ["--output", str(tmp_path / "gpu"), "--device", "cpu", "--dry", "--minutes", "0.1"]
    assert benchmark.main(words) == 0
    said = capsys.readouterr().out
    assert "gate ieee: left out, 6 s are too little for it." in said
    assert "default:" not in said.replace("published default", "")


def test_the_benchmark_measures_the_published_point_in_small(tmp_path):
    words = ["--part", "published", "--output", str(tmp_path), "--device", "cpu", "--dry"]
    assert benchmark.main(words) == 0
    rows = json.loads((tmp_path / "published_point.json").read_text(encoding="utf-8"))
    assert [(row["dtype"], row["what"]) for row in rows[:2]] == [
        ("float16", "forward"), ("float16", "gradient"),
    ]  # fmt: skip


def test_both_precisions_of_the_gate_stand_in_one_table(tmp_path):
    row = {
        "framework": "pytorch", "kernel": "stock", "track": "matched", "cell": "rnn", "layers": 1,
        "outputs": "last step", "dtype": "float32", "check": "forward", "max_error": 2e-5,
        "tolerance": 1e-5, "passed": False, "counted": None, "detail": "",
    }  # fmt: skip
    parts = tmp_path / "conformance" / "parts"
    against_reference.write(parts / "pytorch-ieee-0.csv", [row])
    loose = row | {"tolerance": 1e-2, "passed": True}
    against_reference.write(parts / "pytorch-default-0.csv", [loose])
    gate._join(tmp_path / "conformance", "pytorch")
    table = pd.read_csv(tmp_path / "conformance" / "pytorch.csv")
    assert table["dtype"].tolist() == ["float32", "float32, default precision"]
    assert gate.verdicts(tmp_path, "default") == {}
    assert gate.verdicts(tmp_path, "ieee") == {
        "pytorch/stock/rnn": "does not conform: forward in float32 is off by 2e-05, allowed 1e-05"
    }
