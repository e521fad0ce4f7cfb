"""The preloader: who uses it, and what happens when it is not there or a pipeline is gone."""

import os
import select
import signal
import socket
import subprocess
import sys

import pytest

from harness import errors, limits
from harness.pipeline import forward, preloader, sockets
from tests.conftest import ROOT

RUN = ["--framework", "jax", "--results", "r"]


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    monkeypatch.delenv(sockets.FOLDER, raising=False)
    monkeypatch.delenv(errors.PIPELINE, raising=False)


def test_only_a_pipelines_runs_are_forwarded(monkeypatch, tmp_path):
    assert forward.forward(["train", *RUN]) is None, "no pipeline"
    monkeypatch.setenv(sockets.FOLDER, str(tmp_path / "another hosts folder"))
    assert forward.forward(["train", *RUN]) is None, "a pipeline elsewhere"
    monkeypatch.setenv(sockets.FOLDER, str(tmp_path))
    assert forward.forward(["train", "--framework", "jax"]) is None, "by hand"
    assert forward.forward(["tables", *RUN]) is None


def test_a_preloader_that_failed_is_not_tried_again(monkeypatch, tmp_path):
    monkeypatch.setenv(sockets.FOLDER, str(tmp_path))
    (tmp_path / "jax.started").touch()
    assert forward.forward(["train", *RUN]) is None


def test_whether_the_pipeline_is_gone(monkeypatch):
    assert not limits.pipeline_is_gone(), "there is none"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = socket.gethostname()
    for value, gone in (
        (f"{here}:{os.getpid()}", False),
        (f"{here}:{ended.pid}", True),
        (f"elsewhere:{ended.pid}", False),
    ):
        monkeypatch.setenv(errors.PIPELINE, value)
        assert limits.pipeline_is_gone() is gone


def test_a_run_whose_pipeline_is_gone_stops_without_a_record(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    record = tmp_path / "adding-pytorch-rnn-matched-seed0.json"
    words = (
        "train --task adding --framework pytorch --cell rnn --set hidden=4 --set steps=1000 "
        f"--set evaluate_every=1 --record {record} --results {tmp_path}"
    )
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words.split()],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, errors.PIPELINE: f"{socket.gethostname()}:{ended.pid}"},
    )  # fmt: skip
    assert done.returncode == os.EX_TEMPFAIL
    assert "gone" in done.stderr
    assert not record.exists()


def test_the_end_of_a_child_is_heard_without_a_poll():
    before = signal.getsignal(signal.SIGCHLD)
    with preloader._ends_of_children() as ends:
        assert select.select([ends], [], [], 0)[0] == []
        child = subprocess.Popen([sys.executable, "-c", ""])
        assert select.select([ends], [], [], 60)[0] == [ends]
        child.wait()
    assert signal.getsignal(signal.SIGCHLD) == before
